"""Comparisons and logic: what MariaDB compares as text, as numbers, as dates; three-valued logic."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from sqlglot import exp

from qproxy.backends.duckdb.context import Context
from qproxy.backends.duckdb.typed import (
    Typed,
    as_decimal,
    as_double,
    as_moment,
    as_number,
    as_text,
    equality_key,
    refused,
    settled,
    text_literal,
    truth,
)
from qproxy.backends.duckdb.types import BOOL, MType
from qproxy.errors import SQLError

Compile = Callable[[exp.Expr, Context], Typed]
Operands = tuple[str, str]


def comparable(left: Typed, right: Typed) -> Operands:
    """SQL of two values in the form in which MariaDB compares them.

    Raises:
        SQLError: 1235 where that form has no equal in DuckDB.
    """
    # A quotient is compared with the digits that it shows.
    left, right = settled(left), settled(right)
    a, b = left.type, right.type
    if a.temporal or b.temporal:
        return as_moment(left).sql, as_moment(right).sql
    if "blob" in (a.kind, b.kind):
        if a.numeric or b.numeric:
            raise refused("comparisons of binary text with numbers")
        return _bytes(left), _bytes(right)
    if a.kind == b.kind == "string":
        if a.binary or b.binary:
            return f"rtrim({left.sql}, ' ')", f"rtrim({right.sql}, ' ')"
        # A literal takes the collation of the column; between columns of two charsets Unicode's holds.
        swedish = (a.swedish or b.swedish) and all(v.type.swedish or v.literal is not None for v in (left, right))
        return _key(left, swedish), _key(right, swedish)
    left, right = _whole(left, b), _whole(right, a)
    x, y = as_number(left), as_number(right)
    if x.type.exact and y.type.exact:
        if x.type.kind == y.type.kind == "int":
            return x.sql, y.sql
        return as_decimal(x)[0], as_decimal(y)[0]
    return as_double(x), as_double(y)


def _key(value: Typed, swedish: bool) -> str:
    return equality_key(Typed(value.sql, replace(value.type, swedish=swedish and not value.type.binary)))


def _whole(value: Typed, other: MType) -> Typed:
    """A literal such as '12' that is compared with integers, as the integer: a double would lose digits."""
    text = (value.literal or "").strip()
    if (
        value.type.kind == "string"
        and other.kind == "int"
        and re.fullmatch(r"-?\d{1,19}", text)
        and abs(int(text)) < 1 << 63
    ):
        return Typed(text, MType("int", "bigint", 20), text)
    return value


def _bytes(value: Typed) -> str:
    return value.sql if value.type.kind == "blob" else f"encode({as_text(value).sql})"


def compare(symbol: str, left: Typed, right: Typed) -> str:
    """SQL of a comparison, as a condition."""
    if "null" in (left.type.kind, right.type.kind):
        return "CAST(NULL AS BOOLEAN)"
    a, b = comparable(left, right)
    return f"({a} {symbol} {b})"


def _comparison(symbol: str) -> Callable[[exp.Expr, Context, Compile], Typed]:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        left, right = node.this, node.expression
        if isinstance(right, exp.Any | exp.All):
            return _quantified(symbol, compile_(left, context), right, context)
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Subquery):
            if symbol != "=":
                raise refused("comparisons of rows other than by =")
            condition, rows = _row_condition(left, right.this, context, compile_)
            return Typed(f"(SELECT {condition} FROM {rows})", BOOL)
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
            if symbol != "=" or len(left.expressions) != len(right.expressions):
                raise refused("comparisons of rows other than by =")
            pairs = zip(left.expressions, right.expressions, strict=True)
            parts = [compare("=", compile_(a, context), compile_(b, context)) for a, b in pairs]
            return Typed(f"({' AND '.join(parts)})", BOOL)
        return Typed(compare(symbol, compile_(left, context), compile_(right, context)), BOOL)

    return handler


def _null_safe(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    left, right = compile_(node.this, context), compile_(node.expression, context)
    if left.type.kind == "null" or right.type.kind == "null":
        return Typed(f"({left.sql} IS NULL AND {right.sql} IS NULL)", BOOL)
    a, b = comparable(left, right)
    return Typed(f"({a} IS NOT DISTINCT FROM {b})", BOOL)


def _between(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = compile_(node.this, context)
    low = compare(">=", value, compile_(node.args["low"], context))
    high = compare("<=", value, compile_(node.args["high"], context))
    return Typed(f"({low} AND {high})", BOOL)


def _quantified(symbol: str, value: Typed, right: exp.Expr, context: Context) -> Typed:
    """A comparison with ANY or ALL of a subquery."""
    inner = right.this.this if isinstance(right.this, exp.Subquery) else right.this
    sql, columns = context.subquery(inner, context)
    if len(columns) != 1:
        raise SQLError(1241, "Operand should contain 1 column(s)")
    a, b = comparable(value, Typed("q_in.q_value", columns[0][1]))
    word = "ANY" if isinstance(right, exp.Any) else "ALL"
    return Typed(f"({a} {symbol} {word} (SELECT {b} FROM ({sql}) AS q_in(q_value)))", BOOL)


def _row_condition(row: exp.Tuple, query: exp.Expr, context: Context, compile_: Compile) -> Operands:
    """The condition that a row is equal to one of a subquery, and the subquery as it stands in FROM.

    Raises:
        SQLError: 1241 where it has another number of columns.
    """
    sql, columns = context.subquery(query, context)
    if len(columns) != len(row.expressions):
        raise SQLError(1241, f"Operand should contain {len(row.expressions)} column(s)")
    parts = [
        compare("=", compile_(e, context), Typed(f"q_in.c{i}", kind))
        for i, (e, (_, kind)) in enumerate(zip(row.expressions, columns, strict=True))
    ]
    labels = ", ".join(f"c{i}" for i in range(len(columns)))
    return f"({' AND '.join(parts)})", f"({sql}) AS q_in({labels})"


def _in(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    query = node.args.get("query")
    if isinstance(node.this, exp.Tuple) and query is not None:
        condition, rows = _row_condition(node.this, query.this, context, compile_)
        # Unknown is what is equal to no row, but would be to one if NULLs were known.
        found = f"CASE WHEN bool_or({condition}) THEN TRUE WHEN count(*) = count({condition}) THEN FALSE END"
        return Typed(f"(SELECT {found} FROM {rows})", BOOL)
    value = compile_(node.this, context)
    if query is not None:
        sql, columns = context.subquery(query.this, context)
        if len(columns) != 1:
            raise SQLError(1241, "Operand should contain 1 column(s)")
        a, b = comparable(value, Typed("q_in.q_value", columns[0][1]))
        return Typed(f"({a} IN (SELECT {b} FROM ({sql}) AS q_in(q_value)))", BOOL)
    items = [compile_(e, context) for e in node.expressions]
    pairs = [comparable(value, item) for item in items if item.type.kind != "null"]
    nulls = ["NULL"] * (len(items) - len(pairs))
    if value.type.kind == "null" or not pairs:
        return Typed("CAST(NULL AS BOOLEAN)", BOOL)
    if len({a for a, _ in pairs}) == 1:
        return Typed(f"({pairs[0][0]} IN ({', '.join([*(b for _, b in pairs), *nulls])}))", BOOL)
    parts = [f"{a} = {b}" for a, b in pairs] + ["CAST(NULL AS BOOLEAN)"] * len(nulls)
    return Typed(f"({' OR '.join(parts)})", BOOL)


def _is(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = compile_(node.this, context)
    right = node.expression
    if isinstance(right, exp.Null):
        return Typed(f"({value.sql} IS NULL)", BOOL)
    if isinstance(right, exp.Boolean):
        return Typed(f"({truth(value)} IS {'TRUE' if right.this else 'FALSE'})", BOOL)
    raise refused(f"IS {right.sql('mysql')}")


def _logic(symbol: str) -> Callable[[exp.Expr, Context, Compile], Typed]:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        # Long chains nest to the left; walking them flat keeps Python's stack short.
        parts: list[exp.Expr] = []
        current: exp.Expr = node
        while current.key == node.key:
            parts.append(current.expression)
            current = current.this
        parts.append(current)
        return Typed(f"({f' {symbol} '.join(truth(compile_(p, context)) for p in reversed(parts))})", BOOL)

    return handler


def _xor(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    left, right = compile_(node.this, context), compile_(node.expression, context)
    return Typed(f"({truth(left)} <> {truth(right)})", BOOL)


def _not(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    return Typed(f"(NOT {truth(compile_(node.this, context))})", BOOL)


def like(node: exp.Expr, escape: str, context: Context, compile_: Compile) -> Typed:
    """LIKE, by the collation of its operands."""
    left = as_text(compile_(node.this, context))
    right = as_text(compile_(node.expression, context))
    a, b = left.sql, right.sql
    if not (left.type.binary or right.type.binary):
        a, b = f"q_fold({a})", f"q_fold({b})"
        escape = escape.upper()
    word = "NOT LIKE" if node.args.get("negate") else "LIKE"
    mark = text_literal(escape) if escape else "''"
    return Typed(f"({a} {word} {b} ESCAPE {mark})", BOOL)


def _like(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    return like(node, "\\", context, compile_)


def _escape(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    if not isinstance(node.this, exp.Like) or not isinstance(node.expression, exp.Literal):
        raise refused("ESCAPE with anything but a literal")
    return like(node.this, str(node.expression.this), context, compile_)


def _regexp(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    left = as_text(compile_(node.this, context))
    pattern = compile_(node.expression, context)
    if pattern.literal is None or any(mark in pattern.literal for mark in ("(?", "\\1", "\\2", "\\K", "++", "*+")):
        raise refused("REGEXP with a pattern that is not a plain constant")
    options = "c" if left.type.binary else "i"
    return Typed(f"regexp_matches({left.sql}, {pattern.sql}, '{options}')", BOOL)


def _collate(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = settled(compile_(node.this, context))
    name = node.expression.name.lower()
    if value.type.kind != "string":
        raise refused("COLLATE on anything but text")
    if name.endswith("_bin"):
        return Typed(value.sql, replace(value.type, binary=True))
    if name.endswith("_general_ci"):
        return Typed(value.sql, replace(value.type, binary=False))
    raise refused(f"the collation {name}")


HANDLERS: Mapping[str, Callable[[exp.Expr, Context, Compile], Typed]] = MappingProxyType(
    {
        "eq": _comparison("="),
        "neq": _comparison("<>"),
        "lt": _comparison("<"),
        "lte": _comparison("<="),
        "gt": _comparison(">"),
        "gte": _comparison(">="),
        "nullsafeeq": _null_safe,
        "between": _between,
        "in": _in,
        "is": _is,
        "and": _logic("AND"),
        "or": _logic("OR"),
        "xor": _xor,
        "not": _not,
        "like": _like,
        "escape": _escape,
        "regexplike": _regexp,
        "collate": _collate,
    }
)
