"""Fragments in flight on real servers: every row once, whatever breaks; nothing left running; memory bounded."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from qproxy.backends.base import DEFAULT_SETTINGS, Backend
from qproxy.dispatch.dispatcher import Dispatcher, Limits
from qproxy.dispatch.fragments import Batching, first_replica
from qproxy.dispatch.lookup import find_places
from qproxy.dispatch.progress import Progress
from qproxy.dispatch.staging import Staging
from qproxy.errors import SQLError, WorkerError
from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import Plan
from qproxy.planner.planner import analyze, make_plan
from qproxy.wire.rowblock import decode_rows
from tests.harness.small import FACTORS, ROWS, Small, until

LIMITS = Limits(batching=Batching(first_rows=500, rows=3000), parallel=2, waiting=4, memory=1 << 20)
ALL = "SELECT id, ra, decl, pad FROM Object"
MILLION = "SELECT o.id, o.pad, f.n FROM Object o, Factor f"


def _dropped(work: Coroutine[Any, Any, None]) -> None:
    """Nothing is staged, so that nothing is dropped."""
    work.close()


STAGED_NOTHING = Staging(DEFAULT_SETTINGS, _dropped)


async def plan_of(small: Small, database: str, sql: str) -> Plan:
    catalog = small.store.load()
    analysis = analyze(sql, catalog, SessionValues(database, "me@here", 1, "10.11", lambda name: None))
    return make_plan(analysis, await find_places(analysis.lookups, catalog, small.backends))


async def ids_of(small: Small, plan: Plan, limits: Limits = LIMITS, progress: Progress | None = None) -> list[int]:
    """The first column of all rows."""
    run = Dispatcher(small.backends, limits).run(
        plan, small.store.load(), DEFAULT_SETTINGS, progress or Progress(), STAGED_NOTHING
    )
    async with aclosing(run) as blocks:
        return [int(row[0] or 0) async for block in blocks for row in decode_rows(block)]


@asynccontextmanager
async def dead(small: Small, name: str) -> AsyncIterator[None]:
    """A worker whose process is gone, back afterwards."""
    small.kill(name)
    try:
        yield
    finally:
        await small.restart(name)


async def test_every_row_once(small: Small) -> None:
    progress = Progress()
    plan = await plan_of(small, "two", ALL)
    assert sorted(await ids_of(small, plan, progress=progress)) == list(range(ROWS))
    assert (progress.rows, progress.chunks, progress.retries) == (ROWS, len(plan.chunks), 0)


@pytest.mark.parametrize(("database", "complete"), [("one", False), ("two", True)])
async def test_rows_of_the_only_copy_need_not_wait_for_their_fragment(
    small: Small, database: str, complete: bool
) -> None:
    plan = await plan_of(small, database, MILLION)
    progress, given = Progress(), 0
    run = Dispatcher(small.backends, LIMITS).run(plan, small.store.load(), DEFAULT_SETTINGS, progress, STAGED_NOTHING)
    async with aclosing(run) as blocks:
        given += (await anext(blocks)).rows
        assert (progress.fragments > 0) is complete
        async for block in blocks:
            given += block.rows
    assert given == progress.rows == ROWS * FACTORS
    assert progress.chunks == len(plan.chunks)


async def test_a_cut_behind_rows_of_the_only_copy_is_an_error(small: Small) -> None:
    plan = await plan_of(small, "one", MILLION)
    run = Dispatcher(small.backends, LIMITS).run(plan, small.store.load(), DEFAULT_SETTINGS, Progress(), STAGED_NOTHING)
    async with aclosing(run) as blocks:
        assert (await anext(blocks)).rows
        for fault in small.faults.values():
            fault.cut()
        with pytest.raises(SQLError, match=r"^chunk .* cannot be read: worker 'w[012]' connection lost") as failed:
            async for _ in blocks:
                pass
        assert failed.value.code == 1105


async def test_a_query_of_one_chunk_goes_to_another_copy(small: Small) -> None:
    plan = await plan_of(small, "two", "SELECT id, pad FROM Object WHERE id = 5")
    assert len(plan.chunks) == 1 and plan.family is not None
    progress = Progress()
    assert await ids_of(small, plan, progress=progress) == [5]
    assert (progress.rows, progress.chunks, progress.fragments, progress.retries) == (1, 1, 1, 0)
    first = first_replica(small.store.load().placements[plan.family], int(plan.chunks[0]))
    assert first is not None
    progress = Progress()
    async with dead(small, first):
        assert await ids_of(small, plan, progress=progress) == [5]
    assert (progress.rows, progress.chunks, progress.fragments, progress.retries) == (1, 1, 1, 1)


async def test_many_rows_of_one_chunk_survive_cuts(small: Small) -> None:
    plan = await plan_of(small, "two", "SELECT o.id, o.pad, f.n FROM Object o, Factor f WHERE o.id = 5")
    assert len(plan.chunks) == 1
    dice, retried = random.Random(3), 0
    for _ in range(20):
        progress = Progress()
        _one_cut(small, dice.choice(("w0", "w1", "w2")), dice.randrange(1, 60_000))
        assert await ids_of(small, plan, progress=progress) == [5] * FACTORS
        retried += progress.retries
    _one_cut(small, "", 0)
    assert retried
    assert await ids_of(small, plan) == [5] * FACTORS


async def test_a_hundred_cuts_with_a_second_copy_are_never_seen(small: Small) -> None:
    dice = random.Random(11)
    plan = await plan_of(small, "two", "SELECT id, pad FROM Object WHERE decl > 20")
    whole = sorted(await ids_of(small, plan))
    assert 0 < len(whole) < ROWS
    retried = 0
    for _ in range(100):
        progress = Progress()
        _one_cut(small, dice.choice(("w0", "w1", "w2")), dice.randrange(1, 400_000))
        assert sorted(await ids_of(small, plan, progress=progress)) == whole
        assert progress.rows == len(whole)
        retried += progress.retries
    assert retried > 30
    _one_cut(small, "", 0)


async def test_a_hundred_cuts_of_the_only_copy_give_the_whole_answer_or_an_error(small: Small) -> None:
    dice = random.Random(12)
    plan = await plan_of(small, "one", "SELECT id, pad FROM Object WHERE decl > 20")
    whole = sorted(await ids_of(small, plan))
    outcomes: Counter[str] = Counter()
    for _ in range(100):
        _one_cut(small, dice.choice(("w0", "w1", "w2")), dice.randrange(1, 800_000))
        try:
            assert sorted(await ids_of(small, plan)) == whole
            outcomes["whole"] += 1
        except SQLError as error:
            assert error.code == 1105
            assert error.message.startswith("chunk ")
            assert "127.0.0.1" not in error.message
            outcomes["error"] += 1
    assert outcomes["whole"] + outcomes["error"] == 100
    assert min(outcomes.values()) > 5, outcomes
    _one_cut(small, "", 0)


def _one_cut(small: Small, name: str, size: int) -> None:
    """Have one worker cut off after some bytes, and no other."""
    for other in small.faults:
        small.faults[other].cut_after(size if other == name else 1 << 60)


@pytest.mark.parametrize("name", ["w0", "w1", "w2"])
async def test_a_worker_that_dies_in_the_midst_is_never_seen(small: Small, name: str) -> None:
    plan = await plan_of(small, "two", MILLION)
    run = Dispatcher(small.backends, LIMITS).run(plan, small.store.load(), DEFAULT_SETTINGS, Progress(), STAGED_NOTHING)
    counts: Counter[int] = Counter()
    killed = False
    try:
        async with aclosing(run) as blocks:
            async for block in blocks:
                counts.update(int(row[0] or 0) for row in decode_rows(block))
                if not killed and counts.total() > 50_000:
                    small.kill(name)
                    killed = True
        assert killed
        assert len(counts) == ROWS
        assert set(counts.values()) == {FACTORS}
    finally:
        await small.restart(name)


async def test_the_death_of_the_only_copy_is_named_at_once_and_got_over(small: Small) -> None:
    plan = await plan_of(small, "one", ALL)
    async with dead(small, "w1"):
        began = time.monotonic()
        with pytest.raises(SQLError) as failed:
            await ids_of(small, plan)
        assert time.monotonic() - began < 1
        assert failed.value.code == 1105
        assert failed.value.message.startswith("chunk ")
        assert failed.value.message.endswith("cannot be read: worker 'w1' cannot be reached")
        # What lies elsewhere can still be read.
        catalog = small.store.load()
        placement = catalog.placements[catalog.databases["one"].family]
        here = placement.chunks[placement.replicas[:, 0] != placement.workers.index("w1")]
        some = replace(plan, chunks=plan.chunks[[c in here for c in plan.chunks]])
        assert 0 < len(await ids_of(small, some)) < ROWS
    assert len(await ids_of(small, plan)) == ROWS


async def test_lookups_go_to_the_other_copy_of_the_index(small: Small) -> None:
    for name in ("w0", "w1", "w2"):
        async with dead(small, name):
            for number in range(6):
                plan = await plan_of(small, "two", f"SELECT id FROM Object WHERE id = {number}")
                assert len(plan.chunks) == 1
                assert await ids_of(small, plan) == [number]
    async with dead(small, "w0"):
        with pytest.raises(SQLError, match="the director index cannot be read: worker 'w0' cannot be reached"):
            for number in range(6):
                await plan_of(small, "one", f"SELECT id FROM Object WHERE id = {number}")


async def test_a_stalled_worker_is_left_for_the_other_copy(small: Small) -> None:
    plan = await plan_of(small, "two", "SELECT COUNT(id) FROM Object")
    for backend in small.backends.values():
        backend._links._pool.clear()  # type: ignore[attr-defined]
    small.faults["w2"].stall()
    try:
        began = time.monotonic()
        run = Dispatcher(small.backends, LIMITS).run(
            plan, small.store.load(), DEFAULT_SETTINGS, Progress(), STAGED_NOTHING
        )
        counts = [int(row[0] or 0) async for block in run for row in decode_rows(block)]
        assert sum(counts) == ROWS
        assert 1.5 < time.monotonic() - began < 6
    finally:
        small.faults["w2"].resume()


async def test_a_hanging_query_can_be_cancelled(small: Small) -> None:
    plan = await plan_of(small, "two", ALL)
    await ids_of(small, plan)
    for fault in small.faults.values():
        fault.stall()
    task = asyncio.create_task(ids_of(small, plan))
    await asyncio.wait([task], timeout=0.3)
    assert not task.done()
    began = time.monotonic()
    task.cancel()
    await asyncio.wait([task])
    assert time.monotonic() - began < 0.5
    for fault in small.faults.values():
        fault.resume()
    assert len(await ids_of(small, plan)) == ROWS


@pytest.mark.parametrize("way", ["limit", "close", "cancel"])
async def test_leaving_early_stops_all_workers(small: Small, way: str) -> None:
    sql = MILLION.replace("f.n", f"f.n, 'left_by_{way}'")
    plan = await plan_of(small, "two", sql + (" LIMIT 10" if way == "limit" else ""))
    limits = replace(LIMITS, batching=Batching(first_rows=2000, rows=20_000))
    run = Dispatcher(small.backends, limits).run(plan, small.store.load(), DEFAULT_SETTINGS, Progress(), STAGED_NOTHING)

    async def read() -> None:
        async with aclosing(run) as blocks:
            async for _ in blocks:
                if way == "close":
                    break

    task = asyncio.create_task(read())
    if way == "cancel":
        await until(lambda: small.running("left_by_cancel") > 0)
        task.cancel()
    await asyncio.wait([task])
    assert await until(lambda: small.running("left_by") == 0) < 1
    assert sorted(await ids_of(small, await plan_of(small, "two", "SELECT id FROM Object"))) == list(range(ROWS))


async def test_a_million_rows_stream_in_little_memory(small: Small) -> None:
    plan = await plan_of(small, "two", MILLION)
    limits = replace(LIMITS, batching=Batching(rows=1000))
    await ids_of(small, await plan_of(small, "two", ALL))
    gc.collect()
    before = psutil.Process().memory_info().rss
    rows = largest = 0
    began = time.monotonic()
    first = None
    run = Dispatcher(small.backends, limits).run(plan, small.store.load(), DEFAULT_SETTINGS, Progress(), STAGED_NOTHING)
    async with aclosing(run) as blocks:
        async for block in blocks:
            first = first or time.monotonic() - began
            rows += block.rows
            largest = max(largest, psutil.Process().memory_info().rss - before)
    assert rows == ROWS * FACTORS
    assert largest < 48 << 20


async def test_a_consumer_that_stops_reading_stops_all_workers(small: Small, tmp_path: Path) -> None:
    plan = await plan_of(small, "two", MILLION)
    # A spool directory that cannot be written: nobody may spill while complete fragments wait for the client.
    limits = Limits(Batching(first_rows=200, rows=400), memory=1 << 20, waiting=2, spool=tmp_path / "missing")
    run = Dispatcher(small.backends, limits).run(plan, small.store.load(), DEFAULT_SETTINGS, Progress(), STAGED_NOTHING)
    began = small.delivered
    async with aclosing(run) as blocks:
        with pytest.raises(SQLError) as failed:
            await anext(blocks)
        assert failed.value.code == 1021
        assert "dispatch.spool_dir" in failed.value.message
    limits = replace(limits, spool=None)
    run = Dispatcher(small.backends, limits).run(plan, small.store.load(), DEFAULT_SETTINGS, Progress(), STAGED_NOTHING)
    async with aclosing(run) as blocks:
        rows = (await anext(blocks)).rows
        before = -1
        while small.delivered != before:
            before = small.delivered
            await asyncio.sleep(0.5)
        # 140 MB are there to be read; these are what fragments and the buffers of sockets hold.
        assert small.delivered - began < 64 << 20
        async for block in blocks:
            rows += block.rows
    assert rows == ROWS * FACTORS


async def test_without_workers_it_says_so(small: Small) -> None:
    for sql in (ALL, "SELECT n FROM Factor"):
        plan = await plan_of(small, "two", sql)
        run = Dispatcher({}, LIMITS).run(plan, small.store.load(), DEFAULT_SETTINGS, Progress(), STAGED_NOTHING)
        with pytest.raises(SQLError, match="no worker can answer: none is registered"):
            await anext(run)


async def test_workers_are_asked_in_turn_and_one_that_failed_comes_last(small: Small) -> None:
    dispatcher = Dispatcher(dict(small.backends), Limits())
    asked: list[str] = []

    async def ask(backend: Backend) -> str:
        asked.append(backend.name)
        if backend.name == "w1":
            raise WorkerError(backend.name, "cannot be reached")
        return backend.name

    for _ in range(7):
        await dispatcher.first_answer(ask)
    assert asked.count("w1") == 1
    assert asked.count("w0") > 1
    assert asked.count("w2") > 1
