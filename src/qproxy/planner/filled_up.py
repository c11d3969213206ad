"""Constants of queries in FROM, in rows that an outer join fills up with NULL.

Where MariaDB 10.11 merges such a query into the one around, it takes the column for its constant in the arguments of
functions over windows, and in those of MIN and MAX where a table has but one row.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from qproxy.planner.query import Order, Query, Source


def told_apart(query: Query) -> Query:
    """A query in which such a column is asked for NULL where MariaDB would not look."""
    if not any(s.nullable and isinstance(s.inner, Query) for s in query.sources):
        return query
    return replace(
        query,
        items=tuple(_told(e, query) for e in query.items),
        having=None if query.having is None else _told(query.having, query),
        orders=tuple(Order(_told(o.expression, query), o.descending) for o in query.orders),
    )


def _told(expression: exp.Expr, query: Query) -> exp.Expr:
    copy = expression.copy()
    inside = (c for call in copy.find_all(exp.Window, exp.Min, exp.Max) for c in call.this.find_all(exp.Column))
    for column in {id(c): c for c in inside}.values():
        source = query.source(column.table)
        if source.nullable and _gives_constant(source, column.name):
            there = exp.Not(this=exp.Is(this=column.copy(), expression=exp.Null()))
            column.replace(exp.Case(ifs=[exp.If(this=there, true=column.copy())]))
    return copy


def _gives_constant(source: Source, name: str) -> bool:
    """Whether a column of a query in FROM is one value in all its rows."""
    if not isinstance(source.inner, Query):
        return False
    names = [c.name for c in source.table.columns]
    item = source.inner.items[names.index(name)].unnest()
    if isinstance(item, exp.Column):
        return _gives_constant(source.inner.source(item.table), item.name)
    return item.find(exp.Column, exp.AggFunc) is None
