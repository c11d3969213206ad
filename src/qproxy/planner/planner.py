"""The passes in their order: text to plan. Pure and synchronous.

Planning takes two calls, because the places of ids stand in the director index on the workers, and because a query
may need the answer of another one first: `analyze` says what has to be asked, `make_plan` goes on with the answers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np

from qproxy.catalog.model import Catalog, ChunkIds, Family
from qproxy.catalog.naming import SCRATCH_DATABASE
from qproxy.planner import render
from qproxy.planner.bind import bind
from qproxy.planner.constants import SessionValues, fold, variables
from qproxy.planner.counters import counted
from qproxy.planner.guard import check
from qproxy.planner.ids import Later
from qproxy.planner.inside import public
from qproxy.planner.narrow import with_sub_chunks
from qproxy.planner.parse import parse, parts
from qproxy.planner.place import place
from qproxy.planner.plan import Lookup, Plan, Relay, Slot, Template
from qproxy.planner.query import Query
from qproxy.planner.restrict import Restriction, laters, lookups, narrowed, resolve, settle
from qproxy.planner.split import split, travelling, whole
from qproxy.planner.unions import keeps_values
from qproxy.sky.coverage import EVERYTHING, Coverage


@dataclass(frozen=True)
class Understood:
    """A query whose every name is resolved.

    Attributes:
        constant: whether the same text says the same in every session with that database and that `select_limit`.
        variables: names of the user variables that it reads.
    """

    query: Query
    constant: bool
    variables: frozenset[str]


@dataclass(frozen=True)
class Stage:
    """A query that is answered before another one.

    Attributes:
        table: the scratch table that takes its rows, as it is written in statements.
        analysis: of the query.
        columns: statement whose columns are the table's.
        keys: columns by which its rows are looked for.
        everywhere: whether every worker needs the rows; else the one that goes on with them.
    """

    table: str
    analysis: Analysis
    columns: str
    keys: tuple[str, ...]
    everywhere: bool


class Ready(Protocol):
    """What is known of a query's plan beforehand."""

    def plan(self, restriction: Restriction, found: Mapping[Lookup, Coverage], in_order: bool) -> Plan:
        """The plan; see `make_plan`."""
        ...


@dataclass(frozen=True)
class Analysis:
    """A query that is understood, but for the places of its ids and the answers to the queries that come first.

    Attributes:
        names: what the result's columns are called.
        shape: see `Plan`.
        slots: of the shape.
        stages: what has to be answered first.
        total: the one value of a query that row counters answer; None for all others.
        variables: names of the user variables that workers have to know.
        constant: as of `Understood`; never where there are stages, whose tables are those of one statement.
        ready: where its plan is known, but for some integers: these are in the restriction; in the expressions of the
            query others may stand for them.
    """

    query: Query
    names: tuple[str, ...]
    shape: str
    slots: tuple[Slot, ...]
    family: Family | None
    restriction: Restriction
    stages: tuple[Stage, ...] = ()
    total: int | None = None
    variables: frozenset[str] = frozenset()
    constant: bool = False
    ready: Ready | None = None

    @property
    def lookups(self) -> frozenset[Lookup]:
        """What the director index has to tell before a plan can be made."""
        return lookups(self.restriction) if self.family else frozenset()

    @property
    def laters(self) -> frozenset[Later]:
        """Ids that stages tell."""
        return laters(self.restriction)


def analyze(sql: str, catalog: Catalog, session: SessionValues) -> Analysis:
    """Parse, bind, place and restrict a query.

    Raises:
        SQLError: with the code that MariaDB gives, or 1235 for what is not supported.
    """
    return arranged(understood(sql, catalog, session), session)


def understood(sql: str, catalog: Catalog, session: SessionValues) -> Understood:
    """The first half of `analyze`: parse and bind.

    Raises:
        SQLError: as `analyze`.
    """
    parsed = parse(sql)
    read: set[str] = set()
    folded = False
    for part in parts(parsed):
        if part.simple:
            # Neither functions nor variables, nor a clause that must not be there.
            continue
        folded |= fold(part.select, session)
        read |= variables(part.select)
        check(part.select, part.nested)
    query = bind(parsed, catalog, session.database)
    if query.limit is None and session.select_limit is not None:
        query = replace(query, limit=session.select_limit)
    return Understood(query, not folded and not read, frozenset(read))


