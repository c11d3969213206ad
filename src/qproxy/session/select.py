"""SELECT: text to plan to fragments to merged rows."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from qproxy.backends.base import DEFAULT_SETTINGS, Backend, ScratchTable, SessionSettings
from qproxy.catalog.model import Catalog
from qproxy.dispatch.dispatcher import Dispatcher
from qproxy.dispatch.fragments import standing_in
from qproxy.dispatch.progress import Progress
from qproxy.dispatch.staging import Staging
from qproxy.dispatch.unhurried import unhurried
from qproxy.errors import SQLError, unsupported
from qproxy.merge.final import final
from qproxy.merge.ordered import ordered
from qproxy.merge.relay import relay
from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import Ordered, Plan, Relay, Slot, Template
from qproxy.planner.planned import Planned, all_lookups, foreseen
from qproxy.planner.planner import Analysis, analyze, make_plan, settled
from qproxy.session.known import Known
from qproxy.wire.columns import ColumnDef, Columns
from qproxy.wire.rowblock import Blocks, RowBlock

#: Charsets in which even digits are not as in ASCII.
_WIDE_CHARSETS = frozenset(("ucs2", "utf16", "utf16le", "utf32"))
#: Characters of a statement that may take longer to understand than a thread takes to start, by far: 0.05 s.
_LONG = 20_000


@dataclass(frozen=True)
class Means:
    """What a query is answered with.

    Attributes:
        settings: session variables of the client.
        staging: what is read first.
        progress: of the query.
        merge_limit: most bytes of rows that one engine takes.
        share_limit: most bytes of rows that are sent to every worker.
        long: whether the statement is so long that it is planned in a thread, so that other clients need not wait.
    """

    catalog: Catalog
    dispatcher: Dispatcher
    settings: SessionSettings
    staging: Staging
    progress: Progress
    merge_limit: int
    share_limit: int
    long: bool = False


def is_long(sql: str) -> bool:
    """Whether a statement is to be understood in a thread."""
    return len(sql) >= _LONG


async def analyzed(sql: str, catalog: Catalog, values: SessionValues, known: Known) -> Analysis:
    """A SELECT understood; a long one in a thread.

    Raises:
        SQLError: with the code that MariaDB gives, or 1235 for what is not supported.
    """
    if is_long(sql):
        return await asyncio.to_thread(_flat, lambda: analyze(sql, catalog, values))
    return _flat(lambda: known.analysis(sql, catalog, values))


def _flat(work: Callable[[], Analysis]) -> Analysis:
    try:
        return work()
    except RecursionError as error:
        raise unsupported("expressions nested so deeply; flatten the query") from error


async def planned(analysis: Analysis, means: Means) -> Planned:
    """The plan of a query: what comes first is answered, its ids are looked up.

    Raises:
        SQLError: 1104 where what comes first gives too much; whatever a worker refuses.
    """
    # What travels into scratch tables is converted for the client by the last statement alone.
    first = []
    for stage in analysis.stages:
        inner = replace(means, settings=replace(means.settings, results_charset="utf8mb4", binary=None))
        own = replace(inner, progress=means.progress.of(stage.table))
        one = await planned(stage.analysis, own)
        limit = means.share_limit if stage.everywhere else means.merge_limit
        rows = merged_rows(one.plan, own)
        table = ScratchTable(stage.table, stage.columns, stage.keys)
        await means.staging.take(table, rows, means.dispatcher.spool(), limit)
        first.append(one)
    ids = {later.key: means.staging.ids(later.key, later.integer) for later in analysis.laters}
    known = settled(analysis, {key: told for key, told in ids.items() if told is not None}) if ids else analysis
    settings = means.settings
    if settings.results_charset in _WIDE_CHARSETS:
        settings = DEFAULT_SETTINGS
    elif settings.binary is not None:
        settings = replace(settings, binary=None)
    found = await means.dispatcher.index.find(known.lookups, means.catalog, settings)
    return Planned(analysis, make_plan(known, found, _in_order(means.settings)), tuple(first))


async def foresee(analysis: Analysis, catalog: Catalog, dispatcher: Dispatcher) -> Planned:
    """The plan of a query as far as it is known before anything has run.

    Raises:
        SQLError: the director index cannot be read.
    """
    return foreseen(analysis, await dispatcher.index.find(all_lookups(analysis), catalog))


async def column_definitions(
    plan: Analysis, dispatcher: Dispatcher, settings: SessionSettings, known: Known
) -> Sequence[ColumnDef]:
    """What the client is told of each column: a worker's own word, on the empty tables that users see.

    Raises:
        SQLError: where the worker refuses the query: an unknown function, say, or a wrong number of arguments.
    """
    found = known.columns(plan, settings)
    if found is not None:
        return found

    async def ask(backend: Backend) -> tuple[ColumnDef, ...]:
        async with backend.query(backend.translate(plan.shape), settings) as stream:
            async for _ in stream:
                pass
            return tuple(stream.columns)

    try:
        columns = await dispatcher.first_answer(ask)
    except SQLError as error:
        raise logical_error(error, plan) from error
    databases = {s.physical: s.table.database for s in plan.slots}
    named = Columns(
        [
            replace(column, name=name, schema=databases.get(column.schema, column.schema))
            for column, name in zip(columns, plan.names, strict=True)
        ]
    )
    known.keep_columns(plan, settings, named)
    return named


def merged_rows(plan: Plan, means: Means) -> Blocks:
    """The rows of a plan, as the client gets them.

    Raises:
        SQLError: the query fails as a whole; no partial answer passes for a whole one. It comes with the rows.
    """
    return _Named(plan, means.progress.watched(_merged(plan, means)))


def _merged(plan: Plan, means: Means) -> Blocks:
    run = means.dispatcher.run
    if isinstance(plan.merge, Relay | Ordered):
        blocks = run(plan, means.catalog, means.settings, means.progress, means.staging)
        limits = means.dispatcher.limits
        return (
            relay(plan.merge, blocks)
            if isinstance(plan.merge, Relay)
            else ordered(plan.merge, blocks, limits.sorting, means.merge_limit, limits.spool)
        )
    # Text of partial rows must come back as it was: it is converted for the client by the last statement alone.
    inner = replace(means.settings, results_charset="utf8mb4", binary=None)
    columns = Template.cut(plan.merge.columns, plan.slots).fill([standing_in(s) for s in plan.slots])
    merged = final(
        plan.merge,
        columns,
        lambda: run(plan, means.catalog, inner, means.progress, means.staging),
        _engines(plan, means.catalog, means.dispatcher),
        means.settings,
        means.merge_limit,
        means.staging.on,
    )
    return unhurried(merged, means.dispatcher.crowded, means.dispatcher.spool_for_resting)


class _Named(Blocks):
    """Rows of a plan; errors of workers in the user's names."""

    def __init__(self, plan: Plan, rows: Blocks) -> None:
        self._plan = plan
        self._rows = rows

    async def __anext__(self) -> RowBlock:
        try:
            return await anext(self._rows)
        except SQLError as error:
            raise logical_error(error, self._plan) from error

    async def aclose(self) -> None:
        await self._rows.aclose()


