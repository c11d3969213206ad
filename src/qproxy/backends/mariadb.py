"""MariaDB workers: statements on pooled connections, rows read raw off the socket.

A connection whose statement was left early, cancelled or broken is closed, never pooled again, and what still runs on
it is killed on the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from qproxy.backends.base import DEFAULT_SETTINGS, HeldTable, ResultStream, Scratch, ScratchTable, SessionSettings
from qproxy.backends.mariadb_load import load, load_file, pieces
from qproxy.backends.mariadb_pool import UTC, Link, Pool, Refused
from qproxy.backends.mariadb_scratch import MariaDBScratch
from qproxy.backends.mariadb_silence import Processes, Silence, Silent
from qproxy.backends.mariadb_stream import MariaDBStream
from qproxy.backends.places import Places
from qproxy.catalog.model import Worker
from qproxy.catalog.naming import SCRATCH_DATABASE
from qproxy.errors import SQLError, WorkerError
from qproxy.wire.columns import ColumnDef
from qproxy.wire.rowblock import RowBlock, decode_rows

log = logging.getLogger(__name__)

#: A connection that was idle for longer is asked for a sign of life before it is used. Seconds.
LONG_IDLE = 30.0
#: The same where the first statement must not run twice. Seconds.
SHORT_IDLE = 1.0
#: Tables that one statement counts.
COUNTED_AT_ONCE = 100
_NO_SUCH_THREAD = 1094
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
        self._pool = Pool(worker, connections, connect_timeout)
        self._statements = Places(connections)
        self._merges = Places(connections)
        self._scratch_made = False
        self._doomed: list[int] = []
        self._killer: asyncio.Task[None] | None = None
        self._silence = Silence(worker.name, silence_timeout, self._processes)

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
            return await self._begin(sql, settings)
        except BaseException:
            self._statements.leave()
            raise

    def end(self, stream: MariaDBStream) -> None:
        """Leave `query`."""
        try:
            self._end(stream)
            self._pool.give_back(stream.link)
        finally:
            self._statements.leave()

    @contextlib.asynccontextmanager
    async def scratch(
        self, table: str, select: str, settings: SessionSettings, uncounted: bool = False
    ) -> AsyncIterator[Scratch]:
        """See `Backend.scratch`. The table is dropped with the context, or with its connection."""
        async with self._merges:
            link = await self._link(settings, sure=True)
            try:
                columns = await self._create(
                    link, f"TEMPORARY TABLE {table} {_UNCOUNTED if uncounted else _FASTEST}", table, select
                )
                yield self._filled(link, table, columns, settings.binary)
            except BaseException:
                self._pool.drop(link)
                raise
            await self._drop(link, table)

    @contextlib.asynccontextmanager
    async def query_held(
        self, sql: str, tables: Sequence[HeldTable], settings: SessionSettings
    ) -> AsyncIterator[ResultStream]:
        """See `Backend.query_held`: temporary tables, which stay with the connection for the next statement."""
        async with self._merges:
            link = await self._link(settings, sure=True)
            try:
                await self._use_scratch(link)
                for table in tables:
                    await self._hold(link, table)
                async with self._running(link, sql) as stream:
                    yield stream
            finally:
                self._pool.give_back(link)

    async def share(self, table: ScratchTable, rows: Iterable[RowBlock], settings: SessionSettings) -> None:
        """See `Backend.share`."""
        # Whoever runs a merge waits for statements: this must not wait for merges.
        async with self._statements:
            link = await self._link(settings, sure=True)
            try:
                columns = await self._create(link, f"TABLE {table.name} {_FASTEST}", table.name, table.select)
                filled = self._filled(link, table.name, columns)
                for block in rows:
                    await filled.append(block)
                await filled.flush()
                for key in table.keys:
                    # Refused for long text, which can be looked for without.
                    with contextlib.suppress(SQLError):
                        await self._run(link, f"ALTER TABLE {table.name} ADD KEY ({_quoted(key)})")
            except BaseException:
                self._pool.drop(link)
                raise
            self._pool.give_back(link)

    async def sweep(self, age: timedelta) -> int:
        """See `Backend.sweep`."""
        old = (
            f"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{SCRATCH_DATABASE}'"
            f" AND CREATE_TIME < NOW() - INTERVAL {int(age.total_seconds())} SECOND"
        )
        async with self.query(old) as stream:
            names = [row[0].decode() async for block in stream for row in decode_rows(block) if row[0] is not None]
        for name in names:
            await self.execute(f"DROP TABLE IF EXISTS {_quoted(SCRATCH_DATABASE)}.{_quoted(name)}")
        return len(names)

    async def execute(self, sql: str) -> None:
        """See `Backend.execute`."""
        async with self._statements:
            link = await self._link(DEFAULT_SETTINGS, sure=True)
            try:
                await self._run(link, sql)
            finally:
                self._pool.give_back(link)

    async def load(self, database: str, table: str, columns: Sequence[str], path: Path, charset: str) -> int:
        """See `Backend.load`: LOAD DATA LOCAL INFILE, any warning is an error."""
        names = ", ".join(f"`{c}`" for c in columns)
        sql = (
            f"LOAD DATA LOCAL INFILE '{_escape(str(path))}' INTO TABLE `{database}`.`{table}`"
            f" CHARACTER SET {charset} FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\'"
            f" LINES TERMINATED BY '\\n' ({names})"
        )
        async with self._statements:
            link = await self._link(DEFAULT_SETTINGS, sure=True)
            try:
                loaded = await load_file(self.name, link, sql, path)
                if loaded.warnings:
                    await self._check_warnings(link, f"{database}.{table}")
                return loaded.rows
            except SQLError:
                raise
            except BaseException:
                self._stop(link)
                raise
            finally:
                self._pool.give_back(link)

    async def count(self, database: str, tables: Sequence[str]) -> list[int]:
        """See `Backend.count`: many tables a statement."""
        found: dict[int, int] = {}
        for start in range(0, len(tables), COUNTED_AT_ONCE):
            sql = " UNION ALL ".join(
                f"SELECT {start + i} AS n, COUNT(*) AS c FROM {_quoted(database)}.{_quoted(table)}"
                for i, table in enumerate(tables[start : start + COUNTED_AT_ONCE])
            )
            async with self.query(sql) as stream:
                async for block in stream:
                    for number, rows in decode_rows(block):
                        found[int(number or -1)] = int(rows or -1)
        return [found.get(i, -1) for i in range(len(tables))]

    async def _check_warnings(self, link: Link, table: str = "") -> None:
        """LOCAL turns what strict mode would refuse into warnings (MariaDB Knowledge Base, "LOAD DATA INFILE")."""
        async with self._running(link, "SHOW WARNINGS") as warnings:
            rows = [row async for block in warnings for row in decode_rows(block)]
        for level, code, message in rows:
            if level != b"Note":
                text = (message or b"").decode("utf-8", "replace")
                raise SQLError(int(code or 0), f"{table}: {text}" if table else text)

    async def close(self) -> None:
        """Close all connections."""
        if self._killer is not None:
            await asyncio.wait([self._killer])
        await self._silence.close()
        self._pool.close()

    async def _begin(self, sql: str, settings: SessionSettings) -> MariaDBStream:
        """Start a statement that only reads, once more where a pooled connection turns out to be gone."""
        link = await self._link(settings)
        try:
            return await self._start(link, sql, settings.binary)
        except _Unheard:
            self._pool.clear()
        link = await self._prepared(await self._pool.open(), settings)
        return await self._start(link, sql, settings.binary)

    async def _link(self, settings: SessionSettings, sure: bool = False) -> Link:
        """A connection with these settings, pooled or new.

        Args:
            settings: as the client has them.
            sure: whether a pooled one must show that it lives, as its first statement must not run twice.
        """
        link = self._pool.take(settings)
        if link is not None:
            try:
                if link.idle_seconds > (SHORT_IDLE if sure else LONG_IDLE):
                    await self._ping(link)
                return await self._prepared(link, settings)
            except WorkerError:
                # What else waits in the pool is as old.
                self._pool.clear()
        return await self._prepared(await self._pool.open(), settings)

    async def _ping(self, link: Link) -> None:
        try:
            async with asyncio.timeout(self._pool.connect_timeout):
                await self._run(link, "DO 0")
        except TimeoutError as error:
            raise WorkerError(self.name, "does not answer") from error

    async def _prepared(self, link: Link, settings: SessionSettings) -> Link:
        if link.settings != settings:
            # One that fails half-way may have set some of them.
            link.settings = None
            try:
                await self._run(link, _set_statement(settings))
            except BaseException:
                self._pool.give_back(link)
                raise
            link.settings = settings
        return link

    async def _start(self, link: Link, sql: str | bytes, wanted: Sequence[ColumnDef] | None) -> MariaDBStream:
        stream = MariaDBStream(self.name, link, self._silence)
        try:
            await stream.start(sql, wanted)
        except BaseException as error:
            self._end(stream)
            self._pool.give_back(link)
            if isinstance(error, Silent):
                # What waits in the pool is of no more use.
                self._pool.clear()
            elif isinstance(error, WorkerError) and link.reused and not stream.answered:
                raise _Unheard(error.worker, error.reason) from error
            raise
        return stream

    async def _run(self, link: Link, sql: str | bytes) -> tuple[ColumnDef, ...]:
        """Run a statement to its end; its rows are of no interest."""
        async with self._running(link, sql) as stream:
            async for _ in stream:
                pass
            return tuple(stream.columns)

    @contextlib.asynccontextmanager
    async def _running(
        self, link: Link, sql: str | bytes, wanted: Sequence[ColumnDef] | None = None
    ) -> AsyncIterator[ResultStream]:
        """A statement on a connection that stays in use afterwards."""
        stream = MariaDBStream(self.name, link, self._silence)
        try:
            await stream.start(sql, wanted)
            yield stream
        finally:
            self._end(stream)

    def _end(self, stream: MariaDBStream) -> None:
        """Give up a connection that is out of step, and stop the statement that may run on it."""
        if stream.finished or stream.link.closed:
            return
        if stream.link.usable:
            self._stop(stream.link)
        else:
            self._pool.drop(stream.link)

    def _stop(self, link: Link) -> None:
        """Give a connection up, and what runs on it."""
        if link.closed:
            return
        self._doomed.append(link.thread)
        self._pool.drop(link)
        if self._killer is None or self._killer.done():
            self._killer = asyncio.get_running_loop().create_task(self._kill())

    async def _kill(self) -> None:
        """Kill what is doomed, over one new connection: all others may be busy with what is to be stopped."""
        try:
            link = await self._pool.open()
            try:
                while self._doomed:
                    await self._kill_one(link, self._doomed.pop())
            finally:
                self._pool.give_back(link)
        except WorkerError as error:
            log.warning("%s: statements that nobody waits for any more cannot be stopped", error)
            self._doomed.clear()

    async def _kill_one(self, link: Link, thread: int) -> None:
        if link.thread < thread:
            # The worker began to count anew: another connection may have that number now.
            return
        try:
            async with asyncio.timeout(self._pool.connect_timeout):
                await self._run(link, f"KILL {thread}")
        except TimeoutError as error:
            raise WorkerError(self.name, "does not answer") from error
        except SQLError as error:
            if error.code != _NO_SUCH_THREAD:
                log.warning("worker %s: cannot stop thread %d: %s", self.name, thread, error)

    async def _processes(self) -> Processes | None:
        """What all connections of the proxy's account do on the worker; None where it lets us in no more.

        Raises:
            WorkerError: it does not answer.
        """
        try:
            link = await self._pool.open()
        except Refused:
            return None
        stream = MariaDBStream(self.name, link)
        try:
            async with asyncio.timeout(self._pool.connect_timeout):
                await stream.start("SELECT ID, COMMAND, STATE FROM information_schema.PROCESSLIST")
                rows = [row async for block in stream for row in decode_rows(block)]
        except TimeoutError as error:
            raise WorkerError(self.name, "does not answer") from error
        except SQLError as error:
            log.warning("worker %s: does not tell what runs on it: %s", self.name, error)
            return None
        finally:
            if not stream.finished:
                link.drop()
            self._pool.give_back(link)
        return {
            int(number or 0): ((command or b"").decode(), (state or b"").decode()) for number, command, state in rows
        }

    async def _hold(self, link: Link, table: HeldTable) -> None:
        if link.held.get(table.name) == table.digest:
            return
        # One that fails half-way is made anew.
        link.held.pop(table.name, None)
        await self._run(link, f"CREATE OR REPLACE TEMPORARY TABLE {table.name} ({table.columns}) {_HELD_OPTIONS}")
        columns = await self._run(link, f"SELECT * FROM {table.name} LIMIT 0")
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

        return MariaDBScratch(partial(self._running, link), table, columns, loaded, wanted)

    async def _create(self, link: Link, what: str, table: str, select: str) -> tuple[ColumnDef, ...]:
        await self._use_scratch(link)
        # In strict mode a constant that a SELECT would but warn of makes CREATE ... SELECT fail.
        await self._run(link, f"SET STATEMENT sql_mode='' FOR CREATE {what} {select}")
        return await self._run(link, f"SELECT * FROM {table} LIMIT 0")

    async def _use_scratch(self, link: Link) -> None:
        """Make the database of temporary tables the current one."""
        if not self._scratch_made:
            # Refused where an administrator made it and lets us make none: then USE will do.
            with contextlib.suppress(SQLError):
                await self._run(link, f"CREATE DATABASE IF NOT EXISTS {SCRATCH_DATABASE}")
            self._scratch_made = True
        try:
            await self._run(link, f"USE {SCRATCH_DATABASE}")
        except WorkerError:
            # Somebody dropped it, or the worker was set up anew.
            if link.closed:
                raise
            await self._run(link, f"CREATE DATABASE IF NOT EXISTS {SCRATCH_DATABASE}")
            await self._run(link, f"USE {SCRATCH_DATABASE}")

    async def _drop(self, link: Link, table: str) -> None:
        try:
            await self._run(link, f"DROP TEMPORARY TABLE {table}")
        except WorkerError:
            # All rows are out: a worker that goes away now takes the table along.
            self._pool.drop(link)
        except BaseException:
            self._pool.drop(link)
            raise
        else:
            self._pool.give_back(link)


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


class _Unheard(WorkerError):
    """A connection from the pool was gone before the worker took the statement: a new one may do."""


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _set_statement(settings: SessionSettings) -> str:
    charset = settings.results_charset
    mode = "DEFAULT" if settings.sql_mode is None else f"'{_escape(settings.sql_mode)}'"
    zone = f"'{_escape(settings.time_zone or UTC)}'"
    return (
        f"SET sql_mode={mode}, time_zone={zone}, collation_connection={settings.collation},"
        f" character_set_results={'NULL' if charset is None else charset},"
        f" group_concat_max_len={'DEFAULT' if settings.group_concat is None else settings.group_concat}"
        + "".join(f", @{_quoted(name)}={value}" for name, value in settings.variables)
    )
