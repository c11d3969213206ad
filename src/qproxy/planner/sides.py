"""Sides: what one table of a query reads by its own conditions, and how much that is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sqlglot import exp

from qproxy.planner.faithful import call_name
from qproxy.planner.query import Query, Source
from qproxy.planner.restrict import conjuncts, lookups, resolve, restrict
from qproxy.sky.coverage import EVERYTHING

#: Stored rows that ids of a look-up are taken for when the sides of a join are weighed.
_FOUND = 1000


def cost(query: Query, source: Source) -> tuple[bool, float]:
    """What reading a source costs: whether all its rows are read, and about how many stored rows."""
    return restrict(rows_of(query, source)) is EVERYTHING, weight(query, source)


def weight(query: Query, source: Source) -> float:
    """About how many stored rows of a source a query reads."""
    if source.text is not None:
        total = sum(s.table.chunk_rows.total for s in source.text.slots if s.table.partitioned)
        return float(total)
    rows = rows_of(query, source)
    restriction = restrict(rows)
    chunk_rows = source.table.chunk_rows
    if lookups(restriction):
        return min(_FOUND, chunk_rows.total)
    chunks = resolve(restriction, {}).chunks(chunk_rows.chunks)
    if len(chunks) == len(chunk_rows.chunks):
        return float(chunk_rows.total)
    return float(chunk_rows.rows[np.searchsorted(chunk_rows.chunks, chunks)].sum())


def rows_of(query: Query, source: Source) -> Query:
    """The rows of one source that its own conditions leave, with the columns that the query needs."""
    conditions: list[exp.Expr] = []
    if not source.nullable:
        conditions += conjuncts(query.where)
        for other in query.sources:
            if not other.nullable:
                conditions += conjuncts(other.on)
    else:
        conditions += conjuncts(source.on)
    own = [c.copy() for c in conditions if _only_of(c, source)]
    used: dict[str, None] = {}
    for expression in query.expressions():
        for column in expression.find_all(exp.Column):
            if column.table == source.alias:
                used[column.name] = None
    items: tuple[exp.Expr, ...] = tuple(source.column(n) for n in used) or (exp.Literal.number(1),)
    where = exp.and_(*own, copy=False) if own else None
    alone = replace(source, nullable=False, on=None)
    return Query(query.catalog, tuple(used) or ("§1§",), items, (alone,), source.alias, where)


def compared(query: Query, source: Source) -> tuple[str, ...]:
    """Columns of a source that conditions hold to be equal to columns of others."""
    conditions = conjuncts(query.where)
    for one in query.sources:
        conditions += conjuncts(one.on)
    found: dict[str, None] = {}
    for condition in conditions:
        if isinstance(condition, exp.EQ):
            sides = (condition.this, condition.expression)
            for column, other in (sides, sides[::-1]):
                outside = any(c.table != source.alias for c in other.find_all(exp.Column))
                if outside and isinstance(column, exp.Column) and column.table == source.alias:
                    found[column.name] = None
    return tuple(found)


def _only_of(condition: exp.Expr, source: Source) -> bool:
    columns = list(condition.find_all(exp.Column))
    if not columns or any(c.table != source.alias for c in columns):
        return False
    calls = [call_name(c).upper() for c in condition.find_all(exp.Anonymous)]
    words = [str(c.this) for c in condition.find_all(exp.Anonymous)]
    return "RAND" not in calls and not any("§q" in w or "§o" in w for w in words)
