"""Messages over one transport, with back-pressure both ways.

What a client has not read waits in the transport up to a bound, then `PacketStream.drain` waits; what a client
sends ahead of its turn waits up to a bound, then reading pauses.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import cast

import numpy as np

from qproxy.errors import SQLError
from qproxy.wire.compression import Compressor, Decompressor
from qproxy.wire.framing import HEADER, PacketSplitter, too_big
from qproxy.wire.limits import Limits
from qproxy.wire.rowblock import MAX_PAYLOAD, RowBlock, frame
from qproxy.wire.tls import subject

log = logging.getLogger(__name__)

# Below this, what is written in one turn of the loop leaves in one segment.
_GATHER = 16 * 1024
_SLICE = 256 * 1024
# The greeting has 0 and the client's first message 1; both pass before a stream is attached.
_FIRST_SEQUENCE = 2


class ConnectionLost(Exception):
    """The client is gone, or was let go because it stopped reading."""


class PacketStream(asyncio.Protocol):
    """Whole messages of one client.

    Args:
        limits: bounds; the stream begins with those that hold before login, see `logged_in`.
        on_lost: called once when the client is gone.
    """

    def __init__(self, limits: Limits, on_lost: Callable[[], None]) -> None:
        self._limits = limits
        self._sequence = _FIRST_SEQUENCE
        self._on_lost = on_lost
        self._splitter = PacketSplitter(limits.max_login_packet)
        self._transport: asyncio.Transport | None = None
        self._held: socket.socket | None = None
        self._lost = False
        self._closed = asyncio.Event()
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._writing_paused = False
        self._gathered = bytearray()
        self._flusher: asyncio.Handle | None = None
        self._compressor: Compressor | None = None
        self._decompressor: Decompressor | None = None
        self._packed_sequence = 0

    @property
    def encrypted(self) -> bool:
        """Whether the client came over TLS."""
        return self._tls_object() is not None

    @property
    def cipher(self) -> tuple[str, str] | None:
        """Name of the TLS cipher and version of TLS; None without TLS."""
        found = self._tls_object()
        cipher = found.cipher() if found else None
        return (cipher[0], cipher[1]) if cipher else None

    @property
    def certificate_subject(self) -> str:
        """Subject of the client's certificate, which an authority has signed; empty where it showed none."""
        found = self._tls_object()
        return subject(found.getpeercert()) if found else ""

    def _tls_object(self) -> ssl.SSLObject | None:
        found: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object") if self._transport else None
        return found

    @property
    def attached(self) -> bool:
        """Whether a transport has taken the socket over."""
        return self._transport is not None

    def hold(self, sock: socket.socket) -> None:
        """Write to a socket that no transport has yet; the first `read` that has to wait attaches it.

        So the few bytes that answer a login need not wait until the loop has come round to a transport for it, which
        takes two turns of a loop that may have much to do.
        """
        self._held = sock

    async def attach(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Let a transport take a socket over.

        Args:
            tls: for a TLS handshake that comes first; None for none.

        Raises:
            OSError: the client is gone, or TLS failed.
        """
        within = self._limits.handshake_timeout if tls else None
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(lambda: self, sock, ssl=tls, ssl_handshake_timeout=within)

    @property
    def lost(self) -> bool:
        """Whether the client is gone."""
        return self._lost

    @property
    def unsent(self) -> int:
        """Bytes that wait for the client to read."""
        waiting = self._transport.get_write_buffer_size() if self._transport and not self._lost else 0
        return len(self._gathered) + waiting

    @property
    def unread(self) -> int:
        """Bytes that came and have not been taken."""
        return self._splitter.buffered + (self._decompressor.buffered if self._decompressor else 0)

    def logged_in(self) -> None:
        """Let messages be as large as the limits allow after login."""
        self._splitter.limit = self._limits.max_packet

    def compress(self, zstd_level: int | None) -> None:
        """Send and read compressed packets from here on.

        Args:
            zstd_level: None for zlib.
        """
        self._flush()
        self._compressor = Compressor(zstd_level)
        # Headers and a little that does not shrink come on top of the largest message.
        self._decompressor = Decompressor(zstd_level is not None, self._limits.max_packet + self._limits.read_ahead)
        self._decompressor.feed(self._splitter.rest())

    async def read(self, within: float | None, *, command: bool = False) -> bytes:
        """The client's next message.

        Args:
            within: seconds until all of it must be there; None for no bound.
            command: whether it begins a new exchange, numbered from 0.

        Raises:
            TimeoutError: it did not come.
            SQLError: 1153 or 1156; the connection is of no more use.
            ConnectionLost: the client is gone.
        """
        if command:
            self._flush()
            self._sequence = self._packed_sequence = 0
        loop = asyncio.get_running_loop()
        end = None if within is None else loop.time() + within
        while True:
            try:
                taken = self._take()
            except SQLError:
                # Clients read an error only where its number follows their own.
                self._sequence = (self._splitter.seen + 1) & 0xFF
                raise
            if taken is not None:
                message, self._sequence = taken
                return message
            if self._lost:
                raise ConnectionLost
            if self._transport is None and self._held is not None:
                async with asyncio.timeout_at(end):
                    await self.attach(self._held)
                # Something may have come already.
                continue
            self._resume_reading()
            self._reader = loop.create_future()
            timer = None if end is None else loop.call_at(end, _give_up, self._reader)
            try:
                await self._reader
            finally:
                self._reader = None
                if timer is not None:
                    timer.cancel()

    def _take(self) -> tuple[bytes, int] | None:
        """The next message and the number due behind it, unpacked as far as that needs."""
        while (taken := self._splitter.take(self._sequence)) is None and self._decompressor is not None:
            contents = self._decompressor.take(self._packed_sequence)
            if contents is None:
                break
            self._packed_sequence = (self._packed_sequence + 1) & 0xFF
            self._splitter.feed(contents)
        return taken

    def put(self, *payloads: bytes) -> None:
        """Send payloads; they leave at the end of this turn of the loop at the latest."""
        for payload in payloads:
            self._gathered += frame(payload, self._sequence)
            self._sequence = (self._sequence + len(payload) // MAX_PAYLOAD + 1) & 0xFF
        self._flush_soon()

    @property
    def sequence(self) -> int:
        """Number of the packet that is sent next."""
        return self._sequence

    def put_packets(self, data: bytes, count: int) -> None:
        """Send packets that are numbered already, from `sequence` on."""
        self._gathered += data
        self._sequence = (self._sequence + count) & 0xFF
        self._flush_soon()

    async def send_block(self, block: RowBlock) -> None:
        """Send rows, and wait while the client has too much to read already.

        A cancelled call still sends the rest of its block, so that the next packet begins where the
        client looks for it.

        Raises:
            SQLError: 1153, a row is larger than the limits allow.
            ConnectionLost: the client is gone.
        """
        if block.nbytes > self._limits.max_packet:
            self._check_rows(block)
        data = block.renumber(self._sequence)
        self._sequence = (self._sequence + len(block.starts)) & 0xFF
        if len(data) < _GATHER:
            self._gathered += data
            self._flush_soon()
            if self._writing_paused or self._lost:
                await self.drain()
            return
        self._flush()
        sent = 0
        view = memoryview(data)
        try:
            while sent < len(data):
                self._write(view[sent : sent + _SLICE])
                sent += _SLICE
                await self.drain()
        finally:
            if sent < len(data):
                self._write(view[sent:])

    def _check_rows(self, block: RowBlock) -> None:
        sizes = np.diff(block.row_offsets()) - HEADER
        if int(sizes.max()) > self._limits.max_packet:
            raise too_big(self._limits.max_packet)

    async def drain(self) -> None:
        """Wait until the client has read enough.

        Raises:
            ConnectionLost: the client is gone, or read nothing for the write timeout and was cut off.
        """
        while self._writing_paused and not self._lost:
            before = self.unsent
            self._writer = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(self._limits.write_timeout):
                    await self._writer
            except TimeoutError:
                if self.unsent >= before:
                    self.abort()
            finally:
                self._writer = None
        if self._lost:
            raise ConnectionLost

    async def close(self, patience: float = 5.0) -> None:
        """Send what waits and close.

        Args:
            patience: seconds for the client to take it, then the connection is cut.
        """
        self._flush()
        if self._transport is None:
            return
        self._transport.close()
        try:
            async with asyncio.timeout(patience):
                await self._closed.wait()
        except TimeoutError:
            log.info("a client did not take its last %d bytes", self.unsent)
        finally:
            self._transport.abort()

    def abort(self) -> None:
        """Cut the connection at once."""
        if self._transport is not None:
            self._transport.abort()
        self._lose()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods, not the class.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(self._limits.write_high, self._limits.write_low)
        self._held = None

    def data_received(self, data: bytes) -> None:
        (self._decompressor or self._splitter).feed(data)
        if self._reader is not None:
            wake(self._reader)
        elif self.unread > self._limits.read_ahead and not self._reading_paused:
            self._reading_paused = True
            if self._transport is not None:
                self._transport.pause_reading()

    def eof_received(self) -> bool | None:
        # A client that sends no more has hung up: none of the protocol's commands ends that way.
        self.abort()
        return None

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        if self._writer is not None:
            wake(self._writer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose()
        self._closed.set()

    def _lose(self) -> None:
        if self._lost:
            return
        self._lost = True
        self._gathered.clear()
        for waiter in (self._reader, self._writer):
            if waiter is not None:
                wake(waiter)
        self._on_lost()

    def _resume_reading(self) -> None:
        if self._reading_paused and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()

    def _flush_soon(self) -> None:
        if len(self._gathered) >= _GATHER:
            self._flush()
        elif self._flusher is None:
            self._flusher = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        if self._flusher is not None:
            self._flusher.cancel()
            self._flusher = None
        if self._gathered:
            gathered, self._gathered = self._gathered, bytearray()
            self._write(gathered)

    def _write(self, data: bytes | bytearray | memoryview) -> None:
        if self._lost or (self._transport is None and self._held is None):
            return
        if self._transport is not None and self._transport.is_closing():
            return
        if self._compressor is not None:
            data, self._packed_sequence = self._compressor.pack(data, self._packed_sequence)
        if self._transport is not None:
            self._transport.write(data)
        elif self._held is not None:
            self._send(self._held, data)

    def _send(self, sock: socket.socket, data: bytes | bytearray | memoryview) -> None:
        """Send what answers a login: less than any socket takes that was sent nothing but a greeting."""
        try:
            whole = sock.send(data) == len(data)
        except OSError:
            whole = False
        if not whole:
            self._lose()


def _give_up(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


def wake(waiter: asyncio.Future[None]) -> None:
    """Let go on what waits, unless it does already."""
    if not waiter.done():
        waiter.set_result(None)


def internal_error() -> SQLError:
    """Error 1105, which tells a client no more than that the operator can read the cause in the log."""
    return SQLError(1105, "qproxy internal error; see the log")
