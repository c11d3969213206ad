"""A client that reads an answer off its socket: to time the first row, or to read slowly on purpose."""

from __future__ import annotations

import socket
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import pymysql

from benchmarks.systems import Endpoint

_COM_QUERY, _COM_STMT_PREPARE, _COM_STMT_EXECUTE = b"\x03", b"\x16", b"\x17"
_RECEIVE_BYTES = 64 * 1024
#: Receive buffer of a slow reader: what the kernel takes in ahead of it would hide how slow it is.
_SLOW_BUFFER = 128 * 1024
_SECONDS = 120.0


@dataclass(frozen=True)
class Answer:
    """A whole answer, as far as it must be remembered to know it again.

    Attributes:
        rows: how many.
        checksum: sum of the CRC-32 of all rows as they lay in their packets: the same in whatever order they come.
        nbytes: that were received for the rows, the headers of packets with them.
        seconds: from the sending to the end.
    """

    rows: int
    checksum: int
    nbytes: int
    seconds: float

    @property
    def content(self) -> tuple[int, int]:
        """What two answers must have in common."""
        return self.rows, self.checksum


class Reader:
    """One connection, logged in by PyMySQL; closing it in mid-answer is what a client that hangs up does.

    Args:
        endpoint: to connect to.
        database: the default one.
        slow: whether the kernel is to take in little ahead of us.
    """

    def __init__(self, endpoint: Endpoint, database: str, slow: bool = False) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(_SECONDS)
        if slow:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_BUFFER)
        self._socket.connect(("127.0.0.1", endpoint.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Kept, because it closes the socket when it is collected.
        self._session = pymysql.connect(
            user=endpoint.user, password=endpoint.password, database=database, defer_connect=True, ssl_disabled=True
        )
        self._session.connect(self._socket)
        self._ahead = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, statement: str) -> None:
        """Send a statement; its answer is left to be read."""
        self._command(_COM_QUERY + statement.encode())

    def _command(self, body: bytes) -> None:
        self._socket.sendall(len(body).to_bytes(3, "little") + b"\0" + body)

    def answer(
        self,
        statement: str,
        binary: bool = False,
        bytes_per_second: float | None = None,
        see: Callable[[memoryview], None] | None = None,
    ) -> Answer:
        """Send a statement and read its whole answer.

        Args:
            binary: whether as a prepared statement.
            bytes_per_second: the pace of reading; None for as fast as it comes.
            see: called with each row.

        Raises:
            RuntimeError: an error in place of rows, or behind some.
        """
        began = time.monotonic()
        if binary:
            self._command(_COM_STMT_PREPARE + statement.encode())
            head = self._packet()
            if head[0]:
                raise RuntimeError(f"not prepared: {head[1:200].decode(errors='replace')}")
            for _ in range(int.from_bytes(head[5:7], "little") + 1):
                self._packet()
            self._command(_COM_STMT_EXECUTE + head[1:5] + b"\0" + b"\1\0\0\0")
        else:
            self.send(statement)
        self._head()
        rows, checksum, nbytes = self._rows(bytes_per_second, see)
        return Answer(rows, checksum, nbytes, time.monotonic() - began)

    def _rows(self, bytes_per_second: float | None, see: Callable[[memoryview], None] | None) -> tuple[int, int, int]:
        """Number, sum of checksums and bytes of the rows to come."""
        began, received = time.monotonic(), len(self._ahead)
        rows = checksum = nbytes = 0
        data = self._ahead
        while True:
            at = 0
            while len(data) - at >= 4 and len(data) - at >= 4 + (size := int.from_bytes(data[at : at + 3], "little")):
                packet = memoryview(data)[at + 4 : at + 4 + size]
                at += 4 + size
                if packet[0] == 0xFF:
                    raise RuntimeError(f"broken off after {rows} rows: {bytes(packet[1:200]).decode(errors='replace')}")
                if packet[0] == 0xFE and size < 9:
                    self._ahead = data[at:]
                    return rows, checksum, nbytes
                rows += 1
                checksum += zlib.crc32(packet)
                nbytes += 4 + size
                if see is not None:
                    see(packet)
            if bytes_per_second is not None:
                time.sleep(max(0.0, received / bytes_per_second - (time.monotonic() - began)))
            more = self._socket.recv(_RECEIVE_BYTES)
            if not more:
                raise RuntimeError(f"the connection was closed after {rows} rows")
            received += len(more)
            data = data[at:] + more

    def first_row(self, statement: str) -> float:
        """Send a statement and read up to its first row.

        Returns:
            Seconds from the sending to the last byte of the row.

        Raises:
            RuntimeError: there is no row.
        """
        began = time.monotonic()
        self.send(statement)
        self._head()
        row = self._packet()
        seconds = time.monotonic() - began
        if row[0] == 0xFF or (row[0] == 0xFE and len(row) < 9):
            raise RuntimeError(f"no rows: {row[1:200].decode(errors='replace')}")
        return seconds

    def read_slowly(self, bytes_per_second: float, seconds: float) -> int:
        """Read an answer at a steady pace, or as fast as it comes where that is slower.

        Args:
            bytes_per_second: the pace.
            seconds: after which we stop, wherever we are.

        Returns:
            Bytes that were read.
        """
        began, taken = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            ahead = taken / bytes_per_second - passed
            if ahead > 0:
                time.sleep(min(ahead, seconds - passed))
            # Behind the last row nothing comes any more.
            self._socket.settimeout(max(0.01, seconds - (time.monotonic() - began)))
            try:
                received = self._socket.recv(_RECEIVE_BYTES)
            except TimeoutError:
                break
            if not received:
                break
            taken += len(received)
        return taken

    def _head(self) -> None:
        """Read what stands before the rows."""
        head = self._packet()
        if head[0] in (0x00, 0xFF):
            raise RuntimeError(f"no rows: {head[1:200].decode(errors='replace')}")
        # Definitions, and the EOF behind them: PyMySQL does not agree to do without it.
        for _ in range(head[0] + 1):
            self._packet()

    def _packet(self) -> bytes:
        size = int.from_bytes(self._take(4)[:3], "little")
        return self._take(size)

    def _take(self, count: int) -> bytes:
        while len(self._ahead) < count:
            received = self._socket.recv(_RECEIVE_BYTES)
            if not received:
                raise RuntimeError("the connection was closed in the middle of an answer")
            self._ahead += received
        found, self._ahead = self._ahead[:count], self._ahead[count:]
        return found
