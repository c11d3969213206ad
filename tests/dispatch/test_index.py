"""The director index: asked for what is not known alone, together with others, and never wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from qproxy.backends.base import DEFAULT_SETTINGS, Backend, ResultStream, SessionSettings
from qproxy.dispatch.index import ENTRY, FEW, Index
from qproxy.dispatch.lookup import find_places
from qproxy.errors import SQLError, WorkerError
from qproxy.planner.plan import IdRange, Lookup
from qproxy.sky.coverage import NOTHING, Coverage
from tests.harness.small import ROWS, Small

MEMORY = 1 << 20


class Watched:
    """A backend whose statements are noted, and held back or refused where that is asked for."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    @asynccontextmanager
    async def query(self, sql: str, settings: SessionSettings = DEFAULT_SETTINGS) -> AsyncIterator[ResultStream]:
        self.asked.append(sql)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        async with self.backend.query(sql, settings) as stream:
            yield stream


def watched(small: Small) -> dict[str, Watched]:
    return {name: Watched(backend) for name, backend in small.backends.items()}


def statements(backends: Mapping[str, Watched]) -> list[str]:
    return [sql for backend in backends.values() for sql in backend.asked]


def index_on(backends: Mapping[str, Watched], memory: int = MEMORY) -> Index:
    return Index(backends, memory)  # type: ignore[arg-type]


def of(*ids: int, database: str = "two") -> Lookup:
    return Lookup((database, "Object"), frozenset(ids))


async def test_places_are_those_of_the_workers(small: Small) -> None:
    catalog = small.store.load()
    index = index_on(watched(small))
    asked = [of(1), of(1, 2, 3, 4), of(5), of(ROWS + 5), of(-1), of(7, ROWS + 7), of(*range(FEW + 1))]
    asked.append(Lookup(("two", "Object"), IdRange(3, 9)))
    for lookup in asked * 2:
        wanted = await find_places([lookup], catalog, small.backends)
        assert await index.find([lookup], catalog) == wanted
    assert (await index.find([of(ROWS + 5)], catalog))[of(ROWS + 5)] == NOTHING
    assert await index.find([], catalog) == {}
    both = [of(8), of(9)]
    assert await index.find(both, catalog) == await find_places(both, catalog, small.backends)


async def test_what_is_known_is_not_asked_again_before_the_catalogue_changes(small: Small) -> None:
    catalog, backends = small.store.load(), watched(small)
    index = index_on(backends)
    for _ in range(3):
        await index.find([of(1)], catalog)
        await index.find([of(ROWS + 1)], catalog)
    assert len(statements(backends)) == 2
    await index.find([of(1)], replace(catalog, version=catalog.version + 1))
    assert len(statements(backends)) == 3
    # A query that began before still has its own.
    await index.find([of(1)], catalog)
    assert len(statements(backends)) == 4
    await index.find([of(1)], replace(catalog, version=catalog.version + 1))
    assert len(statements(backends)) == 4


async def test_what_was_not_asked_for_lately_is_forgotten(small: Small) -> None:
    catalog, backends = small.store.load(), watched(small)
    index = index_on(backends, 8 * ENTRY)
    for number in range(40):
        await index.find([of(number)], catalog)
        await index.find([of(0)], catalog)
    assert len(statements(backends)) == 40
    await index.find([of(1)], catalog)
    assert len(statements(backends)) == 41
    none = index_on(backends, 0)
    for _ in range(2):
        await none.find([of(1)], catalog)
    assert len(statements(backends)) == 43


async def test_those_who_ask_at_once_share_statements(small: Small) -> None:
    catalog, backends = small.store.load(), watched(small)
    index = index_on(backends)
    for backend in backends.values():
        backend.gate.clear()
    lookups = [of(number) for number in range(60)]
    tasks = [asyncio.create_task(index.find([lookup], catalog)) for lookup in lookups]
    await asyncio.sleep(0)
    partitions = len(statements(backends))
    for backend in backends.values():
        backend.gate.set()
    found = await asyncio.gather(*tasks)
    assert len(statements(backends)) == 2 * partitions < 20
    wanted = await find_places(lookups, catalog, small.backends)
    for lookup, places in zip(lookups, found, strict=True):
        assert places == {lookup: wanted[lookup]}
    await index.close()


async def test_one_that_is_cancelled_takes_nobody_along(small: Small) -> None:
    catalog, backends = small.store.load(), watched(small)
    index = index_on(backends)
    for backend in backends.values():
        backend.gate.clear()
    partitions = len(catalog.databases["two"].tables["Object"].index.partitions)  # type: ignore[union-attr]
    numbers = [partitions * n for n in range(4)]
    tasks = [asyncio.create_task(index.find([of(number)], catalog)) for number in numbers]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.sleep(0)
    for backend in backends.values():
        backend.gate.set()
    for at, number in enumerate(numbers):
        if at in (0, 2):
            with pytest.raises(asyncio.CancelledError):
                await tasks[at]
        else:
            wanted = await find_places([of(number)], catalog, small.backends)
            assert await tasks[at] == wanted
    assert await index.find([of(numbers[2])], catalog) == await find_places([of(numbers[2])], catalog, small.backends)


async def test_another_copy_is_asked_and_the_failed_one_avoided(small: Small) -> None:
    catalog, backends = small.store.load(), watched(small)
    index = index_on(backends)
    table = catalog.databases["two"].tables["Object"].index
    assert table is not None
    first, second = table.partitions[0][:2]
    backends[first].failure = WorkerError(first, "is gone")
    count = len(table.partitions)
    found = await index.find([of(0)], catalog)
    assert found == await find_places([of(0)], catalog, small.backends)
    await index.find([of(count)], catalog)
    assert (len(backends[first].asked), len(backends[second].asked)) == (1, 2)


async def test_all_who_wait_hear_that_no_copy_can_be_read(small: Small) -> None:
    catalog, backends = small.store.load(), watched(small)
    index = index_on(backends)
    for name, backend in backends.items():
        backend.failure = WorkerError(name, "is gone")
        backend.gate.clear()
    count = len(catalog.databases["one"].tables["Object"].index.partitions)  # type: ignore[union-attr]
    tasks = [asyncio.create_task(index.find([of(count * n, database="one")], catalog)) for n in range(3)]
    await asyncio.sleep(0)
    for backend in backends.values():
        backend.gate.set()
    for task in tasks:
        with pytest.raises(SQLError, match=r"^the director index cannot be read: worker 'w[012]' is gone$") as failed:
            await task
        assert failed.value.code == 1105
    for backend in backends.values():
        backend.failure = None
    assert (await index.find([of(0, database="one")], catalog))[of(0, database="one")] != Coverage.of_chunks([])
