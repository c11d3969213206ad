"""The bytes of one connection to a worker, taken over from aiomysql once it has logged in.

`asyncio.StreamReader` copies every byte once more, and a timeout around each of its reads costs as much as the read.
"""

from __future__ import annotations

import asyncio
from typing import cast

#: Bytes that may wait to be read; beyond them the worker's socket is left alone, so that TCP holds the worker back.
READ_AHEAD = 1 << 18


class WorkerSocket(asyncio.Protocol):
    """Reads and writes one connection; one reader at a time.

    Args:
        transport: of the connection; this becomes its protocol.
        unread: what came before.
    """

    def __init__(self, transport: asyncio.Transport, unread: bytes = b"") -> None:
        self.transport = transport
        self._parts = [unread] if unread else []
        self._size = len(unread)
        self._paused = False
        self._ended = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[bool] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._full = False
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Whether it is open, as far as one can see without asking."""
        return not self._ended

    def write(self, data: bytes) -> None:
        """Send bytes; more than the socket takes waits in memory, see `drain`."""
        self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the socket takes more.

        Raises:
            ConnectionError: the connection is gone.
        """
        if self._full and not self._ended:
            self._writer = asyncio.get_running_loop().create_future()
            try:
                await self._writer
            finally:
                self._writer = None
        if self._ended:
            raise self._error if isinstance(self._error, ConnectionError) else ConnectionResetError("connection lost")

    async def read(self, within: float | None = None) -> bytes | None:
        """What has come, at least a byte.

        Args:
            within: seconds to wait for it; None for no bound.

        Returns:
            Nothing at the end; None where nothing came in time.

        Raises:
            OSError: the connection broke off.
        """
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            loop = asyncio.get_running_loop()
            reader = self._reader = loop.create_future()
            timer = None if within is None else loop.call_later(within, _give_up, reader)
            try:
                if not await reader:
                    return None
            finally:
                self._reader = None
                if timer is not None:
                    timer.cancel()
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self._parts = []
        self._size = 0
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        return data

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._reader is not None:
            _wake(self._reader)
        if self._size >= READ_AHEAD and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def eof_received(self) -> bool | None:
        self._end(None)
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake_writer()

    def _end(self, error: Exception | None) -> None:
        self._ended = True
        self._error = self._error or error
        if self._reader is not None:
            _wake(self._reader)
        self._wake_writer()

    def _wake_writer(self) -> None:
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)


def take_over(transport: asyncio.BaseTransport, unread: bytes) -> WorkerSocket:
    """The connection of a transport, which is read and written through what is returned from now on."""
    # uvloop's transports have the methods, not the class.
    return WorkerSocket(cast(asyncio.Transport, transport), unread)


def _wake(reader: asyncio.Future[bool]) -> None:
    if not reader.done():
        reader.set_result(True)


def _give_up(reader: asyncio.Future[bool]) -> None:
    if not reader.done():
        reader.set_result(False)
