"""MariaDB workers: connections pooled by aiomysql, rows read raw off the socket.

aiomysql connects, logs in and pools. Once a statement is sent, its reader is taken over: rows are never decoded,
and not reading them stops the worker through TCP. A connection that is out of step is closed, never pooled again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiomysql
import pymysql

from qproxy.backends.base import DEFAULT_SETTINGS, ResultStream, Scratch, SessionSettings
from qproxy.catalog.model import Worker
from qproxy.errors import SQLError, WorkerError
from qproxy.wire.columns import BINARY, ColumnDef, ColumnType
from qproxy.wire.rowblock import RowBlock, decode_rows, frame, read_length_encoded_int
from qproxy.wire.rowscan import PacketSplitter, RowScanner, parse_error

log = logging.getLogger(__name__)

READ_SIZE = 1 << 18
#: Where temporary tables live; nothing else does.
SCRATCH_DATABASE = "qproxy_scratch"
#: Errors that say something of the worker, not of the statement: another replica may answer.
WORKER_CODES = frozenset(
    (
        *(1021, 1030, 1034, 1035, 1037, 1040, 1041, 1045, 1049, 1053, 1129, 1130, 1146, 1158, 1159, 1160, 1161),
        *(1194, 1195, 1203, 1205, 1213, 1317, 1927, 1932, 2002, 2003, 2006, 2013),
    )
)
#: INSERT statements into a scratch table are cut at about this many bytes.
INSERT_SIZE = 1 << 20
#: A worker must not give up on a client that reads slowly; the proxy's own limits do that. Seconds.
WRITE_TIMEOUT = 24 * 3600
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


class MariaDBBackend:
    """One MariaDB worker.

    Args:
        worker: where it is.
        connections: most connections at a time.
        connect_timeout: seconds.
    """

    def __init__(self, worker: Worker, connections: int = 8, connect_timeout: float = 5.0) -> None:
        self.name = worker.name
        self._worker = worker
        self._connections = connections
        self._connect_timeout = connect_timeout
        self._pool: Any = None
        self._opening = asyncio.Lock()
        self._scratch_ready = False
        self._applied: weakref.WeakKeyDictionary[Any, SessionSettings] = weakref.WeakKeyDictionary()
        self._kills: set[asyncio.Task[None]] = set()

    def translate(self, sql: str) -> str:
        """The statement itself: it is in MariaDB's dialect already."""
        return sql

    @contextlib.asynccontextmanager
    async def query(
        self, sql: str, settings: SessionSettings = DEFAULT_SETTINGS
    ) -> AsyncIterator[ResultStream]:
        """See `Backend.query`."""
        async with self._connection(settings) as connection, self._running(connection, sql) as stream:
            yield stream

    @contextlib.asynccontextmanager
    async def scratch(self, table: str, select: str, settings: SessionSettings) -> AsyncIterator[Scratch]:
        """See `Backend.scratch`. The table is dropped with the context, or with its connection."""
        async with self._connection(settings) as connection:
            if not self._scratch_ready:
                await self._run(connection, f"CREATE DATABASE IF NOT EXISTS {SCRATCH_DATABASE}")
                self._scratch_ready = True
            await self._run(connection, f"USE {SCRATCH_DATABASE}")
            # Aria without transactions: the fastest of the engines that take every column type.
            await self._run(
                connection, f"CREATE TEMPORARY TABLE {table} ENGINE=Aria TRANSACTIONAL=0 {select}"
            )
            try:
                async with self._running(connection, f"SELECT * FROM {table} LIMIT 0") as shape:
                    columns = shape.columns
                    async for _ in shape:
                        pass
                yield _MariaDBScratch(self, connection, table, columns)
            finally:
                if not connection.closed:
                    await self._run(connection, f"DROP TEMPORARY TABLE {table}")

    async def execute(self, sql: str) -> None:
        """See `Backend.execute`."""
        async with self._connection(DEFAULT_SETTINGS) as connection:
            await self._run(connection, sql)

    async def load(self, database: str, table: str, columns: Sequence[str], path: Path, charset: str) -> int:
        """See `Backend.load`: LOAD DATA LOCAL INFILE, any warning is an error."""
        names = ", ".join(f"`{c}`" for c in columns)
        sql = (
            f"LOAD DATA LOCAL INFILE '{_escape(str(path))}' INTO TABLE `{database}`.`{table}`"
            f" CHARACTER SET {charset} FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\'"
            f" LINES TERMINATED BY '\\n' ({names})"
        )
        async with self._connection(DEFAULT_SETTINGS) as connection:
            result = await self._run(connection, sql)
            if result.warning_count:
                # LOCAL turns what strict mode would refuse into warnings (MariaDB KB, "LOAD DATA INFILE").
                warnings = await self._run(connection, "SHOW WARNINGS")
                for level, code, message in warnings.rows:
                    if level != "Note":
                        raise SQLError(int(code), f"{database}.{table}: {message}")
            return int(result.affected_rows)

    async def close(self) -> None:
        """Close all connections."""
        if self._kills:
            await asyncio.wait(self._kills)
        if self._pool is not None:
            self._pool.terminate()
            await self._pool.wait_closed()
            self._pool = None

    async def _open(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await aiomysql.create_pool(
                    minsize=0,
                    maxsize=self._connections,
                    local_infile=True,
                    init_command=f"SET NAMES utf8mb4, net_write_timeout={WRITE_TIMEOUT}",
                    **self._address(),
                )
        return self._pool

    def _address(self) -> dict[str, Any]:
        worker = self._worker
        where = (
            {"unix_socket": worker.socket} if worker.socket else {"host": worker.host, "port": worker.port}
        )
        return {
            **where,
            "user": worker.user,
            "password": worker.password,
            "charset": "utf8mb4",
            "autocommit": True,
            "connect_timeout": self._connect_timeout,
        }

    @contextlib.asynccontextmanager
    async def _connection(self, settings: SessionSettings) -> AsyncIterator[Any]:
        try:
            pool = await self._open()
            connection = await pool.acquire()
        except (pymysql.MySQLError, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.warning("worker %s: %s", self.name, error)
            raise WorkerError(self.name, "cannot be reached") from error
        try:
            if self._applied.get(connection, DEFAULT_SETTINGS) != settings:
                await self._run(connection, _set_statement(settings))
                self._applied[connection] = settings
            yield connection
        except BaseException as error:
            # Whatever interrupted the dialogue, nobody knows where it stands, but after a plain SQL error.
            if not isinstance(error, SQLError):
                connection.close()
            raise
        finally:
            with contextlib.suppress(Exception):
                await pool.release(connection)

    async def _run(self, connection: Any, sql: str) -> Any:
        """Run a statement through aiomysql itself: small things, decoded."""
        try:
            await connection.query(sql)
            return connection._result
        except pymysql.err.OperationalError as error:
            raise self._error(error) from error
        except pymysql.MySQLError as error:
            raise self._error(error) from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise WorkerError(self.name, "connection lost") from error

    def _error(self, error: Any) -> SQLError | WorkerError:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 1105
        message = str(error.args[1]) if len(error.args) > 1 else str(error)
        return self._classified(SQLError(code, message))

    def _classified(self, error: SQLError) -> SQLError | WorkerError:
        if error.code in WORKER_CODES or 2000 <= error.code < 3000:
            log.warning("worker %s: %d %s", self.name, error.code, error.message)
            return WorkerError(self.name, _worker_reason(error))
        return error

    @contextlib.asynccontextmanager
    async def _running(self, connection: Any, sql: str) -> AsyncIterator[_MariaDBStream]:
        reader, writer = connection._reader, connection._writer
        stream = _MariaDBStream(self.name, reader)
        try:
            writer.write(frame(b"\x03" + sql.encode("utf-8", "surrogateescape")))
            await stream.start()
        except (OSError, asyncio.IncompleteReadError) as error:
            connection.close()
            raise WorkerError(self.name, "connection lost") from error
        except SQLError as error:
            raise self._classified(error) from error
        except BaseException:
            self._stop(connection)
            raise
        try:
            yield stream
        except SQLError as error:
            if not stream.finished:
                self._stop(connection)
            raise self._classified(error) from error
        except BaseException:
            if not stream.finished:
                self._stop(connection)
            raise
        if not stream.finished:
            self._stop(connection)

    def _stop(self, connection: Any) -> None:
        """Stop the statement that runs on a connection, and give the connection up."""
        thread = connection.server_thread_id[0]
        connection.close()
        task = asyncio.get_running_loop().create_task(self._kill(thread))
        self._kills.add(task)
        task.add_done_callback(self._kills.discard)

    async def _kill(self, thread: int) -> None:
        # A connection of its own: the pool's may all be busy with what is to be stopped.
        try:
            connection = await aiomysql.connect(**self._address())
            try:
                await connection.query(f"KILL {thread}")
            finally:
                connection.close()
        except (pymysql.MySQLError, OSError) as error:
            if not (error.args and error.args[0] == 1094):  # gone by itself
                log.warning("worker %s: cannot stop thread %d: %s", self.name, thread, error)


class _MariaDBStream:
    """Rows of the statement that runs on a connection."""

    def __init__(self, worker: str, reader: asyncio.StreamReader) -> None:
        self.columns: tuple[ColumnDef, ...] = ()
        self.finished = False
        self._worker = worker
        self._reader = reader
        self._splitter = PacketSplitter()

    async def start(self) -> None:
        """Read the column definitions.

        Raises:
            SQLError: the worker refused the statement.
        """
        first = await self._packet()
        if first[0] == 0xFF:
            self.finished = True
            raise parse_error(first)
        if first[0] == 0:
            self.finished = True
            return
        count, _ = read_length_encoded_int(first, 0)
        self.columns = tuple([ColumnDef.parse(await self._packet()) for _ in range(count)])
        await self._packet()  # EOF: aiomysql does not agree to DEPRECATE_EOF

    async def __aiter__(self) -> AsyncIterator[RowBlock]:
        """See `ResultStream.__aiter__`."""
        if self.finished:
            return
        scanner = RowScanner()
        block = scanner.feed(self._splitter.rest())
        while True:
            # With the last rows comes the end: a consumer that stops at its last row leaves nothing unread.
            if scanner.end is not None:
                self.finished = True
            if block is not None:
                yield block
            if scanner.end is not None:
                if scanner.end[0] == 0xFF:
                    raise parse_error(scanner.end)
                return
            try:
                data = await self._reader.read(READ_SIZE)
            except OSError as error:
                raise WorkerError(self._worker, "connection lost") from error
            if not data:
                raise WorkerError(self._worker, "connection lost in the middle of a result")
            block = scanner.feed(data)

    async def _packet(self) -> bytes:
        while (packet := self._splitter.next()) is None:
            data = await self._reader.read(READ_SIZE)
            if not data:
                raise asyncio.IncompleteReadError(b"", None)
            self._splitter.feed(data)
        return packet


class _MariaDBScratch:
    """A temporary table on one connection."""

    def __init__(
        self, backend: MariaDBBackend, connection: Any, table: str, columns: Sequence[ColumnDef]
    ) -> None:
        self._backend = backend
        self._connection = connection
        self._table = table
        self._literals = [_literal_of(c) for c in columns]

    async def append(self, block: RowBlock) -> None:
        """See `Scratch.append`: multi-row INSERTs of about a megabyte."""
        head = f"INSERT INTO {self._table} VALUES ".encode()
        literals = self._literals
        values: list[bytes] = []
        size = 0
        for row in decode_rows(block):
            value = b"(" + b",".join([f(v) for f, v in zip(literals, row, strict=True)]) + b")"
            values.append(value)
            size += len(value)
            if size > INSERT_SIZE:
                await self._insert(head + b",".join(values))
                values, size = [], 0
        if values:
            await self._insert(head + b",".join(values))

    async def _insert(self, statement: bytes) -> None:
        async with self._backend._running(
            self._connection, statement.decode("utf-8", "surrogateescape")
        ) as stream:
            async for _ in stream:
                pass

    def query(self, sql: str) -> contextlib.AbstractAsyncContextManager[ResultStream]:
        """See `Scratch.query`."""
        return self._backend._running(self._connection, sql)


def _literal_of(column: ColumnDef) -> Any:
    if column.type in _NUMBERS:
        return lambda value: b"NULL" if value is None else value
    if column.charset == BINARY and column.type not in (
        ColumnType.DATE,
        ColumnType.DATETIME,
        ColumnType.TIMESTAMP,
        ColumnType.TIME,
    ):
        return lambda value: b"NULL" if value is None else (b"x'" + value.hex().encode() + b"'")
    return lambda value: b"NULL" if value is None else (b"'" + _escape_bytes(value) + b"'")


def _escape_bytes(value: bytes) -> bytes:
    return value.replace(b"\\", b"\\\\").replace(b"'", b"\\'")


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _set_statement(settings: SessionSettings) -> str:
    charset = settings.results_charset
    mode = "DEFAULT" if settings.sql_mode is None else f"'{_escape(settings.sql_mode)}'"
    zone = "DEFAULT" if settings.time_zone is None else f"'{_escape(settings.time_zone)}'"
    return (
        f"SET sql_mode={mode}, time_zone={zone}, collation_connection={settings.collation},"
        f" character_set_results={'NULL' if charset is None else charset}"
    )


def _worker_reason(error: SQLError) -> str:
    if error.code == 1045:
        return "refuses the proxy's login"
    if error.code in (1049, 1146):
        return "lacks a table that it should hold"
    if error.code in (1040, 1203):
        return "has too many connections"
    if error.code == 1021:
        return "its disk is full"
    return f"failed (error {error.code})"
