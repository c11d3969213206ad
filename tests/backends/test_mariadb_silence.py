"""Workers that fall silent: waited for as long as they work, given up when they do not, however much is under way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing

import pytest

from qproxy.backends.base import DEFAULT_SETTINGS
from qproxy.backends.mariadb import MariaDBBackend
from qproxy.catalog.model import Worker
from qproxy.errors import WorkerError
from qproxy.wire.rowblock import decode_rows
from tests.harness.faults import FaultProxy
from tests.harness.mariadbd import Server, running_server
from tests.harness.small import until

#: Seconds of silence, and for a connection.
SILENCE, CONNECT = 0.3, 2.0
LONG_ANSWER = "SELECT seq, REPEAT('x', 1000) AS silent_rows FROM {database}.seq_1_to_1000000"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as one:
        with closing(one.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE s")
        yield one


@asynccontextmanager
async def between(server: Server) -> AsyncIterator[tuple[FaultProxy, MariaDBBackend]]:
    """A backend behind a fault proxy."""
    async with FaultProxy(server.port) as proxy:
        backend = MariaDBBackend(Worker("w0", user=server.user, host="127.0.0.1", port=proxy.port), 8, CONNECT, SILENCE)
        try:
            yield proxy, backend
        finally:
            await backend.close()


async def rows_of(backend: MariaDBBackend, sql: str) -> list[list[bytes | None]]:
    async with backend.query(sql, DEFAULT_SETTINGS) as stream:
        return [row async for block in stream for row in decode_rows(block)]


def running(server: Server, text: str) -> int:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE %s AND ID <> CONNECTION_ID()",
            (f"%{text}%",),
        )
        return int(cursor.fetchone()[0])


async def test_a_long_statement_is_waited_for(server: Server) -> None:
    async with between(server) as (proxy, backend):
        began = time.monotonic()
        assert await rows_of(backend, "SELECT SLEEP(1.5), 7") == [[b"0", b"7"]]
        assert time.monotonic() - began > 1.5
        # It was asked meanwhile, over other connections.
        assert proxy.accepted > 2


async def test_a_worker_that_answers_nobody_is_given_up(server: Server) -> None:
    async with between(server) as (proxy, backend):
        await asyncio.gather(*(rows_of(backend, "SELECT SLEEP(0.1)") for _ in range(5)))
        hanging = [asyncio.create_task(rows_of(backend, f"SELECT SLEEP(20), {n}")) for n in range(5)]
        await until(lambda: running(server, "SLEEP(20)") == 5)
        proxy.stall()
        accepted, began = proxy.accepted, time.monotonic()
        for task in hanging:
            with pytest.raises(WorkerError, match=r"fell silent: nothing for 0\.3 s, and it does not answer within"):
                await task
        assert time.monotonic() - began < 10
        # Five that fall silent together ask together; another connection is to stop what runs.
        assert proxy.accepted - accepted <= 3
        proxy.resume()
        assert await rows_of(backend, "SELECT 3") == [[b"3"]]


async def test_rows_that_do_not_come_although_the_worker_sends_them(server: Server) -> None:
    async with between(server) as (proxy, backend):
        with pytest.raises(WorkerError, match="has not delivered its answer"):
            async with backend.query(LONG_ANSWER.format(database="s"), DEFAULT_SETTINGS) as stream:
                async for _ in stream:
                    proxy.stall_open()
        await until(lambda: running(server, "silent_rows") == 0)
        assert await rows_of(backend, "SELECT 3") == [[b"3"]]


async def test_a_statement_that_was_lost_on_its_way_is_sent_anew(server: Server) -> None:
    async with between(server) as (proxy, backend):
        assert await rows_of(backend, "SELECT 1") == [[b"1"]]
        proxy.stall_open()
        assert await rows_of(backend, "SELECT 2") == [[b"2"]]


async def test_a_reader_that_rests_asks_nothing(server: Server) -> None:
    async with between(server) as (proxy, backend):
        count = 0
        async with backend.query(LONG_ANSWER.format(database="s"), DEFAULT_SETTINGS) as stream:
            async for block in stream:
                if not count:
                    accepted = proxy.accepted
                    await asyncio.sleep(4 * SILENCE)
                    assert proxy.accepted == accepted
                count += block.rows
        assert count == 1_000_000
