"""Values of parameters as literals: each of the type that MariaDB gives a bound value, as far as a literal can have it.

Found by running 77 expressions with bound values and with literals on MariaDB 10.11: leading zeros make an integer as
wide as its type, an unsigned one needs a cast, a binary string an introducer (a bare ``x'..'`` has no decimals), a
DECIMAL without a fraction its point.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum
from math import isfinite
from types import MappingProxyType

from qproxy.errors import SQLError
from qproxy.planner.literals import quoted
from qproxy.wire.binary import moment_text, time_text
from qproxy.wire.columns import ColumnType
from qproxy.wire.prepared import BLOBS, TEXTS, Parameter, ParameterType, wrong_arguments

#: What a variable of the session can hold.
Value = str | int | float | Decimal | None


class Place(Enum):
    """Where a literal stands.

    Attributes:
        FREE: its type is seen, in the result or by arithmetic.
        COMPARED: its value alone counts; a plain number is what look-ups of ids and areas recognise.
        LIMIT: a number of rows.
    """

    FREE = "free"
    COMPARED = "compared"
    LIMIT = "limit"


#: Digits of an integer literal that is as wide as a bound one: signed, unsigned.
_DIGITS: Mapping[int, tuple[int, int]] = MappingProxyType({ColumnType.LONG: (9, 10), ColumnType.LONGLONG: (20, 20)})
_INTEGERS: Mapping[int, int] = MappingProxyType(
    {
        ColumnType.TINY: 1,
        ColumnType.SHORT: 2,
        ColumnType.YEAR: 2,
        ColumnType.INT24: 4,
        ColumnType.LONG: 4,
        ColumnType.LONGLONG: 8,
    }
)
_REALS: Mapping[int, str] = MappingProxyType({ColumnType.FLOAT: "<f", ColumnType.DOUBLE: "<d"})
_DECIMALS = frozenset((ColumnType.DECIMAL, ColumnType.NEWDECIMAL))
_MOMENTS = frozenset((ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIMESTAMP))
_LONGLONG = ParameterType(ColumnType.LONGLONG)
_LARGEST = (1 << 63) - 1
_MAX_DECIMAL_DIGITS = 65
_MAX_HOURS = 838


def literal(parameter: Parameter, place: Place, encoding: str) -> str:
    """The value of a parameter as a literal.

    Args:
        encoding: Python codec of the client's text.

    Raises:
        SQLError: 1292 for a date or time that is none, 1367 for a number that is none, 1210 for a type that parameters
            cannot have.
    """
    return value_literal(value_of(parameter, encoding), parameter.type, place)


def session_literal(value: Value, place: Place) -> str:
    """The value of a user variable as a literal; errors as for `literal`."""
    return value_literal(value, _LONGLONG, place)


def value_of(parameter: Parameter, encoding: str) -> Value | bytes:
    """What a parameter holds: dates and times as text, blobs as bytes; errors as for `literal`."""
    kind, data = parameter.type.kind, parameter.data
    if data is None:
        return None
    if kind in _INTEGERS:
        return int.from_bytes(data[: _INTEGERS[kind]], "little", signed=not parameter.type.unsigned)
    if kind in _REALS:
        return float(struct.unpack(_REALS[kind], data)[0])
    if kind in _DECIMALS:
        return _decimal(data)
    if kind in _MOMENTS or kind == ColumnType.TIME:
        return _moment(kind, data)
    if kind in TEXTS:
        return _decoded(data, encoding)
    if kind in BLOBS:
        return data
    raise wrong_arguments("mysqld_stmt_execute")


def value_literal(value: Value | bytes, given: ParameterType, place: Place) -> str:
    """A value as a literal.

    Args:
        given: what the client says it is: tells how wide an integer is, and which text is a date.
    """
    if place is Place.LIMIT:
        return str(_row_count(value))
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"_binary x'{value.hex()}'"
    if isinstance(value, int):
        return _integer(value, given, place)
    if isinstance(value, float):
        return _real(value)
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return _signed(text if "." in text else f"{text}.")
    if given.kind == ColumnType.DATE:
        return f"DATE'{value}'"
    if given.kind in _MOMENTS:
        return f"TIMESTAMP'{value}'"
    if given.kind == ColumnType.TIME:
        return f"TIME'{value}'"
    return quoted(value)


def _integer(value: int, given: ParameterType, place: Place) -> str:
    if place is Place.COMPARED:
        return _signed(str(value))
    signed, unsigned = _DIGITS.get(given.kind, (1, 1))
    if given.unsigned:
        return f"CAST({value:0{unsigned}d} AS UNSIGNED)" if value <= _LARGEST else str(value)
    if value == -_LARGEST - 1:
        return f"({value})"
    return f"(-{-value:0{signed}d})" if value < 0 else f"{value:0{signed}d}"


def _real(value: float) -> str:
    if not isfinite(value):
        raise SQLError(1367, f"Illegal double '{value}' value found in a parameter")
    text = repr(value)
    return _signed(text if "e" in text else f"{text}e0")


def _signed(text: str) -> str:
    """A number that an operator in front of it leaves whole."""
    return f"({text})" if text.startswith("-") else text


def _row_count(value: Value | bytes) -> int:
    """A number of rows as MariaDB reads it off a value: text by its digits, a negative one as a huge one."""
    if isinstance(value, str | bytes):
        text = value if isinstance(value, str) else value.decode("ascii", "replace")
        digits = text.lstrip()
        sign = digits[:1] if digits[:1] in ("-", "+") else ""
        end = len(sign)
        while end < len(digits) and digits[end] in "0123456789":
            end += 1
        value = int(digits[:end] or "0") if end > len(sign) else 0
    rows = 0 if value is None else round(value)
    return min(rows, (1 << 64) - 1) if rows >= 0 else max(rows, -1 << 63) & ((1 << 64) - 1)


def _decimal(data: bytes) -> Decimal:
    try:
        value = Decimal(data.decode("ascii").strip())
    except (InvalidOperation, UnicodeDecodeError):
        value = Decimal("NaN")
    exponent = value.as_tuple().exponent
    if not value.is_finite() or not isinstance(exponent, int) or abs(exponent) > _MAX_DECIMAL_DIGITS:
        raise SQLError(1367, f"Illegal decimal '{data[:80].decode('ascii', 'replace')}' value found in a parameter")
    return value


def _moment(kind: int, data: bytes) -> str:
    try:
        text = time_text(data) if kind == ColumnType.TIME else moment_text(data)
    except ValueError:
        raise wrong_arguments("mysqld_stmt_execute") from None
    whole, _, clock = text.rpartition(" ")
    hours, minutes, seconds = clock.split(":")
    latest = _MAX_HOURS if kind == ColumnType.TIME else 23
    fits = int(hours.lstrip("-")) <= latest and int(minutes) < 60 and float(seconds) < 60
    if not fits or (whole and not _is_date(whole)):
        name = "time" if kind == ColumnType.TIME else "date" if kind == ColumnType.DATE else "datetime"
        raise SQLError(1292, f"Incorrect {name} value: '{text}'")
    return whole if kind == ColumnType.DATE else text


def _is_date(text: str) -> bool:
    """Whether MariaDB takes a date for one: parts may be zero."""
    year, month, day = map(int, text.split("-"))
    if year > 9999 or month > 12 or day > 31:
        return False
    if not (year and month and day):
        return True
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _decoded(data: bytes, encoding: str) -> str | bytes:
    """Text; bytes where it is none: clients send binary strings as text as well, and MariaDB takes them as they are."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return data
