"""SELECT: text to plan to fragments to merged rows."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from qproxy.backends.base import Backend, SessionSettings
from qproxy.catalog.model import Catalog
from qproxy.dispatch.dispatcher import Dispatcher, Progress
from qproxy.dispatch.fragments import standing_in
from qproxy.dispatch.lookup import find_places
from qproxy.errors import SQLError, unsupported
from qproxy.merge.final import final
from qproxy.merge.relay import relay
from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import Plan, Relay, Slot, Template
from qproxy.planner.planner import analyze, make_plan
from qproxy.wire.columns import ColumnDef
from qproxy.wire.rowblock import RowBlock


async def plan_query(sql: str, catalog: Catalog, values: SessionValues, dispatcher: Dispatcher) -> Plan:
    """The plan of a SELECT, its ids looked up.

    Raises:
        SQLError: with the code that MariaDB gives, or 1235 for what is not supported.
    """
    try:
        analysis = analyze(sql, catalog, values)
        found = await find_places(analysis.lookups, catalog, dispatcher.backends)
        return make_plan(analysis, found)
    except RecursionError as error:
        raise unsupported("expressions nested so deeply; flatten the query") from error


async def column_definitions(plan: Plan, dispatcher: Dispatcher, settings: SessionSettings) -> list[ColumnDef]:
    """What the client is told of each column: a worker's own word, on the empty tables that users see.

    Raises:
        SQLError: where the worker refuses the query: an unknown function, say, or a wrong number of arguments.
    """

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
    return [
        replace(column, name=name, schema=databases.get(column.schema, column.schema))
        for column, name in zip(columns, plan.names, strict=True)
    ]


async def merged_rows(
    plan: Plan,
    catalog: Catalog,
    dispatcher: Dispatcher,
    settings: SessionSettings,
    progress: Progress,
    merge_limit: int,
) -> AsyncGenerator[RowBlock, None]:
    """The rows of a plan, as the client gets them.

    Raises:
        SQLError: the query fails as a whole; no partial answer passes for a whole one.
    """
    if isinstance(plan.merge, Relay):
        rows = relay(plan.merge, dispatcher.run(plan, catalog, settings, progress))
    else:
        # Text of partial rows must come back as it was: it is converted for the client by the last statement alone.
        inner = replace(settings, results_charset="utf8mb4", binary=None)
        columns = Template.cut(plan.merge.columns, plan.slots).fill([standing_in(s) for s in plan.slots])
        rows = final(
            plan.merge,
            columns,
            lambda: dispatcher.run(plan, catalog, inner, progress),
            _engines(plan, catalog, dispatcher),
            settings,
            merge_limit,
        )
    try:
        async with aclosing(rows):
            async for block in rows:
                yield block
    except SQLError as error:
        raise logical_error(error, plan) from error


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


def logical_error(error: SQLError, plan: Plan) -> SQLError:
    """The error of a worker in the user's names: no chunk table, no physical database."""
    message = error.message
    for slot in plan.slots:
        message = message.replace(slot.physical, slot.table.database)
        message = _chunk_name(slot).sub(slot.table.name, message)
    return SQLError(error.code, message, error.sqlstate)


def _chunk_name(slot: Slot) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(slot.table.name)}(FullOverlap)?_(\d+|empty)\b")
