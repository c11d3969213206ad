"""A server in a thread of its own, a handler that gives made rows, and a client that speaks raw packets."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qproxy.errors import SQLError
from qproxy.wire import packets
from qproxy.wire.accounts import Sha2Secret, UserRecord, made_up
from qproxy.wire.binary import to_binary
from qproxy.wire.columns import ColumnDef, ColumnType
from qproxy.wire.handler import Client, Done, Prepared, Reply, Rows
from qproxy.wire.limits import Limits
from qproxy.wire.native_password import PLUGIN, native_hash, native_response
from qproxy.wire.prepared import Parameter
from qproxy.wire.rowblock import RowBlock, encode_rows, frame
from qproxy.wire.server import Server, Ways
from qproxy.wire.sha2_password import stamp
from qproxy.wire.tracking import Tracked

#: Seconds that clients wait for an answer, and tests for a condition.
PATIENCE = 10.0

_SALT = bytes(range(20))
SECRET = Sha2Secret(_SALT, hashlib.pbkdf2_hmac("sha256", stamp(b"secret"), _SALT, 1000), 1000)
USERS = {
    "anna": UserRecord("anna", native_hash("secret"), sha2=SECRET),
    "old": UserRecord("old", native_hash("secret")),
    "new": UserRecord("new", sha2=SECRET),
    "open": UserRecord("open"),
    "near": UserRecord("near", native_hash("secret"), loopback_only=True),
    "broken": UserRecord("broken", "no hash"),
    "secure": UserRecord("secure", native_hash("secret"), sha2=SECRET, require_tls=True),
    "signed": UserRecord("signed", native_hash("secret"), certificate="*"),
    "named": UserRecord("named", native_hash("secret"), certificate="/O=Observatory/CN=named"),
    "two": UserRecord("two", native_hash("secret"), max_connections=2),
}
#: Users who were added or changed a moment ago.
LATER: dict[str, UserRecord] = {}
#: What the raw client understands.
CAPABILITIES = packets.SERVER_CAPABILITIES & ~(
    packets.CONNECT_WITH_DB | packets.QUERY_ATTRIBUTES | packets.COMPRESS | packets.ZSTD | packets.SESSION_TRACK
)


class MadeUsers:
    def find(self, name: str) -> UserRecord:
        return USERS.get(name) or made_up(name, b"key of the tests")

    async def latest(self, name: str) -> UserRecord:
        await asyncio.sleep(0)
        return LATER.get(name) or self.find(name)


@dataclass
class Record:
    """What the handlers were asked, for the tests to look at."""

    queries: list[str] = field(default_factory=list)
    parameters: list[tuple[Parameter, ...]] = field(default_factory=list)
    clients: list[tuple[Client, str | None]] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    collations: list[int] = field(default_factory=list)
    cancelled: int = 0
    ended: int = 0
    stopped: int = 0
    closed: int = 0
    blocks: int = 0
    wildcards: list[str] = field(default_factory=list)


def column(name: str, kind: int = ColumnType.VAR_STRING) -> ColumnDef:
    return ColumnDef(name, kind, "sky", "Star", "Star", name, length=80)


class Once:
    """An iterator over one thing that is no generator."""

    def __init__(self, value: Any) -> None:
        self._left = [value]

    def __aiter__(self) -> Once:
        return self

    async def __anext__(self) -> Any:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


class MadeHandler:
    """Answers a few words with made rows."""

    encoding = "utf-8"
    results_encoding = "utf-8"
    status = 2

    def __init__(self, record: Record, server: Callable[[], Server]) -> None:
        self._record = record
        self._server = server

    @property
    def tracked(self) -> Tracked:
        return Tracked(self._record.used[-1] if self._record.used else None, {"time_zone": "SYSTEM"})

    @property
    def idle_timeout(self) -> float | None:
        return None

    async def set_charset(self, collation_id: int) -> None:
        self._record.collations.append(collation_id)

    async def query(self, sql: str) -> AsyncIterator[Reply]:
        self._record.queries.append(sql)
        word, _, rest = sql.partition(" ")
        if word == "echo":
            yield Rows([column("text")], self._values([[rest.encode()]]))
        elif word == "length":
            yield Rows([column("length")], self._values([[str(len(rest)).encode()]]))
        elif word == "fat":
            yield Rows([column("fat"), column("thin")], self._values([[b"x" * int(rest), b"end"], [b"y", None]]))
        elif word == "count":
            yield Rows([column("n")], self._counting(int(rest)), warnings=3)
        elif word == "flood":
            yield Rows([column("n")], self._flood(int(rest)))
        elif word == "hang":
            await self._hang()
            yield Done()
        elif word == "hang-in-rows":
            yield Rows([column("n")], self._then_hang())
        elif word == "break-off":
            yield Rows([column("n")], self._then_fail(SQLError(1969, "out of time")))
        elif word == "no-rows-fail":
            yield Rows([column("n")], self._fail(SQLError(1969, "out of time")))
        elif word == "iterator":
            yield Rows([column("n")], Once(encode_rows([[b"1"]])))
        elif word == "bug":
            raise ZeroDivisionError("a secret of the house")
        elif word == "two":
            yield Rows([column("n")], self._values([[b"1"]]), more=True)
            yield Done(affected_rows=2, info="second")
        elif word == "kill":
            await self.kill(int(rest), False)
            yield Done()
        elif word == "wrong":
            raise SQLError(1064, "not understood: " + rest)
        else:
            yield Done(affected_rows=300, last_insert_id=70000, info="done", warnings=1)

    async def prepare(self, sql: str) -> Prepared:
        if sql.startswith("wrong"):
            raise SQLError(1064, "not understood")
        return Prepared(sql, sql.count("?"), [] if sql == "done" else [column("n")], len(sql))

    async def execute(
        self, prepared: Prepared, parameters: Sequence[Parameter], cursor: bool = False
    ) -> AsyncIterator[Reply]:
        self._record.parameters.append(tuple(parameters))
        async for reply in self.query(prepared.statement.replace("?", "").strip()):
            if isinstance(reply, Rows):
                reply = Rows(reply.columns, self._binary(reply), reply.warnings, binary=True)
            yield reply

    async def _binary(self, reply: Rows) -> AsyncIterator[RowBlock]:
        try:
            async for block in reply.blocks:
                yield to_binary(block, reply.columns)
        finally:
            self._record.ended += 1

    async def _values(self, rows: Sequence[Sequence[bytes | None]]) -> AsyncIterator[RowBlock]:
        yield encode_rows(rows)

    async def _counting(self, rows: int) -> AsyncIterator[RowBlock]:
        for start in range(0, rows, 1000):
            yield encode_rows([[str(i).encode()] for i in range(start, min(rows, start + 1000))])

    async def _flood(self, size: int) -> AsyncIterator[RowBlock]:
        row = frame(b"\xfd" + (65536).to_bytes(3, "little") + b"z" * 65536)
        for _ in range(size // len(row)):
            self._record.blocks += 1
            yield RowBlock(row, np.zeros(1, np.int64), 1)

    async def _hang(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self._record.stopped += 1

    async def _then_hang(self) -> AsyncIterator[RowBlock]:
        yield encode_rows([[b"1"]])
        await self._hang()

    async def _then_fail(self, err: SQLError) -> AsyncIterator[RowBlock]:
        yield encode_rows([[b"1"]])
        raise err

    async def _fail(self, err: SQLError) -> AsyncIterator[RowBlock]:
        if err:
            raise err
        yield encode_rows([])

    async def use(self, database: str) -> None:
        if database == "nowhere":
            raise SQLError(1049, "Unknown database 'nowhere'")
        self._record.used.append(database)

    async def field_list(self, table: str, wildcard: str) -> Sequence[ColumnDef]:
        self._record.wildcards.append(wildcard)
        if table != "Star":
            raise SQLError(1146, f"Table '{table}' doesn't exist")
        return [column("id", ColumnType.LONGLONG), column("ra", ColumnType.DOUBLE)]

    async def reset(self) -> None:
        self._record.used.append("-")

    def statistics(self) -> str:
        return "Uptime: 1"

    async def kill(self, connection_id: int, query_only: bool) -> None:
        if not self._server().kill(connection_id, query_only):
            raise SQLError(1094, f"Unknown thread id: {connection_id}")

    def cancel_query(self) -> None:
        self._record.cancelled += 1

    async def close(self) -> None:
        self._record.closed += 1


class Served:
    """A server on a free port, in an event loop and a thread of its own."""

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        ways: Ways | None = None,
    ) -> None:
        self.record = Record()
        self._loop = loop or asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.server = Server(self._make, MadeUsers(), port=0, tls=tls, limits=limits, ways=ways)

    def _make(self, client: Client, database: str | None) -> MadeHandler:
        self.record.clients.append((client, database))
        return MadeHandler(self.record, lambda: self.server)

    def call(self, function: Callable[[], Any]) -> Any:
        """Run a function in the server's loop."""

        async def run() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    @property
    def port(self) -> int:
        return self.server.port

    def __enter__(self) -> Served:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(10)
        return self

    def close(self, patience: float = 5.0) -> None:
        """Close the server; its loop goes on."""
        asyncio.run_coroutine_threadsafe(self.server.close(patience), self._loop).result(10)

    def __exit__(self, *exc: object) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def until(condition: Callable[[], object], within: float | None = None) -> None:
    """Wait for a condition; fails after ``within`` seconds, by default `PATIENCE`."""
    deadline = time.monotonic() + (PATIENCE if within is None else within)
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.005)


