"""Queries stopped at random moments, in every way that clients have, while each of their parts is under way."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pymysql
from pymysql.cursors import SSCursor

from qproxy.backends.base import DEFAULT_SETTINGS, Backend
from qproxy.catalog.naming import SCRATCH_DATABASE
from qproxy.config import Config
from qproxy.wire.rowblock import decode_rows
from tests.harness.small import ROWS, Small, serving

#: What is under way most of the time, by its name.
QUERIES: Mapping[str, str] = MappingProxyType(
    {
        "rows": "SELECT o.id, o.pad, f.n FROM Object o, Factor f",
        "chunks": "SELECT SUM(SQRT(o.id + a.n + b.n)) FROM Object o, Factor a, Factor b",
        "stage": (
            "SELECT COUNT(*) FROM Object o WHERE o.id IN "
            "(SELECT MAX(p.id + a.n * b.n) FROM Object p, Factor a, Factor b GROUP BY p.id)"
        ),
        "scratch": "SELECT COUNT(*) FROM Object a WHERE a.id < (SELECT COUNT(*) FROM Object b WHERE b.decl < a.decl)",
        "gather": "SELECT COUNT(DISTINCT o.id * f.n, o.pad) FROM Object o, Factor f",
        "final": "SELECT MIN(id) OVER (ORDER BY decl ROWS BETWEEN 9000 PRECEDING AND 9000 FOLLOWING) FROM Object",
    }
)
#: Longest delay before a query is stopped. Seconds.
LONGEST = 0.8
_CHECK = "SELECT COUNT(*), MIN(id), MAX(id) FROM Object"
_CHECKED = (ROWS, 0, ROWS - 1)
# Interrupted, lost, out of time, and killed (MariaDB Knowledge Base, "MariaDB Error Codes").
_STOPPED = frozenset((1317, 2006, 2013, 1969, 1927))


@dataclass(frozen=True)
class Stopped:
    """One query that was stopped.

    Attributes:
        way, part: how, and what was under way most of its time.
        after: seconds that it had run.
        quiet: seconds from then until no worker had a statement of it.
        cut: whether it was stopped before its end.
    """

    way: str
    part: str
    after: float
    quiet: float
    cut: bool


class Storm:
    """Stops queries one by one.

    Args:
        small: the workers; nobody else may ask them anything.
        port: of the proxy.
        seed: of the moments.
        quiet: seconds after which workers must be quiet.
    """

    def __init__(self, small: Small, port: int, seed: int, quiet: float = 3.0) -> None:
        self._dice = random.Random(seed)
        self._port = port
        self._now = ""
        self._most = quiet
        self._quiet = 0.0
        self._watchers = [server.connect() for server in small.servers.values()]
        self._ways: Mapping[str, Callable[[str, float], bool]] = {
            "KILL QUERY": lambda sql, after: self._killed(sql, after, "KILL QUERY {}", stays=True),
            "KILL": lambda sql, after: self._killed(sql, after, "KILL {}", stays=False),
            "COM_PROCESS_KILL": lambda sql, after: self._killed(sql, after, "", stays=False),
            "Ctrl-C": self._interrupted,
            "hang-up": self._hung_up,
            "max_statement_time": self._timed_out,
        }

    def close(self) -> None:
        """Watch the workers no more."""
        for watcher in self._watchers:
            watcher.close()

    def run(self, number: int) -> Iterator[Stopped]:
        """Stop so many queries, the ways in turn and the parts too.

        Raises:
            AssertionError: a worker still ran a statement afterwards, or a client got a wrong answer.
        """
        ways, parts = list(self._ways), list(QUERIES)
        for count in range(number):
            way, part = ways[count % len(ways)], parts[count // len(ways) % len(parts)]
            after = round(self._dice.uniform(0.005, LONGEST), 3)
            self._now = f"{way}, {part}, {after} s"
            cut = self._ways[way](QUERIES[part], after)
            yield Stopped(way, part, after, self._quiet, cut)

    def _watch(self, moment: float) -> None:
        """Wait until no worker has a statement, which was to be so from a moment on."""
        while busy := self._busy():
            assert time.monotonic() - moment < self._most, f"{self._now}: {busy}"
            time.sleep(0.01)
        self._quiet = time.monotonic() - moment

    def scratch_tables(self) -> list[str]:
        """Scratch tables on the workers."""
        sql = f"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{SCRATCH_DATABASE}'"
        return [name for watcher in self._watchers for (name,) in _rows(watcher, sql)]

    def _busy(self) -> list[str]:
        """Statements that run on the workers."""
        sql = (
            "SELECT LEFT(INFO, 200) FROM information_schema.PROCESSLIST WHERE INFO IS NOT NULL"
            " AND COMMAND NOT IN ('Sleep', 'Daemon') AND ID <> CONNECTION_ID() AND INFO NOT LIKE 'DROP TABLE %'"
        )
        return [text for watcher in self._watchers for (text,) in _rows(watcher, sql)]

    def _connect(self) -> pymysql.Connection[Any]:
        return pymysql.connect(host="127.0.0.1", port=self._port, user="qproxy", database="two", read_timeout=60)

    @contextlib.contextmanager
    def _under_way(
        self, sql: str, after: float, before: str = ""
    ) -> Iterator[tuple[pymysql.Connection[Any], list[int]]]:
        """A connection on which a query has run for some time, and the codes of the errors that it ends with."""
        connection, codes = self._connect(), [0]
        if before:
            _rows(connection, before)

        def read() -> None:
            try:
                with connection.cursor(SSCursor) as cursor:
                    cursor.execute(sql)
                    while cursor.fetchmany(1000):
                        pass
            except (pymysql.MySQLError, OSError, ValueError, AttributeError) as error:
                codes[0] = error.args[0] if error.args and isinstance(error.args[0], int) else 2013

        reader = threading.Thread(target=read)
        reader.start()
        reader.join(after)
        moment = time.monotonic()
        yield connection, codes
        self._watch(moment)
        reader.join(60)
        assert not reader.is_alive(), "the client still waits"

    def _killed(self, sql: str, after: float, kill: str, stays: bool) -> bool:
        with contextlib.closing(self._connect()) as other:
            with self._under_way(sql, after) as (connection, codes):
                number = connection.thread_id()
                if kill:
                    _rows(other, kill.format(number))
                else:
                    other.kill(number)
            if stays:
                _check(connection)
            connection.close()
        return self._ended(codes[0])

    def _hung_up(self, sql: str, after: float) -> bool:
        with self._under_way(sql, after) as (connection, codes), contextlib.suppress(OSError):
            connection._sock.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
        return self._ended(codes[0])

    def _timed_out(self, sql: str, after: float) -> bool:
        with self._under_way(sql, after, f"SET max_statement_time = {after}") as (connection, codes):
            pass
        assert codes[0] in (0, 1969), codes
        _rows(connection, "SET max_statement_time = 0")
        _check(connection)
        connection.close()
        return self._ended(codes[0])

    def _interrupted(self, sql: str, after: float) -> bool:
        where = ["--skip-ssl", "--host=127.0.0.1", f"--port={self._port}", "--user=qproxy", "--database=two"]
        command = ["mariadb", "--no-defaults", *where, "--quick", f"--execute={sql}"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as client:
            try:
                client.wait(after)
            except subprocess.TimeoutExpired:
                client.send_signal(signal.SIGINT)
            self._watch(time.monotonic())
            client.communicate(timeout=60)
        return client.returncode != 0

    def _ended(self, code: int) -> bool:
        assert code == 0 or code in _STOPPED, code
        return code != 0


def _rows(connection: pymysql.Connection[Any], sql: str) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _check(connection: pymysql.Connection[Any]) -> None:
    assert list(_rows(connection, _CHECK)) == [_CHECKED]


@contextlib.asynccontextmanager
async def served(small: Small) -> AsyncIterator[tuple[int, list[Backend], int]]:
    """A proxy on the small cluster: its port, its backends, and the connections that it keeps to each."""
    config = replace(Config(), catalog=replace(Config().catalog, refresh_seconds=0.05))
    async with serving(small, config) as (server, backends):
        yield server.port, list(backends.values()), config.workers.connections


async def check_every_connection(backends: Sequence[Backend], connections: int) -> int:
    """Ask something over all pooled connections of each worker at once.

    Returns:
        How many connections answered.

    Raises:
        AssertionError: one answered something else.
    """
    answered = 0
    for backend in backends:
        async with contextlib.AsyncExitStack() as stack:
            streams = []
            for number in range(connections):
                sql = f"SELECT CONNECTION_ID(), {number}, REPEAT('{number % 10}', 1000)"
                streams.append(await stack.enter_async_context(backend.query(sql, DEFAULT_SETTINGS)))
            seen = set()
            for number, stream in enumerate(streams):
                rows = [row async for block in stream for row in decode_rows(block)]
                assert [row[1:] for row in rows] == [[str(number).encode(), str(number % 10).encode() * 1000]]
                seen.add(rows[0][0])
            assert len(seen) == connections
            answered += len(seen)
    return answered
