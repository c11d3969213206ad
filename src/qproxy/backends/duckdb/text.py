"""Blocks of MySQL text rows from Arrow record batches, and back, column by column rather than value by value.

A double is printed with the fewest digits that read back as the same value, fixed from 1e-15 up to 1e15, with an
exponent beyond; a FLOAT with six digits. Found by printing doubles of every magnitude and digit count with
MariaDB 10.11.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from qproxy.errors import SQLError
from qproxy.wire.columns import ColumnDef, ColumnType
from qproxy.wire.rowblock import MAX_PAYLOAD, RowBlock, decode_rows, encode_rows, length_prefix

_FIXED_DIGITS = 31


def double_text(value: float) -> str:
    """A double as MariaDB prints it."""
    if value == 0:
        return "0"
    digits, _, exponent = f"{value!r}".partition("e")
    if not exponent and 1e-4 <= abs(value) < 1e15:
        return digits.removesuffix(".0")
    sign, figures, power = Decimal(repr(value)).as_tuple()
    assert isinstance(power, int)
    text = "".join(map(str, figures)).rstrip("0")
    point = len(figures) + power
    minus = "-" if sign else ""
    if point > 15 or point < -14:
        rest = f".{text[1:]}" if len(text) > 1 else ""
        return f"{minus}{text[0]}{rest}e{point - 1}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    if point >= len(text):
        return minus + text + "0" * (point - len(text))
    return f"{minus}{text[:point]}.{text[point:]}"


def _fixed_text(value: float, places: int) -> str:
    """A double with so many digits behind the point; digits that a double cannot hold are zeros."""
    return f"{Decimal(repr(value)):.{places}f}" if abs(value) >= 1e15 else f"{value:.{places}f}"


def float_text(value: float) -> str:
    """A FLOAT as MariaDB prints it."""
    return double_text(float(f"{value:.6g}"))


def _doubles(array: Any, column: ColumnDef) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = array.to_numpy(zero_copy_only=False)
    valid = np.asarray(array.is_valid())
    if not np.isfinite(values[valid]).all():
        raise SQLError(1690, f"DOUBLE value is out of range in '{column.name}'")
    if column.decimals < _FIXED_DIGITS:
        places = column.decimals
        # A zero that was rounded from below carries no sign.
        pairs = zip((values + 0.0).tolist(), valid.tolist(), strict=True)
        texts = [_fixed_text(v, places) if ok else None for v, ok in pairs]
        return pa.array(texts, pa.binary())
    if column.type == ColumnType.FLOAT:
        texts = [float_text(v) if ok else None for v, ok in zip(values.tolist(), valid.tolist(), strict=True)]
        return pa.array(texts, pa.binary())
    plain = pc.cast(array, pa.string())
    size = np.abs(values)
    odd = valid & ((size < 1e-4) | (size >= 1e10))
    if odd.any():
        fixed = [double_text(v) for v in values[odd].tolist()]
        plain = pc.replace_with_mask(plain, pa.array(odd), pa.array(fixed, pa.string()))
    return plain.cast(pa.binary())


def _decimals(array: Any, scale: int) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    words = np.frombuffer(array.buffers()[1], dtype=np.int64)
    words = words[array.offset * 2 : (array.offset + len(array)) * 2]
    low, high = words[0::2], words[1::2]
    mask = ~np.asarray(array.is_valid())
    narrow = (high == low >> 63) & (low != np.iinfo(np.int64).min)
    if not (narrow | mask).all():
        form = [None if v is None else f"{v:f}" for v in array.to_pylist()]
        return pa.array(form, pa.binary())
    if scale == 0:
        return pc.cast(pa.array(low, mask=mask), pa.string()).cast(pa.binary())
    digits = pc.utf8_lpad(pc.cast(pa.array(np.abs(low), mask=mask), pa.string()), scale + 1, "0")
    sign = pa.array(np.where(low < 0, "-", ""), pa.string())
    whole = pc.utf8_slice_codeunits(digits, 0, -scale)
    behind = pc.utf8_slice_codeunits(digits, -scale)
    joined = pc.binary_join_element_wise(pc.binary_join_element_wise(sign, whole, ""), behind, ".")
    return joined.cast(pa.binary())


def _values(array: Any, column: ColumnDef) -> Any:
    """The column's values as binary text, nulls kept."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        return _values(array.dictionary_decode(), column)
    if column.type == ColumnType.BIT:
        width = (column.length + 7) // 8
        return pa.array([None if v is None else v.to_bytes(width, "big") for v in array.to_pylist()], pa.binary())
    if pa.types.is_floating(kind):
        return _doubles(array.cast(pa.float64()), column)
    if pa.types.is_decimal(kind):
        return _decimals(array.cast(pa.decimal128(38, kind.scale)), kind.scale)
    if pa.types.is_timestamp(kind):
        text = pc.strftime(array.cast(pa.timestamp("us")), "%Y-%m-%d %H:%M:%S")
        width = 19 + (column.decimals + 1 if 0 < column.decimals <= 6 else 0)
        return pc.utf8_slice_codeunits(text, 0, width).cast(pa.binary())
    if pa.types.is_boolean(kind):
        return pc.cast(array.cast(pa.int8()), pa.string()).cast(pa.binary())
    if pa.types.is_null(kind):
        return pa.nulls(len(array), pa.binary())
    if column.type == ColumnType.YEAR:
        return pc.utf8_lpad(pc.cast(array, pa.string()), 4, "0").cast(pa.binary())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return array.cast(pa.binary())
    return pc.cast(array, pa.string()).cast(pa.binary())


