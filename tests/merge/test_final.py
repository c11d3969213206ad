"""The final statement on real servers: its limits, its engines' deaths, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from qproxy.backends.base import DEFAULT_SETTINGS, Backend
from qproxy.errors import SQLError
from qproxy.merge.final import final
from qproxy.planner.plan import SCRATCH, Final
from qproxy.wire.rowblock import RowBlock, decode_rows, encode_rows
from tests.harness.small import Small, until

COLUMNS = "SELECT CAST('' AS CHAR(20)) AS name, CAST(0 AS SIGNED) AS n LIMIT 0"
SUMS = Final(COLUMNS, f"SELECT name, SUM(n) FROM {SCRATCH} GROUP BY name ORDER BY name")
#: Ten times the rows that go in, so that the answer is larger than what is held back.
MANY = Final(COLUMNS, f"SELECT a.name, REPEAT('x', 300), 'many' FROM {SCRATCH} a JOIN mysql.seq_1_to_1000 b")
LIMIT = 1 << 20


async def partial(blocks: int = 3, rows: int = 100, calls: list[int] | None = None) -> AsyncGenerator[RowBlock, None]:
    if calls is not None:
        calls.append(1)
    for block in range(blocks):
        yield encode_rows([[b"name %d" % (row % 4), b"%d" % block] for row in range(rows)])


async def nothing(engine: Backend) -> None:
    """What the statement needs beside partial rows."""


async def rows_of(merge: Final, engines: list[Backend], limit: int = LIMIT, calls: list[int] | None = None) -> list:
    found = []
    async with aclosing(
        final(merge, COLUMNS, lambda: partial(calls=calls), engines, DEFAULT_SETTINGS, limit, nothing)
    ) as blocks:
        async for block in blocks:
            found += [row[:2] for row in decode_rows(block)]
    return found


EXPECTED = [[b"name %d" % n, b"75"] for n in range(4)]


async def idle(small: Small) -> None:
    """No scratch table is left, and no statement runs."""
    await until(lambda: small.running("qproxy_merge") == 0)
    for backend in small.backends.values():
        async with backend.query(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'qproxy_scratch'", DEFAULT_SETTINGS
        ) as stream:
            assert [list(decode_rows(b)) async for b in stream] == [[[b"0"]]]


async def test_the_statement_runs_over_all_rows(small: Small) -> None:
    assert await rows_of(SUMS, [small.backends["w0"]]) == EXPECTED
    await idle(small)


async def test_too_many_rows_are_refused_in_plain_words(small: Small) -> None:
    with pytest.raises(SQLError) as refused:
        await rows_of(SUMS, [small.backends["w0"]], limit=2000)
    assert refused.value.code == 1104
    assert "merge.gather_limit_mb" in refused.value.message
    await idle(small)


async def test_a_dead_engine_is_replaced(small: Small) -> None:
    engines = [small.backends["w0"], small.backends["w1"]]
    small.kill("w0")
    try:
        calls: list[int] = []
        assert await rows_of(SUMS, engines, calls=calls) == EXPECTED
        assert len(calls) == 1
        with pytest.raises(SQLError) as failed:
            await rows_of(SUMS, engines[:1])
        assert failed.value.code == 1105
        assert failed.value.message == "the merge failed: worker 'w0' cannot be reached; try again"
    finally:
        await small.restart("w0")
    assert await rows_of(SUMS, engines[:1]) == EXPECTED


async def test_an_engine_cut_anywhere_is_replaced_unseen(small: Small) -> None:
    engines = [small.backends["w0"], small.backends["w1"]]
    calls: list[int] = []
    for size in range(1, 700, 23):
        small.faults["w0"].cut_after(size)
        assert await rows_of(SUMS, engines, calls=calls) == EXPECTED
    assert len(calls) > 35
    small.faults["w0"].cut_after(1 << 60)
    await idle(small)


async def test_an_engine_cut_when_rows_are_out_is_an_error(small: Small) -> None:
    engines = [small.backends["w0"], small.backends["w1"]]
    small.faults["w0"].cut_after(20 << 20)
    with pytest.raises(SQLError) as failed:
        await rows_of(MANY, engines)
    assert failed.value.code == 1105
    assert "worker 'w0' connection lost in the middle of a result" in failed.value.message
    assert len(await rows_of(MANY, engines)) == 300_000
    await idle(small)


async def test_many_merges_at_once_on_one_worker(small: Small) -> None:
    engines = [small.backends["w0"]]
    answers = await asyncio.gather(*(rows_of(SUMS, engines) for _ in range(40)))
    assert answers == [EXPECTED] * 40
    await idle(small)


async def test_merges_that_wait_for_statements_on_their_own_worker_end(small: Small) -> None:
    backend = small.backends["w0"]

    async def from_the_worker() -> AsyncGenerator[RowBlock, None]:
        async with backend.query("SELECT 'a', 1 FROM mysql.seq_1_to_1000", DEFAULT_SETTINGS) as stream:
            async for block in stream:
                yield block

    async def merged() -> list[list[bytes | None]]:
        rows = final(SUMS, COLUMNS, from_the_worker, [backend], DEFAULT_SETTINGS, LIMIT, nothing)
        return [row async for block in rows for row in decode_rows(block)]

    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(merged() for _ in range(20)))
    assert Counter(str(a) for a in answers) == {str([[b"a", b"1000"]]): 20}


async def test_leaving_in_the_middle_stops_the_merge(small: Small) -> None:
    async with aclosing(
        final(MANY, COLUMNS, partial, [small.backends["w0"]], DEFAULT_SETTINGS, LIMIT, nothing)
    ) as blocks:
        await anext(blocks)
    assert await until(lambda: small.running("'many'") == 0) < 1
    await idle(small)


async def test_a_refused_statement_is_told_and_not_tried_elsewhere(small: Small) -> None:
    calls: list[int] = []
    wrong = Final(COLUMNS, f"SELECT nothing FROM {SCRATCH}")
    with pytest.raises(SQLError) as refused:
        await rows_of(wrong, list(small.backends.values()), calls=calls)
    assert refused.value.code == 1054
    assert len(calls) == 1
    await idle(small)
