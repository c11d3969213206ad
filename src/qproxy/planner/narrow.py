"""Sub-chunk predicates: where an area covers but some sub-chunks of a chunk, its statement reads their rows alone.

The predicate is put in before a query is split, with a list that stands for the sub-chunks; afterwards the statements
are wanted without it, and that of a chunk with it as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from qproxy.catalog.naming import SUB_CHUNK_COLUMN
from qproxy.planner import render
from qproxy.planner.plan import SUB_CHUNK_LIST, Final
from qproxy.planner.query import Query, Source
from qproxy.planner.split import Split
from qproxy.sky.coverage import Coverage


def with_sub_chunks(
    query: Query, source: Source | None, coverage: Coverage, split: Callable[[Query], Split]
) -> tuple[Split, str | None]:
    """The statements of a query, and that of a chunk which reads some of its sub-chunks.

    Args:
        query: expanded.
        source: the table whose rows lie in the sub-chunks of the coverage; None where no table's do.
        coverage: of the query.
        split: makes the statements.

    Returns:
        The second is None where nothing is gained; else it holds `SUB_CHUNK_LIST` for the sub-chunks.
    """
    if source is None or not coverage.has_sub_chunks:
        return split(query), None
    predicate = exp.In(
        this=exp.column(SUB_CHUNK_COLUMN, table=source.alias, quoted=True),
        expressions=[exp.Literal.number(SUB_CHUNK_LIST)],
    )
    where = predicate if query.where is None else exp.and_(query.where, predicate)
    found = split(replace(query, where=where))
    written = render.sql(predicate)
    if not _fillable(found.partial, source, written):
        return split(query), None

    def without(statement: str) -> str:
        return statement.replace(f" AND {written}", "").replace(written, "TRUE")

    merge = (
        replace(found.merge, columns=without(found.merge.columns)) if isinstance(found.merge, Final) else found.merge
    )
    combined = None if found.combined is None else without(found.combined)
    return replace(found, partial=without(found.partial), combined=combined, merge=merge), found.partial


def _fillable(statement: str, source: Source, predicate: str) -> bool:
    """Whether a statement reads the chunk table itself, and the predicate's list can be told from all else in it."""
    name = render.sql(exp.to_identifier(source.alias, quoted=True))
    once = statement.count(SUB_CHUNK_LIST) == statement.count(predicate) == 1
    return once and f"{source.marker}` AS {name}" in statement