def arranged(known: Understood, session: SessionValues) -> Analysis:
    """The second half of `analyze`: place and restrict.

    Raises:
        SQLError: as `analyze`.
    """
    numbers = itertools.count()
    found = _analyzed(known.query, lambda: f"`{SCRATCH_DATABASE}`.`q{session.statement}_{next(numbers)}`")
    constant = known.constant and not found.stages
    return replace(found, variables=known.variables, constant=constant) if constant or known.variables else found


def _analyzed(query: Query, new_table: Callable[[], str]) -> Analysis:
    shown = _shown(query)
    placed = place(query, new_table)
    stages = {
        s.table: Stage(
            s.table, _analyzed(travelling(s.query), new_table), _columns(s.query, s.names), s.keys, s.everywhere
        )
        for s in placed.stages
    }
    return Analysis(
        placed.query,
        query.names,
        _shape(shown, ()),
        shown.slots,
        placed.family,
        placed.restriction,
        tuple(stages.values()),
        counted(query),
    )


def settled(analysis: Analysis, values: Mapping[str, Sequence[int | str | None]]) -> Analysis:
    """The query with what came first known.

    Args:
        values: ids that stand in the first column of a stage's table, by the table.
    """
    return replace(analysis, restriction=settle(analysis.restriction, values))


def make_plan(analysis: Analysis, found: Mapping[Lookup, Coverage], in_order: bool = True) -> Plan:
    """The plan of an analysed query.

    Args:
        found: the places of the ids of each look-up.
        in_order: whether the proxy may put rows in order, which it does with text in a charset like ASCII.
    """
    if analysis.ready is not None:
        return analysis.ready.plan(analysis.restriction, found, in_order)
    query = analysis.query
    if analysis.total is not None:
        return _known(analysis, analysis.total)
    area = narrowed(analysis.restriction, query)
    coverage = resolve(analysis.restriction, found, area) if analysis.family else EVERYTHING
    slots = query.slots
    chunks = coverage.chunks(available(slots))
    several = partial(split, in_order=in_order)
    statements, fewer = with_sub_chunks(query, area, coverage, whole if len(chunks) <= 1 else several)
    together = keeps_values((*query.items, *(query.groups or ()), *(o.expression for o in query.orders)), query)
    return Plan(
        names=analysis.names,
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


def available(slots: Sequence[Slot]) -> ChunkIds:
    """The chunks in which every table that must give a row has some; where none must, those in which any has."""
    partitioned = [s for s in slots if s.table.partitioned]
    if not partitioned:
        return np.empty(0, np.int32)
    needed = [s.table.chunk_rows.chunks for s in partitioned if s.required]
    if not needed:
        return np.unique(np.concatenate([s.table.chunk_rows.chunks for s in partitioned]))
    common = needed[0]
    for chunks in needed[1:]:
        common = np.intersect1d(common, chunks, assume_unique=True)
    return common


def _shape(query: Query, names: tuple[str, ...]) -> str:
    """The query on the public tables, for its column definitions alone.

    Args:
        names: of its columns; none where they do not matter.
    """
    items = [render.sql(e) for e in query.items]
    statement = render.select(
        [f"{i} AS {render.quoted_name(n)}" for i, n in zip(items, names, strict=True)] if names else items,
        distinct=query.distinct,
        from_=render.from_clause(query),
        groups=query.groups,
        rollup=query.rollup,
        limit=0,
    )
    slots = query.slots
    return Template.cut(statement, slots).fill([s.table.name for s in slots])


def _columns(query: Query, names: tuple[str, ...]) -> str:
    return _shape(_shown(query), names)


def _shown(query: Query) -> Query:
    """The query on the public tables, without what says nothing of its columns."""
    return public(query if query.simple else replace(query, where=None, having=None, orders=()))
