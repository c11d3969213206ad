"""Looking ids up in the director index, which is spread over the workers by ``id % partitions``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from qproxy.backends.base import DEFAULT_SETTINGS, Backend
from qproxy.catalog.model import Catalog, DirectorIndex
from qproxy.catalog.naming import CHUNK_COLUMN, SUB_CHUNK_COLUMN, index_table, orphan_table
from qproxy.errors import SQLError, WorkerError
from qproxy.planner.plan import Lookup
from qproxy.sky.coverage import Coverage
from qproxy.wire.rowblock import decode_rows

Places = set[tuple[int, int]]


async def find_places(
    lookups: Iterable[Lookup], catalog: Catalog, backends: Mapping[str, Backend]
) -> dict[Lookup, Coverage]:
    """Where the rows with the ids of each look-up can be.

    Raises:
        SQLError: no copy of a partition of the index can be read; the message names it.
    """
    wanted = list(lookups)
    found = await asyncio.gather(*[_places(lookup, catalog, backends) for lookup in wanted])
    return {lookup: Coverage.of_places(places) for lookup, places in zip(wanted, found, strict=True)}


async def _places(lookup: Lookup, catalog: Catalog, backends: Mapping[str, Backend]) -> Places:
    database = catalog.databases[lookup.director[0]]
    index = database.tables[lookup.director[1]].index
    assert index is not None
    statements = _statements(lookup, index, database.physical, lookup.director[1], index_table)
    if lookup.child is not None:
        physical = catalog.databases[lookup.child[0]].physical
        statements += _statements(lookup, index, physical, lookup.child[1], orphan_table)
    parts = await asyncio.gather(*[_read(sql, index.partitions[p], backends) for p, sql in statements])
    return set().union(*parts)


def _statements(
    lookup: Lookup, index: DirectorIndex, physical: str, table: str, naming: Callable[[str, int], str]
) -> list[tuple[int, str]]:
    """The partitions to ask, each with its statement."""
    parts: dict[int, list[str]] = {}
    for value in lookup.ids:
        if isinstance(value, int):
            parts.setdefault(value % len(index.partitions), []).append(str(value))
        else:
            parts.setdefault(0, []).append(_quoted(value))
    return [
        (
            partition,
            f"SELECT {CHUNK_COLUMN}, {SUB_CHUNK_COLUMN} FROM `{physical}`.`{naming(table, partition)}` "
            f"WHERE id IN ({', '.join(values)})",
        )
        for partition, values in parts.items()
    ]


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


async def _read(sql: str, workers: Iterable[str], backends: Mapping[str, Backend]) -> Places:
    reasons = []
    for name in workers:
        backend = backends.get(name)
        if backend is None:
            reasons.append(f"worker '{name}' is not known to this proxy")
            continue
        try:
            places: Places = set()
            async with backend.query(backend.translate(sql), DEFAULT_SETTINGS) as stream:
                async for block in stream:
                    places.update((int(chunk or 0), int(sub or 0)) for chunk, sub in decode_rows(block))
            return places
        except WorkerError as error:
            reasons.append(f"worker '{error.worker}' {error.reason}")
    raise SQLError(1105, f"the director index cannot be read: {'; '.join(reasons)}")
