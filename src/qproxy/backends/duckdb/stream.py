"""Rows of one DuckDB statement, fetched a batch at a time, only when somebody asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from qproxy.backends.base import SessionSettings
from qproxy.backends.duckdb.failures import sql_error
from qproxy.backends.duckdb.text import encode_batch
from qproxy.errors import SQLError
from qproxy.wire.binary import to_binary
from qproxy.wire.columns import ColumnDef, ColumnType
from qproxy.wire.rowblock import RowBlock

_BATCH_ROWS = 8192
#: Decimals of a real number that is printed with as many digits as it needs.
ALL_DECIMALS = 31


def _exact(column: ColumnDef) -> ColumnDef:
    """The column, real numbers as doubles with all their digits: the text of a FLOAT has but six."""
    if column.type not in (ColumnType.FLOAT, ColumnType.DOUBLE):
        return column
    return replace(column, type=ColumnType.DOUBLE, decimals=ALL_DECIMALS)


class DuckStream:
    """The result of one statement on a connection of its own.

    Not reading is back-pressure: a batch is made when the one before it has been taken.

    Attributes:
        complete: see `ResultStream.complete`.
    """

    def __init__(
        self, connection: Any, pool: Executor, sql: str, columns: Sequence[ColumnDef], settings: SessionSettings
    ) -> None:
        self._connection = connection
        self._pool = pool
        self._sql = sql
        self._columns = tuple(columns)
        self._wanted = settings.binary
        self._reader: Any = None
        self._work: asyncio.Future[Any] | None = None
        self.complete = False
        if settings.results_charset not in (None, "utf8mb4", "utf8", "utf8mb3", "binary"):
            raise SQLError(
                1235,
                f"the embedded engine does not support results in {settings.results_charset}; SET NAMES utf8mb4",
            )
        if settings.group_concat is not None and "string_agg(" in sql:
            raise SQLError(
                1235,
                "the embedded engine does not support GROUP_CONCAT with another group_concat_max_len than its default; "
                "SET group_concat_max_len = DEFAULT",
            )

    @property
    def columns(self) -> Sequence[ColumnDef]:
        """Column definitions as a MariaDB server would give them."""
        return self._columns

    async def start(self) -> None:
        """Begin the statement.

        Raises:
            SQLError: the engine refused it.
        """

        def begin() -> Any:
            return self._connection.sql(self._sql).to_arrow_reader(_BATCH_ROWS)

        self._reader = await self._run(begin)

    async def stop(self) -> None:
        """Interrupt the statement where it still runs, and give the connection up."""
        if self._work is not None and not self._work.done():
            self._connection.interrupt()
            await asyncio.wait([self._work])
        if self._work is not None and not self._work.cancelled():
            self._work.exception()
        self._reader = None
        await asyncio.get_running_loop().run_in_executor(self._pool, self._connection.close)

    def __aiter__(self) -> AsyncIterator[RowBlock]:
        return self

    async def __anext__(self) -> RowBlock:
        while not self.complete:
            block: RowBlock | None = await self._run(self._next)
            if block is None:
                self.complete = True
            elif block.rows:
                return block
        raise StopAsyncIteration

    def _next(self) -> RowBlock | None:
        try:
            batch = self._reader.read_next_batch()
        except StopIteration:
            return None
        if self._wanted is None:
            return encode_batch(batch, self._columns)
        return to_binary(encode_batch(batch, [_exact(c) for c in self._columns]), self._wanted)

    async def _run(self, work: Callable[[], Any]) -> Any:
        import duckdb
        import pyarrow as pa

        self._work = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(self._pool, work))
        try:
            # The thread cannot be cancelled; `stop` interrupts the engine and waits for it.
            return await asyncio.shield(self._work)
        except duckdb.Error as error:
            raise sql_error(error) from None
        except (pa.ArrowException, OSError) as error:
            raise sql_error(error) from None
