"""A translated expression with its MariaDB type, and the conversions that MariaDB makes by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from qproxy.backends.duckdb.types import (
    BOOL,
    DATE,
    DOUBLE,
    MAX_DIGITS,
    MType,
    datetime,
    decimal,
    shown,
    string,
)
from qproxy.errors import SQLError


@dataclass(frozen=True)
class Typed:
    """DuckDB SQL and the MariaDB type of its value.

    Attributes:
        sql: DuckDB SQL, safe to stand as an operand.
        type: MariaDB's type.
        literal: the text of a literal, None for anything else.
    """

    sql: str
    type: MType
    literal: str | None = None


def refused(what: str) -> SQLError:
    """Error 1235 for what the embedded engine cannot answer as MariaDB would."""
    return SQLError(1235, f"the embedded engine does not support {what}; a MariaDB worker does")


def text_literal(value: str) -> str:
    """A string literal of DuckDB."""
    return "'" + value.replace("'", "''") + "'"


def settled(value: Typed) -> Typed:
    """The value with just the digits that it shows, and booleans as the integers that they are."""
    kind = value.type
    if kind.kind == "bool":
        return Typed(f"CAST({value.sql} AS INTEGER)", replace(BOOL, kind="int"))
    if kind.kind == "decimal" and kind.scale is not None:
        shown_type = replace(kind, scale=None)
        return Typed(f"CAST({value.sql} AS {shown_type.duck})", shown_type)
    return value


def as_double(value: Typed) -> str:
    """SQL of the value as a double, text by its leading number."""
    kind = value.type
    if value.literal is not None and kind.numeric:
        return f"CAST('{value.literal}' AS DOUBLE)"
    if kind.kind == "double":
        return value.sql
    if kind.kind == "string":
        if kind.members:
            return f"CAST({member_number(value)} AS DOUBLE)"
        return f"q_num({value.sql})"
    if kind.kind == "decimal" and kind.precision > 15:
        # Dividing wide decimals would round twice; reading their text rounds once.
        return f"CAST(CAST({value.sql} AS VARCHAR) AS DOUBLE)"
    if kind.kind == "date":
        return f"CAST(strftime({value.sql}, '%Y%m%d') AS DOUBLE)"
    if kind.kind == "datetime":
        return f"CAST(strftime({value.sql}, '%Y%m%d%H%M%S.%f') AS DOUBLE)"
    if kind.kind == "blob":
        raise refused("arithmetic on binary text")
    if kind.kind == "bool":
        return f"CAST(CAST({value.sql} AS INTEGER) AS DOUBLE)"
    return f"CAST({value.sql} AS DOUBLE)"


def as_number(value: Typed) -> Typed:
    """The value as the number that MariaDB takes it for."""
    kind = value.type
    if kind.kind == "bool":
        return settled(value)
    if kind.kind == "year":
        return Typed(f"CAST({value.sql} AS INTEGER)", MType("int", "int", 4, unsigned=True))
    if kind.kind == "bit":
        return Typed(value.sql, MType("int", "bigint", max(1, kind.length), unsigned=True))
    if kind.kind == "date":
        return Typed(f"CAST(strftime({value.sql}, '%Y%m%d') AS BIGINT)", MType("int", "bigint", 10, unsigned=False))
    if kind.kind == "datetime":
        if kind.decimals:
            number = decimal(14 + kind.decimals, kind.decimals)
            sql = f"CAST(strftime({value.sql}, '%Y%m%d%H%M%S.%f') AS {number.duck})"
            return Typed(sql, number)
        return Typed(f"CAST(strftime({value.sql}, '%Y%m%d%H%M%S') AS BIGINT)", MType("int", "bigint", 19))
    if kind.numeric:
        return value
    if kind.kind == "null":
        return Typed("CAST(NULL AS DOUBLE)", DOUBLE)
    if kind.members:
        return Typed(member_number(value), MType("int", "int", 3))
    return Typed(as_double(value), DOUBLE)


def as_bigint(value: Typed) -> str:
    """SQL of an integer wide enough for arithmetic: overflow is an error, never a wrap."""
    value = settled(value)
    return f"CAST({value.sql} AS {'HUGEINT' if value.type.unsigned else 'BIGINT'})"


def as_decimal(value: Typed) -> tuple[str, int, int]:
    """SQL of an exact number as DECIMAL, its digits and those behind the point that it really has."""
    value = as_number(value)
    kind = value.type
    if kind.kind == "decimal":
        behind = kind.decimals if kind.scale is None else kind.scale
        return value.sql, min(MAX_DIGITS, kind.precision - kind.decimals + behind), behind
    digits = min(MAX_DIGITS, max(1, kind.precision))
    # A literal 5 has one digit; a column has those of its SQL type, not of its display length.
    if value.literal is None:
        digits = max(digits, {"tinyint": 3, "smallint": 5, "mediumint": 8, "int": 10}.get(kind.word, 20))
    return f"CAST({value.sql} AS DECIMAL({digits},0))", digits, 0


def as_text(value: Typed) -> Typed:
    """The value as the text that MariaDB prints for it."""
    value = settled(value)
    kind = value.type
    if kind.kind == "string":
        return value
    width = shown(kind)
    if kind.kind in ("int", "decimal", "year"):
        return Typed(f"CAST({value.sql} AS VARCHAR)", string(width))
    if kind.kind in ("double", "float"):
        if kind.decimals < 31:
            return Typed(f"printf('%.{kind.decimals}f', CAST({value.sql} AS DOUBLE))", string(width))
        return Typed(f"q_{kind.kind}_text({value.sql})", string(width))
    if kind.kind == "date":
        return Typed(f"strftime({value.sql}, '%Y-%m-%d')", string(width))
    if kind.kind == "datetime":
        whole = f"strftime({value.sql}, '%Y-%m-%d %H:%M:%S.%f')"
        return Typed(f"left({whole}, {width})", string(width))
    if kind.kind == "null":
        return Typed("CAST(NULL AS VARCHAR)", string(0))
    raise refused("binary values as text")


def truth(value: Typed) -> str:
    """SQL of the value as a condition."""
    if value.type.kind == "bool":
        return value.sql
    if value.type.kind == "null":
        return "CAST(NULL AS BOOLEAN)"
    number = as_number(value)
    return f"({number.sql} <> 0)"


def member_number(value: Typed) -> str:
    """SQL of the place of an ENUM's value among its members, from 1."""
    members = ", ".join(text_literal(m) for m in value.type.members)
    return f"CAST(list_position([{members}], {value.sql}) AS INTEGER)"


