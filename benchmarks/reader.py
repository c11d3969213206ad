"""A client that reads an answer off its socket: to time the first row, or to read slowly on purpose."""

from __future__ import annotations

import socket
import time
from typing import Self

import pymysql

from benchmarks.systems import Endpoint

_COM_QUERY = b"\x03"
_RECEIVE_BYTES = 64 * 1024
#: Receive buffer of a slow reader: what the kernel takes in ahead of it would hide how slow it is.
_SLOW_BUFFER = 128 * 1024
_SECONDS = 120.0


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
        body = _COM_QUERY + statement.encode()
        self._socket.sendall(len(body).to_bytes(3, "little") + b"\0" + body)

    def first_row(self, statement: str) -> float:
        """Send a statement and read up to its first row.

        Returns:
            Seconds from the sending to the last byte of the row.

        Raises:
            RuntimeError: there is no row.
        """
        began = time.monotonic()
        self.send(statement)
        head = self._packet()
        if head[0] in (0x00, 0xFF):
            raise RuntimeError(f"no rows: {head[1:200].decode(errors='replace')}")
        # Definitions, and the EOF behind them: PyMySQL does not agree to do without it.
        for _ in range(head[0] + 1):
            self._packet()
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
