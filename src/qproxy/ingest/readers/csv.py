r"""Delimited text, with the quotes and escapes of MySQL.

Values pass as their text. Arrow takes the rows apart; since it gives a backslash another meaning than MySQL does,
escapes that would confuse it are first rewritten into others (``\`` and a real tab into ``\t``), or into marks that
are undone afterwards.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from qproxy.catalog.model import Column
from qproxy.ingest.batch import ArrowArray, BadRow, Batch, InputError
from qproxy.ingest.formats import Format
from qproxy.ingest.readers.blocks import BLOCK_BYTES, Block, escaped_positions, read_blocks
from qproxy.ingest.readers.names import positions

_LONE_RETURN = re.compile(rb"\r(?!\n)")
Marks = list[tuple[bytes, bytes]]


def _disarm(data: bytes, form: Format, crlf: bool) -> tuple[bytes, Marks]:
    """The rows with nothing in them that Arrow would misread, and the marks to undo in the values."""
    marks: Marks = []
    if form.escape and data.count(b"\\") != data.count(b"\\N"):
        codes = np.frombuffer(data, np.uint8)
        escaped = escaped_positions(codes)
        used = set(codes[escaped[escaped < len(codes)]].tolist())
        free = iter([b"\\%c" % c for c in range(1, 256) if c not in used and c not in b"\t\n\r\\\"',"])
        delimiter, quote = form.delimiter.encode(), form.quote.encode()
        try:
            pair = next(free)
            # Pairs first: a backslash that is left then surely escapes what follows it.
            data = data.replace(b"\\\\", pair)
            data = data.replace(b"\\\n", b"\\n").replace(b"\\\r", b"\\r").replace(b"\\\t", b"\\t")
            for special in {delimiter, quote} - {b"", b"\t"}:
                if b"\\" + special in data:
                    mark = next(free)
                    data = data.replace(b"\\" + special, mark)
                    marks.append((mark, special))
            marks.append((pair, b"\\\\"))
        except StopIteration:
            raise InputError("every character is escaped somewhere; write the escapes of MySQL only") from None
    if b"\r" in data and (not crlf or data.count(b"\r") != data.count(b"\r\n")):
        if form.escape:
            replacement = b"\\r"
        else:
            absent = np.flatnonzero(np.bincount(np.frombuffer(data, np.uint8), minlength=256)[1:32] == 0) + 1
            if not len(absent):
                raise InputError("carriage returns stand within values; write them as \\r and set escape")
            replacement = bytes((int(absent[0]),))
            marks.append((replacement, b"\r"))
        data = _LONE_RETURN.sub(lambda _: replacement, data) if crlf else data.replace(b"\r", replacement)
    return data, marks


def _restore(values: ArrowArray, marks: Marks, form: Format, quoted_break: bool) -> ArrowArray:
    """The values with marks undone, in escaped form where the format has escapes."""
    for mark, plain in marks:
        values = pc.replace_substring(values, pattern=mark, replacement=plain)
    if form.escape:
        if form.delimiter != "\t":
            values = pc.replace_substring(values, pattern=b"\t", replacement=b"\\t")
        if quoted_break:
            values = pc.replace_substring(values, pattern=b"\n", replacement=b"\\n")
            values = pc.replace_substring(values, pattern=b"\r", replacement=b"\\r")
    return values


def _parse(path: Path, block: Block, form: Format, width: int, crlf: bool) -> tuple[list[ArrowArray], list[BadRow]]:
    """The values by column, and the rows that have another number of columns."""
    invalid: list[tuple[int, int]] = []

    def refuse(row: ArrowArray) -> str:
        invalid.append((row.number - 1, row.actual_columns))
        return "skip"

    try:
        data, marks = _disarm(block.data, form, crlf)
    except InputError as error:
        raise InputError(f"{path}, line {block.lines[0]}: {error}") from None
    names = [str(i) for i in range(width)]
    nulls = [form.null, "\\N"] if form.escape else [form.null]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            # One block in one thread: only then does Arrow number the rows that it refuses.
            read_options=pyarrow.csv.ReadOptions(
                column_names=names, use_threads=False, block_size=min(len(data) + 1, 2**31 - 1)
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=form.delimiter,
                quote_char=form.quote or False,
                double_quote=bool(form.quote),
                escape_char=False,
                newlines_in_values=bool(form.quote),
                ignore_empty_lines=False,
                invalid_row_handler=refuse,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                check_utf8=False,
                column_types={n: pa.binary() for n in names},
                null_values=nulls,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise InputError(f"{path}, near line {block.lines[0]}: {error}") from error
        table = pa.table([pa.array([], pa.binary())] * width, names=names)
    if table.num_rows + len(invalid) != len(block.ends):
        raise InputError(
            f"{path}, from line {block.lines[0]} on: the rows cannot be told apart; "
            "check the quote and escape of the format"
        )
    quoted_break = bool(form.quote)
    columns = [_restore(c.combine_chunks(), marks, form, quoted_break) for c in table.columns]
    columns = [c.chunk(0) if isinstance(c, pa.ChunkedArray) else c for c in columns]
    bad = [BadRow(path, int(block.lines[row]), "line", f"{count} columns instead of {width}") for row, count in invalid]
    return columns, bad


def _header(path: Path, block: Block, form: Format, columns: tuple[Column, ...]) -> tuple[list[int], Block]:
    """The place in the file of each column of the table, and the block without its header."""
    first = block.data[: int(block.ends[0])].decode("utf-8", "replace").rstrip("\r")
    names = next(
        csv.reader(
            [first],
            delimiter=form.delimiter,
            quotechar=form.quote or None,
            quoting=csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE,
        ),
        [],
    )
    names = [n.strip() for n in names]
    places = positions(names, columns, path)
    if len(names) != len(columns):
        known = {c.name.lower() for c in columns}
        extra = [n for n in names if n.lower() not in known]
        raise InputError(f"{path}, line 1: the table has no column {', '.join(repr(n) for n in extra) or names}")
    cut = int(block.ends[0]) + 1
    return places, Block(block.data[cut:], block.ends[1:] - cut, block.lines[1:], block.consumed)


def read_csv(path: Path, columns: tuple[Column, ...], form: Format, block_bytes: int = BLOCK_BYTES) -> Iterator[Batch]:
    """The rows of a file of delimited text, plain, .gz or .zst.

    Args:
        path: of the file.
        columns: of the table; the file has them in this order, or names them in its first line.
        form: the dialect.
        block_bytes: how much text to take at a time.

    Raises:
        InputError: the file cannot be read or does not fit the format as a whole.
    """
    width = len(columns)
    places: list[int] | None = None
    crlf: bool | None = None
    for block in read_blocks(path, form.quote, form.escape, block_bytes):
        if crlf is None:
            crlf = block.data[: int(block.ends[0])].endswith(b"\r")
            if form.header:
                places, block = _header(path, block, form, columns)
        if not len(block.ends):
            continue
        found, bad = _parse(path, block, form, width, crlf)
        keep = np.ones(len(block.ends), bool)
        refused = {b.line for b in bad}
        if refused:
            keep &= ~np.isin(block.lines, list(refused))
        lines = block.lines[keep]
        ordered = tuple(found[i] for i in places) if places else tuple(found)
        batch = Batch(path, ordered, lines, "line", bool(form.escape), tuple(bad), block.consumed)
        sizes = np.diff(block.ends, prepend=-1)[keep] - 1 - int(crlf)
        if width > 1 and (sizes <= 0).any():
            blank = tuple(
                BadRow(path, int(n), "line", f"the line is empty instead of {width} columns") for n in lines[sizes <= 0]
            )
            kept = batch.keep(sizes > 0)
            batch = Batch(path, kept.columns, kept.lines, "line", kept.escaped, (*bad, *blank), block.consumed)
        yield batch
