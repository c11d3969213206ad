"""Numeric functions, with NULL outside their domains and MariaDB's roundings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlglot import exp

from qproxy.backends.duckdb.arithmetic import unsigned_bits
from qproxy.backends.duckdb.context import Context
from qproxy.backends.duckdb.typed import Typed, as_decimal, as_double, as_number, cast_to, refused, settled, sort_key
from qproxy.backends.duckdb.types import (
    DOUBLE,
    NOT_FIXED,
    MType,
    common,
    decimal,
    integer,
    small_int,
)

Compile = Callable[[exp.Expr, Context], Typed]
Handler = Callable[[exp.Expr, Context, Compile], Typed]


def constant_int(node: exp.Expr | None, name: str) -> int:
    """A whole number written in the statement.

    Raises:
        SQLError: 1235 where it is anything else.
    """
    sign = 1
    while isinstance(node, (exp.Paren, exp.Neg)):
        sign = -sign if isinstance(node, exp.Neg) else sign
        node = node.this
    if not isinstance(node, exp.Literal) or node.is_string or not str(node.this).isdigit():
        raise refused(f"{name} with digits that are not a constant")
    return sign * int(node.this)


def _real(function: str, guard: str = "") -> Handler:
    """A function of a double; ``guard`` is the condition, on ``x``, under which it is defined."""

    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        x = as_double(as_number(compile_(node.this, context)))
        call = function.replace("{x}", x)
        if guard:
            call = f"(CASE WHEN {guard.replace('{x}', x)} THEN {call} END)"
        return Typed(call, DOUBLE)

    return handler


def _real2(function: str) -> Handler:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        x = as_double(as_number(compile_(node.this, context)))
        y = as_double(as_number(compile_(node.expression, context)))
        return Typed(f"{function}({x}, {y})", DOUBLE)

    return handler


def _atan(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    return (_real2("atan2") if node.args.get("expression") else _real("atan({x})"))(node, context, compile_)


def _log(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    base, argument = node.this, node.args.get("expression")
    if argument is None:
        return _real("ln({x})", "{x} > 0")(node, context, compile_)
    x = as_double(as_number(compile_(argument, context)))
    if isinstance(base, exp.Literal) and str(base.this) in ("2", "10"):
        name = {"2": "log2", "10": "log10"}[str(base.this)]
        return Typed(f"(CASE WHEN {x} > 0 THEN {name}({x}) END)", DOUBLE)
    b = as_double(as_number(compile_(base, context)))
    return Typed(f"(CASE WHEN {b} > 0 AND {b} <> 1 AND {x} > 0 THEN ln({x}) / ln({b}) END)", DOUBLE)


def _abs(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = settled(as_number(compile_(node.this, context)))
    if not value.type.exact:
        return Typed(f"abs({as_double(value)})", DOUBLE)
    if value.type.kind == "decimal":
        return Typed(f"abs({value.sql})", value.type)
    wide = "HUGEINT" if value.type.unsigned else "BIGINT"
    sql = f"CAST(abs(CAST({value.sql} AS {wide})) AS {'UBIGINT' if value.type.unsigned else 'BIGINT'})"
    return Typed(sql, integer(value.type.length, value.type.unsigned))


def _sign(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = as_number(compile_(node.this, context))
    return Typed(f"CAST(sign({value.sql}) AS INTEGER)", small_int(2))


def _whole(function: str) -> Handler:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        value = as_number(compile_(node.this, context))
        kind = value.type
        if kind.kind == "int":
            return value
        if kind.exact:
            before = kind.precision - kind.decimals
            if before > 18:
                raise refused(f"{function.upper()} of decimals with so many digits")
            result = integer(before + 2) if before > 8 else small_int(before + 2)
            return Typed(f"CAST({function}({value.sql}) AS BIGINT)", result)
        return Typed(f"({function}({as_double(value)}) + 0e0)", MType("double", length=17))

    return handler


def _round(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    given = node.args.get("decimals")
    places = constant_int(given, "ROUND") if given else 0
    return _cut(compile_(node.this, context), places, given is not None, truncate=False)


def _truncate(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    places = constant_int(node.args.get("decimals"), "TRUNCATE")
    return _cut(compile_(node.this, context), places, True, truncate=True)


def _cut(value: Typed, places: int, given: bool, truncate: bool) -> Typed:
    value = as_number(value)
    kind = value.type
    if not kind.exact:
        return _cut_double(as_double(value), places, truncate)
    if kind.kind == "int":
        return _cut_int(value, places, given, truncate)
    shown = max(0, min(places, 38))
    sql, _, scale = as_decimal(value)
    before = kind.precision - kind.decimals
    result = decimal(before + shown + (0 if truncate else 1), shown)
    if places < 0:
        unit = f"CAST('{10**-places}' AS HUGEINT)"
        half = "0" if truncate else f"CAST('{10**-places // 2}' AS HUGEINT)"
        whole = f"CAST(trunc(abs({sql})) AS HUGEINT)"
        sql = f"(CAST(sign({sql}) AS HUGEINT) * (({whole} + {half}) // {unit}) * {unit})"
        return Typed(f"CAST({sql} AS {result.duck})", result)
    if truncate and places < scale:
        power = f"CAST('{10**places}' AS DECIMAL({places + 1},0))"
        unit = f"CAST('{'0.' + '0' * (places - 1) + '1' if places else '1'}' AS DECIMAL({places + 1},{places}))"
        sql = f"CAST(trunc({sql} * {power}) AS DECIMAL(38,0)) * {unit}"
    return Typed(f"CAST({sql} AS {result.duck})", result)


def _cut_double(x: str, places: int, truncate: bool) -> Typed:
    # The server scales, rounds halves to even and scales back (my_double_round).
    function = "trunc({})" if truncate else "round_even({}, 0)"
    power = f"{10 ** min(abs(places), 300)}e0" if abs(places) < 16 else f"1e{min(abs(places), 300)}"
    if places >= 0:
        sql = f"({function.format(f'{x} * {power}')} / {power} + 0e0)"
    else:
        sql = f"({function.format(f'{x} / {power}')} * {power} + 0e0)"
    shown = max(0, places)
    if shown >= NOT_FIXED:
        return Typed(x, DOUBLE)
    return Typed(sql, MType("double", length=17 + shown, decimals=shown))


def _cut_int(value: Typed, places: int, given: bool, truncate: bool) -> Typed:
    if places >= 0:
        return value
    unit = f"CAST('{10**-places}' AS HUGEINT)"
    half = "0" if truncate else f"CAST('{10**-places // 2}' AS HUGEINT)"
    whole = f"CAST({value.sql} AS HUGEINT)"
    sql = f"CAST(sign({whole}) AS HUGEINT) * ((abs({whole}) + {half}) // {unit}) * {unit}"
    kind = value.type if truncate else integer(value.type.length + 1, value.type.unsigned)
    return Typed(f"CAST({sql} AS {kind.duck})", kind)


def _extreme(function: str, symbol: str) -> Handler:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        values = [settled(compile_(e, context)) for e in (node.this, *node.expressions)]
        kinds = {v.type.kind for v in values}
        if "null" in kinds:
            return Typed("CAST(NULL AS DOUBLE)", DOUBLE)
        kind = common([v.type for v in values])
        if kind.kind in ("string", "blob", "datetime", "date") and len(kinds) > 1:
            raise refused(f"{function.upper()} of values of different types")
        sqls = [cast_to(v, kind) for v in values]
        nulls = " OR ".join(f"{s} IS NULL" for s in sqls)
        if kind.kind != "string":
            return Typed(f"(CASE WHEN {nulls} THEN NULL ELSE {function}({', '.join(sqls)}) END)", kind)
        best = sqls[0]
        for sql in sqls[1:]:
            ahead = f"{sort_key(Typed(sql, kind))} {symbol} {sort_key(Typed(best, kind))}"
            best = f"(CASE WHEN {ahead} THEN {sql} ELSE {best} END)"
        return Typed(f"(CASE WHEN {nulls} THEN NULL ELSE {best} END)", kind)

    return handler


def _bit_count(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    bits = unsigned_bits(compile_(node.this, context))
    return Typed(f"CAST(length(replace(bin({bits}), '0', '')) AS INTEGER)", small_int(2))


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "abs": _abs,
        "sign": _sign,
        "ceil": _whole("ceil"),
        "floor": _whole("floor"),
        "round": _round,
        "trunc": _truncate,
        "pow": _real2("pow"),
        "atan2": _real2("atan2"),
        "atan": _atan,
        "log": _log,
        "ln": _real("ln({x})", "{x} > 0"),
        "sqrt": _real("sqrt({x})", "{x} >= 0"),
        "exp": _real("exp({x})"),
        "sin": _real("sin({x})"),
        "cos": _real("cos({x})"),
        "tan": _real("tan({x})"),
        "cot": _real("(1e0 / tan({x}))"),
        "asin": _real("asin({x})", "{x} BETWEEN -1 AND 1"),
        "acos": _real("acos({x})", "{x} BETWEEN -1 AND 1"),
        "radians": _real("({x} * (pi() / 180))"),
        "degrees": _real("({x} * (180 / pi()))"),
        "greatest": _extreme("greatest", ">"),
        "least": _extreme("least", "<"),
        "bitwisecount": _bit_count,
    }
)
NAMED: Mapping[str, Handler] = MappingProxyType({})
