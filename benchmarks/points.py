"""Point queries by director id: one client and many, as text and prepared, through one process and two."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import numpy as np
import pymysql

from benchmarks import hundred
from benchmarks.compare import field
from benchmarks.options import Options
from benchmarks.processes import cpu_seconds
from benchmarks.results import GOALS, Cell, Measured, Table, at_least, goal
from benchmarks.systems import Endpoint, proxy_process
from qproxy.catalog import naming
from qproxy.cluster.commands import FIRST_USER

#: Questions of one client in a turn; clients of many, and for how many seconds they ask in a turn.
ONE, MANY, SECONDS = 300, 32, 3.0
#: Times the direct query; milliseconds; questions a second; times the questions a second of one process.
DIRECT_TIMES, P99_MS, A_SECOND, TWO_TIMES = 5.0, 3.0, 3_000.0, 1.7
_SEED = 11
_QUERY, _PREPARE, _EXECUTE = b"\x03", b"\x16", b"\x17"
_READ = 1 << 16


class Asker:
    """A connection that asks one kind of question, again and again, and reads answers only as far as to see their end.

    Args:
        endpoint, database: where.
        statement: ``{id}`` in it stands for the id.
        prepared: whether a prepared statement is run.
    """

    def __init__(self, endpoint: Endpoint, database: str, statement: str, prepared: bool = False) -> None:
        self.socket = socket.create_connection(("127.0.0.1", endpoint.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Kept, because it closes the socket when it is collected.
        self._session = pymysql.connect(
            user=endpoint.user, password=endpoint.password, database=database, defer_connect=True, ssl_disabled=True
        )
        self._session.connect(self.socket)
        self._statement = statement
        self._buffer = b""
        self._number = b""
        if prepared:
            self._send(_PREPARE + statement.replace("{id}", "?").encode())
            self._number = self._prepared()

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, number: int) -> None:
        """Send the question about an object."""
        if self._number:
            # One parameter, not NULL, bound anew as a BIGINT.
            body = _EXECUTE + self._number + b"\x00\x01\x00\x00\x00" + b"\x00\x01\x08\x00"
            self._send(body + number.to_bytes(8, "little", signed=True))
        else:
            self._send(_QUERY + self._statement.replace("{id}", str(number)).encode())

    def wait(self) -> None:
        """Read the whole answer."""
        while not self.read():
            pass

    def read(self) -> bool:
        """Take what came.

        Returns:
            Whether the answer is complete.

        Raises:
            RuntimeError: it is an error, has no row, or breaks off.
        """
        received = self.socket.recv(_READ)
        if not received:
            raise RuntimeError("the connection was closed in the middle of an answer")
        self._buffer += received
        packets = _packets(self._buffer)
        if packets and packets[0][0] == 0xFF:
            raise RuntimeError(f"refused: {packets[0][1:200].decode(errors='replace')}")
        ends = [i for i, p in enumerate(packets) if i and p[0] == 0xFE and len(p) < 9]
        if len(ends) < 2:
            return False
        if ends[1] - ends[0] != 2:
            raise RuntimeError(f"{ends[1] - ends[0] - 1} rows came instead of one")
        self._buffer = b""
        return True

    def _send(self, body: bytes) -> None:
        self.socket.sendall(len(body).to_bytes(3, "little") + b"\0" + body)

    def _prepared(self) -> bytes:
        """The number of the statement, once parameters and columns have been told."""
        while True:
            self._buffer += self.socket.recv(_READ)
            packets = _packets(self._buffer)
            if packets and packets[0][0] == 0xFF:
                raise RuntimeError(f"refused: {packets[0][1:200].decode(errors='replace')}")
            if sum(p[0] == 0xFE and len(p) < 9 for p in packets[1:]) == 2:
                self._buffer = b""
                return packets[0][1:5]


def _packets(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at + 4 <= len(data):
        end = at + 4 + int.from_bytes(data[at : at + 3], "little")
        if end > len(data):
            break
        found.append(data[at + 4 : end])
        at = end
    return found


@dataclass(frozen=True)
class One:
    """What one client saw: milliseconds of every question, CPU milliseconds of the server for each."""

    times: list[float]
    cpu: float


def measure(options: Options) -> Measured:
    """Ask for objects by their ids.

    Raises:
        NotMeasured: Spider is not installed.
    """
    rng = np.random.default_rng(_SEED)
    statement = "SELECT * FROM Object WHERE objectId = {id}"
    with field(options.rows, False) as everybody, contextlib.ExitStack() as stack:
        worker, database, chunks = everybody.workers[0]
        table = naming.chunk_table("Object", chunks[0])
        # Nobody asks for an id twice, so that what a proxy remembers of the director index is of no use.
        ids = [hundred.object_id(int(n)) for n in rng.permutation(options.rows)]
        apart = 20 + ONE * options.rounds
        fresh = _forever(ids[3 * apart :])
        there = _ids(worker, database, table)
        two = stack.enter_context(proxy_process(everybody.cluster.config_file, FIRST_USER, "--processes", "2"))
        here = hundred.DATABASE
        parties: dict[str, tuple[Asker, list[int], tuple[int, ...]]] = {
            "worker's chunk table": (Asker(worker, database, statement.replace("Object", table, 1)), there, ()),
            "Spider": (Asker(everybody.spider, here, statement), ids[:apart], everybody.spider.pids),
            "qproxy": (Asker(everybody.proxy, here, statement), ids[apart : 2 * apart], everybody.proxy.pids),
            "qproxy, prepared": (
                Asker(everybody.proxy, here, statement, True),
                ids[2 * apart : 3 * apart],
                everybody.proxy.pids,
            ),
        }
        for asker, known, pids in parties.values():
            _one(asker, known[:20], pids)
        found: dict[str, list[One]] = {name: [] for name in parties}
        for turn in range(options.rounds):
            for name, (asker, known, pids) in parties.items():
                wanted = [known[(20 + turn * ONE + i) % len(known)] for i in range(ONE)]
                found[name].append(_one(asker, wanted, pids))
        many: dict[str, list[tuple[float, float]]] = {"one process": [], "two processes": []}
        for _ in range(options.rounds):
            for name, proxy in (("one process", everybody.proxy), ("two processes", two)):
                many[name].append(_many(proxy, statement, fresh))
        for asker, _, _ in parties.values():
            asker.socket.close()
    return _told(found, many, options)


def _told(found: dict[str, list[One]], many: dict[str, list[tuple[float, float]]], options: Options) -> Measured:
    middle = {name: median(t for one in turns for t in one.times) for name, turns in found.items()}
    ninety_nine = quantiles([t for one in found["qproxy"] for t in one.times], n=100)[98]
    rate = {name: median(r for r, _ in turns) for name, turns in many.items()}
    cores = {name: median(c for _, c in turns) for name, turns in many.items()}
    return Measured(
        "points",
        (
            Table(
                "SELECT * of one object by its id, one client",
                ("party", "p50 ms, in turn", "p50 ms", "p99 ms", "server CPU ms"),
                tuple(_line(name, turns) for name, turns in found.items()),
                ("Connections stay open. CPU is of the proxy or the Spider server.",),
            ),
            Table(
                f"The same, {MANY} clients",
                ("proxy", "questions/s, in turn", "questions/s", "cores used by the proxy", "questions/s a proxy core"),
                tuple(
                    (name, " ".join(f"{r:,.0f}" for r, _ in turns), rate[name], cores[name], rate[name] / cores[name])
                    for name, turns in many.items()
                ),
                (
                    "Every question is about another object. Clients, workers and proxy share the cores of this "
                    "machine: where the proxy got less than a core of them, a second process had nothing to gain.",
                ),
            ),
            Table(
                "Goals",
                GOALS,
                (
                    goal("p50, qproxy / direct", middle["qproxy"] / middle["worker's chunk table"], "x", DIRECT_TIMES),
                    goal("p99", ninety_nine, "ms", P99_MS, strictly=True),
                    goal("p50, prepared / text", middle["qproxy, prepared"] / middle["qproxy"], "x", 1.0, True),
                    at_least(f"{MANY} clients", rate["one process"] / cores["one process"], "/s a core", A_SECOND),
                    at_least("two processes / one", rate["two processes"] / rate["one process"], "x", TWO_TIMES),
                ),
            ),
        ),
        f"{options.rows:,} objects in 104 chunks on 2 workers",
    )


def _line(name: str, turns: Sequence[One]) -> tuple[Cell, ...]:
    times = [t for one in turns for t in one.times]
    cpu = median(one.cpu for one in turns)
    each = " ".join(f"{median(one.times):.2f}" for one in turns)
    return (name, each, median(times), quantiles(times, n=100)[98], cpu or None)


def _ids(worker: Endpoint, database: str, table: str) -> list[int]:
    with worker.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT objectId FROM {table} ORDER BY ra LIMIT 2000")
        return [int(row[0]) for row in cursor.fetchall()]


def _one(asker: Asker, ids: Sequence[int], pids: tuple[int, ...]) -> One:
    before = cpu_seconds(pids)
    times = []
    for number in ids:
        began = time.perf_counter()
        asker.ask(number)
        asker.wait()
        times.append((time.perf_counter() - began) * 1000)
    return One(times, (cpu_seconds(pids) - before) * 1000 / len(ids))


def _many(proxy: Endpoint, statement: str, wanted: Iterator[int]) -> tuple[float, float]:
    """Questions a second of many clients, each asking as soon as it has its answer; cores that the proxy used.

    Args:
        wanted: ids to ask for, without end.
    """
    with contextlib.ExitStack() as stack:
        askers = [stack.enter_context(Asker(proxy, hundred.DATABASE, statement)) for _ in range(MANY)]
        selector = stack.enter_context(contextlib.closing(selectors.DefaultSelector()))
        for asker in askers:
            selector.register(asker.socket, selectors.EVENT_READ, asker)
            asker.ask(next(wanted))
        answered, before, began = 0, cpu_seconds(proxy.pids), time.monotonic()
        while time.monotonic() - began < SECONDS:
            for key, _ in selector.select(SECONDS):
                if key.data.read():
                    answered += 1
                    key.data.ask(next(wanted))
        seconds = time.monotonic() - began
        return answered / seconds, (cpu_seconds(proxy.pids) - before) / seconds


def _forever(ids: Sequence[int]) -> Iterator[int]:
    while True:
        yield from ids
