"""The passes in their order: text to plan. Pure and synchronous.

Planning takes two calls, because the places of ids stand in the director index on the workers: `analyze` says what
has to be looked up, `make_plan` goes on with the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from qproxy.catalog.model import Catalog, ChunkIds, Family
from qproxy.planner import render
from qproxy.planner.bind import bind
from qproxy.planner.constants import SessionValues, fold
from qproxy.planner.counters import counted
from qproxy.planner.expand import expand
from qproxy.planner.guard import check
from qproxy.planner.joins import check_joins, count_pairs_once
from qproxy.planner.narrow import with_sub_chunks
from qproxy.planner.parse import parse
from qproxy.planner.plan import Lookup, Plan, Relay, Slot, Template
from qproxy.planner.query import Query
from qproxy.planner.restrict import Restriction, lookups, narrowed, resolve, restrict
from qproxy.planner.split import split, whole
from qproxy.planner.unions import keeps_values
from qproxy.sky.coverage import EVERYTHING, Coverage


@dataclass(frozen=True)
class Analysis:
    """A query that is understood, but for the places of its ids.

    Attributes:
        shape: see `Plan`.
        lookups: what the director index has to tell before a plan can be made.
        total: the one value of a query that row counters answer; None for all others.
    """

    query: Query
    shape: str
    family: Family | None
    restriction: Restriction
    lookups: frozenset[Lookup]
    total: int | None = None


def analyze(sql: str, catalog: Catalog, session: SessionValues) -> Analysis:
    """Parse, bind, restrict and check the joins of a query.

    Raises:
        SQLError: with the code that MariaDB gives, or 1235 for what is not supported.
    """
    parsed = parse(sql)
    fold(parsed.select, session)
    check(parsed.select)
    query = bind(parsed, catalog, session.database)
    if query.limit is None:
        query = replace(query, limit=session.select_limit)
    family = check_joins(query)
    restriction = restrict(query)
    expanded = expand(query)
    return Analysis(
        count_pairs_once(expanded), _shape(expanded), family, restriction, lookups(restriction), counted(query)
    )


def make_plan(analysis: Analysis, found: Mapping[Lookup, Coverage]) -> Plan:
    """The plan of an analysed query.

    Args:
        found: the places of the ids of each look-up.
    """
    query = analysis.query
    if analysis.total is not None:
        return _known(analysis, analysis.total)
    area = narrowed(analysis.restriction, query)
    coverage = resolve(analysis.restriction, found, area) if analysis.family else EVERYTHING
    slots = _slots(query)
    chunks = _chunks(slots, coverage)
    statements, fewer = with_sub_chunks(query, area, coverage, whole if len(chunks) <= 1 else split)
    together = keeps_values((*query.items, *(query.groups or ()), *(o.expression for o in query.orders)), query)
    return Plan(
        names=query.names,
        shape=analysis.shape,
        slots=slots,
        family=analysis.family,
        coverage=coverage,
        chunks=chunks,
        partial=statements.partial,
        combined=statements.combined if together else None,
        together=together,
        merge=statements.merge,
        narrowed=fewer,
    )


def _known(analysis: Analysis, total: int) -> Plan:
    """The plan of a query whose one value is known: any worker can answer it."""
    query = analysis.query
    return Plan(
        names=query.names,
        shape=analysis.shape,
        slots=(),
        family=None,
        coverage=EVERYTHING,
        chunks=np.empty(0, np.int32),
        partial=render.select([str(total)], limit=query.limit, offset=query.offset),
        combined=None,
        together=True,
        merge=Relay(),
    )


def _chunks(slots: tuple[Slot, ...], coverage: Coverage) -> ChunkIds:
    """The chunks in which every table that must give a row has some."""
    needed = [s.table.chunk_rows.chunks for s in slots if s.table.partitioned and s.required]
    if not needed:
        return np.empty(0, np.int32)
    common = needed[0]
    for chunks in needed[1:]:
        common = np.intersect1d(common, chunks, assume_unique=True)
    return coverage.chunks(common)


def _slots(query: Query) -> tuple[Slot, ...]:
    return tuple(Slot(s.marker, s.database.physical, s.table, required=not s.nullable) for s in query.sources)


def _shape(query: Query) -> str:
    """The query on the public tables, for its column definitions alone."""
    statement = render.select(
        [render.sql(e) for e in query.items],
        distinct=query.distinct,
        from_=render.from_clause(query.from_),
        groups=query.groups,
        rollup=query.rollup,
        limit=0,
    )
    slots = _slots(query)
    return Template.cut(statement, slots).fill([s.table.name for s in slots])
