"""Scratch tables of a query: there when a statement needs them, whole, and gone afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from qproxy.backends.base import DEFAULT_SETTINGS, Backend, ScratchTable
from qproxy.dispatch.dispatcher import Dispatcher, Limits
from qproxy.dispatch.spool import Spool
from qproxy.errors import SQLError, WorkerError
from qproxy.wire.rowblock import RowBlock, decode_rows, encode_rows
from tests.harness.small import Small

COLUMNS = "SELECT CAST(0 AS SIGNED) AS id, CAST('' AS CHAR(20)) AS name LIMIT 0"
TABLE = ScratchTable("`qproxy_scratch`.`q_test_0`", COLUMNS, ("id", "name"))
LIMIT = 1 << 20


async def numbers(blocks: int = 5, rows: int = 200) -> AsyncGenerator[RowBlock, None]:
    for block in range(blocks):
        yield encode_rows([[b"%d" % (block * rows + row), b"x" * 10] for row in range(rows)])


async def asked(backend: Backend, sql: str) -> list[list[bytes | None]]:
    async with backend.query(sql, DEFAULT_SETTINGS) as stream:
        return [row async for block in stream for row in decode_rows(block)]


async def scratch_tables(backend: Backend) -> int:
    found = await asked(backend, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'qproxy_scratch'")
    return int(found[0][0] or 0)


async def test_a_table_is_made_where_it_is_needed_and_dropped_with_the_query(small: Small) -> None:
    dispatcher = Dispatcher(small.backends, Limits())
    staging = dispatcher.staging(DEFAULT_SETTINGS)
    await staging.take(TABLE, numbers(), Spool(1000), LIMIT)
    first, second = small.backends["w0"], small.backends["w1"]
    # Two statements that need it at once find one table.
    await asyncio.gather(staging.on(first), staging.on(first))
    assert await asked(first, f"SELECT COUNT(*), MAX(id) FROM {TABLE.name}") == [[b"1000", b"999"]]
    assert len(await asked(first, f"SHOW INDEX FROM {TABLE.name}")) == 2
    assert await scratch_tables(second) == 0
    await staging.on(second)
    assert await asked(second, f"SELECT COUNT(*) FROM {TABLE.name}") == [[b"1000"]]
    staging.close()
    await dispatcher.close()
    assert [await scratch_tables(b) for b in (first, second)] == [0, 0]


async def test_its_first_column_tells_ids(small: Small) -> None:
    staging = Dispatcher(small.backends, Limits()).staging(DEFAULT_SETTINGS)
    await staging.take(TABLE, numbers(1, 3), Spool(1 << 20), LIMIT)
    assert staging.ids(TABLE.name, integer=True) == [0, 1, 2]
    assert staging.ids(TABLE.name, integer=False) == ["0", "1", "2"]
    staging.close()


async def test_too_many_rows_are_refused(small: Small) -> None:
    staging = Dispatcher(small.backends, Limits()).staging(DEFAULT_SETTINGS)
    with pytest.raises(SQLError, match="share_limit_mb") as refused:
        await staging.take(TABLE, numbers(1000, 1000), Spool(1 << 16), LIMIT)
    assert refused.value.code == 1104
    staging.close()


async def test_what_is_half_filled_is_not_left_behind(small: Small) -> None:
    dispatcher = Dispatcher(small.backends, Limits())
    staging = dispatcher.staging(DEFAULT_SETTINGS)
    # No row fits its column.
    too_long = ScratchTable(TABLE.name, "SELECT CAST(0 AS SIGNED) AS id, CAST('' AS CHAR(2)) AS name LIMIT 0")
    await staging.take(too_long, numbers(1, 2), Spool(1 << 20), LIMIT)
    backend = small.backends["w0"]
    with pytest.raises((SQLError, WorkerError)):
        await staging.on(backend)
    assert await scratch_tables(backend) == 0
    staging.close()
    await dispatcher.close()


async def test_one_that_is_stopped_leaves_the_table_to_the_others(small: Small) -> None:
    dispatcher = Dispatcher(small.backends, Limits())
    staging = dispatcher.staging(DEFAULT_SETTINGS)
    await staging.take(TABLE, numbers(50, 1000), Spool(1 << 20), 1 << 24)
    backend = small.backends["w0"]
    first = asyncio.create_task(staging.on(backend))
    await asyncio.sleep(0)
    first.cancel()
    await staging.on(backend)
    assert await asked(backend, f"SELECT COUNT(*) FROM {TABLE.name}") == [[b"50000"]]
    staging.close()
    await dispatcher.close()
    assert await scratch_tables(backend) == 0


async def test_what_an_earlier_proxy_left_is_swept(small: Small) -> None:
    dispatcher = Dispatcher(small.backends, Limits())
    staging = dispatcher.staging(DEFAULT_SETTINGS)
    await staging.take(TABLE, numbers(1, 1), Spool(1 << 20), LIMIT)
    backend = small.backends["w0"]
    await staging.on(backend)
    await dispatcher.sweep(timedelta(hours=1))
    assert await scratch_tables(backend) == 1
    await dispatcher.sweep(timedelta(seconds=-10))
    assert await scratch_tables(backend) == 0
    staging.close()
    await dispatcher.close()
