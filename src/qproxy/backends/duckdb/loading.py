"""Chunk files into DuckDB tables."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qproxy.backends.duckdb.chunks import CHUNK
from qproxy.backends.duckdb.registry import TableShape, quote
from qproxy.backends.duckdb.scratch import from_text
from qproxy.backends.duckdb.types import MType
from qproxy.errors import SQLError

_CODECS = {"utf8mb4": "utf-8", "utf8": "utf-8", "utf8mb3": "utf-8", "latin1": "cp1252", "ascii": "ascii"}
_ESCAPES = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}


@dataclass(frozen=True)
class Rows:
    """Rows of chunk files.

    Attributes:
        values: pyarrow.Table with a column c0, c1 ... for each of the file's; numbers as such where they could be
            read so, all else as the text's bytes.
        counts: rows of each file.
    """

    values: Any
    counts: tuple[int, ...]


def read_files(shape: TableShape, columns: Sequence[str], paths: Sequence[Path], charset: str) -> Rows:
    r"""Chunk files as one Arrow table: tab between values, ``\n`` behind rows, ``\N`` for NULL, backslash escapes.

    Args:
        shape: of the table that the rows are for.
        columns: the table's columns in the order of the files' values.
        paths: of the files.
        charset: of the files' text, by MariaDB's name.

    Raises:
        SQLError: 1366 where a number cannot be read, 1261 where a row has too few values, 1115 for an unknown charset.
    """
    import pyarrow as pa

    if charset not in _CODECS and charset != "binary":
        raise SQLError(1115, f"Unknown character set: '{charset}'")
    kinds = [shape.columns[c] for c in columns]
    texts = [path.read_bytes() for path in paths]
    texts = [t if t.endswith(b"\n") or not t else t + b"\n" for t in texts]
    counts = tuple(len(_lines(t)) if b"\\\n" in t else t.count(b"\n") for t in texts)
    rows = _split(b"".join(texts), kinds, paths[0])
    if charset not in ("utf8mb4", "utf8", "utf8mb3", "binary", "ascii"):
        rows = [_recode(a, k, _CODECS[charset]) for a, k in zip(rows, kinds, strict=True)]
    values = pa.table(rows, names=[f"c{i}" for i in range(len(columns))])
    if values.num_rows != sum(counts):
        raise SQLError(1261, f"{paths[0].name}: {values.num_rows} rows could be read of {sum(counts)}")
    return Rows(values, counts)


def insert_rows(
    connection: Any,
    shape: TableShape,
    database: str,
    table: str,
    columns: Sequence[str],
    rows: Rows,
    chunks: Sequence[int] | None = None,
) -> None:
    """Insert what `read_files` gave.

    Args:
        connection: a DuckDB connection.
        shape: of the table.
        database, table: where the rows go.
        columns: as for `read_files`.
        rows: all of them, or none, go in.
        chunks: of each file, where the table holds rows of many chunks.

    Raises:
        SQLError: 1366 where a value does not fit its column.
    """
    import duckdb
    import numpy as np
    import pyarrow as pa

    values = rows.values
    if not values.num_rows:
        return
    casts = [
        _value(name, shape.columns[column]) if pa.types.is_binary(values.schema.field(name).type) else name
        for name, column in zip(values.column_names, columns, strict=True)
    ]
    names = list(columns)
    if chunks is not None:
        of_rows = np.repeat(np.array(chunks, np.int32), np.array(rows.counts))
        values = values.append_column(CHUNK, pa.array(of_rows))
        names.append(CHUNK)
        casts.append(quote(CHUNK))
    connection.register("q_file", values)
    try:
        place = f"{quote(database)}.{quote(table)}"
        connection.execute(
            f"INSERT INTO {place} ({', '.join(map(quote, names))}) SELECT {', '.join(casts)} FROM q_file"
        )
    except duckdb.Error as error:
        raise SQLError(1366, f"loading {database}.{table}: {str(error).splitlines()[0]}") from None
    finally:
        connection.unregister("q_file")


def _value(name: str, kind: MType) -> str:
    sql = from_text(name, kind)
    if kind.word == "char":
        return f"rtrim({sql}, ' ')"
    if kind.word == "binary":
        return f"({sql} || repeat('\\x00'::BLOB, {kind.length} - octet_length({sql})))"
    return sql


def _arrow_type(kind: MType) -> Any:
    """The Arrow type as which a column's text can be read at once; binary for the text itself."""
    import pyarrow as pa

    if kind.kind == "int":
        sizes = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "bigint": 64}
        return getattr(pa, f"{'u' if kind.unsigned else ''}int{sizes[kind.word]}")()
    return {"double": pa.float64(), "float": pa.float32()}.get(kind.kind, pa.binary())


