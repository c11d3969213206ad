"""The embedded engine behind the backends' protocol: one DuckDB database in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from qproxy.backends.base import HeldTable, ScratchTable, SessionSettings
from qproxy.backends.duckdb.bulk import Loader
from qproxy.backends.duckdb.chunks import resolved
from qproxy.backends.duckdb.comment import columns_of
from qproxy.backends.duckdb.counting import count_rows
from qproxy.backends.duckdb.definitions import apply, apply_member
from qproxy.backends.duckdb.dialect import shape_of, spans, translate
from qproxy.backends.duckdb.failures import sql_error
from qproxy.backends.duckdb.macros import MACROS
from qproxy.backends.duckdb.registry import Registry, TableShape, quote, unquote
from qproxy.backends.duckdb.scratch import DuckScratch, declared_shape, insert, quoted_columns
from qproxy.backends.duckdb.stream import DuckStream
from qproxy.wire.rowblock import RowBlock

_Result = TypeVar("_Result")


class DuckDBBackend:
    """Holds chunk tables in process and answers MariaDB's statements about them.

    A physical database is a DuckDB schema. Statements run on threads of a pool of this backend's own; each has a
    connection to itself.

    Attributes:
        loads: see `Backend.loads`.

    Args:
        name: what catalogue and errors call it.
        path: the database file; empty for one in memory.
        threads: threads that DuckDB uses for one statement; None for one a core.
    """

    loads = 64
    keeps_variables = False

    def __init__(self, name: str, path: str = "", threads: int | None = None) -> None:
        import duckdb

        self.name = name
        self._registry = Registry()
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix=f"duckdb-{name}")
        self._root: Any = duckdb.connect(path or ":memory:")
        self._root.execute("SET preserve_insertion_order = true")
        if threads is not None:
            self._root.execute(f"SET threads = {int(threads)}")
        for macro in MACROS:
            self._root.execute(macro)
        self._writing = asyncio.Lock()
        self._loader = Loader(self._root, self._registry, self._pool, self._writing)

    @property
    def crowded(self) -> bool:
        """Never: what was begun and is not read holds no thread."""
        return False

    def translate(self, sql: str) -> str:
        """See `qproxy.backends.duckdb.dialect.translate`."""
        return translate(sql, self._registry)

    def spans(self, template: str) -> bool:
        """See `qproxy.backends.duckdb.dialect.spans`."""
        return spans(template)

    @asynccontextmanager
    async def query(self, sql: str, settings: SessionSettings) -> AsyncIterator[DuckStream]:
        """Run one statement; a text that `translate` did not make is translated first."""
        columns = columns_of(sql)
        if columns is None:
            sql = self.translate(sql)
            columns = columns_of(sql)
        text = resolved(sql, self._registry.members)
        stream = DuckStream(self._root.cursor(), self._pool, text, columns or [], settings)
        try:
            await stream.start()
            yield stream
        finally:
            await stream.stop()

    @asynccontextmanager
    async def scratch(
        self, table: str, select: str, settings: SessionSettings, uncounted: bool = False
    ) -> AsyncIterator[DuckScratch]:
        """A temporary table with the columns of ``select``; it goes when the context is left."""
        _, columns = shape_of(select, self._registry)
        shape = TableShape(dict(columns))
        connection = self._root.cursor()
        listed = ", ".join(f"{quote(n)} {k.duck}" for n, k in columns)
        await self._run(lambda: connection.execute(f"CREATE TEMP TABLE {quote(table)} ({listed})"))
        scratch = DuckScratch(table, shape, self._registry.with_table(table, shape), connection, self._pool, settings)
        try:
            yield scratch
        finally:
            await self._run(connection.close)

    @asynccontextmanager
    async def query_held(
        self, sql: str, tables: Sequence[HeldTable], settings: SessionSettings
    ) -> AsyncIterator[DuckStream]:
        """See `qproxy.backends.base.Backend.query_held`."""
        registry, connection = self._registry, self._root.cursor()
        try:
            for table in tables:
                shape = declared_shape(table)
                registry = registry.with_table(table.name, shape)
                listed = ", ".join(f"{quote(n)} {k.duck}" for n, k in shape.columns.items())
                await self._run(partial(connection.execute, f"CREATE TEMP TABLE {quote(table.name)} ({listed})"))
                scratch = DuckScratch(table.name, shape, registry, connection, self._pool, settings)
                if table.rows.rows:
                    await scratch.append(table.rows)
            async with scratch.query(quoted_columns(sql, registry, [table.name for table in tables])) as stream:
                yield stream
        finally:
            await self._run(connection.close)

    async def share(self, table: ScratchTable, rows: Iterable[RowBlock], settings: SessionSettings) -> None:
        """See `Backend.share`. Keys would gain nothing."""
        database, name = (unquote(part) for part in table.name.split(".", 1))
        shape = TableShape(dict(shape_of(table.select, self._registry)[1]))
        target = f"{quote(database)}.{quote(name)}"
        listed = ", ".join(f"{quote(n)} {k.duck}" for n, k in shape.columns.items())
        connection = self._root.cursor()

        def fill() -> None:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(database)}")
            connection.execute(f"CREATE TABLE {target} ({listed})")
            for block in rows:
                insert(block, connection, target, shape)

        try:
            async with self._writing:
                await self._run(fill)
        finally:
            await self._run(connection.close)
        self._registry.add(database, name, shape)

    async def sweep(self, age: timedelta) -> int:
        """See `Backend.sweep`: what is in memory ends with its proxy, and a file is opened by one alone."""
        return 0

    async def execute(self, sql: str) -> None:
        """Run a statement of ingest: CREATE and DROP of databases and tables, INSERT, and SET, which has no effect."""
        if apply_member(sql, self._registry):
            return
        async with self._writing:
            await self._run(lambda: apply(sql, self._root, self._registry))

    async def load(self, database: str, table: str, columns: Sequence[str], path: Path, charset: str) -> int:
        """See `Backend.load`."""
        return await self._loader.load(database, table, columns, path, charset)

    async def count(self, database: str, tables: Sequence[str]) -> list[int]:
        """See `Backend.count`."""
        return await self._run(lambda: count_rows(self._root.cursor(), self._registry, database, tables))

    async def close(self) -> None:
        """Close the database; one in memory is gone with it."""
        await self._run(self._root.close)
        self._pool.shutdown(wait=True)

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        import duckdb

        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except duckdb.Error as error:
            raise sql_error(error) from None
