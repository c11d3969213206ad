"""Connections of one MariaDB worker: opened, settled to a client's settings, stopped where a statement was left early.

A connection whose statement was left early, cancelled or broken is closed, never pooled again, and what still runs on
it is killed on the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence

from qproxy.backends.base import ResultStream, SessionSettings
from qproxy.backends.mariadb_pool import UTC, Link, Pool, Refused
from qproxy.backends.mariadb_silence import Processes, Silence, Silent
from qproxy.backends.mariadb_stream import MariaDBStream
from qproxy.catalog.model import Worker
from qproxy.errors import SQLError, WorkerError
from qproxy.wire.columns import ColumnDef
from qproxy.wire.rowblock import decode_rows

log = logging.getLogger(__name__)

#: A connection that was idle for longer is asked for a sign of life before it is used. Seconds.
LONG_IDLE = 30.0
#: The same where the first statement must not run twice. Seconds.
SHORT_IDLE = 1.0
_NO_SUCH_THREAD = 1094


class Links:
    """Connections of one worker.

    Args:
        worker: where it is.
        connections: most that wait in the pool.
        connect_timeout: seconds for connecting and logging in together.
        silence_timeout: seconds that a statement may say nothing before the worker is asked for it.
    """

    def __init__(self, worker: Worker, connections: int, connect_timeout: float, silence_timeout: float) -> None:
        self._worker = worker.name
        self._pool = Pool(worker, connections, connect_timeout)
        self._doomed: list[int] = []
        self._killer: asyncio.Task[None] | None = None
        self._silence = Silence(worker.name, silence_timeout, self._processes)

    async def close(self) -> None:
        """Close all connections."""
        if self._killer is not None:
            await asyncio.wait([self._killer])
        await self._silence.close()
        self._pool.close()

    def give_back(self, link: Link) -> None:
        """Take a connection back that is not needed any more."""
        self._pool.give_back(link)

    def drop(self, link: Link) -> None:
        """Give a connection up on which nothing runs."""
        self._pool.drop(link)

    async def begin(self, sql: str, settings: SessionSettings) -> MariaDBStream:
        """Start a statement that only reads, once more where a pooled connection turns out to be gone."""
        link = await self.take(settings)
        try:
            return await self._start(link, sql, settings.binary)
        except _Unheard:
            self._pool.clear()
        link = await self._prepared(await self._pool.open(), settings)
        return await self._start(link, sql, settings.binary)

    async def take(self, settings: SessionSettings, sure: bool = False) -> Link:
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
                await self.run(link, "DO 0")
        except TimeoutError as error:
            raise WorkerError(self._worker, "does not answer") from error

    async def _prepared(self, link: Link, settings: SessionSettings) -> Link:
        if link.settings != settings:
            # One that fails half-way may have set some of them.
            link.settings = None
            try:
                await self.run(link, _set_statement(settings))
            except BaseException:
                self._pool.give_back(link)
                raise
            link.settings = settings
        return link

    async def _start(self, link: Link, sql: str | bytes, wanted: Sequence[ColumnDef] | None) -> MariaDBStream:
        stream = MariaDBStream(self._worker, link, self._silence)
        try:
            await stream.start(sql, wanted)
        except BaseException as error:
            self.end(stream)
            self._pool.give_back(link)
            if isinstance(error, Silent):
                # What waits in the pool is of no more use.
                self._pool.clear()
            elif isinstance(error, WorkerError) and link.reused and not stream.answered:
                raise _Unheard(error.worker, error.reason) from error
            raise
        return stream

    async def run(self, link: Link, sql: str | bytes) -> tuple[ColumnDef, ...]:
        """Run a statement to its end; its rows are of no interest."""
        async with self.running(link, sql) as stream:
            async for _ in stream:
                pass
            return tuple(stream.columns)

    @contextlib.asynccontextmanager
    async def running(
        self, link: Link, sql: str | bytes, wanted: Sequence[ColumnDef] | None = None
    ) -> AsyncIterator[ResultStream]:
        """A statement on a connection that stays in use afterwards."""
        stream = MariaDBStream(self._worker, link, self._silence)
        try:
            await stream.start(sql, wanted)
            yield stream
        finally:
            self.end(stream)

    def end(self, stream: MariaDBStream) -> None:
        """Give up a connection that is out of step, and stop the statement that may run on it."""
        if stream.finished or stream.link.closed:
            return
        if stream.link.usable:
            self.stop(stream.link)
        else:
            self._pool.drop(stream.link)

    def stop(self, link: Link) -> None:
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
                await self.run(link, f"KILL {thread}")
        except TimeoutError as error:
            raise WorkerError(self._worker, "does not answer") from error
        except SQLError as error:
            if error.code != _NO_SUCH_THREAD:
                log.warning("worker %s: cannot stop thread %d: %s", self._worker, thread, error)

    async def _processes(self) -> Processes | None:
        """What all connections of the proxy's account do on the worker; None where it lets us in no more.

        Raises:
            WorkerError: it does not answer.
        """
        try:
            link = await self._pool.open()
        except Refused:
            return None
        stream = MariaDBStream(self._worker, link)
        try:
            async with asyncio.timeout(self._pool.connect_timeout):
                await stream.start("SELECT ID, COMMAND, STATE FROM information_schema.PROCESSLIST")
                rows = [row async for block in stream for row in decode_rows(block)]
        except TimeoutError as error:
            raise WorkerError(self._worker, "does not answer") from error
        except SQLError as error:
            log.warning("worker %s: does not tell what runs on it: %s", self._worker, error)
            return None
        finally:
            if not stream.finished:
                link.drop()
            self._pool.give_back(link)
        return {
            int(number or 0): ((command or b"").decode(), (state or b"").decode()) for number, command, state in rows
        }


class _Unheard(WorkerError):
    """A connection from the pool was gone before the worker took the statement: a new one may do."""


def quoted(name: str) -> str:
    """A name in backticks."""
    return "`" + name.replace("`", "``") + "`"


def escaped(text: str) -> str:
    """Text as it stands between quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _set_statement(settings: SessionSettings) -> str:
    charset = settings.results_charset
    mode = "DEFAULT" if settings.sql_mode is None else f"'{escaped(settings.sql_mode)}'"
    zone = f"'{escaped(settings.time_zone or UTC)}'"
    return (
        f"SET sql_mode={mode}, time_zone={zone}, collation_connection={settings.collation},"
        f" character_set_results={'NULL' if charset is None else charset},"
        f" group_concat_max_len={'DEFAULT' if settings.group_concat is None else settings.group_concat}"
        + "".join(f", @{quoted(name)}={value}" for name, value in settings.variables)
    )
