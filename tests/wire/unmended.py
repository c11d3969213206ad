"""mysql-mimic's own server behind the face of `Served`: what answers as the package does without our wire."""

from __future__ import annotations

import asyncio
import ssl
import threading
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator, Callable
from typing import Any

from mysql_mimic import IdentityProvider, MysqlServer, ResultColumn, Session, User
from mysql_mimic.constants import KillKind
from mysql_mimic.control import LocalControl
from mysql_mimic.types import ColumnType

from qproxy.wire.native_password import native_hash
from tests.wire.made import Once, Record

PLUGIN = "mysql_native_password"
SCHEMA = {"sky": {"Star": {"id": "BIGINT", "ra": "DOUBLE"}, "Object": {"objectId": "BIGINT"}}}


class _Users(IdentityProvider):
    async def get_user(self, username: str) -> User | None:
        if username not in ("anna", "open", "qproxy"):
            return None
        return User(username, native_hash("secret") if username == "anna" else None, PLUGIN)


class _Words(Session):
    """Answers the words that `MadeHandler` knows, and SQL as the package does."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record

    async def schema(self) -> dict[str, Any]:
        return SCHEMA

    async def init(self, connection: Any) -> None:
        await super().init(connection)
        self._record.clients.append((connection, None))

    async def handle_query(self, sql: str, attrs: dict[str, str]) -> Any:
        self._record.queries.append(sql)
        word, _, rest = sql.partition(" ")
        if word == "echo":
            return [(rest,)], [ResultColumn("text", ColumnType.VAR_STRING)]
        columns = [ResultColumn("n", ColumnType.VAR_STRING)]
        if word == "count":
            return [(str(n),) for n in range(int(rest.split()[0]))], columns
        if word == "fat":
            return [("x" * int(rest), "end"), ("y", None)], ["fat", "thin"]
        if word == "iterator":
            return Once(("1",)), columns
        if word == "hang-in-rows":
            return self._then_hang(), columns
        if word == "hang":
            await self._hang()
        return await super().handle_query(sql, attrs)

    async def _then_hang(self) -> AsyncIterator[tuple[str]]:
        yield ("1",)
        await self._hang()

    async def _hang(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self._record.stopped += 1


class _Control(LocalControl):
    @property
    def connections(self) -> tuple[Any, ...]:
        return tuple(self._connections.values())

    def kill(self, connection_id: int, query_only: Any) -> Any:
        found = self._connections.get(connection_id)
        if found is not None:
            found.kill(KillKind.QUERY if query_only else KillKind.CONNECTION)
        return found is not None


class Unmended:
    """A server of the package on a free port, in an event loop and a thread of its own."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.record = Record()
        self.server = _Control(server_id=1)
        self.port = 0
        self._loop = asyncio.new_event_loop()
        # Connections that the package leaves behind end with the loop, which need not be told.
        self._loop.set_exception_handler(lambda loop, context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._mysql = MysqlServer(lambda: _Words(self.record), control=self.server, identity_provider=_Users(), ssl=tls)

    def call(self, function: Callable[[], Any]) -> Any:
        """Run a function in the server's loop."""

        async def run() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    @property
    def changing_to_tls(self) -> bool:
        """Whether the TLS handshake of a client has begun."""
        protocols = (one.stream.writer.transport.get_protocol() for one in self.server.connections)
        return any(isinstance(protocol, SSLProtocol) for protocol in protocols)

    async def _stop(self) -> None:
        self._mysql.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def __enter__(self) -> Unmended:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._mysql.start_server(host="127.0.0.1", port=0), self._loop).result(10)
        self.port = self._mysql.sockets()[0].getsockname()[1]
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
