"""Temporary tables on a MariaDB connection, filled with rows as they came off the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from qproxy.backends.base import ResultStream
from qproxy.backends.tab_separated import tab_separated
from qproxy.errors import SQLError, unsupported
from qproxy.wire.columns import BINARY, ColumnDef, ColumnFlag, ColumnType
from qproxy.wire.rowblock import RowBlock, decode_rows

#: INSERT statements are cut at about this many bytes.
INSERT_SIZE = 1 << 20
#: Rows are loaded when there are about so many bytes of them: with each LOAD the worker is waited for.
LOAD_SIZE = 1 << 21
#: Fewer rows are inserted: loading takes one answer of the worker more.
LOADED_ROWS = 100
#: For every INSERT and LOAD, whatever mode the client has: a value that would not come back as it is must be an error,
#: and any date that a chunk table holds is one.
_INSERT_MODE = "STRICT_ALL_TABLES,ALLOW_INVALID_DATES"

#: Out of range, or too long: MariaDB gives some expressions narrower types than their values, as text in arithmetic.
_TOO_LARGE = frozenset((1264, 1265, 1406))
#: Refusals of LOAD DATA LOCAL by a server's settings: 1148 and 4166 of MariaDB, 3948 of MySQL.
_NO_LOADING = frozenset((1148, 3948, 4166))

_NUMBERS = frozenset(
    {
        ColumnType.DECIMAL,
        ColumnType.TINY,
        ColumnType.SHORT,
        ColumnType.LONG,
        ColumnType.FLOAT,
        ColumnType.DOUBLE,
        ColumnType.LONGLONG,
        ColumnType.INT24,
        ColumnType.NEWDECIMAL,
        ColumnType.YEAR,
    }
)
_MEMBERS = ColumnFlag.ENUM | ColumnFlag.SET
_TIMES = frozenset((ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIMESTAMP, ColumnType.TIME))


class MariaDBScratch:
    """A temporary table on one connection.

    Args:
        run: starts a statement on that connection, for as long as its context lasts.
        table: its name.
        columns: its columns.
        load: runs a LOAD DATA LOCAL statement with what it loads; a warning of it is an error.
        wanted: columns that the rows of queries are to have, see `SessionSettings.binary`.
    """

    def __init__(
        self,
        run: Callable[[str | bytes, Sequence[ColumnDef] | None], AbstractAsyncContextManager[ResultStream]],
        table: str,
        columns: Sequence[ColumnDef],
        load: Callable[[str, bytes], Awaitable[None]],
        wanted: Sequence[ColumnDef] | None = None,
    ) -> None:
        self._run = run
        self._wanted = wanted
        self._load = load
        self._loads = all(map(_loadable, columns))
        self._texts = any(c.type not in _NUMBERS and c.type not in _TIMES for c in columns)
        self._width = len(columns)
        # Literals that mean the same whatever sql_mode the statement is read with.
        self._load_sql = (
            f"SET STATEMENT sql_mode='{_INSERT_MODE}' FOR LOAD DATA LOCAL INFILE 'rows' INTO TABLE {table}"
            " CHARACTER SET utf8mb4 FIELDS TERMINATED BY x'09' ESCAPED BY x'5c' LINES TERMINATED BY x'0a'"
        )
        self._head = f"SET STATEMENT sql_mode='{_INSERT_MODE}' FOR INSERT INTO {table} VALUES ".encode()
        self._literals = [literal_of(c) for c in columns]
        self._waiting: list[tuple[RowBlock, bytes]] = []
        self._size = 0

    async def append(self, block: RowBlock) -> None:
        """See `Scratch.append`. What is not much waits for more, see `flush`."""
        data = tab_separated(block, self._width, self._texts) if self._loads else None
        if data is None:
            await self._insert_block(block)
            return
        self._waiting.append((block, data))
        self._size += len(data)
        if self._size >= LOAD_SIZE:
            await self.flush()

    async def flush(self) -> None:
        """Put into the table what waits: LOAD DATA, or multi-row INSERTs of about a megabyte."""
        waiting, self._waiting, self._size = self._waiting, [], 0
        many = sum(block.rows for block, _ in waiting) >= LOADED_ROWS
        if many and await self._loaded(b"".join([data for _, data in waiting])):
            return
        for block, _ in waiting:
            await self._insert_block(block)

    async def _insert_block(self, block: RowBlock) -> None:
        literals = self._literals
        values: list[bytes] = []
        size = 0
        for row in decode_rows(block):
            value = b"(" + b",".join([f(v) for f, v in zip(literals, row, strict=True)]) + b")"
            values.append(value)
            size += len(value)
            if size > INSERT_SIZE:
                await self._insert(values)
                values, size = [], 0
        if values:
            await self._insert(values)

    @asynccontextmanager
    async def query(self, sql: str) -> AsyncIterator[ResultStream]:
        """See `Scratch.query`."""
        await self.flush()
        async with self._run(sql, self._wanted) as stream:
            yield stream

    async def _loaded(self, data: bytes) -> bool:
        """Load rows; False where the server does not let anybody do so."""
        try:
            await self._load(self._load_sql, data)
        except SQLError as error:
            if error.code not in _NO_LOADING:
                raise _explained(error) from error
            self._loads = False
        return self._loads

    async def _insert(self, values: list[bytes]) -> None:
        try:
            async with self._run(self._head + b",".join(values), None) as stream:
                async for _ in stream:
                    pass
        except SQLError as error:
            raise _explained(error) from error


def _explained(error: SQLError) -> SQLError:
    if error.code not in _TOO_LARGE:
        return error
    return unsupported(
        f"a value that does not fit the type that MariaDB gives its expression ({error.message}); put a CAST "
        "around that expression"
    )


def _loadable(column: ColumnDef) -> bool:
    """Whether its values may be loaded as text; bytes and members of ENUM and SET are written as literals."""
    if column.type in _NUMBERS or column.type in _TIMES:
        return True
    return column.charset != BINARY and column.type != ColumnType.BIT and not column.flags & _MEMBERS


def literal_of(column: ColumnDef) -> Callable[[bytes | None], bytes]:
    """How values of a column, as the text protocol gives them in utf8mb4, are written in a statement.

    The literals mean the same whatever sql_mode, character set and collation the connection has.
    """
    if column.type in _NUMBERS:
        return _number
    if column.type in _TIMES:
        return _text
    return _binary if column.charset == BINARY else _text


def _number(value: bytes | None) -> bytes:
    return b"NULL" if value is None else value


def _binary(value: bytes | None) -> bytes:
    return b"NULL" if value is None else b"x'" + value.hex().encode() + b"'"


def _text(value: bytes | None) -> bytes:
    if value is None:
        return b"NULL"
    if b"\\" in value:
        # What a backslash means depends on NO_BACKSLASH_ESCAPES.
        return b"_utf8mb4 x'" + value.hex().encode() + b"'"
    return b"_utf8mb4'" + value.replace(b"'", b"''") + b"'"
