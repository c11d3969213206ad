"""A whole proxy on real workers: it keeps up with the store, survives its workers, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager, closing, suppress
from dataclasses import replace
from typing import Any

import pymysql
import pytest

from qproxy.backends.base import Backend
from qproxy.config import Config
from qproxy.service.workers import Workers
from qproxy.wire.server import Server
from tests.harness.faults import FaultProxy
from tests.harness.small import ROWS, Small, proxied, until

CONFIG = replace(Config(), catalog=replace(Config().catalog, refresh_seconds=0.05))
SLOW = "SELECT SUM(SQRT(a.n + b.n + c.n + d.n + e.n)) FROM Factor a, Factor b, Factor c, Factor d, Factor e"


def proxy(small: Small) -> AbstractAsyncContextManager[Server]:
    return proxied(small, CONFIG)


def client(server: Server, database: str | None = "two", **options: Any) -> pymysql.Connection[Any]:
    return pymysql.connect(host="127.0.0.1", port=server.port, user="qproxy", database=database, **options)


def ask(server: Server, sql: str, database: str | None = "two") -> list[tuple[Any, ...]]:
    with closing(client(server, database)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


async def asked(server: Server, sql: str, database: str | None = "two") -> list[tuple[Any, ...]]:
    return await asyncio.to_thread(ask, server, sql, database)


async def test_a_dead_worker_with_copies_elsewhere_is_not_seen(small: Small) -> None:
    queries = {
        "SELECT COUNT(*), MIN(id), MAX(id) FROM Object": [(ROWS, 0, ROWS - 1)],
        "SELECT id FROM Object WHERE id IN (7, 77, 777, 7777) ORDER BY id DESC": [(7777,), (777,), (77,), (7,)],
        "SELECT COUNT(*) FROM Factor": [(50,)],
    }
    async with proxy(small) as server:
        for name in ("w0", "w1", "w2"):
            small.kill(name)
            try:
                for sql, expected in queries.items():
                    assert await asked(server, sql) == expected
                assert len(await asked(server, "SELECT id, pad FROM Object")) == ROWS
            finally:
                await small.restart(name)


async def test_a_dead_worker_without_copies_is_named_and_nothing_else(small: Small) -> None:
    async with proxy(small) as server:
        small.kill("w1")
        try:
            for sql in ("SELECT COUNT(id) FROM Object", "SELECT id, pad FROM Object"):
                with pytest.raises(pymysql.MySQLError) as failed:
                    await asked(server, sql, "one")
                code, message = failed.value.args
                assert code == 1105
                assert message.startswith("chunk ")
                assert message.endswith("worker 'w1' cannot be reached")
        finally:
            await small.restart("w1")
        assert await asked(server, "SELECT COUNT(id) FROM Object", "one") == [(ROWS,)]


async def test_no_worker_at_all(small: Small) -> None:
    async with proxy(small) as server:
        for name in small.servers:
            small.kill(name)
        try:
            for sql in ("SELECT COUNT(id) FROM Object", "SELECT n FROM Factor", "SELECT id FROM Object WHERE id = 5"):
                with pytest.raises(pymysql.MySQLError) as failed:
                    await asked(server, sql)
                assert failed.value.args[0] == 1105
                assert "cannot be reached" in failed.value.args[1]
                assert "127.0.0.1" not in failed.value.args[1]
        finally:
            for name in small.servers:
                await small.restart(name)
        assert await asked(server, "SELECT COUNT(id) FROM Object") == [(ROWS,)]


async def test_the_query_log_tells_what_became_of_each_query(small: Small) -> None:
    queries = {
        "SELECT COUNT(id) FROM Object -- logged": (1, None),
        "SELECT id FROM Object LIMIT 7 -- logged": (7, None),
        "SELECT nope FROM Object -- logged": (0, "Unknown column 'nope' in 'SELECT'"),
    }
    async with proxy(small) as server:
        for sql in queries:
            with suppress(pymysql.MySQLError):
                await asked(server, sql)
    logged = {r.statement: (r.rows, r.error) for r in small.store.recent_queries(10) if "logged" in r.statement}
    assert logged == queries


async def test_a_new_database_is_noticed(small: Small) -> None:
    async with proxy(small) as server:
        with pytest.raises(pymysql.MySQLError, match="Unknown database 'later'"):
            await asked(server, "SELECT 1", "later")
        await small.load("later", 4, 2)
        try:

            def there() -> bool:
                return ("later",) in ask(server, "SHOW DATABASES", None)

            await until(there)
            assert await asked(server, "SELECT COUNT(id) FROM Object", "later") == [(ROWS,)]
        finally:
            for physical in small.store.drop_database("later"):
                for one in small.servers.values():
                    one.script([f"DROP DATABASE `{physical}`"])
        await until(lambda: not there())


async def test_nothing_is_remembered_of_data_that_were_replaced(small: Small) -> None:
    await small.load("later", 4, 2)
    try:
        async with proxy(small) as server:

            def width(charset: str = "latin1") -> int:
                with closing(client(server, "later", charset=charset)) as connection, connection.cursor() as cursor:
                    cursor.execute("SELECT pad FROM Object WHERE id = 77")
                    assert [len(row[0]) for row in cursor.fetchall()] == [120]
                    return int(cursor.description[0][3])

            for _ in range(4):
                assert await asyncio.to_thread(width) == 120
                assert await asyncio.to_thread(width, "utf8mb4") == 480
            await small.load("later", 4, 2, width=200, replace=True)
            await until(lambda: width() == 200)
            assert await asyncio.to_thread(width, "utf8mb4") == 800
    finally:
        for physical in small.store.drop_database("later"):
            for one in small.servers.values():
                one.script([f"DROP DATABASE IF EXISTS `{physical}`"])


async def test_a_worker_that_moved_is_followed(small: Small) -> None:
    before = small.store.workers()["w1"]
    async with proxy(small) as server, FaultProxy(small.servers["w1"].port) as moved:
        assert await asked(server, "SELECT COUNT(id) FROM Object", "one") == [(ROWS,)]
        small.faults["w1"].refuse()
        small.faults["w1"].cut()
        small.store.add_worker(replace(before, port=moved.port))
        try:

            def answers() -> bool:
                try:
                    return ask(server, "SELECT COUNT(id) FROM Object", "one") == [(ROWS,)]
                except pymysql.MySQLError:
                    return False

            await until(answers)
            assert moved.accepted
        finally:
            small.faults["w1"].accept()
            small.store.add_worker(before)
        await until(answers)


async def test_a_worker_added_later_gets_a_backend(small: Small) -> None:
    workers = small.store.workers()
    made: list[str] = []

    def make(worker: Any) -> Backend:
        made.append(worker.name)
        return small.backends[worker.name]

    given = {name: small.backends[name] for name in ("w0", "w1")}
    followed = Workers(given, workers, make)
    followed.follow(workers)
    assert made == ["w2"]
    assert followed.backends == small.backends
    followed.follow(workers)
    assert made == ["w2"]
    followed.follow({"w0": workers["w0"], "w1": replace(workers["w1"], port=1)})
    assert made == ["w2", "w1"]
    assert list(followed.backends) == ["w0", "w1"]


async def test_shutdown_ends_statements_and_leaves_nothing(small: Small) -> None:
    before = asyncio.all_tasks()
    async with proxy(small) as server:
        running_query = asyncio.create_task(asyncio.to_thread(ask, server, SLOW))
        relayed = await asyncio.to_thread(client, server, cursorclass=pymysql.cursors.SSCursor)
        cursor = relayed.cursor()
        await asyncio.to_thread(cursor.execute, "SELECT o.id, o.pad, f.n FROM Object o, Factor f")
        await until(lambda: small.running("SQRT") > 0)
        began = time.monotonic()
    # A client that takes nothing of what waits for it is given five seconds.
    assert time.monotonic() - began < 9
    with pytest.raises(pymysql.MySQLError) as failed:
        await running_query
    assert failed.value.args[0] == 1053
    with pytest.raises(pymysql.MySQLError):
        await asyncio.to_thread(cursor.fetchall)
    relayed._result.unbuffered_active = False
    relayed.close()
    assert await until(lambda: small.running("SQRT") + small.running("pad") == 0) < 1

    def others() -> int:
        return sum(fault.open_links for fault in small.faults.values())

    for backend in small.backends.values():
        backend._links._pool.clear()  # type: ignore[attr-defined]
    await until(lambda: others() == 0)
    faults = ("FaultProxy", "connect_accepted")
    left = [t for t in asyncio.all_tasks() - before if not any(f in repr(t) for f in faults)]
    assert left == []


async def test_a_client_that_hangs_up_stops_its_query(small: Small) -> None:
    async with proxy(small) as server:
        connection = await asyncio.to_thread(client, server)
        task = asyncio.create_task(asyncio.to_thread(connection.cursor().execute, SLOW))
        await until(lambda: small.running("SQRT") > 0)
        connection._sock.shutdown(2)
        await asyncio.wait([task])
        assert await until(lambda: small.running("SQRT") == 0) < 1
        assert await asked(server, "SELECT COUNT(*) FROM Factor") == [(50,)]
