"""The bytes of a worker's connection: all of them in order, none ahead of their reader, and its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from qproxy.backends.mariadb_socket import READ_AHEAD, WorkerSocket, take_over

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(unread: bytes = b"") -> AsyncIterator[tuple[WorkerSocket, Peer]]:
    """A connection, and its other end."""
    accepted: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda r, w: accepted.set_result((r, w)), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, port)
    peer = await accepted
    try:
        yield take_over(transport, unread), peer
    finally:
        transport.abort()
        peer[1].transport.abort()
        server.close()
        await server.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def test_what_came_before_is_read_first() -> None:
    async with connected(b"before ") as (sock, (_, writer)):
        assert await sock.read() == b"before "
        writer.write(b"after")
        assert await sock.read() == b"after"


async def test_both_directions() -> None:
    async with connected() as (sock, (reader, writer)):
        sock.write(b"asked")
        assert await reader.readexactly(5) == b"asked"
        waiting = asyncio.create_task(sock.read())
        await asyncio.sleep(0)
        writer.write(b"told")
        assert await waiting == b"told"


async def test_time_without_a_byte_is_told_apart_from_the_end() -> None:
    async with connected() as (sock, (_, writer)):
        assert await sock.read(0.01) is None
        assert sock.usable
        writer.write(b"x")
        assert await sock.read(10) == b"x"
        writer.close()
        assert await sock.read(10) == b""
        assert not sock.usable
        assert await sock.read() == b""


async def test_a_connection_that_breaks_off() -> None:
    async with connected() as (sock, (_, writer)):
        writer.write(b"last")
        await until(lambda: sock._size == 4)
        sock.connection_lost(ConnectionResetError("gone"))
        assert await sock.read() == b"last"
        with pytest.raises(ConnectionResetError):
            await sock.read()
        with pytest.raises(ConnectionResetError):
            await sock.drain()


async def test_a_reader_that_was_cancelled_loses_nothing() -> None:
    async with connected() as (sock, (_, writer)):
        waiting = asyncio.create_task(sock.read(10))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        writer.write(b"kept")
        assert await sock.read(10) == b"kept"


async def test_no_more_is_read_ahead_than_allowed() -> None:
    async with connected() as (sock, (_, writer)):
        sent = 64 << 20
        writer.write(bytes(sent))
        await until(lambda: sock._paused)
        assert sock._size < 4 * READ_AHEAD
        got = 0
        while got < sent:
            data = await sock.read(10)
            assert data
            got += len(data)
        assert got == sent


async def test_a_writer_waits_for_the_peer() -> None:
    async with connected() as (sock, (reader, _)):
        sent = 64 << 20
        sock.write(bytes(sent))
        waiting = asyncio.create_task(sock.drain())
        await asyncio.sleep(0)
        assert not waiting.done()
        got = 0
        while got < sent:
            got += len(await reader.read(1 << 20))
        await asyncio.wait_for(waiting, 10)
        await sock.drain()
