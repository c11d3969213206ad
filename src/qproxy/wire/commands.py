"""What each command of a client that has logged in does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from mysql_mimic.types import Commands as Codes

from qproxy.errors import SQLError
from qproxy.wire import packets
from qproxy.wire.columns import ColumnDef, Columns
from qproxy.wire.handler import Handler, Reply, Rows
from qproxy.wire.reader import Reader
from qproxy.wire.rowblock import framed
from qproxy.wire.statements import Statements, close
from qproxy.wire.stream import PacketStream
from qproxy.wire.tracking import Tracked, changes


class Commands:
    """Answers the commands of one login; COM_CHANGE_USER makes a new login of it.

    Args:
        stream: of the client.
        handler: its session.
        capabilities: what client and server both know.
        collation: collation id that the client logged in with.
        max_packet: bytes of the largest message.
    """

    def __init__(
        self, stream: PacketStream, handler: Handler, capabilities: int, collation: int, max_packet: int
    ) -> None:
        self._stream = stream
        self._handler = handler
        self._capabilities = capabilities
        self._collation = collation
        self._multi_statements = bool(capabilities & packets.MULTI_STATEMENTS)
        self._told = Tracked()
        self._statements = Statements(stream, max_packet)

    async def close(self) -> None:
        """Let go of prepared statements and their rows."""
        await self._statements.clear()

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
        sql = self._statement(statement)
        if not sql.strip():
            raise SQLError(1065, "Query was empty")
        replies = self._handler.query(sql)
        try:
            async for reply in replies:
                if reply.more and not self._multi_statements:
                    raise SQLError(
                        1064, "Several statements at once, which this client has not enabled; send one at a time"
                    )
                last = await self._reply(reply)
                if not reply.more:
                    return last
                self._stream.put(*last)
        finally:
            await close(replies)
        raise RuntimeError("the handler ended before its last reply")

    async def _reply(self, reply: Reply) -> list[bytes]:
        """Send a reply but for the payloads that end it."""
        handler = self._handler
        more = packets.MORE_RESULTS if reply.more else 0
        if not isinstance(reply, Rows):
            return [self.ok(more, reply.affected_rows, reply.last_insert_id, reply.warnings, reply.info)]
        status = handler.status | more
        stream, headed = self._stream, False
        try:
            async for block in reply.blocks:
                if not block.rows:
                    continue
                # Held back until there is a row: an error before it can then be the whole answer.
                if not headed:
                    headed = True
                    self._put_head(reply.columns, status)
                await stream.send_block(block)
        finally:
            await close(reply.blocks)
        status = handler.status | more
        end = packets.end_of_rows(self._capabilities, status, reply.warnings)
        return [end] if headed else [*self._head(reply.columns, status), end]

    def _head(self, columns: Sequence[ColumnDef], status: int) -> list[bytes]:
        """The payloads that stand before the first row."""
        encoding = self._handler.results_encoding
        return packets.result_head(self._capabilities, [column.payload(encoding) for column in columns], status)

    def _put_head(self, columns: Sequence[ColumnDef], status: int) -> None:
        """Send what stands before the first row; of columns that many answers share it is made once."""
        stream = self._stream
        if not isinstance(columns, Columns):
            stream.put(*self._head(columns, status))
            return
        key = (self._handler.results_encoding, self._capabilities & packets.DEPRECATE_EOF, status, stream.sequence)
        head = columns.head(*key)
        if head is None:
            head = framed(self._head(columns, status), stream.sequence)
            columns.keep_head(*key, head)
        stream.put_packets(head.data, head.count)

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
        await self._statements.clear()
        await self._handler.reset()
        # Back to the character set of the login, as MariaDB does; the current database stays.
        await self._handler.set_charset(self._collation)
        return [self.ok()]

    async def _debug(self, message: bytes) -> list[bytes]:
        return [packets.end_of_rows(self._capabilities, self._handler.status)]

    async def _stmt_prepare(self, message: bytes) -> list[bytes]:
        return await self._statements.prepare(self._handler, self._statement(message[1:]), self._capabilities)

    async def _stmt_execute(self, message: bytes) -> list[bytes]:
        statement, execution = await self._statements.execution(message, self._capabilities)
        replies = self._handler.execute(statement.prepared, execution.parameters, execution.cursor)
        try:
            reply = await anext(replies)
            if execution.cursor and isinstance(reply, Rows):
                # The rows outlive this command: the cursor closes them.
                return self._statements.open_cursor(statement, replies, reply, self._handler, self._capabilities)
            return await self._reply(reply)
        finally:
            if statement.cursor is None:
                await close(replies)

    async def _stmt_fetch(self, message: bytes) -> list[bytes]:
        return await self._statements.fetch(self._handler, message, self._capabilities)

    async def _stmt_reset(self, message: bytes) -> list[bytes]:
        await self._statements.reset(message)
        return [self.ok()]

    async def _stmt_long_data(self, message: bytes) -> list[bytes]:
        self._statements.long_data(message)
        return []

    async def _stmt_close(self, message: bytes) -> list[bytes]:
        await self._statements.close(message)
        return []

    def _statement(self, data: bytes) -> str:
        """A statement: bytes that are no UTF-8 are for the handler to judge, for it knows literals."""
        return data.decode("utf-8", "surrogateescape") if self._handler.encoding == "utf-8" else self._text(data)

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
        Codes.COM_STMT_EXECUTE: Commands._stmt_execute,
        Codes.COM_STMT_FETCH: Commands._stmt_fetch,
        Codes.COM_STMT_RESET: Commands._stmt_reset,
        Codes.COM_STMT_SEND_LONG_DATA: Commands._stmt_long_data,
        Codes.COM_STMT_CLOSE: Commands._stmt_close,
    }
)
