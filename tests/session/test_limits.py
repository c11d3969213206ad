"""Limits that a session sets on its statements, on a real proxy."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any

import pymysql
import pytest
from pymysql.cursors import SSCursor

from qproxy.wire.server import Server
from tests.harness.small import ROWS, Small, until
from tests.service.test_app import SLOW, client, proxy
from tests.wire.prepared_client import Failure, PreparedClient


def run(server: Server, *statements: str) -> list[tuple[Any, ...]]:
    with closing(client(server)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


async def test_sql_select_limit(small: Small) -> None:
    async with proxy(small) as server:
        limited = await asyncio.to_thread(run, server, "SET sql_select_limit = 3", "SELECT id FROM Object ORDER BY id")
        assert limited == [(0,), (1,), (2,)]
        own = await asyncio.to_thread(run, server, "SET sql_select_limit = 3", "SELECT id FROM Object LIMIT 5")
        assert len(own) == 5
        again = await asyncio.to_thread(
            run, server, "SET sql_select_limit = 3", "SET sql_select_limit = DEFAULT", "SELECT id FROM Object"
        )
        assert len(again) == ROWS


async def test_max_statement_time(small: Small) -> None:
    async with proxy(small) as server:
        with pytest.raises(pymysql.err.OperationalError) as late:
            await asyncio.to_thread(run, server, "SET max_statement_time = 0.2", SLOW)
        assert late.value.args[0] == 1969
        enough = await asyncio.to_thread(run, server, "SET max_statement_time = 60", "SELECT COUNT(id) FROM Object")
        assert enough == [(ROWS,)]


async def test_max_statement_time_of_a_client_that_does_not_read(small: Small) -> None:
    def begin(server: Server) -> tuple[pymysql.Connection[Any], SSCursor]:
        connection = client(server)
        with connection.cursor() as setting:
            setting.execute("SET max_statement_time = 3")
        cursor = connection.cursor(SSCursor)
        cursor.execute("SELECT o.id, o.pad, f.n FROM Object o, Factor f")
        assert cursor.fetchone() is not None
        return connection, cursor

    def read(cursor: SSCursor) -> int:
        try:
            while cursor.fetchmany(1000):
                pass
        except pymysql.MySQLError as error:
            return int(error.args[0])
        return 0

    async with proxy(small) as server:
        connection, cursor = await asyncio.to_thread(begin, server)
        assert small.running("Factor") > 0
        await until(lambda: small.running("Factor") == 0)
        assert await asyncio.to_thread(read, cursor) == 1969
        assert await asyncio.to_thread(run, server, "SELECT COUNT(*) FROM Object") == [(ROWS,)]
        connection.close()


async def test_max_statement_time_of_a_cursor_counts_what_it_is_waited_for(small: Small) -> None:
    def refused(one: PreparedClient, number: int) -> int:
        with pytest.raises(Failure) as caught:
            one.fetch(number, 1, one.execute(number, cursor=True).columns)
        return caught.value.code

    def ask(server: Server) -> None:
        with closing(PreparedClient(server.port, database="two")) as one:
            slow = one.prepare(SLOW).number
            rows = one.prepare("SELECT o.id, o.pad, f.n FROM Object o, Factor f WHERE f.n < 2").number
            one.ok(one.ask(3, b"SET max_statement_time = 0.5"))
            opened = one.execute(rows, cursor=True)
            # Which takes all of the time, before the first row and behind it.
            assert refused(one, slow) == 1969
            first = one.fetch(rows, 1, opened.columns)
            assert refused(one, slow) == 1969
            assert len(first.packets) + len(one.fetch(rows, 3 * ROWS, opened.columns).packets) == 2 * ROWS

    async with proxy(small) as server:
        await asyncio.to_thread(ask, server)
