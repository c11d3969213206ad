"""Operators on numbers: MariaDB's result types, overflow as error 1690, division by zero as NULL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from sqlglot import exp

from qproxy.backends.duckdb import dates
from qproxy.backends.duckdb.context import Context
from qproxy.backends.duckdb.typed import Typed, as_bigint, as_decimal, as_double, as_number, refused
from qproxy.backends.duckdb.types import DOUBLE, MAX_DIGITS, MType, decimal, integer

Compile = Callable[[exp.Expr, Context], Typed]

#: Digits that ``/`` adds behind the point: the server's default of div_precision_increment.
DIVISION_DIGITS = 4
_WORD = 9
_LIKELY_DIGITS = 24


def _pair(node: exp.Expr, context: Context, compile_: Compile) -> tuple[Typed, Typed]:
    return as_number(compile_(node.this, context)), as_number(compile_(node.expression, context))


def _scale(kind: MType) -> int:
    return kind.decimals if kind.scale is None else kind.scale


def _sum(symbol: str) -> Callable[[exp.Expr, Context, Compile], Typed]:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        for side, other in ((node.expression, node.this), (node.this, node.expression)):
            if isinstance(side, exp.Interval):
                return dates.shifted(compile_(other, context), side, symbol, context, compile_)
        left, right = _pair(node, context, compile_)
        if not (left.type.exact and right.type.exact):
            return Typed(f"({as_double(left)} {symbol} {as_double(right)})", DOUBLE)
        if left.type.kind == right.type.kind == "int":
            unsigned = left.type.unsigned or right.type.unsigned
            digits = max(left.type.precision, right.type.precision) + 1
            return _integer(f"{as_bigint(left)} {symbol} {as_bigint(right)}", digits, unsigned)
        a, a_digits, a_scale = as_decimal(left)
        b, b_digits, b_scale = as_decimal(right)
        behind = max(left.type.decimals, right.type.decimals)
        before = max(left.type.precision - left.type.decimals, right.type.precision - right.type.decimals)
        scale = max(a_scale, b_scale)
        kind = decimal(before + behind + 1, behind, scale=scale if scale != behind else None)
        digits = min(MAX_DIGITS, max(a_digits - a_scale, b_digits - b_scale) + scale + 1)
        return Typed(f"(CAST({a} AS DECIMAL({digits},{scale})) {symbol} {b})", kind)

    return handler


def _integer(sql: str, digits: int, unsigned: bool) -> Typed:
    kind = integer(digits if unsigned else digits + 1, unsigned)
    return Typed(f"CAST({sql} AS {'UBIGINT' if unsigned else 'BIGINT'})", replace(kind, word=kind.word))


def _product(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    left, right = _pair(node, context, compile_)
    if not (left.type.exact and right.type.exact):
        return Typed(f"({as_double(left)} * {as_double(right)})", DOUBLE)
    digits = left.type.precision + right.type.precision
    if left.type.kind == right.type.kind == "int":
        unsigned = left.type.unsigned or right.type.unsigned
        return _integer(f"{as_bigint(left)} * {as_bigint(right)}", digits, unsigned)
    a, a_digits, a_scale = as_decimal(left)
    b, b_digits, b_scale = as_decimal(right)
    behind = min(38, left.type.decimals + right.type.decimals)
    scale = a_scale + b_scale
    if scale > MAX_DIGITS:
        raise refused("products of decimals with more than 38 digits behind the point")
    # DuckDB would keep the product within 18 digits where both factors are narrow.
    wide = f"CAST({a} AS DECIMAL({min(MAX_DIGITS, a_digits + b_digits)},{a_scale}))"
    return Typed(f"({wide} * {b})", decimal(digits, behind, scale=scale if scale != behind else None))


def quotient(left: Typed, right: Typed) -> Typed:
    """The exact division ``/`` of two exact numbers.

    The server keeps whole words of nine digits behind the point, cut off, and shows four more digits than the
    dividend has (MariaDB Knowledge Base, "div_precision_increment").
    """
    a, a_digits, a_scale = as_decimal(left)
    b, _, b_scale = as_decimal(right)
    shown = min(38, left.type.decimals + DIVISION_DIGITS)
    behind = right.type.decimals
    kind = decimal(left.type.precision + behind + DIVISION_DIGITS, shown)
    a_words, b_words = -(-a_scale // _WORD), -(-b_scale // _WORD)
    more = max(0, DIVISION_DIGITS - (a_words * _WORD - a_scale + b_words * _WORD - b_scale))
    scale = -(-((a_words + b_words) * _WORD + more) // _WORD) * _WORD
    # Sums are declared far wider than they get; a value that does not fit is an error, never a wrong digit.
    a_digits = min(a_digits, _LIKELY_DIGITS)
    if a_digits + scale - a_scale + b_scale > MAX_DIGITS:
        scale = max(shown, MAX_DIGITS - a_digits + a_scale - b_scale)
    shift = scale - a_scale + b_scale
    if shift < 0 or shift > MAX_DIGITS - 1:
        raise refused("divisions of decimals with so many digits")
    dividend = f"(CAST({a} * {10**a_scale} AS HUGEINT) * CAST('{10**shift}' AS HUGEINT))"
    divisor = f"CAST({b} * {10**b_scale} AS HUGEINT)"
    if a_scale == 0:
        dividend = f"(CAST({a} AS HUGEINT) * CAST('{10**shift}' AS HUGEINT))"
    if b_scale == 0:
        divisor = f"CAST({b} AS HUGEINT)"
    unit = f"CAST('{'0.' + '0' * (scale - 1) + '1'}' AS DECIMAL({scale + 1},{scale}))"
    sql = f"(CAST(q_quotient({dividend}, {divisor}) AS DECIMAL(38,0)) * {unit})"
    return Typed(sql, replace(kind, scale=scale if scale != shown else None))


def _division(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    left, right = _pair(node, context, compile_)
    if left.type.exact and right.type.exact:
        return quotient(left, right)
    return Typed(f"({as_double(left)} / nullif({as_double(right)}, 0))", DOUBLE)


def _whole_division(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    left, right = _pair(node, context, compile_)
    if not (left.type.exact and right.type.exact):
        raise refused("DIV of floating-point numbers")
    unsigned = left.type.unsigned or right.type.unsigned
    kind = integer(max(1, left.type.precision - left.type.decimals), unsigned)
    a, _, a_scale = as_decimal(left)
    b, _, b_scale = as_decimal(right)
    scale = max(a_scale, b_scale)
    if left.type.kind == right.type.kind == "int":
        sql = f"q_quotient({as_bigint(left)}, {as_bigint(right)})"
    else:
        power = f"CAST('{10**scale}' AS DECIMAL({scale + 1},0))"
        sql = f"q_quotient(CAST({a} * {power} AS HUGEINT), CAST({b} * {power} AS HUGEINT))"
    return Typed(f"CAST({sql} AS {'UBIGINT' if unsigned else 'BIGINT'})", kind)


def _modulo(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    left, right = _pair(node, context, compile_)
    if not (left.type.exact and right.type.exact):
        return Typed(f"({as_double(left)} % nullif({as_double(right)}, 0))", DOUBLE)
    digits = max(left.type.precision, right.type.precision)
    if left.type.kind == right.type.kind == "int":
        sql = f"{as_bigint(left)} % nullif({as_bigint(right)}, 0)"
        return _integer(sql, digits, left.type.unsigned)
    a, _, a_scale = as_decimal(left)
    b, _, b_scale = as_decimal(right)
    behind = max(left.type.decimals, right.type.decimals)
    scale = max(a_scale, b_scale)
    kind = decimal(digits, behind, scale=scale if scale != behind else None)
    wide = f"DECIMAL(38,{scale})"
    return Typed(f"(CAST({a} AS {wide}) % nullif(CAST({b} AS {wide}), 0))", kind)


def _negative(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = as_number(compile_(node.this, context))
    kind = value.type
    if value.literal is not None and not value.literal.startswith("-"):
        text = "-" + value.literal
        if kind.kind == "int":
            return Typed(text if not kind.unsigned else f"CAST('{text}' AS HUGEINT)", kind, text)
        return Typed(f"CAST('{text}' AS {kind.duck})", kind, text)
    if not kind.exact:
        return Typed(f"(-{as_double(value)})", DOUBLE)
    if kind.kind == "int":
        return _integer(f"-{as_bigint(value)}", kind.precision + 1, False)
    return Typed(f"(-{value.sql})", replace(kind, length=kind.length + 1))


def unsigned_bits(value: Typed) -> str:
    """SQL of the 64 bits that a number stands for in bit operations."""
    number = as_number(value)
    if number.type.kind == "int" and number.type.unsigned:
        return f"CAST({number.sql} AS UBIGINT)"
    if number.type.kind != "int":
        whole = f"CAST(round_even({as_double(number)}, 0) AS HUGEINT)"
        if number.type.exact:
            whole = f"CAST({as_decimal(number)[0]} AS HUGEINT)"
    else:
        whole = f"CAST({number.sql} AS HUGEINT)"
    return f"CAST(CASE WHEN {whole} < 0 THEN {whole} + 18446744073709551616 ELSE {whole} END AS UBIGINT)"


_BITS = MType("int", "bigint", 21, unsigned=True)


def _bits(symbol: str) -> Callable[[exp.Expr, Context, Compile], Typed]:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        a = unsigned_bits(compile_(node.this, context))
        b = unsigned_bits(compile_(node.expression, context))
        if symbol == "^":
            return Typed(f"xor({a}, {b})", _BITS)
        if symbol == "<<":
            # The bits that leave the 64 are dropped first: DuckDB calls them an overflow.
            kept = f"({a} & CAST(((CAST(1 AS HUGEINT) << CAST(64 - {b} AS INTEGER)) - 1) AS UBIGINT))"
            moved = f"CAST(CAST({kept} AS HUGEINT) * CAST(pow(2, CAST({b} AS INTEGER)) AS HUGEINT) AS UBIGINT)"
            return Typed(f"(CASE WHEN {b} >= 64 THEN CAST(0 AS UBIGINT) ELSE {moved} END)", _BITS)
        if symbol == ">>":
            return Typed(f"(CASE WHEN {b} >= 64 THEN CAST(0 AS UBIGINT) ELSE {a} >> {b} END)", _BITS)
        return Typed(f"({a} {symbol} {b})", _BITS)

    return handler


def _bit_not(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    return Typed(f"xor({unsigned_bits(compile_(node.this, context))}, 18446744073709551615::UBIGINT)", _BITS)


HANDLERS: Mapping[str, Callable[[exp.Expr, Context, Compile], Typed]] = MappingProxyType(
    {
        "add": _sum("+"),
        "sub": _sum("-"),
        "mul": _product,
        "div": _division,
        "intdiv": _whole_division,
        "mod": _modulo,
        "neg": _negative,
        "bitwiseand": _bits("&"),
        "bitwiseor": _bits("|"),
        "bitwisexor": _bits("^"),
        "bitwiseleftshift": _bits("<<"),
        "bitwiserightshift": _bits(">>"),
        "bitwisenot": _bit_not,
    }
)
