"""Temporary tables on a MariaDB connection, filled with rows as they came off the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from qproxy.backends.base import ResultStream
from qproxy.errors import SQLError, unsupported
from qproxy.wire.columns import BINARY, ColumnDef, ColumnType
from qproxy.wire.rowblock import RowBlock, decode_rows

#: INSERT statements are cut at about this many bytes.
INSERT_SIZE = 1 << 20
#: For every INSERT, whatever mode the client has: a value that would not come back as it is must be an error, and
#: any date that a chunk table holds is one.
_INSERT_MODE = "STRICT_ALL_TABLES,ALLOW_INVALID_DATES"

#: Out of range, or too long: MariaDB gives some expressions narrower types than their values, as text in arithmetic.
_TOO_LARGE = frozenset((1264, 1406))

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
_TIMES = frozenset((ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIMESTAMP, ColumnType.TIME))


class MariaDBScratch:
    """A temporary table on one connection.

    Args:
        run: starts a statement on that connection, for as long as its context lasts.
        table: its name.
        columns: its columns.
        wanted: columns that the rows of queries are to have, see `SessionSettings.binary`.
    """

    def __init__(
        self,
        run: Callable[[str | bytes, Sequence[ColumnDef] | None], AbstractAsyncContextManager[ResultStream]],
        table: str,
        columns: Sequence[ColumnDef],
        wanted: Sequence[ColumnDef] | None = None,
    ) -> None:
        self._run = run
        self._wanted = wanted
        self._head = f"SET STATEMENT sql_mode='{_INSERT_MODE}' FOR INSERT INTO {table} VALUES ".encode()
        self._literals = [literal_of(c) for c in columns]

    async def append(self, block: RowBlock) -> None:
        """See `Scratch.append`: multi-row INSERTs of about a megabyte."""
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

    def query(self, sql: str) -> AbstractAsyncContextManager[ResultStream]:
        """See `Scratch.query`."""
        return self._run(sql, self._wanted)

    async def _insert(self, values: list[bytes]) -> None:
        try:
            async with self._run(self._head + b",".join(values), None) as stream:
                async for _ in stream:
                    pass
        except SQLError as error:
            if error.code not in _TOO_LARGE:
                raise
            raise unsupported(
                f"a value that does not fit the type that MariaDB gives its expression ({error.message}); put a CAST "
                "around that expression"
            ) from error


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