def _split(data: bytes, kinds: Sequence[MType], path: Path) -> list[Any]:
    """The file's values, a column each."""
    import pyarrow as pa
    import pyarrow.csv as csv

    if not data:
        return [pa.array([], pa.binary()) for _ in kinds]
    if data.replace(b"\\N", b"").find(b"\\") < 0 and b"\r" not in data:
        names = [f"c{i}" for i in range(len(kinds))]
        try:
            table = csv.read_csv(
                pa.BufferReader(data),
                read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=max(len(data), 1)),
                parse_options=csv.ParseOptions(
                    delimiter="\t", quote_char=False, escape_char=False, ignore_empty_lines=False
                ),
                convert_options=csv.ConvertOptions(
                    column_types={n: _arrow_type(k) for n, k in zip(names, kinds, strict=True)},
                    null_values=["\\N"],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid as error:
            code = 1366 if "conversion" in str(error) else 1261
            raise SQLError(code, f"{path.name}: {str(error).splitlines()[0]}") from None
        return [table.column(i).combine_chunks() for i in range(len(kinds))]
    rows = []
    for number, line in enumerate(_lines(data), 1):
        cells = _cells(line)
        if len(cells) != len(kinds):
            raise SQLError(1261, f"{path.name}, row {number}: {len(cells)} values for {len(kinds)} columns")
        rows.append(cells)
    return [pa.array([r[i] for r in rows], pa.binary()) for i in range(len(kinds))]


def _lines(data: bytes) -> list[bytes]:
    """Rows: a line feed behind a backslash belongs to its value."""
    lines = []
    held = b""
    for piece in data.split(b"\n"):
        held += piece
        if (len(held) - len(held.rstrip(b"\\"))) % 2:
            held += b"\n"
            continue
        lines.append(held)
        held = b""
    if held:
        lines.append(held)
    if lines and lines[-1] == b"":
        lines.pop()
    return lines


def _cells(line: bytes) -> list[bytes | None]:
    if b"\\" not in line:
        return list(line.split(b"\t"))
    cells: list[bytes | None] = []
    value = bytearray()
    null = False
    pos = 0
    while pos <= len(line):
        char = line[pos : pos + 1]
        if char in (b"\t", b""):
            cells.append(None if null and not value else bytes(value))
            value = bytearray()
            null = False
        elif char == b"\\":
            pos += 1
            mark = line[pos : pos + 1]
            if mark == b"N":
                null = True
            else:
                value += _ESCAPES.get(mark, mark)
        else:
            value += char
        pos += 1
    return cells


def _recode(array: Any, kind: MType, encoding: str) -> Any:
    import pyarrow as pa

    if kind.kind != "string":
        return array
    # MariaDB's latin1 is cp1252 with its five holes filled by the control characters of the same number.
    decode = codecs.getdecoder(encoding)

    def text(value: bytes) -> bytes:
        try:
            return decode(value)[0].encode()
        except UnicodeDecodeError:
            return "".join(
                chr(b) if b in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else decode(bytes((b,)))[0] for b in value
            ).encode()

    return pa.array([None if v is None else text(v) for v in array.to_pylist()], pa.binary())
