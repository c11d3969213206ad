"""The prepared statements of one connection, their long data and their cursors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from qproxy.errors import SQLError
from qproxy.wire import packets
from qproxy.wire.handler import Handler, Prepared, Reply, Rows
from qproxy.wire.prepared import (
    CURSOR_EXISTS,
    LAST_ROW_SENT,
    PARAMETER,
    Execution,
    ParameterType,
    parse_execute,
    parse_fetch,
    parse_long_data,
    prepare_ok,
    statement_id,
    unknown_statement,
    wrong_arguments,
)
from qproxy.wire.rowblock import EMPTY, RowBlock
from qproxy.wire.stream import PacketStream

#: What stands for the statement prepared last: clients send its execution without waiting for its number (MariaDB
#: Knowledge Base, "COM_STMT_EXECUTE").
LAST_PREPARED = 0xFFFFFFFF
#: Statements that one connection may keep.
MAX_STATEMENTS = 4096


async def close(iterator: AsyncIterator[object]) -> None:
    """End an iterator now where it has something to clean up, not when the garbage is collected."""
    end = getattr(iterator, "aclose", None)
    if end is not None:
        await end()


class Cursor:
    """Rows that wait for COM_STMT_FETCH: those that nobody has asked for yet stay where they come from.

    Args:
        replies: what the rows were given by; it ends when the cursor is closed.
        rows: the answer.
    """

    def __init__(self, replies: AsyncIterator[Reply], rows: Rows) -> None:
        self._replies = replies
        self._blocks = rows.blocks
        self._block = EMPTY
        self._offsets = EMPTY.row_offsets()
        self._at = 0

    async def fetch(self, count: int) -> AsyncIterator[RowBlock]:
        """The next ``count`` rows; fewer where there are no more."""
        while count:
            if self._at == self._block.rows:
                block = await anext(self._blocks, None)
                if block is None:
                    return
                self._block, self._offsets, self._at = block, block.row_offsets(), 0
                continue
            end = min(self._block.rows, self._at + count)
            count -= end - self._at
            piece = self._piece(self._at, end)
            self._at = end
            yield piece

    async def close(self) -> None:
        """Give up the rows that are left."""
        self._block = EMPTY
        await close(self._blocks)
        await close(self._replies)

    def _piece(self, first: int, end: int) -> RowBlock:
        start, stop = int(self._offsets[first]), int(self._offsets[end])
        low, high = self._block.starts.searchsorted((start, stop))
        return RowBlock(bytes(self._block.data[start:stop]), self._block.starts[low:high] - start, end - first)


@dataclass
class Statement:
    """A prepared statement.

    Attributes:
        prepared: what the handler made of it.
        types: of the parameters at its last execution.
        long_data: values that came in pieces, by number of the parameter.
        failure: what was wrong with long data; told when the statement is executed.
    """

    number: int
    prepared: Prepared
    types: tuple[ParameterType, ...] = ()
    long_data: dict[int, bytearray] = field(default_factory=dict)
    failure: SQLError | None = None
    cursor: Cursor | None = None

    async def close_cursor(self) -> None:
        """Close the cursor, where there is one."""
        cursor, self.cursor = self.cursor, None
        if cursor is not None:
            await cursor.close()


class Statements:
    """What a connection has prepared.

    Args:
        stream: answers go there.
        max_bytes: of the texts of all statements together, and of all long data together.
    """

    def __init__(self, stream: PacketStream, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._known: dict[int, Statement] = {}
        self._count = 0
        self._last = 0

    async def clear(self) -> None:
        """Forget all statements."""
        known, self._known = self._known, {}
        for statement in known.values():
            await statement.close_cursor()

    async def prepare(self, handler: Handler, sql: str, capabilities: int) -> list[bytes]:
        """COM_STMT_PREPARE.

        Raises:
            SQLError: 1461 where the connection has too many statements; whatever is wrong with this one.
        """
        used = sum(s.prepared.size for s in self._known.values())
        if len(self._known) >= MAX_STATEMENTS or used + len(sql) > self._max_bytes:
            raise SQLError(
                1461,
                f"Can't create more than max_prepared_stmt_count statements (current value: {len(self._known)}); "
                "close some that this connection keeps",
                "42000",
            )
        # One that fails leaves none to run.
        self._last = 0
        prepared = await handler.prepare(sql)
        self._count = number = self._last = (self._count + 1) & 0x7FFFFFFF
        self._known[number] = Statement(number, prepared)
        answer = [prepare_ok(number, len(prepared.columns), prepared.parameters)]
        encoding = handler.results_encoding
        ends = [] if capabilities & packets.DEPRECATE_EOF else [packets.eof(handler.status)]
        if prepared.parameters:
            answer += [PARAMETER.payload()] * prepared.parameters + ends
        if prepared.columns:
            answer += [column.payload(encoding) for column in prepared.columns] + ends
        return answer

    async def execution(self, message: bytes, capabilities: int) -> tuple[Statement, Execution]:
        """What COM_STMT_EXECUTE asks for; a cursor that the statement has is closed.

        Raises:
            SQLError: 1243 for an unknown statement; 1210 for parameters that do not fit it.
        """
        statement = self._find(self._number(message), "mysqld_stmt_execute")
        await statement.close_cursor()
        if statement.failure is not None:
            raise statement.failure
        long_data, statement.long_data = statement.long_data, {}
        found = parse_execute(message, statement.prepared.parameters, statement.types, long_data, capabilities)
        statement.types = found.types
        return statement, found

    def open_cursor(
        self, statement: Statement, replies: AsyncIterator[Reply], rows: Rows, handler: Handler, capabilities: int
    ) -> list[bytes]:
        """Keep rows for COM_STMT_FETCH; returns the payloads that answer the execution."""
        statement.cursor = Cursor(replies, rows)
        definitions = [column.payload(handler.results_encoding) for column in rows.columns]
        # No EOF of their own: the one that ends the answer tells of the cursor.
        head = packets.result_head(packets.DEPRECATE_EOF, definitions, handler.status)
        return [*head, packets.end_of_rows(capabilities, handler.status | CURSOR_EXISTS)]

    async def fetch(self, handler: Handler, message: bytes, capabilities: int) -> list[bytes]:
        """COM_STMT_FETCH: sends rows, returns the payload that ends them.

        Raises:
            SQLError: 1243; 1421 where the statement has no cursor; whatever interrupts the rows, which closes it.
        """
        statement = self._find(self._number(message), "mysqld_stmt_fetch")
        cursor = statement.cursor
        if cursor is None:
            raise SQLError(1421, f"The statement ({statement.number}) has no open cursor.")
        wanted = parse_fetch(message)
        given = 0
        try:
            async for block in cursor.fetch(wanted):
                given += block.rows
                await self._stream.send_block(block)
        except BaseException:
            await statement.close_cursor()
            raise
        if given == wanted:
            return [packets.end_of_rows(capabilities, handler.status | CURSOR_EXISTS)]
        await statement.close_cursor()
        return [packets.end_of_rows(capabilities, handler.status | LAST_ROW_SENT)]

    async def reset(self, message: bytes) -> None:
        """COM_STMT_RESET: the cursor is closed, long data are forgotten.

        Raises:
            SQLError: 1243.
        """
        statement = self._find(self._number(message), "mysqld_stmt_reset")
        statement.long_data, statement.failure = {}, None
        await statement.close_cursor()

    async def close(self, message: bytes) -> None:
        """COM_STMT_CLOSE, which has no answer."""
        statement = self._known.pop(self._number(message), None)
        if statement is not None:
            await statement.close_cursor()

    def long_data(self, message: bytes) -> None:
        """COM_STMT_SEND_LONG_DATA, which has no answer: what is wrong is told when the statement is executed."""
        statement = self._known.get(self._number(message))
        if statement is None:
            return
        parameter, piece = parse_long_data(message)
        if parameter >= statement.prepared.parameters:
            statement.failure = wrong_arguments("mysqld_stmt_send_long_data")
            return
        held = sum(len(data) for s in self._known.values() for data in s.long_data.values())
        if held + len(piece) > self._max_bytes:
            statement.long_data.clear()
            statement.failure = SQLError(
                1105,
                "Parameter of prepared statement which is set through mysql_send_long_data() is longer than "
                "'max_allowed_packet' bytes",
            )
            return
        statement.long_data.setdefault(parameter, bytearray()).extend(piece)

    def _number(self, message: bytes) -> int:
        number = statement_id(message)
        return self._last or number if number == LAST_PREPARED else number

    def _find(self, number: int, command: str) -> Statement:
        statement = self._known.get(number)
        if statement is None:
            raise unknown_statement(number, command)
        return statement
