"""Which queries inside others can be answered chunk by chunk, and what is known of their rows."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from qproxy.catalog.model import Table, TableKind
from qproxy.planner.joins import not_local
from qproxy.planner.marks import MARK
from qproxy.planner.percentiles import has_percentile
from qproxy.planner.query import Query, Source, Subquery
from qproxy.planner.ties import conjuncts, director_key, match_side


def chunkwise(query: Query) -> bool:
    """Whether the rows of a query over several chunks are its rows over each, put one behind the other."""
    if query.limit is not None or query.offset or query.rollup or has_percentile(*query.judged):
        return False
    expressions = [*query.items, *(o.expression for o in query.orders)]
    if query.having is not None:
        expressions.append(query.having)
    windows = [w for e in expressions for w in e.find_all(exp.Window)]
    if any(not _holds_together(query, w.args.get("partition_by") or ()) for w in windows):
        return False
    summed = any(not isinstance(f.parent, exp.Window) for e in expressions for f in e.find_all(exp.AggFunc))
    if (query.groups is not None or summed) and not _holds_together(query, query.groups or ()):
        return False
    return not query.distinct or _holds_together(query, query.items)


def _holds_together(query: Query, keys: object) -> bool:
    """Whether rows with equal keys lie in one chunk, since one of the keys is a director's id."""
    return any(isinstance(k, exp.Column) and _tells_chunk(query, k) for k in keys)  # type: ignore[attr-defined]


def _tells_chunk(query: Query, column: exp.Column) -> bool:
    """Whether all rows with one value of a column lie in one chunk."""
    source = query.source(column.table)
    table = source.table
    if source.nullable or director_key(source, column.name) is None:
        return False
    return (table.kind is TableKind.DIRECTOR and table.unique_id) or (
        table.kind is TableKind.CHILD and not table.orphans
    )


def result_of(query: Query, source: Source) -> Source:
    """What is known of the rows of a chunkwise query: which of its columns hold ids of directors, and positions.

    Args:
        source: the query in FROM.

    Returns:
        The source with a table of the same columns that lies in the chunks.
    """
    columns = source.table.columns
    grouped = query.groups is not None or query.distinct
    for item, column in zip(query.items, columns, strict=True):
        if not isinstance(item, exp.Column):
            continue
        origin = query.source(item.table)
        key = director_key(origin, item.name)
        if key is None or origin.table.kind is TableKind.MATCH:
            continue
        if grouped or origin.table.kind is TableKind.CHILD:
            table = replace(
                origin.table,
                kind=TableKind.CHILD,
                columns=columns,
                id=None,
                lon=None,
                lat=None,
                director=key[0],
                director_id=column.name,
                orphans=origin.table.orphans and not grouped,
            )
            return replace(source, table=table, database=origin.database)
        table = replace(
            origin.table,
            columns=columns,
            id=column.name,
            lon=_exposed(query, source, origin, origin.table.lon),
            lat=_exposed(query, source, origin, origin.table.lat),
        )
        return replace(source, table=table, database=origin.database)
    first = query.partitioned[0]
    table = Table(
        "",
        source.table.name,
        TableKind.CHILD,
        columns,
        chunk_rows=first.table.chunk_rows,
        total_rows=first.table.total_rows,
    )
    return replace(source, table=table, database=first.database)


def _exposed(query: Query, source: Source, origin: Source, name: str | None) -> str | None:
    """What a result calls a column of one of its tables; None where it does not show it."""
    for item, column in zip(query.items, source.table.columns, strict=True):
        if isinstance(item, exp.Column) and item.table == origin.alias and name and item.name.lower() == name.lower():
            return column.name
    return None


def ties_to(inner: Query, subquery: Subquery, call: exp.Anonymous | None, query: Query) -> bool:
    """Whether all rows that a subquery needs for a row outside lie in that row's chunk.

    So they do where an equality of director ids, which all its rows obey, ties its tables to one outside.

    Args:
        inner: the subquery, placed; its partitioned tables meet in one chunk.
        call: what it takes from outside.
        query: the query outside, placed.
    """
    if call is None or any(e.find(exp.AggFunc) for e in call.expressions):
        return False
    outside = {MARK + word: e for word, e in zip(subquery.outer, call.expressions, strict=True)}
    conditions = conjuncts(inner.where)
    for source in inner.sources:
        if not source.nullable:
            conditions += conjuncts(source.on)
    for condition in conditions:
        if not isinstance(condition, exp.EQ):
            continue
        for column, reference in (
            (condition.this, condition.expression),
            (condition.expression, condition.this),
        ):
            given = outside.get(str(reference.this)) if isinstance(reference, exp.Anonymous) else None
            if isinstance(column, exp.Column) and isinstance(given, exp.Column) and _tied(column, inner, given, query):
                return True
    return False


def _tied(column: exp.Column, inner: Query, given: exp.Column, query: Query) -> bool:
    mine, theirs = inner.source(column.table), query.source(given.table)
    if mine.nullable or not mine.table.partitioned or not theirs.table.partitioned:
        return False
    key, other = director_key(mine, column.name), director_key(theirs, given.name)
    if key is None or other is None or key[0] != other[0] or not_local(mine, theirs) is not None:
        return False
    for source, side, where in ((mine, key[1], inner), (theirs, other[1], query)):
        if source.table.kind is TableKind.MATCH and side != match_side(where, source):
            return False
    return True
