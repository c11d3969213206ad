"""Which keys of ORDER BY the proxy can compare as MariaDB does, and the columns that carry them: columns of the answer
that are among its first ones, or hidden ones.

A key is a column of a type whose text tells its order, or surely a real number: of those MariaDB writes as many digits
as tell them apart. All other keys are left to an engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from qproxy.catalog.model import Column
from qproxy.planner import render
from qproxy.planner.bounds import bare
from qproxy.planner.faithful import call_name
from qproxy.planner.plan import KeyKind, SortKey
from qproxy.planner.query import Query

_INTEGERS = frozenset(("tinyint", "smallint", "mediumint", "int", "year"))
_MOMENTS: Mapping[str, int] = {"date": 10, "datetime": 19, "timestamp": 19}
_DIGITS = re.compile(r"\((\d+)(?:,(\d+))?\)")
#: Decimals of so many digits are whole numbers of 64 bits when their point is left out.
_MOST_DIGITS = 18
#: A key is read off a column of the answer that has no more than so many in front of it: to pass over a value costs the
#: proxy 0.06 us; to send it twice costs a worker 0.4 us where it is a real number, and little where it is none.
_REACH, _REACH_OF_REAL = 2, 6
#: Types whose values a derived table gives back as they went in.
_KEPT = frozenset(
    ("tinyint", "smallint", "mediumint", "int", "bigint", "double", "float", "decimal", "date", "datetime",
     "timestamp", "time", "char", "varchar", "tinytext", "text", "mediumtext", "longtext")
)  # fmt: skip


#: Functions that give a real number, and those that give one of a real number; the same for the same arguments.
_REAL = frozenset(
    "ACOS ASIN ATAN ATAN2 COS COT DEGREES EXP LN LOG LOG10 LOG2 POW POWER RADIANS SIN SQRT TAN".split()  # noqa: SIM905
)
_AS_REAL = frozenset(("ABS", "GREATEST", "LEAST"))
_PARTS = (exp.Column, exp.Identifier, exp.Literal, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div)


@dataclass(frozen=True)
class OrderKey:
    """A key of ORDER BY.

    Attributes:
        expression: the column that carries it.
    """

    expression: exp.Expr
    key: SortKey


def order_keys(query: Query) -> tuple[OrderKey, ...] | None:
    """The keys of ORDER BY; None where one of them is best left to an engine."""
    found = []
    shown = [render.sql(item) for item in query.items[: _REACH_OF_REAL + 1]]
    for order in query.orders:
        key = _key(order.expression, query, order.descending)
        if key is None:
            return None
        text = render.sql(key.expression)
        reach = _REACH_OF_REAL if key.key.kind is KeyKind.REAL else _REACH
        if text in shown[: reach + 1]:
            key = replace(key, key=replace(key.key, column=shown.index(text)))
        found.append(key)
    return tuple(found)


def passes_through(expression: exp.Expr, query: Query) -> bool:
    """Whether values of an expression come out of a derived table with the text that they went in with."""
    if not isinstance(expression, exp.Column):
        return _real(expression, query)
    column = _column(expression, query)
    return column is not None and column.base_type in _KEPT and "zerofill" not in column.type


def _key(expression: exp.Expr, query: Query, descending: bool) -> OrderKey | None:
    expression = bare(expression)
    if not isinstance(expression, exp.Column):
        real = SortKey(KeyKind.REAL, descending)
        return OrderKey(_as_real(expression), real) if _real(expression, query) else None
    column = _column(expression, query)
    if column is None:
        return None
    base = column.base_type
    if base == "double":
        # Columns with a fixed number of decimals, too, shall show all digits.
        carried = expression if column.type == base else _as_real(expression)
        return OrderKey(carried, SortKey(KeyKind.REAL, descending))
    if base in ("float", "enum"):
        return OrderKey(_as_real(expression), SortKey(KeyKind.REAL, descending))
    if base in _INTEGERS:
        return OrderKey(expression, SortKey(KeyKind.INTEGER, descending))
    if base == "bigint":
        kind = KeyKind.UNSIGNED if "unsigned" in column.type else KeyKind.BIGINT
        return OrderKey(expression, SortKey(kind, descending))
    digits = [int(d or 0) for d in found.groups()] if (found := _DIGITS.search(column.type)) else []
    if base == "decimal" and digits and digits[0] <= _MOST_DIGITS:
        return OrderKey(expression, SortKey(KeyKind.DECIMAL, descending, digits[1]))
    if base in _MOMENTS:
        width = _MOMENTS[base] + (digits[0] + 1 if digits and digits[0] else 0)
        return OrderKey(expression, SortKey(KeyKind.TEXT, descending, width))
    return None


def _column(expression: exp.Column, query: Query) -> Column | None:
    """The column of a table that a reference means; None for columns of queries in FROM."""
    source = query.source(expression.table)
    return None if source.slot is None else source.table.column(expression.name)


def _real(expression: exp.Expr, query: Query) -> bool:
    """Whether it is a real number, and the same each time that it is computed."""
    known = _REAL | _AS_REAL
    parts = expression.walk()
    return _gives_real(expression, query) and all(isinstance(p, _PARTS) or _called(p) in known for p in parts)


def _gives_real(expression: exp.Expr, query: Query) -> bool:
    """Whether MariaDB computes it with real numbers: one operand that is real makes the whole so."""
    if isinstance(expression, exp.Paren | exp.Neg):
        return _gives_real(expression.this, query)
    if isinstance(expression, exp.Add | exp.Sub | exp.Mul | exp.Div):
        return _gives_real(expression.this, query) or _gives_real(expression.expression, query)
    if isinstance(expression, exp.Column):
        column = _column(expression, query)
        return column is not None and column.base_type in ("double", "float")
    if isinstance(expression, exp.Literal):
        return not expression.is_string and "e" in expression.name.lower()
    if _called(expression) in _AS_REAL:
        return all(_gives_real(argument, query) for argument in expression.expressions)
    return _called(expression) in _REAL


def _called(node: exp.Expr) -> str:
    return call_name(node).upper() if isinstance(node, exp.Anonymous) else ""


def _as_real(expression: exp.Expr) -> exp.Expr:
    """A value with all digits that tell it from others: some functions declare fewer."""
    copy = expression.copy()
    operand = copy if isinstance(copy, exp.Column) else exp.Paren(this=copy)
    return exp.Paren(this=exp.Add(this=operand, expression=exp.Literal.number("0e0")))
