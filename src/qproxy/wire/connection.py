"""One client: its login, then its commands, one after the other."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from mysql_mimic.types import Commands

from qproxy.errors import SQLError, unsupported
from qproxy.wire import packets
from qproxy.wire.auth import make_nonce
from qproxy.wire.columns import ColumnDef
from qproxy.wire.handler import Client, Handler, HandlerFactory, Reply, Rows, Users
from qproxy.wire.limits import Limits
from qproxy.wire.login import authenticate, greet
from qproxy.wire.packets import LoginRequest
from qproxy.wire.reader import Reader, malformed
from qproxy.wire.stream import ConnectionLost, PacketStream, internal_error

log = logging.getLogger(__name__)

T = TypeVar("T")


class Connection:
    """One client connection.

    Args:
        connection_id: unique on the server.
        address: the client's address without its port.
        users, factory, limits: as given to the server.
    """

    def __init__(self, connection_id: int, address: str, users: Users, factory: HandlerFactory, limits: Limits) -> None:
        self._id = connection_id
        self._address = address
        self._users = users
        self._factory = factory
        self._limits = limits
        self._client: Client | None = None
        self._handler: Handler | None = None
        self._stream = PacketStream(limits, self.kill_query)
        self._task: asyncio.Task[None] | None = None
        self._command: asyncio.Task[list[bytes]] | None = None
        self._stopped_by: SQLError | None = None
        self._leaving = False
        self._nonce = b""
        self._capabilities = 0
        self._collation = 0
        self._multi_statements = False
        self._commands: dict[int, Callable[[bytes], Awaitable[list[bytes]]]] = {
            Commands.COM_QUERY: self._query,
            Commands.COM_PING: self._ping,
            Commands.COM_INIT_DB: self._init_db,
            Commands.COM_FIELD_LIST: self._field_list,
            Commands.COM_STATISTICS: self._statistics,
            Commands.COM_PROCESS_KILL: self._process_kill,
            Commands.COM_SET_OPTION: self._set_option,
            Commands.COM_RESET_CONNECTION: self._reset_connection,
            Commands.COM_CHANGE_USER: self._change_user,
            Commands.COM_DEBUG: self._debug,
            Commands.COM_STMT_PREPARE: self._stmt_prepare,
            Commands.COM_STMT_EXECUTE: self._stmt_unknown,
            Commands.COM_STMT_FETCH: self._stmt_unknown,
            Commands.COM_STMT_RESET: self._stmt_unknown,
            Commands.COM_STMT_SEND_LONG_DATA: self._no_answer,
            Commands.COM_STMT_CLOSE: self._no_answer,
        }

    @property
    def client(self) -> Client | None:
        """Who is connected; None before login."""
        return self._client

    @property
    def busy(self) -> bool:
        """Whether a command runs."""
        return self._command is not None

    @property
    def buffered(self) -> int:
        """Bytes held for the client, both ways."""
        return self._stream.unsent + self._stream.unread

    async def run(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Serve the client until it leaves. Takes the socket over."""
        self._task = asyncio.current_task()
        try:
            if await self._login(sock, tls):
                await self._serve()
        except ConnectionLost:
            log.debug("connection %d: client gone", self._id)
        finally:
            try:
                if self._stream.attached:
                    await self._stream.close()
                else:
                    sock.close()
            finally:
                if self._handler is not None:
                    await self._handler.close()

    def kill_query(self, reason: SQLError | None = None) -> None:
        """Stop the command that runs; a connection without one stays as it is.

        Args:
            reason: what the client is told; by default 1317.
        """
        if self._command is None or self._stopped_by is not None:
            return
        self._stopped_by = reason or SQLError(1317, "Query execution was interrupted")
        if self._handler is not None:
            self._handler.cancel_query()
        self._command.cancel()

    def kill(self, reason: SQLError | None = None) -> None:
        """Stop the command that runs, tell its client why, and close the connection."""
        self._leaving = True
        if self._command is not None:
            self.kill_query(reason)
        elif self._stream.attached:
            self._stream.abort()
        elif self._task is not None:
            self._task.cancel()

    async def _login(self, sock: socket.socket, tls: ssl.SSLContext | None) -> bool:
        self._nonce = make_nonce()
        try:
            async with asyncio.timeout(self._limits.handshake_timeout):
                request = await greet(self._stream, sock, self._id, self._nonce, tls, self._limits)
                return await self._enter(request)
        except TimeoutError:
            log.info("connection %d from %s: no login in time", self._id, self._address)
        except (SQLError, OSError) as err:
            log.info("connection %d from %s: %r", self._id, self._address, str(err))
        return False

    async def _enter(self, request: LoginRequest) -> bool:
        stream = self._stream
        try:
            await self._admit(request, self._nonce)
        except SQLError as err:
            log.info("connection %d from %s: %r", self._id, self._address, str(err))
            stream.put(packets.error(err))
            return False
        except (ConnectionLost, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("connection %d: login failed", self._id)
            stream.put(packets.error(internal_error()))
            return False
        stream.logged_in()
        stream.put(packets.ok(self._live.status))
        return True

    async def _admit(self, request: LoginRequest, nonce: bytes | None) -> None:
        """Authenticate, and give the client a handler of its own in place of the one it may have."""
        user = await authenticate(self._stream, self._users, request, nonce, self._address)
        former, self._handler = self._handler, None
        if former is not None:
            await former.close()
        self._client = Client(self._id, user.name, self._address, dict(request.attributes))
        self._handler = self._factory(self._client, request.database)
        self._capabilities = request.capabilities
        self._collation = request.collation
        self._multi_statements = bool(request.capabilities & packets.MULTI_STATEMENTS)
        await self._handler.set_charset(request.collation)
        if request.database:
            await self._handler.use(request.database)

    async def _serve(self) -> None:
        stream = self._stream
        while not self._leaving:
            try:
                message = await stream.read(self._limits.idle_timeout, command=True)
            except TimeoutError:
                log.info("connection %d: idle for too long", self._id)
                return
            except SQLError as err:
                stream.put(packets.error(err))
                return
            if message[:1] == bytes((Commands.COM_QUIT,)):
                return
            last = await self._run_command(message)
            stream.put(*last)
            await stream.drain()

    async def _run_command(self, message: bytes) -> list[bytes]:
        """The payloads that end the answer. Nothing can be cancelled between them and the socket."""
        self._command = asyncio.create_task(self._answer(message))
        try:
            await asyncio.wait((self._command,))
        except asyncio.CancelledError:
            self._leaving = True
            self.kill_query(SQLError(1053, "Server shutdown in progress"))
            await asyncio.wait((self._command,))
        command, self._command = self._command, None
        stopped_by, self._stopped_by = self._stopped_by, None
        if self._stream.lost:
            if not command.cancelled():
                command.exception()
            raise ConnectionLost
        if command.cancelled():
            error = stopped_by or SQLError(1317, "Query execution was interrupted")
        elif (failure := command.exception()) is None:
            return command.result()
        elif isinstance(failure, SQLError):
            error = stopped_by or failure
        else:
            log.error("connection %d: command failed", self._id, exc_info=failure)
            error = internal_error()
        encoding = self._handler.results_encoding if self._handler else "utf-8"
        return [packets.error(error, encoding)]

    async def _answer(self, message: bytes) -> list[bytes]:
        command = self._commands.get(message[0]) if message else None
        if command is None:
            raise SQLError(1047, "Unknown command")
        return await command(message)

    async def _query(self, message: bytes) -> list[bytes]:
        statement, _ = packets.parse_query(message, self._capabilities)
        sql = self._text(statement)
        if not sql.strip():
            raise SQLError(1065, "Query was empty")
        last: list[bytes] = []
        async with _closing(self._live.query(sql)) as replies:
            async for reply in replies:
                if reply.more and not self._multi_statements:
                    raise SQLError(
                        1064, "Several statements at once, which this client has not enabled; send one at a time"
                    )
                last = await self._reply(reply)
                if not reply.more:
                    break
                self._stream.put(*last)
            else:
                raise RuntimeError("the handler ended before its last reply")
        return last

    async def _reply(self, reply: Reply) -> list[bytes]:
        """Send a reply but for the payloads that end it."""
        handler = self._live
        more = packets.MORE_RESULTS if reply.more else 0
        if not isinstance(reply, Rows):
            info = reply.info.encode(handler.results_encoding, "replace")
            status = handler.status | more
            return [packets.ok(status, reply.affected_rows, reply.last_insert_id, reply.warnings, info)]
        definitions = [column.payload(handler.results_encoding) for column in reply.columns]
        # Held back until there is a row: an error before it can then be the whole answer.
        head = packets.result_head(self._capabilities, definitions, handler.status | more)
        async with _closing(reply.blocks) as blocks:
            async for block in blocks:
                if not block.rows:
                    continue
                self._stream.put(*head)
                head = []
                await self._stream.send_block(block)
        return [*head, packets.end_of_rows(self._capabilities, handler.status | more, reply.warnings)]

    async def _ping(self, message: bytes) -> list[bytes]:
        return [packets.ok(self._live.status)]

    async def _init_db(self, message: bytes) -> list[bytes]:
        await self._live.use(self._text(message[1:]))
        return [packets.ok(self._live.status)]

    async def _field_list(self, message: bytes) -> list[bytes]:
        table, wildcard = packets.parse_field_list(message)
        columns: Sequence[ColumnDef] = await self._live.field_list(self._text(table), self._text(wildcard))
        encoding = self._live.results_encoding
        items = [packets.field_list_item(column.payload(encoding)) for column in columns]
        return [*items, packets.end_of_rows(self._capabilities, self._live.status)]

    async def _statistics(self, message: bytes) -> list[bytes]:
        return [self._live.statistics().encode(self._live.results_encoding, "replace")]

    async def _process_kill(self, message: bytes) -> list[bytes]:
        await self._live.kill(Reader(message, 1).uint(4), False)
        return [packets.ok(self._live.status)]

    async def _set_option(self, message: bytes) -> list[bytes]:
        option = Reader(message, 1).uint(2)
        if option > 1:
            raise SQLError(1047, "Unknown command: option unknown")
        self._multi_statements = option == 0
        return [packets.end_of_rows(self._capabilities, self._live.status)]

    async def _reset_connection(self, message: bytes) -> list[bytes]:
        await self._live.reset()
        return [packets.ok(self._live.status)]

    async def _change_user(self, message: bytes) -> list[bytes]:
        # Whatever goes wrong from here on, the client must not go on as the user that it was.
        self._leaving = True
        if len(message) > self._limits.max_login_packet:
            raise malformed("too large")
        request = packets.parse_change_user(message, self._capabilities, self._collation)
        # A client that knows plugins is always asked afresh, so that no answer counts twice.
        nonce = None if self._capabilities & packets.PLUGIN_AUTH else self._nonce
        try:
            async with asyncio.timeout(self._limits.handshake_timeout):
                await self._admit(request, nonce)
        except TimeoutError:
            raise SQLError(1159, "Got timeout reading communication packets", "08S01") from None
        self._leaving = False
        return [packets.ok(self._live.status)]

    async def _debug(self, message: bytes) -> list[bytes]:
        return [packets.end_of_rows(self._capabilities, self._live.status)]

    async def _stmt_prepare(self, message: bytes) -> list[bytes]:
        raise unsupported("prepared statements of the binary protocol; let the client send plain text")

    async def _stmt_unknown(self, message: bytes) -> list[bytes]:
        raise SQLError(1243, "Unknown prepared statement handler")

    async def _no_answer(self, message: bytes) -> list[bytes]:
        return []

    def _text(self, data: bytes) -> str:
        encoding = self._live.encoding
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as err:
            bad = data[err.start : err.start + 4].hex()
            raise SQLError(1300, f"Invalid {encoding} character string: byte {err.start + 1} (0x{bad})") from None

    @property
    def _live(self) -> Handler:
        assert self._handler is not None
        return self._handler


@asynccontextmanager
async def _closing(iterator: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Leaves no generator half run: its clean-up happens here, not when the garbage is collected."""
    try:
        yield iterator
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