def sort_key(value: Typed) -> str:
    """SQL whose order and equality are those that the value has in MariaDB."""
    value = settled(value)
    if value.type.members:
        return member_number(value)
    return equality_key(value)


def equality_key(value: Typed) -> str:
    """SQL that is equal just where MariaDB finds values equal."""
    value = settled(value)
    if value.type.kind == "string":
        if value.type.binary:
            return f"rtrim({value.sql}, ' ')"
        return f"{'q_swedish' if value.type.swedish else 'q_key'}({value.sql})"
    return value.sql


def cast_to(value: Typed, target: MType) -> str:
    """SQL of the value as the common type of several, see `types.common`."""
    value = settled(value)
    kind = value.type
    if kind.kind == "null":
        return f"CAST(NULL AS {target.duck})"
    if target.kind == "string":
        return as_text(value).sql
    if target.kind == "double":
        return as_double(value)
    if target.kind == "blob":
        if kind.kind == "blob":
            return value.sql
        return f"encode({as_text(value).sql})"
    if kind.duck == target.duck:
        return value.sql
    if target.kind == "decimal":
        return f"CAST({as_decimal(value)[0]} AS {target.duck})"
    return f"CAST({value.sql} AS {target.duck})"


_DATE = re.compile(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?)?\s*")


def as_moment(value: Typed) -> Typed:
    """The value as a date or a point in time; text that is none gives NULL.

    Raises:
        SQLError: 1235 for numbers used as dates and for partial dates.
    """
    kind = value.type
    if kind.temporal:
        return value
    if kind.kind == "null":
        return Typed("CAST(NULL AS DATE)", DATE)
    if kind.kind != "string":
        raise refused("numbers used as dates")
    if value.literal is not None:
        found = _DATE.fullmatch(value.literal)
        if found is None:
            raise refused(f"the date {value.literal!r}, which is not written as 'YYYY-MM-DD' or 'YYYY-MM-DD hh:mm:ss'")
        if found[4] is None:
            return Typed(f"TRY_CAST({text_literal(value.literal.strip())} AS DATE)", DATE)
        fraction = len(found[7] or "")
        return Typed(f"TRY_CAST({text_literal(value.literal.strip())} AS TIMESTAMP)", datetime(fraction))
    return Typed(f"TRY_CAST({value.sql} AS TIMESTAMP)", datetime(6))
