"""CAST and CONVERT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlglot import exp

from qproxy.backends.duckdb.context import Context
from qproxy.backends.duckdb.typed import Typed, as_decimal, as_double, as_moment, as_number, as_text, refused, settled
from qproxy.backends.duckdb.types import DATE, MAX_DIGITS, NOT_FIXED, MType, datetime, decimal, integer, string

Compile = Callable[[exp.Expr, Context], Typed]

_LOWEST, _HIGHEST = -(1 << 63), (1 << 63) - 1
_HIGHEST_UNSIGNED = (1 << 64) - 1


def _sizes(target: exp.Expr) -> list[int]:
    return [int(str(p.name)) for p in target.expressions]


def _whole(value: Typed) -> str:
    """SQL of the value as HUGEINT: text by its leading digits, numbers rounded."""
    value = settled(value)
    if value.type.kind == "string" and not value.type.members:
        return f"q_int({value.sql})"
    number = as_number(value)
    if number.type.kind == "decimal":
        return f"CAST({as_decimal(number)[0]} AS HUGEINT)"
    if number.type.exact:
        return f"CAST({number.sql} AS HUGEINT)"
    x = f"greatest(-1e37, least(1e37, {as_double(number)})) + 0e0 * {as_double(number)}"
    return f"CAST(round_even({x}, 0) AS HUGEINT)"


def _signed(value: Typed) -> Typed:
    whole = _whole(value)
    text = value.type.kind == "string"
    length = value.type.length if value.type.exact or text else 20
    kind = integer(max(1, min(20, length)))
    if value.type.exact and value.type.unsigned:
        # Bits are kept: the upper half of the unsigned range turns negative.
        wrapped = f"CASE WHEN {whole} > {_HIGHEST} THEN {whole} - 18446744073709551616 ELSE {whole} END"
        return Typed(f"CAST({wrapped} AS BIGINT)", kind)
    sql = f"CASE WHEN {whole} IS NULL THEN NULL ELSE greatest({_LOWEST}, least({_HIGHEST}, {whole})) END"
    return Typed(f"CAST({sql} AS BIGINT)", kind)


def _unsigned(value: Typed) -> Typed:
    whole = _whole(value)
    wrapped = f"CASE WHEN {whole} < 0 THEN greatest({_LOWEST}, {whole}) + 18446744073709551616 ELSE {whole} END"
    sql = f"CASE WHEN {whole} IS NULL THEN NULL ELSE least(CAST('{_HIGHEST_UNSIGNED}' AS HUGEINT), {wrapped}) END"
    return Typed(f"CAST({sql} AS UBIGINT)", MType("int", "bigint", 20, unsigned=True))


def _decimal(value: Typed, sizes: list[int]) -> Typed:
    precision, scale = [*sizes, *([10, 0][len(sizes) :])]
    if precision > MAX_DIGITS:
        raise refused(f"DECIMAL of more than {MAX_DIGITS} digits")
    kind = decimal(precision, scale)
    number = as_number(value)
    source = as_decimal(number)[0] if number.type.exact else as_double(number)
    edge = "9" * precision
    limit = f"CAST('{edge[: precision - scale] or '0'}.{edge[:scale]}' AS {kind.duck})" if scale else edge
    top = f"{'9' * (precision - scale) or '0'}.{'9' * scale or '0'}e0"
    # Too large values become the largest of the type, as outside strict mode.
    sql = (
        f"CASE WHEN {source} >= {top} THEN CAST({limit} AS {kind.duck}) "
        f"WHEN {source} <= -{top} THEN -CAST({limit} AS {kind.duck}) ELSE CAST({source} AS {kind.duck}) END"
    )
    return Typed(f"({sql})", kind)


def _char(value: Typed, sizes: list[int]) -> Typed:
    text = as_text(value)
    width = text.type.length
    kind = MType("string", "varchar", min(width, sizes[0]) if sizes else width, binary=text.type.binary)
    if sizes:
        return Typed(f"left({text.sql}, {sizes[0]})", kind)
    return Typed(text.sql, kind)


def _cast(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = compile_(node.this, context)
    target = node.args["to"]
    name = str(target.this.value if hasattr(target.this, "value") else target.this).upper()
    sizes = _sizes(target)
    if name in ("BIGINT", "INT", "SIGNED"):
        return _signed(value)
    if name in ("UBIGINT", "UINT", "UNSIGNED"):
        return _unsigned(value)
    if name == "DECIMAL":
        return _decimal(value, sizes)
    if name in ("CHAR", "VARCHAR", "TEXT", "NCHAR"):
        return _char(value, sizes)
    if name == "DOUBLE":
        return Typed(as_double(as_number(value)), MType("double", length=22, decimals=NOT_FIXED))
    if name == "FLOAT":
        return Typed(f"CAST({as_double(as_number(value))} AS FLOAT)", MType("float", length=12, decimals=NOT_FIXED))
    if name in ("BINARY", "VARBINARY") and value.type.kind == "null" and sizes and sizes[0] > 0xFFFFFF:
        return Typed("CAST(NULL AS BLOB)", MType("blob", "longblob", sizes[0]))
    if name in ("BINARY", "VARBINARY") and not sizes:
        if value.type.kind == "blob":
            return value
        text = as_text(value)
        return Typed(f"encode({text.sql})", MType("blob", "varbinary", text.type.length * 4))
    if name == "DATE":
        moment = as_moment(value)
        return Typed(f"CAST({moment.sql} AS DATE)", DATE)
    if name in ("DATETIME", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPLTZ"):
        fraction = sizes[0] if sizes else 0
        moment = as_moment(value)
        if value.literal is not None and node.this.key == "literal" and not sizes:
            fraction = moment.type.decimals if name != "DATETIME" else 0
        sql = f"CAST({moment.sql} AS TIMESTAMP)"
        if moment.type.decimals > fraction:
            # Surplus digits of a second are cut, not rounded.
            step = 10 ** (6 - fraction)
            sql = f"make_timestamp(epoch_us({sql}) // {step} * {step})"
        return Typed(sql, datetime(fraction))
    raise refused(f"CAST to {name}")


def _introducer(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    if str(node.this).lower() not in ("_utf8mb4", "_utf8", "_latin1", "_utf8mb3"):
        raise refused(f"the charset introducer {node.this}")
    return compile_(node.expression, context)


def _national(node: exp.Expr, _: Context, __: Compile) -> Typed:
    value = str(node.this)
    return Typed("'" + value.replace("'", "''") + "'", string(len(value)), value)


HANDLERS: Mapping[str, Callable[[exp.Expr, Context, Compile], Typed]] = MappingProxyType(
    {"cast": _cast, "introducer": _introducer, "national": _national}
)