def _in_order(settings: SessionSettings) -> bool:
    """Whether keys can be read off the rows that a worker sends."""
    return settings.binary is None and settings.results_charset not in _WIDE_CHARSETS


def _engines(plan: Plan, catalog: Catalog, dispatcher: Dispatcher) -> list[Backend]:
    """Workers for the merge: first those that hold a chunk of the query, different ones for different chunks."""
    names = []
    if plan.family is not None and len(plan.chunks):
        placement = catalog.placements[plan.family]
        # Any of its chunks, so that merges of the same query do not pile up on one worker.
        at = int(placement.chunks.searchsorted(random.choice(plan.chunks)))
        names = [placement.workers[i] for i in placement.replicas[at].tolist() if i >= 0]
    backends = dispatcher.backends
    return [backends[name] for name in dict.fromkeys([*names, *backends]) if name in backends]


def logical_error(error: SQLError, plan: Plan | Analysis) -> SQLError:
    """The error of a worker in the user's names: no chunk table, no physical database."""
    message = error.message
    for slot in plan.slots:
        message = message.replace(slot.physical, slot.table.database)
        message = _chunk_name(slot).sub(slot.table.name, message)
    return SQLError(error.code, message, error.sqlstate)


def _chunk_name(slot: Slot) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(slot.table.name)}(FullOverlap)?_(\d+|empty)\b")
