"""MariaDB workers: statements on pooled connections, rows read raw off the socket, and tables for a while."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from qproxy.backends.base import DEFAULT_SETTINGS, HeldTable, ResultStream, Scratch, ScratchTable, SessionSettings
from qproxy.backends.mariadb_links import Links, escaped, quoted
from qproxy.backends.mariadb_load import load, load_file, pieces
from qproxy.backends.mariadb_pool import Link
from qproxy.backends.mariadb_scratch import MariaDBScratch
from qproxy.backends.mariadb_stream import MariaDBStream
from qproxy.backends.places import Places
from qproxy.catalog.model import Worker
from qproxy.catalog.naming import SCRATCH_DATABASE
from qproxy.errors import SQLError, WorkerError
from qproxy.wire.columns import ColumnDef
from qproxy.wire.rowblock import RowBlock, decode_rows

#: Tables that one statement counts.
COUNTED_AT_ONCE = 100
#: The fastest of the engines that take every column type; and one that only guesses how many rows a table has.
_FASTEST = "ENGINE=Aria TRANSACTIONAL=0"
_UNCOUNTED = "ENGINE=InnoDB"
#: Text of information_schema is utf8mb3, and so are the tables that stand in for it.
_HELD_OPTIONS = f"{_FASTEST} DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci"


class MariaDBBackend:
    """One MariaDB worker.

    Attributes:
        loads: see `Backend.loads`.

    Args:
        worker: where it is.
        connections: most statements at a time, and most merges beside them: a merge waits for statements, so the two
            must not wait for the same connections.
        connect_timeout: seconds for connecting and logging in together.
        silence_timeout: seconds that a statement may say nothing before the worker is asked, over another
            connection, whether it works on it.
    """

    loads = 2
    keeps_variables = True

    def __init__(
        self, worker: Worker, connections: int = 8, connect_timeout: float = 5.0, silence_timeout: float = 10.0
    ) -> None:
        self.name = worker.name
        self._links = Links(worker, connections, connect_timeout, silence_timeout)
        self._statements = Places(connections)
        self._merges = Places(connections)
        self._scratch_made = False

    @property
    def crowded(self) -> bool:
        """See `Backend.crowded`."""
        return self._statements.crowded or self._merges.crowded

    def translate(self, sql: str) -> str:
        """The statement itself: it is in MariaDB's dialect already."""
        return sql

    def spans(self, template: str) -> bool:
        """Never: each chunk has tables of its own."""
        return False

    def query(
        self, sql: str, settings: SessionSettings = DEFAULT_SETTINGS
    ) -> contextlib.AbstractAsyncContextManager[ResultStream]:
        """See `Backend.query`."""
        return _Query(self, sql, settings)

    async def begin(self, sql: str, settings: SessionSettings) -> MariaDBStream:
        """Enter `query`."""
        await self._statements.enter()
        try:
            return await self._links.begin(sql, settings)
        except BaseException:
            self._statements.leave()
            raise

    def end(self, stream: MariaDBStream) -> None:
        """Leave `query`."""
        try:
            self._links.end(stream)
            self._links.give_back(stream.link)
        finally:
            self._statements.leave()

    @contextlib.asynccontextmanager
    async def scratch(
        self, table: str, select: str, settings: SessionSettings, uncounted: bool = False
    ) -> AsyncIterator[Scratch]:
        """See `Backend.scratch`. The table is dropped with the context, or with its connection."""
        async with self._merges:
            link = await self._links.take(settings, sure=True)
            try:
                columns = await self._create(
                    link, f"TEMPORARY TABLE {table} {_UNCOUNTED if uncounted else _FASTEST}", table, select
                )
                yield self._filled(link, table, columns, settings.binary)
            except BaseException:
                self._links.drop(link)
                raise
            await self._drop(link, table)

    @contextlib.asynccontextmanager
    async def query_held(
        self, sql: str, tables: Sequence[HeldTable], settings: SessionSettings
    ) -> AsyncIterator[ResultStream]:
        """See `Backend.query_held`: temporary tables, which stay with the connection for the next statement."""
        async with self._merges:
            link = await self._links.take(settings, sure=True)
            try:
                await self._use_scratch(link)
                for table in tables:
                    await self._hold(link, table)
                async with self._links.running(link, sql) as stream:
                    yield stream
            finally:
                self._links.give_back(link)

    async def share(self, table: ScratchTable, rows: Iterable[RowBlock], settings: SessionSettings) -> None:
        """See `Backend.share`."""
        # Whoever runs a merge waits for statements: this must not wait for merges.
        async with self._statements:
            link = await self._links.take(settings, sure=True)
            try:
                columns = await self._create(link, f"TABLE {table.name} {_FASTEST}", table.name, table.select)
                filled = self._filled(link, table.name, columns)
                for block in rows:
                    await filled.append(block)
                await filled.flush()
                for key in table.keys:
                    # Refused for long text, which can be looked for without.
                    with contextlib.suppress(SQLError):
                        await self._links.run(link, f"ALTER TABLE {table.name} ADD KEY ({quoted(key)})")
            except BaseException:
                self._links.drop(link)
                raise
            self._links.give_back(link)

    async def sweep(self, age: timedelta) -> int:
        """See `Backend.sweep`."""
        old = (
            f"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{SCRATCH_DATABASE}'"
            f" AND CREATE_TIME < NOW() - INTERVAL {int(age.total_seconds())} SECOND"
        )
        async with self.query(old) as stream:
            names = [row[0].decode() async for block in stream for row in decode_rows(block) if row[0] is not None]
        for name in names:
            await self.execute(f"DROP TABLE IF EXISTS {quoted(SCRATCH_DATABASE)}.{quoted(name)}")
        return len(names)

    async def execute(self, sql: str) -> None:
        """See `Backend.execute`."""
        async with self._statements:
            link = await self._links.take(DEFAULT_SETTINGS, sure=True)
            try:
                await self._links.run(link, sql)
            finally:
                self._links.give_back(link)

    async def load(self, database: str, table: str, columns: Sequence[str], path: Path, charset: str) -> int:
        """See `Backend.load`: LOAD DATA LOCAL INFILE, any warning is an error."""
        names = ", ".join(f"`{c}`" for c in columns)
        sql = (
            f"LOAD DATA LOCAL INFILE '{escaped(str(path))}' INTO TABLE `{database}`.`{table}`"
            f" CHARACTER SET {charset} FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\'"
            f" LINES TERMINATED BY '\\n' ({names})"
        )
        async with self._statements:
            link = await self._links.take(DEFAULT_SETTINGS, sure=True)
            try:
                loaded = await load_file(self.name, link, sql, path)
                if loaded.warnings:
                    await self._check_warnings(link, f"{database}.{table}")
                return loaded.rows
            except SQLError:
                raise
            except BaseException:
                self._links.stop(link)
                raise
            finally:
                self._links.give_back(link)

    async def count(self, database: str, tables: Sequence[str]) -> list[int]:
        """See `Backend.count`: many tables a statement."""
        found: dict[int, int] = {}
        for start in range(0, len(tables), COUNTED_AT_ONCE):
            sql = " UNION ALL ".join(
                f"SELECT {start + i} AS n, COUNT(*) AS c FROM {quoted(database)}.{quoted(table)}"
                for i, table in enumerate(tables[start : start + COUNTED_AT_ONCE])
            )
            async with self.query(sql) as stream:
                async for block in stream:
                    for number, rows in decode_rows(block):
                        found[int(number or -1)] = int(rows or -1)
        return [found.get(i, -1) for i in range(len(tables))]

    async def _check_warnings(self, link: Link, table: str = "") -> None:
        """LOCAL turns what strict mode would refuse into warnings (MariaDB Knowledge Base, "LOAD DATA INFILE")."""
        async with self._links.running(link, "SHOW WARNINGS") as warnings:
            rows = [row async for block in warnings for row in decode_rows(block)]
        for level, code, message in rows:
            if level != b"Note":
                text = (message or b"").decode("utf-8", "replace")
                raise SQLError(int(code or 0), f"{table}: {text}" if table else text)

    async def close(self) -> None:
        """Close all connections."""
        await self._links.close()

    async def _hold(self, link: Link, table: HeldTable) -> None:
        if link.held.get(table.name) == table.digest:
            return
        # One that fails half-way is made anew.
        link.held.pop(table.name, None)
        await self._links.run(link, f"CREATE OR REPLACE TEMPORARY TABLE {table.name} ({table.columns}) {_HELD_OPTIONS}")
        columns = await self._links.run(link, f"SELECT * FROM {table.name} LIMIT 0")
        filled = self._filled(link, table.name, columns)
        await filled.append(table.rows)
        await filled.flush()
        link.held[table.name] = table.digest

    def _filled(
        self, link: Link, table: str, columns: Sequence[ColumnDef], wanted: Sequence[ColumnDef] | None = None
    ) -> MariaDBScratch:
        async def loaded(sql: str, data: bytes) -> None:
            found = await load(self.name, link, sql, pieces(data))
            if found.warnings:
                await self._check_warnings(link)

        return MariaDBScratch(partial(self._links.running, link), table, columns, loaded, wanted)

    async def _create(self, link: Link, what: str, table: str, select: str) -> tuple[ColumnDef, ...]:
        await self._use_scratch(link)
        # In strict mode a constant that a SELECT would but warn of makes CREATE ... SELECT fail.
        await self._links.run(link, f"SET STATEMENT sql_mode='' FOR CREATE {what} {select}")
        return await self._links.run(link, f"SELECT * FROM {table} LIMIT 0")

    async def _use_scratch(self, link: Link) -> None:
        """Make the database of temporary tables the current one."""
        if not self._scratch_made:
            # Refused where an administrator made it and lets us make none: then USE will do.
            with contextlib.suppress(SQLError):
                await self._links.run(link, f"CREATE DATABASE IF NOT EXISTS {SCRATCH_DATABASE}")
            self._scratch_made = True
        try:
            await self._links.run(link, f"USE {SCRATCH_DATABASE}")
        except WorkerError:
            # Somebody dropped it, or the worker was set up anew.
            if link.closed:
                raise
            await self._links.run(link, f"CREATE DATABASE IF NOT EXISTS {SCRATCH_DATABASE}")
            await self._links.run(link, f"USE {SCRATCH_DATABASE}")

    async def _drop(self, link: Link, table: str) -> None:
        try:
            await self._links.run(link, f"DROP TEMPORARY TABLE {table}")
        except WorkerError:
            # All rows are out: a worker that goes away now takes the table along.
            self._links.drop(link)
        except BaseException:
            self._links.drop(link)
            raise
        else:
            self._links.give_back(link)


class _Query(contextlib.AbstractAsyncContextManager[ResultStream]):
    """A statement as long as it runs: see `Backend.query`. A context manager made of a generator would cost more."""

    def __init__(self, backend: MariaDBBackend, sql: str, settings: SessionSettings) -> None:
        self._backend = backend
        self._sql = sql
        self._settings = settings
        self._stream: MariaDBStream | None = None

    async def __aenter__(self) -> ResultStream:
        self._stream = await self._backend.begin(self._sql, self._settings)
        return self._stream

    async def __aexit__(self, *_: object) -> None:
        if self._stream is not None:
            self._backend.end(self._stream)
