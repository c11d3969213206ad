"""VOTable files: TABLEDATA row by row from the XML, other serialisations through astropy.

Layout: IVOA Recommendation "VOTable Format Definition", 1.4.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa

from qproxy.catalog.model import Column
from qproxy.ingest.batch import ArrowArray, BadRow, Batch, InputError
from qproxy.ingest.formats import Format
from qproxy.ingest.readers.fits import to_arrow
from qproxy.ingest.readers.names import positions
from qproxy.ingest.types import NUMERIC_TYPES

BATCH_ROWS = 1 << 16
_NOT_A_NUMBER = frozenset(("", "nan", "+nan", "-nan", "inf", "+inf", "-inf"))
_TRUE, _FALSE = frozenset("tT1"), frozenset("fF0")


class _Field:
    """A FIELD of the file: its name, and the text that stands for NULL."""

    def __init__(self, element: ElementTree.Element) -> None:
        self.name = element.get("name") or element.get("ID") or ""
        self.kind = element.get("datatype", "")
        self.null: str | None = None
        for child in element:
            if _tag(child) == "VALUES":
                self.null = child.get("null")

    def value(self, text: str, column: Column) -> str | None:
        """A cell as the table is to hold it, None for NULL."""
        if self.kind in ("char", "unicodeChar"):
            return text
        text = text.strip()
        if text == self.null or text.lower() in _NOT_A_NUMBER:
            return None
        if self.kind == "boolean" or column.base_type not in NUMERIC_TYPES:
            return "1" if text in _TRUE or text.lower() == "true" else "0" if text in _FALSE else text
        return str(int(text, 16)) if text.lower().startswith("0x") else text


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb"))


def _batch(
    path: Path, rows: list[list[str | None]], bad: list[BadRow], lines: list[int], consumed: int, width: int
) -> Batch:
    by_column: list[ArrowArray] = [pa.array([row[i] for row in rows], pa.string()) for i in range(width)]
    return Batch(path, tuple(by_column), np.array(lines, np.int64), "row", False, tuple(bad), consumed)


def read_votable(path: Path, columns: tuple[Column, ...], form: Format) -> Iterator[Batch]:
    """The rows of the first table of a VOTable file; columns are found by their names, further ones are left out.

    Raises:
        InputError: the file cannot be read, has no table, or lacks a column.
    """
    fields: list[_Field] = []
    chosen: list[int] = []
    rows: list[list[str | None]] = []
    lines: list[int] = []
    bad: list[BadRow] = []
    number = 0
    try:
        with _open(path) as stream:
            parser = ElementTree.iterparse(stream, events=("start", "end"))
            body: ElementTree.Element | None = None
            for event, element in parser:
                tag = _tag(element)
                if event == "end" and tag == "FIELD":
                    fields.append(_Field(element))
                elif event == "start" and tag in ("BINARY", "BINARY2", "FITS"):
                    break
                elif event == "start" and tag == "TABLEDATA":
                    body = element
                    chosen = positions([f.name for f in fields], columns, path)
                elif event == "end" and tag == "TR" and body is not None:
                    number += 1
                    cells = [c.text or "" for c in element]
                    body.clear()
                    if len(cells) != len(fields):
                        bad.append(BadRow(path, number, "row", f"{len(cells)} cells instead of {len(fields)}"))
                        continue
                    rows.append([fields[i].value(cells[i], c) for i, c in zip(chosen, columns, strict=True)])
                    lines.append(number)
                    if len(rows) >= BATCH_ROWS:
                        yield _batch(path, rows, bad, lines, _position(stream), len(columns))
                        rows, lines, bad = [], [], []
                elif event == "end" and tag == "TABLE":
                    if body is None:
                        raise InputError(f"{path}: its first table has no rows that can be read")
                    yield _batch(path, rows, bad, lines, path.stat().st_size, len(columns))
                    return
            else:
                raise InputError(f"{path}: has no table")
        yield from _read_binary(path, columns)
    except (ElementTree.ParseError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read as VOTable: {error}") from error


def _position(stream: BinaryIO) -> int:
    """Bytes of the file on disk read so far."""
    inner = getattr(stream, "fileobj", None)
    return int(inner.tell()) if inner is not None else stream.tell()


def _read_binary(path: Path, columns: tuple[Column, ...]) -> Iterator[Batch]:
    """The rows of a table in one of the binary serialisations, which astropy reads as a whole."""
    try:
        from astropy.io.votable import parse_single_table
    except ImportError as error:
        raise InputError("reading binary VOTables needs astropy: pip install 'qproxy[fits]'") from error

    try:
        table = parse_single_table(path, verify="ignore")
    except Exception as error:  # astropy raises errors of many kinds on broken files
        raise InputError(f"{path}: cannot be read as VOTable: {error}") from error
    names = [str(f.name or f.ID) for f in table.fields]
    keys = [table.fields[i].ID for i in positions(names, columns, path)]
    data, size = table.array, path.stat().st_size
    for start in range(0, len(data), BATCH_ROWS):
        stop = min(len(data), start + BATCH_ROWS)
        arrays = tuple(to_arrow(data[k][start:stop], c, path) for k, c in zip(keys, columns, strict=True))
        yield Batch(path, arrays, np.arange(start + 1, stop + 1), "row", False, (), size * stop // len(data))
