"""Scalar expressions of MariaDB as DuckDB SQL, bottom up, each with its MariaDB type.

Only what is known to give MariaDB's answer is translated; all else is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlglot import exp

from qproxy.backends.duckdb import aggregates, arithmetic, casts, comparisons, dates, numbers, strings, windows
from qproxy.backends.duckdb.context import Context
from qproxy.backends.duckdb.typed import Typed, cast_to, refused, settled, text_literal, truth
from qproxy.backends.duckdb.types import BOOL, NOT_FIXED, NULL_TYPE, MType, common, decimal, integer, string
from qproxy.errors import SQLError

Handler = Callable[[exp.Expr, Context, "Callable[[exp.Expr, Context], Typed]"], Typed]


def compile_expression(node: exp.Expr, context: Context) -> Typed:
    """DuckDB SQL of an expression, and its type.

    Args:
        node: the expression, parsed by sqlglot's mysql dialect.
        context: the tables in scope, and whether rows are grouped.

    Raises:
        SQLError: 1235 for what cannot be translated faithfully, 1054 and 1052 for columns.
    """
    for key, value in context.keys:
        if node == key:
            return value
    handler = _HANDLERS.get(node.key)
    if handler is None:
        for family in (arithmetic, comparisons, numbers, strings, dates, casts, aggregates, windows):
            handler = family.HANDLERS.get(node.key)
            if handler is not None:
                break
    if handler is None and isinstance(node, exp.Anonymous):
        name = str(node.this).lower()
        for group in (numbers, strings, dates):
            handler = group.NAMED.get(name)
            if handler is not None:
                break
    if handler is None:
        raise refused(_describe(node))
    return handler(node, context, compile_expression)


def _describe(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return f"the function {str(node.this).upper()}()"
    if isinstance(node, exp.Func):
        return f"the function {node.sql_name()}()"
    if isinstance(node, exp.Window):
        return "window functions"
    return f"the expression {node.sql('mysql')!r}"


def _column(node: exp.Expr, context: Context, _: object) -> Typed:
    return context.column(node.name, node.text("table") or None)


def _literal(node: exp.Expr, _: Context, __: object) -> Typed:
    value = str(node.this)
    if node.args.get("is_string"):
        return Typed(text_literal(value), string(len(value)), value)
    if "e" in value.lower():
        return Typed(f"CAST('{value}' AS DOUBLE)", MType("double", length=len(value), decimals=NOT_FIXED), value)
    if "." in value:
        whole, _dot, behind = value.partition(".")
        kind = decimal(max(1, len(whole) + len(behind)), len(behind))
        if kind.precision > 38:
            raise refused("numbers of more than 38 digits")
        return Typed(f"CAST('{value}' AS {kind.duck})", kind, value)
    digits = value.lstrip("0") or "0"
    number = int(digits)
    if number < 1 << 63:
        return Typed(digits, MType("int", integer(len(value)).word, len(value) + 1), digits)
    if number < 1 << 64:
        return Typed(f"CAST('{digits}' AS UBIGINT)", MType("int", "bigint", 20, unsigned=True), digits)
    if len(digits) > 38:
        raise refused("numbers of more than 38 digits")
    kind = decimal(len(digits), 0)
    return Typed(f"CAST('{digits}' AS {kind.duck})", kind, digits)


def _boolean(node: exp.Expr, _: Context, __: object) -> Typed:
    value = "1" if node.this else "0"
    return Typed(value, MType("int", "int", 1), value)


def _null(_: exp.Expr, __: Context, ___: object) -> Typed:
    return Typed("NULL", NULL_TYPE)


def _paren(node: exp.Expr, context: Context, compile_: Callable[[exp.Expr, Context], Typed]) -> Typed:
    inner = compile_(node.this, context)
    return Typed(f"({inner.sql})", inner.type, inner.literal)


def _hexstring(node: exp.Expr, _: Context, __: object) -> Typed:
    digits = str(node.this)
    digits = digits if len(digits) % 2 == 0 else "0" + digits
    return Typed(f"unhex('{digits}')", MType("blob", "varbinary", len(digits) // 2, unsigned=True))


def _bitstring(node: exp.Expr, _: Context, __: object) -> Typed:
    bits = str(node.this)
    size = max(1, (len(bits) + 7) // 8)
    return Typed(f"unhex('{int(bits or '0', 2):0{size * 2}X}')", MType("blob", "varbinary", size, unsigned=True))


def _case(node: exp.Expr, context: Context, compile_: Callable[[exp.Expr, Context], Typed]) -> Typed:
    operand = compile_(node.this, context) if node.this else None
    arms: list[tuple[str, Typed]] = []
    for arm in node.args["ifs"]:
        when = compile_(arm.this, context)
        condition = truth(when) if operand is None else comparisons.compare("=", operand, when)
        arms.append((condition, compile_(arm.args["true"], context)))
    default = node.args.get("default")
    return _choose(arms, compile_(default, context) if default else None)


def _choose(arms: list[tuple[str, Typed]], default: Typed | None) -> Typed:
    values = [settled(v) for _, v in arms] + ([settled(default)] if default else [])
    kind = common([v.type for v in values])
    parts = "".join(f" WHEN {c} THEN {cast_to(v, kind)}" for c, v in arms)
    last = f" ELSE {cast_to(default, kind)}" if default else ""
    return Typed(f"(CASE{parts}{last} END)", kind)


def _if(node: exp.Expr, context: Context, compile_: Callable[[exp.Expr, Context], Typed]) -> Typed:
    otherwise = node.args.get("false")
    return _choose(
        [(truth(compile_(node.this, context)), compile_(node.args["true"], context))],
        compile_(otherwise, context) if otherwise else None,
    )


def _coalesce(node: exp.Expr, context: Context, compile_: Callable[[exp.Expr, Context], Typed]) -> Typed:
    values = [settled(compile_(e, context)) for e in (node.this, *node.expressions)]
    kind = common([v.type for v in values])
    return Typed(f"coalesce({', '.join(cast_to(v, kind) for v in values)})", kind)


def _nullif(node: exp.Expr, context: Context, compile_: Callable[[exp.Expr, Context], Typed]) -> Typed:
    value = settled(compile_(node.this, context))
    other = compile_(node.expression, context)
    return Typed(f"(CASE WHEN {comparisons.compare('=', value, other)} THEN NULL ELSE {value.sql} END)", value.type)


def _subquery(node: exp.Expr, context: Context, _: object) -> Typed:
    sql, columns = context.subquery(node.this, context)
    if len(columns) != 1:
        raise SQLError(1241, "Operand should contain 1 column(s)")
    return Typed(f"({sql})", columns[0][1])


def _exists(node: exp.Expr, context: Context, _: object) -> Typed:
    sql, _columns = context.subquery(node.this, context)
    return Typed(f"EXISTS ({sql})", BOOL)


def _pi(_: exp.Expr, __: Context, ___: object) -> Typed:
    return Typed("pi()", MType("double", length=8, decimals=6))


_HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "column": _column,
        "literal": _literal,
        "boolean": _boolean,
        "null": _null,
        "paren": _paren,
        "hexstring": _hexstring,
        "bitstring": _bitstring,
        "case": _case,
        "if": _if,
        "coalesce": _coalesce,
        "nullif": _nullif,
        "subquery": _subquery,
        "exists": _exists,
        "pi": _pi,
    }
)
