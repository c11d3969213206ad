"""Aggregate functions with MariaDB's result types; text by its collation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from sqlglot import exp

from qproxy.backends.duckdb.arithmetic import DIVISION_DIGITS, quotient, unsigned_bits
from qproxy.backends.duckdb.context import Context
from qproxy.backends.duckdb.typed import (
    Typed,
    as_double,
    as_number,
    as_text,
    equality_key,
    refused,
    settled,
    sort_key,
    text_literal,
)
from qproxy.backends.duckdb.types import COUNT, DOUBLE, MType, decimal

Compile = Callable[[exp.Expr, Context], Typed]
Handler = Callable[[exp.Expr, Context, Compile], Typed]

#: Digits that SUM adds before the point, as the server does.
_SUM_DIGITS = 22


def _argument(node: exp.Expr, context: Context, compile_: Compile) -> tuple[str, Typed]:
    inner = node.this
    word = ""
    if isinstance(inner, exp.Distinct):
        if len(inner.expressions) != 1:
            raise refused(f"{node.key.upper()}(DISTINCT ...) of several expressions")
        inner, word = inner.expressions[0], "DISTINCT "
    value = compile_(inner, context.inside_aggregate())
    # The server keeps the hidden digits of a quotient unless it gathers groups in a temporary table.
    return word, settled(value) if context.keys or context.over or value.type.kind == "bool" else value


def _count(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    inner = node.this
    within = context.inside_aggregate()
    if isinstance(inner, exp.Star):
        return Typed(f"count(*){context.over}", COUNT)
    if not isinstance(inner, exp.Distinct):
        return Typed(f"count({settled(compile_(inner, within)).sql}){context.over}", COUNT)
    values = [settled(compile_(e, within)) for e in inner.expressions]
    keys = [equality_key(v) for v in values]
    if len(keys) == 1:
        return Typed(f"count(DISTINCT {keys[0]})", COUNT)
    nulls = " OR ".join(f"{k} IS NULL" for k in keys)
    return Typed(f"count(DISTINCT CASE WHEN {nulls} THEN NULL ELSE row({', '.join(keys)}) END)", COUNT)


def _sum_of(word: str, value: Typed, over: str) -> Typed:
    number = as_number(value)
    if not number.type.exact:
        return Typed(f"sum({word}{as_double(number)}){over}", DOUBLE)
    scale = _scale(number.type)
    kind = decimal(number.type.precision + _SUM_DIGITS, number.type.decimals, scale=number.type.scale)
    return Typed(f"CAST(sum({word}{number.sql}){over} AS DECIMAL(38,{scale}))", kind)


def _sum(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    return _sum_of(*_argument(node, context, compile_), context.over)


def _avg(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    word, value = _argument(node, context, compile_)
    number = as_number(value)
    over = context.over
    if not number.type.exact:
        return Typed(f"(sum({word}{as_double(number)}){over} / nullif(count({word}{number.sql}){over}, 0))", DOUBLE)
    # The sum of n values needs few digits more than one of them; leaving room keeps the division exact.
    room = decimal(min(28, number.type.precision + 10), number.type.decimals, scale=number.type.scale)
    total = Typed(f"CAST(sum({word}{number.sql}){over} AS DECIMAL(38,{_scale(number.type)}))", room)
    count = Typed(f"count({word}{number.sql}){over}", MType("int", "bigint", 20))
    result = quotient(total, count)
    kind = decimal(number.type.precision + DIVISION_DIGITS, number.type.decimals + DIVISION_DIGITS)
    return Typed(result.sql, replace(kind, scale=_scale(result.type)))


def _scale(kind: MType) -> int:
    return kind.decimals if kind.scale is None else kind.scale


def chosen_type(node: exp.Expr, kind: MType) -> MType:
    """The type of one of several values of an expression: text is no ENUM any more, an INT of no column is a BIGINT."""
    if kind.kind == "string":
        word = "varchar" if kind.word == "enum" else kind.word
        return MType("string", word, kind.length, 39, binary=kind.binary)
    if kind.kind == "int" and not isinstance(node, exp.Column | exp.Literal | exp.Distinct):
        return replace(kind, word="bigint")
    return kind


def _extreme(function: str, chooser: str) -> Handler:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        _, value = _argument(node, context, compile_)
        kind = value.type
        if kind.kind == "bit":
            raise refused(f"{function.upper()} of a BIT column; add 0 to it")
        if kind.kind == "string":
            return Typed(f"{chooser}({value.sql}, {equality_key(value)}){context.over}", chosen_type(node.this, kind))
        return Typed(f"{function}({value.sql}){context.over}", chosen_type(node.this, kind))

    return handler


def _spread(function: str) -> Handler:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        _, value = _argument(node, context, compile_)
        number = as_number(value)
        kind = DOUBLE
        if number.type.exact:
            decimals = min(30, number.type.decimals + DIVISION_DIGITS)
            kind = MType("double", length=number.type.length * 2 + decimals, decimals=decimals)
        return Typed(f"{function}({as_double(number)}){context.over}", kind)

    return handler


def _bits(function: str, empty: str) -> Handler:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        _, value = _argument(node, context, compile_)
        sql = f"coalesce({function}({unsigned_bits(value)}){context.over}, CAST('{empty}' AS UBIGINT))"
        return Typed(sql, MType("int", "bigint", 21, unsigned=True))

    return handler


def _group_concat(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    within = context.inside_aggregate()
    inner = node.this
    order = ""
    if isinstance(inner, exp.Order):
        keys = [
            f"{sort_key(compile_(o.this, within))} {'DESC NULLS LAST' if o.args.get('desc') else 'ASC NULLS FIRST'}"
            for o in inner.expressions
        ]
        order = f" ORDER BY {', '.join(keys)}"
        inner = inner.this
    word = ""
    if isinstance(inner, exp.Distinct):
        if len(inner.expressions) != 1 or order:
            raise refused("GROUP_CONCAT(DISTINCT ... ORDER BY ...)")
        word, inner = "DISTINCT ", inner.expressions[0]
    value = as_text(compile_(inner, within))
    if (
        word
        and not value.type.binary
        and isinstance(inner, exp.Column)
        and within.column(inner.name, inner.text("table") or None).type.kind == "string"
    ):
        raise refused("GROUP_CONCAT(DISTINCT ...) of text")
    separator = node.args.get("separator")
    mark = str(separator.this) if isinstance(separator, exp.Literal) else ","
    sql = f"string_agg({word}{value.sql}, {text_literal(mark)}{order})"
    return Typed(sql, MType("string", "mediumtext", 16777216 // 4, binary=value.type.binary))


def _any_value(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    _, value = _argument(node, context, compile_)
    return Typed(f"first({value.sql})", value.type)


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "count": _count,
        "sum": _sum,
        "avg": _avg,
        "min": _extreme("min", "arg_min"),
        "max": _extreme("max", "arg_max"),
        "stddevpop": _spread("stddev_pop"),
        "stddev": _spread("stddev_pop"),
        "stddevsamp": _spread("stddev_samp"),
        "variancepop": _spread("var_pop"),
        "variance": _spread("var_samp"),
        "bitwiseoragg": _bits("bit_or", "0"),
        "bitwiseandagg": _bits("bit_and", "18446744073709551615"),
        "bitwisexoragg": _bits("bit_xor", "0"),
        "groupconcat": _group_concat,
        "anyvalue": _any_value,
    }
)
