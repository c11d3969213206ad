r"""Arrow columns into the text of chunk files.

Tab between values, ``\n`` behind rows, ``\N`` for NULL, backslash escapes: the defaults of LOAD DATA (MariaDB
Knowledge Base, "LOAD DATA INFILE"). No Python runs per row.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qproxy.catalog.model import Column
from qproxy.ingest.batch import ArrowArray, InputError

NULL = b"\\N"
_ESCAPES = ((b"\\", b"\\\\"), (b"\t", b"\\t"), (b"\n", b"\\n"), (b"\r", b"\\r"), (b"\0", b"\\0"))

_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_CONTROLS = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}


def escape(values: ArrowArray) -> ArrowArray:
    """Binary values with the escapes that a chunk file needs."""
    data = values.buffers()[2]
    raw = data.to_pybytes() if data is not None and data.size < 1 << 16 else data
    for plain, escaped in _ESCAPES:
        if raw is not None and _holds(raw, plain):
            values = pc.replace_substring(values, pattern=plain, replacement=escaped)
    return values


def unescape(text: bytes) -> bytes:
    """The value of a chunk file's text."""
    return _ESCAPED.sub(lambda m: _CONTROLS.get(m[1], m[1]), text)


def _holds(data: bytes | ArrowArray, byte: bytes) -> bool:
    if isinstance(data, bytes):
        return byte in data
    return bool((np.frombuffer(data, np.uint8) == byte[0]).any())


def _bit_bytes(values: ArrowArray) -> ArrowArray:
    """Whole numbers as the eight bytes, highest first, that a BIT column takes."""
    numbers = pc.fill_null(pc.cast(values, pa.uint64()), 0)
    data = np.asarray(numbers).astype(">u8").tobytes()
    offsets = np.arange(len(values) + 1, dtype=np.int32) * 8
    whole = pa.Array.from_buffers(pa.binary(), len(values), [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(data)])
    return pc.if_else(pc.is_valid(values), whole, pa.scalar(None, pa.binary()))


def field_text(column: Column, values: ArrowArray, escaped: bool) -> ArrowArray:
    """The values of a column as binary Arrow values, ready for a chunk file; NULL stays NULL.

    Floats take the shortest text that reads back as the same number in their own precision; NaN and infinities
    become NULL.

    Args:
        column: of the table.
        values: as a reader gave them.
        escaped: whether binary values have their escapes already.

    Raises:
        InputError: the values are of a kind that no column holds.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        return field_text(column, values.dictionary_decode(), escaped)
    if pa.types.is_binary(kind):
        return values if escaped else escape(values)
    if pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return escape(pc.cast(values, pa.binary()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) in ("string_view",):
        return escape(pc.cast(pc.cast(values, pa.string()), pa.binary()))
    if pa.types.is_boolean(kind):
        values = pc.cast(values, pa.int8())
        kind = values.type
    if pa.types.is_integer(kind):
        if column.base_type == "bit":
            return escape(_bit_bytes(values))
        return pc.cast(pc.cast(values, pa.string()), pa.binary())
    if pa.types.is_floating(kind):
        if pa.types.is_float16(kind):
            values = pc.cast(values, pa.float32())
        values = pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
        return pc.cast(pc.cast(values, pa.string()), pa.binary())
    if pa.types.is_timestamp(kind):
        # A time with a zone is kept as UTC: columns of the table have none.
        plain = pc.cast(pc.cast(values, pa.timestamp("us", tz=kind.tz), safe=False), pa.timestamp("us"))
        return pc.cast(pc.cast(plain, pa.string()), pa.binary())
    if pa.types.is_date(kind) or pa.types.is_time(kind) or pa.types.is_decimal(kind):
        return pc.cast(pc.cast(values, pa.string()), pa.binary())
    if pa.types.is_null(kind):
        return pa.nulls(len(values), pa.binary())
    raise InputError(f"column '{column.name}': values of the type {kind} cannot be stored in a table")


def join_fields(fields: list[ArrowArray]) -> ArrowArray:
    """Rows of tab-separated values, without a line end, as large binary Arrow values."""
    wide = [pc.cast(f, pa.large_binary()) for f in fields]
    if len(wide) == 1:
        return pc.fill_null(wide[0], pa.scalar(NULL, pa.large_binary()))
    tab = pa.scalar(b"\t", pa.large_binary())
    return pc.binary_join_element_wise(*wide, tab, null_handling="replace", null_replacement=NULL)


def with_internals(rows: ArrowArray, internals: list[np.ndarray[tuple[int], np.dtype[np.int32]]]) -> ArrowArray:
    """Rows with internal columns and a line end behind them.

    Args:
        rows: as `join_fields` gives them.
        internals: values of the internal columns, not negative; none for tables that are not partitioned.
    """
    if not internals:
        return pc.binary_join_element_wise(rows, pa.scalar(b"", rows.type), pa.scalar(b"\n", rows.type))
    ends = [b""] * (len(internals) - 1) + [b"\n"]
    texts = [_small_numbers(v, end) for v, end in zip(internals, ends, strict=True)]
    return pc.binary_join_element_wise(rows, *texts, pa.scalar(b"\t", rows.type))


def _small_numbers(values: np.ndarray[tuple[int], np.dtype[np.int32]], end: bytes) -> ArrowArray:
    """Numbers that repeat often, as large binary Arrow values with ``end`` behind each."""
    present = np.bincount(values)
    distinct = np.flatnonzero(present)
    place = np.zeros(len(present), np.int64)
    place[distinct] = np.arange(len(distinct))
    words = pa.array([b"%d%b" % (n, end) for n in distinct.tolist()], pa.large_binary())
    return words.take(pa.array(place[values]))


def value_bytes(lines: ArrowArray) -> tuple[memoryview, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The buffer of large binary values and the offsets of their starts, one more than there are values."""
    _, offsets, data = lines.buffers()
    starts = np.frombuffer(offsets, np.int64, len(lines) + 1, lines.offset * 8)
    return memoryview(data if data is not None else b""), starts
