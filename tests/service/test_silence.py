"""A worker that falls silent while a client reads: its chunks come from other replicas, or the client hears why not."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import replace

import pymysql
import pytest
from pymysql.cursors import SSCursor

from qproxy.config import Config
from qproxy.wire.server import Server
from tests.harness.small import FACTORS, ROWS, Small, proxied

CONFIG = replace(Config(), workers=replace(Config().workers, connect_timeout=3.0, silence_timeout=1.0))
MILLION = "SELECT o.id, o.pad, f.n FROM Object o, Factor f"


def proxy(small: Small) -> AbstractAsyncContextManager[Server]:
    return proxied(small, CONFIG)


def read(server: Server, database: str, small: Small, loop: asyncio.AbstractEventLoop) -> Counter[int]:
    """How often each id came; one worker falls silent on the way."""
    found: Counter[int] = Counter()
    with (
        closing(pymysql.connect(host="127.0.0.1", port=server.port, user="qproxy", database=database)) as connection,
        connection.cursor(SSCursor) as cursor,
    ):
        cursor.execute(MILLION)
        while rows := cursor.fetchmany(50_000):
            if not found:
                loop.call_soon_threadsafe(small.faults["w1"].stall)
            found.update(row[0] for row in rows)
    return found


async def test_a_silent_worker_with_copies_elsewhere_is_not_seen(small: Small) -> None:
    async with proxy(small) as server:
        try:
            found = await asyncio.to_thread(read, server, "two", small, asyncio.get_running_loop())
        finally:
            small.faults["w1"].resume()
    assert len(found) == ROWS
    assert set(found.values()) == {FACTORS}


async def test_a_silent_worker_without_copies_is_named_in_time(small: Small) -> None:
    async with proxy(small) as server:
        try:
            began = time.monotonic()
            with pytest.raises(
                pymysql.MySQLError, match=r"chunk \d+ cannot be read: worker 'w1' (fell silent|does not answer)"
            ) as failed:
                await asyncio.to_thread(read, server, "one", small, asyncio.get_running_loop())
            assert failed.value.args[0] == 1105
            assert time.monotonic() - began < 30
        finally:
            small.faults["w1"].resume()
