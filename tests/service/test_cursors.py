"""Cursors that nobody fetches from: what they hold of the workers goes to others, and no row of theirs is lost."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymysql
import pytest

from qproxy.config import Config
from qproxy.wire.server import Server
from tests.harness.small import ROWS, Small, proxied
from tests.wire.prepared_client import Failure, PreparedClient, Result

CURSORS = 12
#: To each worker, for statements and for merges: there are more cursors than connections of either kind.
CONNECTIONS = 3
#: More than any socket holds, several statements a worker.
STREAMED = "SELECT o.id, o.pad, f.n FROM Object o, Factor f WHERE f.n < 2"
#: Rows of a final statement, on a worker chosen by chance.
MERGED = "SELECT DISTINCT id, pad FROM Object"
#: Seconds within which another client has its answer.
PROMPT = 5.0


def proxy(small: Small, directory: Path, spool_limit_mb: int = 2000) -> AbstractAsyncContextManager[Server]:
    """A proxy with few connections, and so little memory for each query that rows wait on workers or on disk."""
    plain = Config()
    dispatch = replace(plain.dispatch, buffer_mb=1, spool_dir=str(directory), spool_limit_mb=spool_limit_mb)
    config = replace(plain, dispatch=dispatch, workers=replace(plain.workers, connections=CONNECTIONS))
    return proxied(small, config)


def ask(server: Server, sql: str) -> list[tuple[Any, ...]]:
    with (
        closing(pymysql.connect(host="127.0.0.1", port=server.port, user="qproxy", database="two")) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
        return list(cursor.fetchall())


def opened(client: PreparedClient, sql: str, number: int) -> list[tuple[int, Result]]:
    """Cursors of which one row was fetched each: before that they hold nothing."""
    found = []
    for _ in range(number):
        statement = client.prepare(sql).number
        head = client.execute(statement, cursor=True)
        client.fetch(statement, 1, head.columns)
        found.append((statement, head))
    return found


def fetched(client: PreparedClient, statement: int, head: Result, step: int = 7_000) -> Counter[int]:
    """How often each id came."""
    found: Counter[int] = Counter()
    while True:
        part = client.fetch(statement, step, head.columns)
        found.update(int(row[0] or 0) for row in part.rows)
        if len(part.packets) < step:
            return found


async def _with_cursors(
    small: Small,
    directory: Path,
    sql: str,
    asked: str,
    check: Callable[[PreparedClient, list[tuple[int, Result]]], None],
) -> None:
    def client(server: Server) -> None:
        with closing(PreparedClient(server.port, database="two")) as prepared:
            cursors = opened(prepared, sql, CURSORS)
            began = time.monotonic()
            assert len(ask(server, asked)) == ROWS
            assert time.monotonic() - began < PROMPT
            check(prepared, cursors)

    async with proxy(small, directory) as server:
        await asyncio.to_thread(client, server)


async def test_cursors_on_rows_of_chunks(small: Small, tmp_path: Path) -> None:
    def check(client: PreparedClient, cursors: list[tuple[int, Result]]) -> None:
        for number in (0, CURSORS // 2, CURSORS - 1):
            found = fetched(client, *cursors[number])
            assert len(found) == ROWS
            assert found.total() == 2 * ROWS - 1

    await _with_cursors(small, tmp_path, STREAMED, "SELECT id, pad FROM Object", check)


async def test_cursors_on_merged_rows(small: Small, tmp_path: Path) -> None:
    def check(client: PreparedClient, cursors: list[tuple[int, Result]]) -> None:
        for number in (0, CURSORS // 2, CURSORS - 1):
            found = fetched(client, *cursors[number])
            assert len(found) == found.total() == ROWS - 1

    await _with_cursors(small, tmp_path, MERGED, MERGED, check)


async def test_no_room_for_what_waits_is_said(small: Small, tmp_path: Path) -> None:
    def client(server: Server) -> None:
        with closing(PreparedClient(server.port, database="two")) as prepared:
            codes: Counter[int] = Counter()
            for statement, head in opened(prepared, STREAMED, 20):
                try:
                    assert len(prepared.fetch(statement, 3 * ROWS, head.columns).packets) == 2 * ROWS - 1
                    codes[0] += 1
                except Failure as failure:
                    assert "dispatch.spool_limit_mb" in failure.text
                    codes[failure.code] += 1
            assert codes[1021] > 0
            assert codes[0] + codes[1021] == 20
            # Others have their answers, and so has the client itself.
            assert len(ask(server, "SELECT id, pad FROM Object")) == ROWS

    async with proxy(small, tmp_path, spool_limit_mb=1) as server:
        await asyncio.to_thread(client, server)


@pytest.mark.parametrize("way", ["close", "reset", "hang-up"])
async def test_cursors_that_are_given_up_give_all_back(small: Small, tmp_path: Path, way: str) -> None:
    def client(server: Server) -> None:
        with closing(PreparedClient(server.port, database="two")) as prepared:
            for statement, _ in opened(prepared, STREAMED, 12) + opened(prepared, MERGED, 12):
                if way == "close":
                    prepared.close_statement(statement)
                elif way == "reset":
                    prepared.reset(statement)
        for sql in ("SELECT id, pad FROM Object", MERGED):
            assert len(ask(server, sql)) == ROWS

    async with proxy(small, tmp_path) as server:
        await asyncio.to_thread(client, server)
