"""Chunk files to their workers: tables made where there are rows, each loaded on every replica."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qproxy.backends.base import Backend
from qproxy.catalog import naming
from qproxy.catalog.model import Placement, TableKind
from qproxy.errors import QproxyError, SQLError
from qproxy.ingest.ddl import chunk_table, create_database, public_table, qualified, stored_columns
from qproxy.ingest.description import Description, TableSpec
from qproxy.ingest.refusal import refused_row, refused_table
from qproxy.ingest.spread import SpreadTable


@dataclass(frozen=True)
class TableLoad:
    """A physical table to be made and filled on one worker.

    Attributes:
        table: physical name.
        create: the CREATE statement; empty where the table is there already.
        columns: in the order of the file.
        path: of the file; None where the table stays empty.
        rows: that it must have then.
        charset: of the file.
    """

    table: str
    create: str
    columns: tuple[str, ...]
    path: Path | None
    rows: int
    charset: str


#: What each worker is to load, by its name.
Loads = Mapping[str, Sequence[TableLoad]]


async def on_workers(backends: Mapping[str, Backend], action: Callable[[Backend], Awaitable[None]]) -> None:
    """Do something on all workers at once; the first failure cancels the rest and is raised."""
    tasks = [asyncio.ensure_future(action(b)) for b in backends.values()]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def execute_everywhere(backends: Mapping[str, Backend], statements: Iterable[str]) -> None:
    """Run statements, in their order, on every worker."""
    listed = tuple(statements)

    async def run(backend: Backend) -> None:
        for statement in listed:
            await backend.execute(statement)

    await on_workers(backends, run)


async def make_skeleton(description: Description, physical: str, engine: str, backends: Mapping[str, Backend]) -> None:
    """Make the database with its public tables and the stand-ins for missing chunks.

    Raises:
        QproxyError: a worker cannot be reached, or refuses the definition of a table.
    """
    await execute_everywhere(backends, [create_database(physical)])
    for table in description.tables:
        try:
            await execute_everywhere(backends, skeleton(table, physical, engine))
        except SQLError as error:
            raise refused_table(error, table.name) from error


def skeleton(table: TableSpec, physical: str, engine: str) -> list[str]:
    """Statements that make the public table and its stand-ins for missing chunks."""
    statements = [public_table(qualified(physical, table.name), table, engine)]
    if table.kind is TableKind.REGULAR:
        return statements
    name = qualified(physical, naming.empty_table(table.name))
    statements.append(chunk_table(name, table, engine))
    if table.kind is TableKind.DIRECTOR:
        name = qualified(physical, naming.empty_overlap_table(table.name))
        statements.append(chunk_table(name, table, engine, overlap=True))
    return statements


def _chunk_loads(spread: SpreadTable, chunk: int, physical: str, engine: str) -> list[TableLoad]:
    """The tables of one chunk; a chunk that has overlap rows alone gets an empty chunk table beside them."""
    table = spread.table
    found = []
    for spool, name, overlap in (
        (spread.own, naming.chunk_table(table.name, chunk), False),
        (spread.overlap, naming.overlap_table(table.name, chunk), True),
    ):
        rows = spool.rows.get(chunk, 0) if spool is not None else 0
        if spool is None or (overlap and not rows):
            continue
        create = chunk_table(qualified(physical, name), table, engine, overlap, rows)
        path = spool.path(chunk) if rows else None
        found.append(TableLoad(name, create, stored_columns(table, overlap), path, rows, table.format.charset))
    return found


def chunks_of(spread: SpreadTable) -> list[int]:
    """Chunks in which the table has rows, overlap rows included, sorted."""
    return sorted({*spread.own.rows, *(spread.overlap.rows if spread.overlap else ())})


def chunk_loads(spread: SpreadTable, placement: Placement, physical: str, engine: str) -> Loads:
    """What each worker is to load of a partitioned table."""
    loads: dict[str, list[TableLoad]] = {}
    for chunk in chunks_of(spread):
        row = int(np.searchsorted(placement.chunks, chunk))
        tables = _chunk_loads(spread, chunk, physical, engine)
        for worker in placement.replicas[row].tolist():
            if worker >= 0:
                loads.setdefault(placement.workers[worker], []).extend(tables)
    return loads


def regular_loads(spread: SpreadTable, workers: Iterable[str]) -> Loads:
    """What each worker is to load of a regular table: all of it, into the public table."""
    table: TableSpec = spread.table
    rows = spread.own.rows.get(0, 0)
    columns = tuple(c.name for c in table.schema.columns)
    path = spread.own.path(0) if rows else None
    load = TableLoad(table.name, "", columns, path, rows, table.format.charset)
    return dict.fromkeys(workers, (load,))


async def load_all(
    loads: Loads,
    backends: Mapping[str, Backend],
    physical: str,
    loaded: Callable[[TableLoad], None],
) -> None:
    """Make and fill tables on all workers at once.

    Args:
        loads: by worker.
        backends: by worker.
        physical: database on the workers.
        loaded: hears of each table that is done.

    Raises:
        QproxyError: a worker broke off, refused rows, or took another number of them.
    """

    async def one_connection(backend: Backend, queue: list[TableLoad]) -> None:
        while queue:
            load = queue.pop()
            if load.create:
                await backend.execute(load.create)
            if load.path is not None:
                try:
                    rows = await backend.load(physical, load.table, load.columns, load.path, load.charset)
                except SQLError as error:
                    raise refused_row(error, load.table, load.path) from error
                if rows != load.rows:
                    raise QproxyError(
                        f"worker '{backend.name}' took {rows} of {load.rows} rows of {load.table}; "
                        "a key that is not unique may have refused the others"
                    )
            loaded(load)

    async def one_worker(backend: Backend) -> None:
        queue = list(reversed(loads.get(backend.name, ())))
        await on_workers({str(i): backend for i in range(backend.loads)}, lambda b: one_connection(b, queue))

    await on_workers(backends, one_worker)
