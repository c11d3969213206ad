"""Numbers of a batch: which values a numeric column cannot take, judged as MariaDB does.

Doubles decide for all values that are far from a limit; the few near one are reckoned exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from qproxy.catalog.model import Column
from qproxy.ingest.batch import ArrowArray, Fault, Mask, is_text, mask_of
from qproxy.ingest.types import INTEGER_BITS, integer_range

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_FLOAT_MAX = float(np.finfo(np.float32).max)
_SIZE = re.compile(r"\((\d+)(?:,(\d+))?\)")
Doubles = npt.NDArray[np.float64]


def numbers(values: ArrowArray) -> Doubles:
    """Values of a checked numeric column as doubles, NaN for NULL."""
    if is_text(values):
        values = pc.cast(values, pa.string(), safe=False)
    return _doubles(values)


def stored(found: Doubles, column: Column) -> Doubles:
    """Numbers as their column keeps them: a FLOAT to 24 bits, a DECIMAL or FLOAT(m,d) to its places.

    Source: MariaDB Knowledge Base, "FLOAT", "DECIMAL"; halves are rounded away from zero.
    """
    base, size = column.base_type, _SIZE.search(column.type)
    places = 0 if base == "decimal" or base in INTEGER_BITS else None
    if size and size[2]:
        places = int(size[2])
    if places is not None:
        whole = np.abs(found) * 10.0**places
        # A half in decimal digits may be a little less in binary ones.
        near = np.floor(whole + 0.5 + np.maximum(1e-9, whole * 4e-16))
        found = np.where(whole < 2.0**50, np.copysign(near / 10.0**places, found), found)
    # FLOAT(p) of more than 24 bits is a DOUBLE.
    if base == "float" and not (size and not size[2] and int(size[1]) > 24):
        with np.errstate(over="ignore"):
            found = found.astype(np.float32).astype(np.float64)
    return found


def number_faults(values: ArrowArray, column: Column) -> list[Fault]:
    """The values that a numeric column cannot take.

    Args:
        values: texts or numbers; others are not judged.
        column: of a numeric type.
    """
    faults: list[Fault] = []
    if is_text(values):
        found, wrong = _text_numbers(values, column)
        faults.append((wrong, "is no number"))
    elif pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        found = values
    else:
        return []
    faults.append((_outside(found, values, column), f"is out of range for {column.type}"))
    return faults


def _doubles(values: ArrowArray) -> Doubles:
    found = pc.cast(values, pa.float64(), safe=False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.float64)


def _text_numbers(values: ArrowArray, column: Column) -> tuple[ArrowArray, Mask]:
    """Texts as Arrow numbers, and those that are none."""
    texts = pc.cast(values, pa.string(), safe=False)
    wanted = pa.float64()
    if column.base_type in INTEGER_BITS:
        wanted = pa.uint64() if "unsigned" in column.type else pa.int64()
    try:
        found = pc.cast(texts, wanted)
        if pa.types.is_integer(wanted) or mask_of(pc.is_finite(found)).sum() == len(texts) - texts.null_count:
            return found, np.zeros(len(texts), bool)
    except pa.ArrowInvalid:
        pass
    good = pc.match_substring_regex(values, _NUMBER)
    readable = pc.if_else(good, texts, pa.scalar(None, pa.string()))
    return pc.cast(readable, pa.float64()), mask_of(pc.invert(good))


def _outside(found: ArrowArray, values: ArrowArray, column: Column) -> Mask:
    """Numbers beyond the range of the column's type.

    Args:
        found: the values as Arrow numbers.
        values: the same as they came: their texts decide what doubles cannot.
    """
    base, unsigned = column.base_type, "unsigned" in column.type
    if base in INTEGER_BITS:
        low, high = integer_range(base, unsigned)
        if pa.types.is_integer(found.type):
            return _outside_integers(found, low, high)
        near = _doubles(found)
        with np.errstate(invalid="ignore"):
            candidates = (near <= float(low)) | (near >= float(high))
        return _exactly(values, candidates, lambda n: not low <= _rounded(n, 0) <= high)
    near = _doubles(found)
    with np.errstate(invalid="ignore"):
        negative = near < 0 if unsigned else np.zeros(len(near), bool)
        if base == "decimal":
            return negative | _outside_decimal(near, values, column)
        # Only a text can be a number and yet too large for a double: NaN and infinities of files are NULL.
        huge = np.isinf(near) if is_text(values) else np.zeros(len(near), bool)
        if base == "float":
            huge |= np.isfinite(near) & (np.abs(near) > _FLOAT_MAX)
        size = _SIZE.search(column.type)
        if size and size[2]:
            places = int(size[2])
            limit = 10.0 ** (int(size[1]) - places) - 10.0**-places
            huge |= np.isfinite(near) & (np.round(np.abs(near), places) > limit)
        return negative | huge


def _outside_integers(found: ArrowArray, low: int, high: int) -> Mask:
    # Bounds beyond what the Arrow type can hold cannot be broken by its values.
    span = np.iinfo(found.type.to_pandas_dtype())
    bad = np.zeros(len(found), bool)
    if low > span.min:
        bad |= mask_of(pc.less(found, pa.scalar(low, found.type)))
    if high < span.max:
        bad |= mask_of(pc.greater(found, pa.scalar(high, found.type)))
    return bad


def _outside_decimal(near: Doubles, values: ArrowArray, column: Column) -> Mask:
    size = _SIZE.search(column.type)
    digits, places = (int(size[1]), int(size[2] or 0)) if size else (10, 0)
    limit = Decimal(10) ** (digits - places)
    # Rounding to the column's places may carry a number over the limit from just below it.
    candidates = np.abs(near) >= float(limit) * (1 - 1e-9) - 0.5 * 10.0**-places
    return _exactly(values, candidates, lambda n: _rounded(n, places).copy_abs() >= limit)


def _rounded(number: Decimal, places: int) -> Decimal:
    """As MariaDB rounds on storing: halves away from zero (Knowledge Base, "DECIMAL")."""
    # Plain abs() would round to the precision of the context.
    if number.copy_abs() >= Decimal(10) ** 70:
        return number
    with localcontext() as context:
        context.prec = 200
        return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _exactly(values: ArrowArray, candidates: Mask, bad: Callable[[Decimal], bool]) -> Mask:
    """The candidates that are bad by exact reckoning."""
    found = np.zeros(len(candidates), bool)
    for row in np.flatnonzero(candidates).tolist():
        value = values[row].as_py()
        if value is None:
            continue
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
        try:
            number = Decimal(text)
        except InvalidOperation:
            continue
        found[row] = number.is_finite() and bad(number)
    return found
