"""Which rows hold values that their columns cannot take; numbers for those who reckon with them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from qproxy.catalog.model import Column
from qproxy.ingest.batch import ArrowArray, BadRow, Batch
from qproxy.ingest.types import INTEGER_BITS, NUMERIC_TYPES, integer_range

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_FLOAT_MAX = float(np.finfo(np.float32).max)
Mask = npt.NDArray[np.bool_]


def _mask(values: ArrowArray) -> Mask:
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=bool)


def _is_text(values: ArrowArray) -> bool:
    kind = values.type
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_large_binary(kind)
    )


def _outside(numbers: ArrowArray, column: Column) -> Mask:
    """Numbers beyond the range of the column's type."""
    base, unsigned = column.base_type, "unsigned" in column.type
    if base in INTEGER_BITS:
        low, high = integer_range(base, unsigned)
        if pa.types.is_integer(numbers.type):
            # Bounds beyond what the Arrow type can hold cannot be broken by its values.
            span = np.iinfo(numbers.type.to_pandas_dtype())
            bad = np.zeros(len(numbers), bool)
            if low > span.min:
                bad |= _mask(pc.less(numbers, pa.scalar(low, numbers.type)))
            if high < span.max:
                bad |= _mask(pc.greater(numbers, pa.scalar(high, numbers.type)))
            return bad
        values = pc.cast(numbers, pa.float64(), safe=False)
        return _mask(pc.or_(pc.less(values, low - 0.5), pc.greater(values, high + 0.5)))
    values = pc.cast(numbers, pa.float64(), safe=False)
    if unsigned:
        return _mask(pc.less(values, 0.0))
    if base == "float":
        return _mask(pc.and_(pc.greater(pc.abs(values), _FLOAT_MAX), pc.is_finite(values)))
    return np.zeros(len(numbers), bool)


def _text_numbers(values: ArrowArray, column: Column) -> tuple[ArrowArray, Mask]:
    """Texts as Arrow numbers, and those that are none."""
    texts = pc.cast(values, pa.string(), safe=False)
    wanted = pa.float64()
    if column.base_type in INTEGER_BITS:
        wanted = pa.uint64() if "unsigned" in column.type else pa.int64()
    try:
        numbers = pc.cast(texts, wanted)
        if pa.types.is_integer(wanted) or _mask(pc.is_finite(numbers)).sum() == len(texts) - texts.null_count:
            return numbers, np.zeros(len(texts), bool)
    except pa.ArrowInvalid:
        pass
    good = pc.match_substring_regex(values, _NUMBER)
    bad = _mask(pc.invert(good))
    readable = pc.if_else(good, texts, pa.scalar(None, pa.string()))
    return pc.cast(readable, pa.float64()), bad


def _show(values: ArrowArray, row: int) -> str:
    value = values[row].as_py()
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return f"'{text[:60]}'"


def numbers(values: ArrowArray) -> npt.NDArray[np.float64]:
    """Values of a checked numeric column as doubles, NaN for NULL."""
    if _is_text(values):
        values = pc.cast(values, pa.string(), safe=False)
    found = pc.cast(values, pa.float64(), safe=False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.float64)


def check_values(batch: Batch, columns: tuple[Column, ...]) -> tuple[Batch, list[BadRow]]:
    """The rows whose values fit their columns, and complaints about the rest.

    Args:
        batch: rows as a reader gave them.
        columns: of the table.
    """
    bad_rows: list[BadRow] = []
    good = np.ones(batch.rows, bool)

    def complain(mask: Mask, column: Column, reason: str, values: ArrowArray | None = None) -> None:
        for row in np.flatnonzero(mask & good).tolist():
            shown = f"{_show(values, row)} " if values is not None else ""
            bad_rows.append(batch.bad(row, f"column '{column.name}': {shown}{reason}"))
        good[mask] = False

    for column, values in zip(columns, batch.columns, strict=True):
        nulls = values.is_null()
        if pa.types.is_floating(values.type):
            nulls = pc.or_(nulls, pc.invert(pc.fill_null(pc.is_finite(values), False)))
        if not column.nullable:
            complain(_mask(nulls), column, "is NULL, but must not be")
        if column.base_type not in NUMERIC_TYPES:
            continue
        if _is_text(values):
            found, wrong = _text_numbers(values, column)
            complain(wrong, column, "is no number", values)
        elif pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
            found = values
        else:
            continue
        complain(_outside(found, column), column, f"is out of range for {column.type}", values)
    if good.all():
        return batch, bad_rows
    return batch.keep(good), bad_rows
