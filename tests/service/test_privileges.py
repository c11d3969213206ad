"""Who may read what, on a whole proxy: from the store to the client, at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import Any

import pymysql
import pytest

from qproxy.config import Config
from qproxy.demo.build import build_demo
from qproxy.service.app import running
from qproxy.wire.server import Server
from tests.wire.made import until

CONFIG = replace(
    Config(),
    catalog=replace(Config().catalog, refresh_seconds=0.05),
    server=replace(Config().server, free_login_failures=100, tls="off"),
)


class Proxy:
    """A proxy over the embedded engine, and its store."""

    def __init__(self, server: Server, store: Any) -> None:
        self.server = server
        self.store = store

    def connect(self, user: str, database: str | None = None, **given: Any) -> pymysql.Connection[Any]:
        return pymysql.connect(host="127.0.0.1", port=self.server.port, user=user, database=database, **given)

    def ask(self, user: str, sql: str, database: str | None = None) -> list[tuple[Any, ...]]:
        with closing(self.connect(user, database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def refusal(self, user: str, sql: str, database: str | None = None) -> tuple[Any, ...]:
        with pytest.raises(pymysql.err.MySQLError) as caught:
            self.ask(user, sql, database)
        return caught.value.args


@asynccontextmanager
async def proxy() -> AsyncIterator[Proxy]:
    store, backends = await build_demo()
    store.add_user("guest", None, loopback_only=True)
    store.add_user("reader", None, loopback_only=True, databases=("sky", "later"))
    try:
        async with running(CONFIG, store, backends, "127.0.0.1", 0) as server:
            yield Proxy(server, store)
    finally:
        await asyncio.gather(*(backend.close() for backend in backends.values()))
        store.close()


async def off(function: Callable[..., Any], *given: Any) -> Any:
    return await asyncio.to_thread(function, *given)


async def eventually(condition: Callable[[], bool]) -> None:
    await off(until, condition)


async def test_privileges() -> None:
    async with proxy() as house:
        count = "SELECT COUNT(*) FROM sky.Band"
        assert await off(house.ask, "reader", count) == [(3,)]
        assert await off(house.ask, "guest", "SHOW DATABASES") == [("information_schema",)]
        assert await off(house.ask, "reader", "SHOW DATABASES") == [("information_schema",), ("sky",)]
        # One that there is and one that there is not are the same to those who may read neither.
        for database in ("sky", "nowhere"):
            denied = (1044, f"Access denied for user 'guest'@'127.0.0.1' to database '{database}'")
            for sql in (f"SELECT * FROM {database}.Band", f"SHOW TABLES FROM {database}", f"USE {database}"):
                assert await off(house.refusal, "guest", sql) == denied
            assert await off(house.refusal, "guest", "SELECT 1", database) == denied
        join = "SELECT 1 FROM sky.Band AS a JOIN nowhere.Band AS b ON a.bandId = b.bandId"
        assert (await off(house.refusal, "reader", join))[0] == 1044
        assert (await off(house.refusal, "demo", join))[0] == 1049
        schemas = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sky' ORDER BY 1"
        assert await off(house.ask, "guest", schemas) == []
        assert await off(house.ask, "reader", schemas) == [("Band",), ("Detection",), ("Star",)]
        assert await off(house.ask, "guest", "SHOW GRANTS") == [("GRANT USAGE ON *.* TO `guest`@`%`",)]
        assert await off(house.ask, "reader", "SHOW GRANTS") == [
            ("GRANT USAGE ON *.* TO `reader`@`%`",),
            ("GRANT SELECT ON `later`.* TO `reader`@`%`",),
            ("GRANT SELECT ON `sky`.* TO `reader`@`%`",),
        ]
        assert await off(house.ask, "demo", "SHOW GRANTS") == [("GRANT SELECT ON *.* TO `demo`@`%`",)]


async def test_changes_act_at_once() -> None:
    async with proxy() as house:
        connection = await off(house.connect, "reader", "sky")

        def code(sql: str) -> int:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(sql)
            except pymysql.err.MySQLError as refused:
                return int(refused.args[0])
            return 0

        assert await off(code, "SELECT * FROM Band") == 0
        await off(house.store.revoke, "reader", "sky")
        await eventually(lambda: code("SELECT * FROM Band") == 1044)
        assert await off(code, "SELECT * FROM sky.Band") == 1044
        assert await off(code, "SHOW TABLES") == 1044
        assert await off(code, "SELECT 1") == 0
        await off(house.store.grant, "reader", "*")
        await eventually(lambda: code("SELECT * FROM Band") == 0)
        # Whoever logs in is looked up anew.
        await off(house.store.add_user, "late", "x")
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            await off(lambda: house.connect("late", password="y"))
        (await off(lambda: house.connect("late", password="x"))).close()
        await off(house.store.set_password, "late", "z")
        (await off(lambda: house.connect("late", password="z"))).close()
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            await off(lambda: house.connect("late", password="x"))
        await off(house.store.remove_user, "reader")
        await eventually(lambda: code("SELECT 1") != 0)
        assert (await off(house.refusal, "reader", "SELECT 1"))[0] == 1045
        connection.close()
