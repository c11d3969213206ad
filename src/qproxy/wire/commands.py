"""What each command of a client that has logged in does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TypeVar

from mysql_mimic.types import Commands as Codes

from qproxy.errors import SQLError, unsupported
from qproxy.wire import packets
from qproxy.wire.columns import ColumnDef
from qproxy.wire.handler import Handler, Reply, Rows
from qproxy.wire.reader import Reader
from qproxy.wire.stream import PacketStream
from qproxy.wire.tracking import Tracked, changes

T = TypeVar("T")


class Commands:
    """Answers the commands of one login; COM_CHANGE_USER makes a new login of it.

    Args:
        stream: of the client.
        handler: its session.
        capabilities: what client and server both know.
    """

    def __init__(self, stream: PacketStream, handler: Handler, capabilities: int) -> None:
        self._stream = stream
        self._handler = handler
        self._capabilities = capabilities
        self._multi_statements = bool(capabilities & packets.MULTI_STATEMENTS)
        self._told = Tracked()

    async def answer(self, message: bytes) -> list[bytes]:
        """Do what a message asks for.

        Returns:
            The payloads that end the answer, not yet sent.

        Raises:
            SQLError: the answer; 1047 for a command that there is not.
        """
        command = _BY_CODE.get(message[0]) if message else None
        if command is None:
            raise SQLError(1047, "Unknown command")
        return await command(self, message)

    def ok(
        self, status: int = 0, affected_rows: int = 0, last_insert_id: int = 0, warnings: int = 0, info: str = ""
    ) -> bytes:
        """An OK packet, with what changed in the session for clients that want to know.

        Args:
            status: flags beside those of the session.
        """
        handler = self._handler
        news = None
        if self._capabilities & packets.SESSION_TRACK:
            now = handler.tracked
            news, self._told = changes(self._told, now), now
        text = info.encode(handler.results_encoding, "replace")
        return packets.ok(handler.status | status, affected_rows, last_insert_id, warnings, text, changes=news)

    async def _query(self, message: bytes) -> list[bytes]:
        statement, _ = packets.parse_query(message, self._capabilities)
        sql = self._text(statement)
        if not sql.strip():
            raise SQLError(1065, "Query was empty")
        last: list[bytes] = []
        async with _closing(self._handler.query(sql)) as replies:
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
        handler = self._handler
        more = packets.MORE_RESULTS if reply.more else 0
        if not isinstance(reply, Rows):
            return [self.ok(more, reply.affected_rows, reply.last_insert_id, reply.warnings, reply.info)]
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
        return [self.ok()]

    async def _init_db(self, message: bytes) -> list[bytes]:
        await self._handler.use(self._text(message[1:]))
        return [self.ok()]

    async def _field_list(self, message: bytes) -> list[bytes]:
        table, wildcard = packets.parse_field_list(message)
        columns: Sequence[ColumnDef] = await self._handler.field_list(self._text(table), self._text(wildcard))
        encoding = self._handler.results_encoding
        items = [packets.field_list_item(column.payload(encoding)) for column in columns]
        return [*items, packets.end_of_rows(self._capabilities, self._handler.status)]

    async def _statistics(self, message: bytes) -> list[bytes]:
        return [self._handler.statistics().encode(self._handler.results_encoding, "replace")]

    async def _process_kill(self, message: bytes) -> list[bytes]:
        await self._handler.kill(Reader(message, 1).uint(4), False)
        return [self.ok()]

    async def _set_option(self, message: bytes) -> list[bytes]:
        option = Reader(message, 1).uint(2)
        if option > 1:
            raise SQLError(1047, "Unknown command: option unknown")
        self._multi_statements = option == 0
        return [packets.end_of_rows(self._capabilities, self._handler.status)]

    async def _reset_connection(self, message: bytes) -> list[bytes]:
        await self._handler.reset()
        return [self.ok()]

    async def _debug(self, message: bytes) -> list[bytes]:
        return [packets.end_of_rows(self._capabilities, self._handler.status)]

    async def _stmt_prepare(self, message: bytes) -> list[bytes]:
        raise unsupported("prepared statements of the binary protocol; let the client send plain text")

    async def _stmt_unknown(self, message: bytes) -> list[bytes]:
        raise SQLError(1243, "Unknown prepared statement handler")

    async def _no_answer(self, message: bytes) -> list[bytes]:
        return []

    def _text(self, data: bytes) -> str:
        encoding = self._handler.encoding
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as err:
            bad = data[err.start : err.start + 4].hex()
            raise SQLError(1300, f"Invalid {encoding} character string: byte {err.start + 1} (0x{bad})") from None


# A table of the class, not of its instances: there are thousands of these.
_BY_CODE: Mapping[int, Callable[[Commands, bytes], Awaitable[list[bytes]]]] = MappingProxyType(
    {
        Codes.COM_QUERY: Commands._query,
        Codes.COM_PING: Commands._ping,
        Codes.COM_INIT_DB: Commands._init_db,
        Codes.COM_FIELD_LIST: Commands._field_list,
        Codes.COM_STATISTICS: Commands._statistics,
        Codes.COM_PROCESS_KILL: Commands._process_kill,
        Codes.COM_SET_OPTION: Commands._set_option,
        Codes.COM_RESET_CONNECTION: Commands._reset_connection,
        Codes.COM_DEBUG: Commands._debug,
        Codes.COM_STMT_PREPARE: Commands._stmt_prepare,
        Codes.COM_STMT_EXECUTE: Commands._stmt_unknown,
        Codes.COM_STMT_FETCH: Commands._stmt_unknown,
        Codes.COM_STMT_RESET: Commands._stmt_unknown,
        Codes.COM_STMT_SEND_LONG_DATA: Commands._no_answer,
        Codes.COM_STMT_CLOSE: Commands._no_answer,
    }
)


@asynccontextmanager
async def _closing(iterator: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Leaves no generator half run: its clean-up happens here, not when the garbage is collected."""
    try:
        yield iterator
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
