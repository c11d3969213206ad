from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.harness.faults import FaultProxy

BLOCK = bytes(range(256)) * 256


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Echo a line, or send a block without end."""
    try:
        while line := await reader.readline():
            if line == b"flood\n":
                while True:
                    writer.write(BLOCK)
                    await writer.drain()
            writer.write(line)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    async with FaultProxy(server.sockets[0].getsockname()[1]) as between:
        yield between
    server.close()


async def _connect(proxy: FaultProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def _echo(link: tuple[asyncio.StreamReader, asyncio.StreamWriter], line: bytes = b"hello\n") -> bytes:
    link[1].write(line)
    return await asyncio.wait_for(link[0].readline(), 5)


async def _closed(proxy: FaultProxy) -> None:
    async with asyncio.timeout(5):
        while proxy.open_links:  # noqa: ASYNC110 - the proxy has no event for it
            await asyncio.sleep(0.005)


async def test_honest_until_told_otherwise(proxy: FaultProxy) -> None:
    link = await _connect(proxy)
    assert await _echo(link) == b"hello\n"
    assert proxy.delivered == 6
    assert proxy.open_links == proxy.accepted == 1


async def test_cut_breaks_open_links_and_spares_later_ones(proxy: FaultProxy) -> None:
    link = await _connect(proxy)
    await _echo(link)
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        assert await asyncio.wait_for(link[0].readline(), 5) == b"never"
    await _closed(proxy)
    assert await _echo(await _connect(proxy)) == b"hello\n"


async def test_cut_after_delivers_exactly_so_many_bytes(proxy: FaultProxy) -> None:
    link = await _connect(proxy)
    proxy.cut_after(100_001)
    link[1].write(b"flood\n")
    received = await asyncio.wait_for(link[0].read(-1), 5)
    assert len(received) == 100_001
    assert received[:65536] == BLOCK


async def test_stall_holds_back_and_resume_loses_nothing(proxy: FaultProxy) -> None:
    link = await _connect(proxy)
    await _echo(link)
    proxy.stall()
    link[1].write(b"late\n")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(reading := asyncio.ensure_future(link[0].readline())), 0.1)
    proxy.resume()
    assert await asyncio.wait_for(reading, 5) == b"late\n"


async def test_stall_open_spares_later_links(proxy: FaultProxy) -> None:
    link = await _connect(proxy)
    await _echo(link)
    proxy.stall_open()
    link[1].write(b"late\n")
    assert await _echo(await _connect(proxy)) == b"hello\n"
    proxy.resume()
    assert await asyncio.wait_for(link[0].readline(), 5) == b"late\n"


async def test_slow_holds_to_its_rate(proxy: FaultProxy) -> None:
    link = await _connect(proxy)
    proxy.slow(200_000)
    clock = asyncio.get_running_loop().time
    begin = clock()
    link[1].write(b"flood\n")
    await asyncio.wait_for(link[0].readexactly(60_000), 10)
    assert clock() - begin > 0.2


async def test_refuse_ends_new_links_at_once(proxy: FaultProxy) -> None:
    proxy.refuse()
    link = await _connect(proxy)
    with pytest.raises(ConnectionResetError):
        assert await asyncio.wait_for(link[0].readline(), 5) == b"never"
    proxy.accept()
    assert await _echo(await _connect(proxy)) == b"hello\n"
