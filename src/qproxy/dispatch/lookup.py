"""Looking ids up in the director index, which is spread over the workers by ``id % partitions``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from qproxy.backends.base import DEFAULT_SETTINGS, Backend
from qproxy.catalog.model import Catalog, DirectorIndex
from qproxy.catalog.naming import CHUNK_COLUMN, index_table, orphan_table
from qproxy.errors import SQLError, WorkerError
from qproxy.planner.plan import IdRange, Lookup
from qproxy.sky.coverage import EVERYTHING, NOTHING, Coverage
from qproxy.wire.rowblock import decode_rows

#: Entries of one partition that a range may have before it is not worth being looked up. MariaDB reads about so many
#: in 0.05 s.
MAX_RANGE_ENTRIES = 100_000
#: Ids of one statement.
MAX_STATEMENT_IDS = 10_000

Result = TypeVar("Result")


async def find_places(
    lookups: Iterable[Lookup], catalog: Catalog, backends: Mapping[str, Backend]
) -> dict[Lookup, Coverage]:
    """The chunks in which the rows with the ids of each look-up can be.

    A range of too many ids covers everything.

    Raises:
        SQLError: no copy of a partition of the index can be read; the message names it.
    """
    wanted = list(lookups)
    statements = [list(_statements(lookup, catalog)) for lookup in wanted]
    reads = [
        _read(lookup, sql, workers, backends)
        for lookup, asked in zip(wanted, statements, strict=True)
        for sql, workers in asked
    ]
    parts = iter(await together(reads))
    return {
        lookup: Coverage.united(next(parts) for _ in asked) if asked else NOTHING
        for lookup, asked in zip(wanted, statements, strict=True)
    }


async def together(work: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """What all give; the first that fails ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(w) for w in work]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


def _statements(lookup: Lookup, catalog: Catalog) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Statements that together answer a look-up, each with the workers that can answer it."""
    database = catalog.databases[lookup.director[0]]
    index = database.tables[lookup.director[1]].index
    assert index is not None
    yield from _of_table(lookup, index, database.physical, lookup.director[1], index_table)
    if lookup.child is not None:
        physical = catalog.databases[lookup.child[0]].physical
        yield from _of_table(lookup, index, physical, lookup.child[1], orphan_table)


def _of_table(
    lookup: Lookup, index: DirectorIndex, physical: str, table: str, naming: Callable[[str, int], str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(lookup.ids, IdRange):
        for partition, workers in enumerate(index.partitions):
            name = f"`{physical}`.`{naming(table, partition)}`"
            yield _range_statement(lookup.ids, name), workers
        return
    parts: dict[int, list[str]] = {}
    for value in lookup.ids:
        if isinstance(value, int):
            parts.setdefault(value % len(index.partitions), []).append(str(value))
        else:
            parts.setdefault(0, []).append(_quoted(value))
    for partition, values in parts.items():
        for start in range(0, len(values), MAX_STATEMENT_IDS):
            ids = ", ".join(values[start : start + MAX_STATEMENT_IDS])
            yield (
                f"SELECT DISTINCT {CHUNK_COLUMN} FROM `{physical}`.`{naming(table, partition)}` WHERE id IN ({ids})",
                index.partitions[partition],
            )


def _range_statement(ids: IdRange, name: str) -> str:
    """Chunks with the number of entries that were read of each: no more are read than are of use."""
    if ids.low is not None and ids.high is not None:
        condition = f"id BETWEEN {ids.low} AND {ids.high}"
    else:
        condition = f"id >= {ids.low}" if ids.low is not None else f"id <= {ids.high}"
    entries = f"SELECT {CHUNK_COLUMN} FROM {name} WHERE {condition} LIMIT {MAX_RANGE_ENTRIES + 1}"
    return f"SELECT {CHUNK_COLUMN}, COUNT(*) FROM ({entries}) AS entries GROUP BY {CHUNK_COLUMN}"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


async def _read(lookup: Lookup, sql: str, workers: Iterable[str], backends: Mapping[str, Backend]) -> Coverage:
    reasons = []
    for name in workers:
        backend = backends.get(name)
        if backend is None:
            reasons.append(f"worker '{name}' is not known to this proxy")
            continue
        try:
            rows: list[list[bytes | None]] = []
            async with backend.query(backend.translate(sql), DEFAULT_SETTINGS) as stream:
                async for block in stream:
                    rows += decode_rows(block)
            return _coverage(lookup, rows)
        except WorkerError as error:
            reasons.append(f"worker '{error.worker}' {error.reason}")
    raise SQLError(1105, f"the director index cannot be read: {'; '.join(reasons)}")


def _coverage(lookup: Lookup, rows: Sequence[Sequence[bytes | None]]) -> Coverage:
    if isinstance(lookup.ids, IdRange) and sum(int(row[1] or 0) for row in rows) > MAX_RANGE_ENTRIES:
        return EVERYTHING
    return Coverage.of_chunks(int(row[0] or 0) for row in rows)
