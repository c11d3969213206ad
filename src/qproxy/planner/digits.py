"""Values of which MariaDB keeps more digits than it shows: quotients of decimals, spreads of exact numbers.

Quotients travel as what they are made of. The value of a scalar subquery is not stored on its way to the expression
around it: ``2 * (SELECT AVG(x) ...)`` multiplies all digits that the quotient has. Nor is that of a query in FROM that
MariaDB merges into the one around (MariaDB Knowledge Base, "Derived Table Merge Optimization"). A scratch table holds
four digits more than ``x``, as declared ("Division Operator", ``div_precision_increment``). Sums, counts and columns
lose nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from qproxy.catalog.model import Column
from qproxy.planner import render
from qproxy.planner.faithful import calls_query
from qproxy.planner.floats import becomes_real, divides, is_double
from qproxy.planner.query import Chain, From, Inner, Join, Order, Query, Recursive, Source
from qproxy.planner.result_types import base_type
from qproxy.planner.scope import map_columns

_SPREADS = (exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop)


@dataclass(frozen=True)
class Parts:
    """A query in two steps.

    Attributes:
        query: gives the aggregates and columns that the items are made of.
        items: the select list, of the columns of its result.
    """

    query: Query
    items: tuple[exp.Expr, ...]


def spreads(query: Query, *, stored: bool) -> bool:
    """Whether a query gives a standard deviation or variance of exact numbers: a DOUBLE that shows but four digits.

    Args:
        stored: whether MariaDB stores the result, with all digits of a spread but not of arithmetic on one.
    """
    for item in query.items:
        found = [item.unnest()] if stored else item.walk()
        if any(isinstance(node, _SPREADS) and not is_double(node.this, query) for node in found):
            return True
    return False


def loses_digits(query: Query) -> bool:
    """Whether a query gives a quotient of decimals that `in_parts` can take apart."""
    if query.rollup or (query.having is not None and query.groups is None):
        return False
    # Where rows differ they are told apart, and kept, with the digits that they show.
    if query.distinct and any(item.find(exp.Column, exp.Func) for item in query.items):
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
    name: str = "p"
    expressions: list[exp.Expr] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)

    def rebuilt(self, node: exp.Expr) -> exp.Expr:
        """An expression over the columns of the first step."""
        if isinstance(node, exp.Avg):
            total, count = exp.Sum(this=node.this.copy()), exp.Count(this=node.this.copy())
            return exp.Paren(this=exp.Div(this=self._column(total), expression=self._column(count)))
        if isinstance(node, exp.Column | exp.AggFunc | exp.Window) or calls_query(node) or self._is_key(node):
            return self._column(node)
        copy = node.copy()
        for child in list(copy.iter_expressions()):
            child.replace(self.rebuilt(child))
        return copy

    def where_there_is_a_row(self, expression: exp.Expr) -> exp.Expr:
        """An expression that is NULL in the rows with which an outer join fills up."""
        row = self._column(exp.Literal.number(1))
        there = exp.Not(this=exp.Is(this=row, expression=exp.Null()))
        return exp.Case(ifs=[exp.If(this=there, true=expression)])

    def _column(self, expression: exp.Expr) -> exp.Column:
        place = self._known.setdefault(render.sql(expression), len(self.expressions))
        if place == len(self.expressions):
            self.expressions.append(expression.copy())
        return exp.column(f"{self.name}{place}", table=self.table, quoted=True)

    def _is_key(self, node: exp.Expr) -> bool:
        return self.query.groups is not None and node in self.query.groups


def divided_outside(query: Query) -> Query:
    """A query that divides in itself what queries in its FROM would divide, as far as MariaDB merges these into it."""
    nested = {word: replace(sub, query=divided_outside(sub.query)) for word, sub in query.nested.items()}
    if any(nested[word].query is not sub.query for word, sub in query.nested.items()):
        query = replace(query, nested=nested)
    for place, source in enumerate(query.sources):
        if source.inner is None:
            continue
        inner = _inside(source.inner)
        if inner is not source.inner:
            query = _with_source(query, place, replace(source, inner=inner))
        if isinstance(inner, Query) and _merges(inner) and not query.rollup:
            query = _taken_out(query, place, inner)
    return query


def _inside(inner: Inner) -> Inner:
    if isinstance(inner, Query):
        return divided_outside(inner)
    if isinstance(inner, Recursive):
        body = _inside(inner.body)
        assert not isinstance(body, Recursive)
        return inner if body is inner.body else replace(inner, body=body)
    left, right = _inside(inner.left), _inside(inner.right)
    assert not isinstance(left, Recursive) and not isinstance(right, Recursive)
    return inner if left is inner.left and right is inner.right else Chain(inner.operator, inner.distinct, left, right)


def _merges(inner: Query) -> bool:
    """Whether MariaDB merges a query in FROM into the one around it."""
    plain = inner.groups is None and inner.having is None and not inner.distinct and inner.limit is None
    judged = (*inner.items, *(o.expression for o in inner.orders))
    summed = any(e.find(exp.AggFunc, exp.Window) for e in judged)
    return plain and not inner.offset and bool(inner.sources) and not summed


def _taken_out(query: Query, place: int, inner: Query) -> Query:
    """A query with the quotients of one in its FROM."""
    source = query.sources[place]
    columns = {c.name.lower() for c in source.table.columns}
    name = next(n for n in ("part", *(f"part{i}_" for i in range(len(columns)))) if not _begins(columns, n))
    collected = _Collected(inner, source.alias, name)
    outside: dict[str, exp.Expr] = {}
    stays = []
    for number, item in enumerate(inner.items):
        if not _loses_digits(item, inner):
            stays.append(number)
            continue
        rebuilt = collected.rebuilt(item)
        if source.nullable and not _is_arithmetic(item):
            rebuilt = collected.where_there_is_a_row(rebuilt)
        outside[source.table.columns[number].name] = rebuilt
    if not outside:
        return query
    parts = collected.expressions
    names = [f"{name}{i}" for i in range(len(parts))]
    table = source.table
    kept = [table.columns[n] for n in stays]
    added = [Column(n, base_type(e, inner), "") for n, e in zip(names, parts, strict=True)]
    changed = replace(
        source,
        table=replace(table, columns=(*kept, *added)),
        names=(*(source.names[n] for n in stays), *names) if source.names else (),
        inner=replace(
            inner,
            items=(*(inner.items[n] for n in stays), *parts),
            names=(*(inner.names[n] for n in stays), *names),
            simple=False,
        ),
    )
    return _mapped(_with_source(query, place, changed), source.alias, outside)


def _begins(columns: set[str], name: str) -> bool:
    return any(column.startswith(name) for column in columns)


def _is_arithmetic(item: exp.Expr) -> bool:
    """Whether an expression is NULL wherever its columns are."""
    strict = (exp.Column, exp.Literal, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Identifier)
    return item.find(exp.Column) is not None and all(isinstance(node, strict) for node in item.walk())


def _with_source(query: Query, place: int, source: Source) -> Query:
    return replace(query, sources=(*query.sources[:place], source, *query.sources[place + 1 :]))


def _mapped(query: Query, alias: str, outside: Mapping[str, exp.Expr]) -> Query:
    """A query with expressions in the place of columns of one source."""

    def meaning(column: exp.Column) -> exp.Expr:
        if column.table != alias or column.name not in outside:
            return column
        return exp.Paren(this=outside[column.name].copy())

    def mapped(expression: exp.Expr) -> exp.Expr:
        return map_columns(expression, meaning)

    def joined(part: From) -> From:
        if isinstance(part, str):
            return part
        on = None if part.on is None else mapped(part.on)
        return Join(joined(part.left), joined(part.right), part.kind, on)

    return replace(
        query,
        items=tuple(mapped(e) for e in query.items),
        sources=tuple(s if s.on is None else replace(s, on=mapped(s.on)) for s in query.sources),
        from_=None if query.from_ is None else joined(query.from_),
        where=None if query.where is None else mapped(query.where),
        groups=None if query.groups is None else tuple(mapped(e) for e in query.groups),
        having=None if query.having is None else mapped(query.having),
        orders=tuple(Order(mapped(o.expression), o.descending) for o in query.orders),
        simple=False,
    )