def _prefixes(sizes: npt.NDArray[np.int64]) -> Any:
    """Length-encoded sizes (MySQL Internals, "LengthEncodedInteger") as a binary array."""
    import pyarrow as pa

    if sizes.max(initial=0) < 251:
        return pa.Array.from_buffers(
            pa.binary(),
            len(sizes),
            [None, pa.py_buffer(np.arange(len(sizes) + 1, dtype=np.int32)), pa.py_buffer(sizes.astype(np.uint8))],
        )
    return pa.array([length_prefix(s) for s in sizes.tolist()], pa.binary())


def encode_batch(batch: Any, columns: Sequence[ColumnDef]) -> RowBlock:
    """A block with the rows of an Arrow record batch.

    Args:
        batch: pyarrow.RecordBatch.
        columns: one definition a column: its type and decimals say how values are printed.

    Raises:
        SQLError: 1690 where a double is not finite.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    count = batch.num_rows
    pieces: list[Any] = []
    sizes = np.zeros(count, np.int64)
    for array, column in zip(batch.columns, columns, strict=True):
        values = _values(array, column)
        lengths = np.asarray(pc.fill_null(pc.binary_length(values), 0), dtype=np.int64)
        prefix = _prefixes(lengths)
        sizes += lengths + np.asarray(pc.binary_length(prefix), dtype=np.int64)
        if values.null_count:
            prefix = pc.if_else(values.is_valid(), prefix, pa.scalar(b"\xfb", pa.binary()))
            values = pc.fill_null(values, b"")
        pieces += [prefix, values]
    if sizes.max(initial=0) >= MAX_PAYLOAD:
        texts = [_values(a, c).to_pylist() for a, c in zip(batch.columns, columns, strict=True)]
        return encode_rows(list(row) for row in zip(*texts, strict=True))
    headers = np.zeros((count, 4), np.uint8)
    for place in range(3):
        headers[:, place] = (sizes >> (8 * place)) & 0xFF
    head = pa.Array.from_buffers(
        pa.binary(),
        count,
        [None, pa.py_buffer(np.arange(0, 4 * count + 1, 4, dtype=np.int32)), pa.py_buffer(headers)],
    )
    wide = [p.cast(pa.large_binary()) for p in (head, *pieces)]
    rows = pc.binary_join_element_wise(*wide, pa.scalar(b"", pa.large_binary()))
    offsets = np.frombuffer(rows.buffers()[1], dtype=np.int64)[rows.offset : rows.offset + count + 1]
    data = rows.buffers()[2].to_pybytes()[int(offsets[0]) : int(offsets[-1])] if count else b""
    return RowBlock(data, offsets[:-1] - offsets[0], count)


def decode_block(block: RowBlock, width: int) -> list[Any]:
    """The columns of a block as Arrow binary arrays of their text, NULL as null.

    Args:
        block: rows of ``width`` values each.
        width: number of columns.
    """
    import pyarrow as pa

    if len(block.starts) != block.rows:
        rows = list(decode_rows(block))
        return [pa.array([r[i] for r in rows], pa.large_binary()) for i in range(width)]
    data = np.frombuffer(block.data, dtype=np.uint8)
    place = np.asarray(block.starts, dtype=np.int64) + 4
    arrays = []
    for _ in range(width):
        first = data[place].astype(np.int64)
        null = first == 0xFB
        sizes = np.where(first < 251, first, 0)
        place = place + 1
        for mark, count in ((0xFC, 2), (0xFD, 3), (0xFE, 8)):
            long = np.flatnonzero(first == mark)
            if len(long):
                sizes[long] = sum(data[place[long] + i].astype(np.int64) << (8 * i) for i in range(count))
                place[long] += count
        offsets = np.zeros(block.rows + 1, np.int64)
        np.cumsum(sizes, out=offsets[1:])
        source = np.repeat(place - offsets[:-1], sizes) + np.arange(offsets[-1])
        valid = pa.array(~null).buffers()[1] if null.any() else None
        arrays.append(
            pa.Array.from_buffers(
                pa.large_binary(), block.rows, [valid, pa.py_buffer(offsets), pa.py_buffer(data[source])]
            )
        )
        place = place + sizes
    return arrays