class RawClient:
    """Speaks packets over a plain socket."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.sock: socket.socket = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(("127.0.0.1", port))
        self.capabilities = CAPABILITIES
        self.sequence = 0

    def exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self.sock.recv(min(1 << 20, size - len(data)))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def read(self) -> bytes:
        payload = bytearray()
        while True:
            header = self.exactly(4)
            assert header[3] == self.sequence & 0xFF
            self.sequence += 1
            size = int.from_bytes(header[:3], "little")
            payload += self.exactly(size)
            if size < 0xFFFFFF:
                return bytes(payload)

    def send(self, payload: bytes) -> None:
        self.sock.sendall(frame(payload, self.sequence))
        self.sequence += len(payload) // 0xFFFFFF + 1

    def command(self, code: int, argument: bytes = b"") -> None:
        self.sequence = 0
        self.send(bytes((code,)) + argument)

    def ask(self, code: int, argument: bytes = b"") -> bytes:
        self.command(code, argument)
        return self.read()

    def greeting(self) -> bytes:
        """The nonce of the server's greeting."""
        payload = self.read()
        assert payload[0] == 10
        pos = payload.index(b"\0") + 1
        self.connection_id = struct.unpack_from("<I", payload, pos)[0]
        self.offered = (
            struct.unpack_from("<H", payload, pos + 13)[0] | struct.unpack_from("<H", payload, pos + 18)[0] << 16
        )
        self.nonce = payload[pos + 4 : pos + 12] + payload[pos + 31 : pos + 43]
        return self.nonce

    def response(self, user: str, answer: bytes, plugin: str = PLUGIN, collation: int = 45) -> bytes:
        head = struct.pack("<IIB23x", self.capabilities, 1 << 24, collation)
        tail = user.encode() + b"\0" + bytes((len(answer),)) + answer
        if not self.capabilities & packets.PLUGIN_AUTH:
            return head + tail
        return head + tail + plugin.encode() + b"\0" + b"\x0e\x04name\x08made \xc3\xbc."

    def login(self, user: str = "anna", password: str = "secret") -> RawClient:
        nonce = self.greeting()
        self.send(self.response(user, native_response(password, nonce)))
        reply = self.read()
        assert reply[0] == 0, reply
        return self

    def rows(self) -> list[bytes]:
        """All payloads of an answer up to its end, the end included."""
        payloads = [self.read()]
        if payloads[0][0] in (0x00, 0xFF):
            return payloads
        eofs = 0
        wanted = 1 if self.capabilities & packets.DEPRECATE_EOF else 2
        while eofs < wanted:
            payloads.append(self.read())
            if payloads[-1][0] == 0xFF:
                break
            eofs += payloads[-1][0] == 0xFE and len(payloads[-1]) < 0xFFFFFF
        return payloads

    def closed(self) -> bool:
        """Whether the server has closed the connection; waits for it."""
        with suppress(ConnectionResetError):
            while self.sock.recv(1 << 16):
                pass
        return True

    def close(self) -> None:
        self.sock.close()


def error_of(payload: bytes) -> tuple[int, str]:
    """Code and text of an ERR packet."""
    assert payload[0] == 0xFF, payload
    text = payload[3:].decode()
    return struct.unpack_from("<H", payload, 1)[0], text[6:] if text.startswith("#") else text
