"""Quotients of decimals: MariaDB keeps more digits of them than it shows, so they travel as what they are made of.

The value of a scalar subquery is not stored on its way to the expression around it: ``2 * (SELECT AVG(x) ...)``
multiplies all digits that the quotient has. A scratch table holds four digits more than ``x``, as declared (MariaDB
Knowledge Base, "Division Operator", ``div_precision_increment``). Sums and counts lose nothing there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp

from qproxy.planner import render
from qproxy.planner.floats import becomes_real, divides, is_double
from qproxy.planner.marks import MARK, QUERY
from qproxy.planner.query import Query


@dataclass(frozen=True)
class Parts:
    """A query in two steps.

    Attributes:
        query: gives the aggregates and columns that the items are made of.
        items: the select list, of the columns of its result.
    """

    query: Query
    items: tuple[exp.Expr, ...]


def loses_digits(query: Query) -> bool:
    """Whether a query gives a quotient of decimals that `in_parts` can take apart."""
    if query.distinct or query.rollup or (query.having is not None and query.groups is None):
        return False
    return any(_loses_digits(item, query) for item in query.items)


def _loses_digits(item: exp.Expr, query: Query) -> bool:
    if is_double(item, query) or not divides(item, query):
        return False
    averages = (a for a in item.find_all(exp.Avg) if not is_double(a.this, query))
    return not any(becomes_real(a, query) for a in averages)


def in_parts(query: Query, table: str) -> Parts:
    """Take the items of a query apart.

    Args:
        query: one that `loses_digits`.
        table: what the items call the result of the first step.
    """
    collected = _Collected(query, table)
    items = tuple(collected.rebuilt(item) for item in query.items)
    made_of = tuple(collected.expressions) or (exp.Literal.number(1),)
    names = tuple(f"p{i}" for i in range(len(made_of)))
    return Parts(replace(query, items=made_of, names=names, simple=False), items)


@dataclass
class _Collected:
    query: Query
    table: str
    expressions: list[exp.Expr] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)

    def rebuilt(self, node: exp.Expr) -> exp.Expr:
        """An expression over the columns of the first step."""
        if isinstance(node, exp.Avg):
            total, count = exp.Sum(this=node.this.copy()), exp.Count(this=node.this.copy())
            return exp.Paren(this=exp.Div(this=self._column(total), expression=self._column(count)))
        if isinstance(node, exp.Column | exp.AggFunc | exp.Window) or _is_query(node) or self._is_key(node):
            return self._column(node)
        copy = node.copy()
        for child in list(copy.iter_expressions()):
            child.replace(self.rebuilt(child))
        return copy

    def _column(self, expression: exp.Expr) -> exp.Column:
        place = self._known.setdefault(render.sql(expression), len(self.expressions))
        if place == len(self.expressions):
            self.expressions.append(expression.copy())
        return exp.column(f"p{place}", table=self.table, quoted=True)

    def _is_key(self, node: exp.Expr) -> bool:
        return self.query.groups is not None and node in self.query.groups


def _is_query(node: exp.Expr) -> bool:
    """Whether it is the call of a query inside the expression."""
    return isinstance(node, exp.Anonymous) and str(node.this).lstrip(MARK).startswith(QUERY)
