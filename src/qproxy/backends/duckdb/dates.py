"""Dates and points in time. Time zones are the server's affair: functions that need one are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlglot import exp

from qproxy.backends.duckdb.context import Context
from qproxy.backends.duckdb.typed import Typed, as_moment, as_number, refused
from qproxy.backends.duckdb.types import COUNT, DATE, datetime, small_int, string
from qproxy.errors import SQLError

Compile = Callable[[exp.Expr, Context], Typed]
Handler = Callable[[exp.Expr, Context, Compile], Typed]

_DAY_UNITS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
_CLOCK_UNITS = ("HOUR", "MINUTE", "SECOND", "MICROSECOND")
_FORMAT_MARKS = frozenset("YmdHMSfyjBbAaIpT") | {"-d", "-m", "-H", "-I"}


def _moment(node: exp.Expr | None, context: Context, compile_: Compile) -> Typed:
    if node is None:
        raise refused("a date function without an argument")
    while node.key in ("tsordstodate", "tsordstotimestamp"):
        node = node.this
    return as_moment(compile_(node, context))


def _part(part: str, width: int) -> Handler:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        argument = node.this if not isinstance(node, exp.Anonymous) else node.expressions[0]
        value = _moment(argument, context, compile_)
        return Typed(f"CAST({part.replace('{x}', value.sql)} AS INTEGER)", small_int(width))

    return handler


_PARTS = {
    "YEAR": "year({x})",
    "MONTH": "month({x})",
    "DAY": "day({x})",
    "HOUR": "hour(CAST({x} AS TIMESTAMP))",
    "MINUTE": "minute(CAST({x} AS TIMESTAMP))",
    "SECOND": "second(CAST({x} AS TIMESTAMP))",
    "MICROSECOND": "(epoch_us(CAST({x} AS TIMESTAMP)) % 1000000)",
    "QUARTER": "quarter({x})",
}


def _extract(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    unit = node.this.name.upper()
    if unit not in _PARTS:
        raise refused(f"EXTRACT({unit} ...)")
    value = _moment(node.expression, context, compile_)
    return Typed(f"CAST({_PARTS[unit].replace('{x}', value.sql)} AS INTEGER)", small_int(4))


def _date(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    return Typed(f"CAST({_moment(node.this, context, compile_).sql} AS DATE)", DATE)


def _timestamp(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    if node.args.get("zone") or node.args.get("expression"):
        raise refused("TIMESTAMP() with two arguments")
    value = _moment(node.this, context, compile_)
    return Typed(f"CAST({value.sql} AS TIMESTAMP)", datetime(value.type.decimals))


def shifted(value: Typed, interval: exp.Expr, symbol: str, context: Context, compile_: Compile) -> Typed:
    """A date or point in time moved by an INTERVAL.

    Raises:
        SQLError: 1235 for compound units, fractional amounts and text that is no constant.
    """
    unit = interval.args.get("unit")
    return _shift(value, interval.this, unit.name.upper() if unit else "DAY", symbol, context, compile_)


def _shift(value: Typed, amount: exp.Expr, unit: str, symbol: str, context: Context, compile_: Compile) -> Typed:
    if unit not in (*_DAY_UNITS, *_CLOCK_UNITS):
        raise refused(f"INTERVAL ... {unit}")
    if not value.type.temporal:
        raise refused("date arithmetic on text; write CAST('...' AS DATE) or AS DATETIME")
    count = compile_(amount, context)
    if count.literal is not None and re.fullmatch(r"\s*-?\d+\s*", count.literal):
        number = f"CAST({count.literal.strip()} AS BIGINT)"
    else:
        counted = as_number(count)
        if counted.type.kind != "int":
            raise refused("INTERVAL with an amount that is not a whole number")
        number = f"CAST({counted.sql} AS BIGINT)"
    if unit == "QUARTER":
        number, unit = f"({number} * 3)", "MONTH"
    step = f"to_{unit.lower()}s(CAST({number} AS {'BIGINT' if unit in _CLOCK_UNITS else 'INTEGER'}))"
    moved = f"({value.sql} {symbol} {step})"
    if value.type.kind == "date" and unit in _DAY_UNITS:
        return Typed(f"CAST({moved} AS DATE)", DATE)
    fraction = 6 if unit == "MICROSECOND" else value.type.decimals
    return Typed(f"CAST({moved} AS TIMESTAMP)", datetime(fraction))


def _add(symbol: str) -> Handler:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        value = compile_(node.this, context)
        if isinstance(node.expression, exp.Interval):
            return shifted(value, node.expression, symbol, context, compile_)
        unit = node.args.get("unit")
        name = unit.name.upper() if unit else "DAY"
        return _shift(value, node.expression, name, symbol, context, compile_)

    return handler


def _adddate(symbol: str) -> Handler:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        if len(node.expressions) != 2:
            raise SQLError(1582, f"Incorrect parameter count in the call to native function '{node.this}'")
        value, amount = node.expressions
        if isinstance(amount, exp.Interval):
            return shifted(compile_(value, context), amount, symbol, context, compile_)
        return _shift(compile_(value, context), amount, "DAY", symbol, context, compile_)

    return handler


def _datediff(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    left = _moment(node.this, context, compile_)
    right = _moment(node.expression, context, compile_)
    sql = f"date_diff('day', CAST({right.sql} AS DATE), CAST({left.sql} AS DATE))"
    if right.sql.startswith("TRY_CAST('0000-"):
        # To MariaDB the year 0, from which TO_DAYS counts, has no leap day.
        sql = f"({sql} - 1)"
    return Typed(f"CAST({sql} AS INTEGER)", small_int(8))


def _timestampdiff(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    unit = node.args["unit"].name.lower()
    if unit not in ("microsecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"):
        raise refused(f"TIMESTAMPDIFF({unit.upper()}, ...)")
    # sqlglot holds the later argument of the call first.
    end = _moment(node.this, context, compile_)
    start = _moment(node.expression, context, compile_)
    return Typed(f"date_sub('{unit}', CAST({start.sql} AS TIMESTAMP), CAST({end.sql} AS TIMESTAMP))", COUNT)


def _format(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    pattern = node.args.get("format")
    if not isinstance(pattern, exp.Literal):
        raise refused("DATE_FORMAT with a format that is not a constant")
    text = str(pattern.this)
    marks = re.findall(r"%(-?.)", text)
    unknown = [m for m in marks if m not in _FORMAT_MARKS and m != "%"]
    if unknown:
        raise refused(f"DATE_FORMAT with %{unknown[0]}")
    value = _moment(node.this, context, compile_)
    literal = "'" + text.replace("%T", "%H:%M:%S").replace("'", "''") + "'"
    return Typed(f"strftime(CAST({value.sql} AS TIMESTAMP), {literal})", string(len(text) * 5))


def _day_name(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    return Typed(f"dayname({_moment(node.this, context, compile_).sql})", string(9))


def _last_day(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    return Typed(f"last_day({_moment(node.this, context, compile_).sql})", DATE)


def _week(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    mode = node.args.get("mode")
    mark = {"0": "%U", "3": "%V", "5": "%W"}.get(str(mode.this) if mode is not None else "0")
    if mark is None:
        raise refused("WEEK with a mode other than 0, 3 or 5")
    value = _moment(node.this, context, compile_)
    return Typed(f"CAST(strftime({value.sql}, '{mark}') AS INTEGER)", small_int(2))


def _makedate(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    year, day = (as_number(compile_(e, context)) for e in node.expressions)
    if year.type.kind != "int" or day.type.kind != "int":
        raise refused("MAKEDATE of anything but whole numbers")
    sql = f"make_date({year.sql}, 1, 1) + CAST({day.sql} - 1 AS INTEGER)"
    return Typed(f"(CASE WHEN {day.sql} > 0 AND {year.sql} > 99 THEN {sql} END)", DATE)


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "year": _part(_PARTS["YEAR"], 4),
        "month": _part(_PARTS["MONTH"], 2),
        "day": _part(_PARTS["DAY"], 2),
        "dayofmonth": _part(_PARTS["DAY"], 2),
        "hour": _part(_PARTS["HOUR"], 2),
        "minute": _part(_PARTS["MINUTE"], 2),
        "second": _part(_PARTS["SECOND"], 2),
        "quarter": _part(_PARTS["QUARTER"], 1),
        "dayofyear": _part("dayofyear({x})", 3),
        "dayofweek": _part("(dayofweek({x}) + 1)", 1),
        "extract": _extract,
        "tsordstodate": _date,
        "timestamp": _timestamp,
        "dateadd": _add("+"),
        "datesub": _add("-"),
        "datediff": _datediff,
        "timestampdiff": _timestampdiff,
        "timetostr": _format,
        "dayname": _day_name,
        "lastday": _last_day,
        "week": _week,
    }
)
NAMED: Mapping[str, Handler] = MappingProxyType(
    {
        "weekday": _part("(isodow({x}) - 1)", 1),
        "microsecond": _part(_PARTS["MICROSECOND"], 6),
        "adddate": _adddate("+"),
        "subdate": _adddate("-"),
        "makedate": _makedate,
    }
)
