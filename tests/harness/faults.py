"""A TCP proxy on loopback that cuts, stalls and slows what passes through it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from types import TracebackType
from typing import Self

_CHUNK = 16 * 1024


class FaultProxy:
    """Stands between a client and a server, honest until told otherwise.

    Use it as an async context manager; connect to `port`.

    Args:
        port: of the server.
        host: of the server.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}
        self._gates: dict[asyncio.Task[None], asyncio.Event] = {}
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._rate: float | None = None
        self._budget: int | None = None
        self._delivered = 0
        self.accepted = 0

    @property
    def port(self) -> int:
        """The loopback port to connect to."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def delivered(self) -> int:
        """Bytes handed from the server to clients so far."""
        return self._delivered

    @property
    def open_links(self) -> int:
        """Connections that pass through right now."""
        return len(self._links)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every open connection on both sides; later ones pass."""
        for writers in list(self._links.values()):
            for writer in writers:
                _reset(writer)

    def cut_after(self, size: int) -> None:
        """Reset the connection that delivers the ``size``-th further byte to a client, in the midst of a packet if so
        it falls; later connections pass."""
        self._budget = size

    def refuse(self) -> None:
        """Reset new connections at once, as a dead server does; open ones go on."""
        self._refusing = True

    def accept(self) -> None:
        """Let new connections pass again."""
        self._refusing = False

    def stall(self) -> None:
        """Hold everything back, both ways, without closing anything."""
        self._flowing.clear()

    def stall_open(self) -> None:
        """Hold back what passes over the connections that are open; later ones pass."""
        for gate in self._gates.values():
            gate.clear()

    def resume(self) -> None:
        """Let what was held back go on."""
        self._flowing.set()
        for gate in self._gates.values():
            gate.set()

    def slow(self, bytes_per_second: float | None) -> None:
        """Hand bytes to clients at this rate a connection; None for full speed."""
        self._rate = bytes_per_second

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._refusing:
            _reset(writer)
            return
        try:
            upstream_reader, upstream = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        task = asyncio.current_task()
        assert task is not None
        self._links[task] = (writer, upstream)
        gate = self._gates[task] = asyncio.Event()
        gate.set()
        ways = [
            asyncio.create_task(self._forward(reader, upstream, gate)),
            asyncio.create_task(self._deliver(upstream_reader, writer, gate)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # By the end of the proxy: asyncio's own streams complain of a task that says so.
            pass
        finally:
            for way in ways:
                way.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*ways, return_exceptions=True)
            for side in (writer, upstream):
                side.close()
            del self._links[task], self._gates[task]

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flowing.wait()
                await gate.wait()
                writer.write(data)
                await writer.drain()

    async def _deliver(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(self._step()):
                await self._flowing.wait()
                await gate.wait()
                if self._budget is not None and len(data) >= self._budget:
                    await self._cut_within(data, writer)
                    return
                if self._budget is not None:
                    self._budget -= len(data)
                writer.write(data)
                await writer.drain()
                self._delivered += len(data)
                if self._rate is not None:
                    await asyncio.sleep(len(data) / self._rate)

    async def _cut_within(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        assert self._budget is not None
        passing, self._budget = data[: self._budget], None
        writer.write(passing)
        await writer.drain()
        self._delivered += len(passing)
        writer.close()

    def _step(self) -> int:
        return _CHUNK if self._rate is None else max(1, min(_CHUNK, int(self._rate / 20)))


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: the peer sees a broken connection, not an orderly end."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
