"""The yardsticks measured: the proxy, clients on the workers, Spider and one plain server, each in its turn."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

from benchmarks import hundred
from benchmarks.options import Options, WrongAnswer
from benchmarks.processes import cpu_seconds, finish, start
from benchmarks.results import GOALS, Cell, Measured, Table, goal
from benchmarks.spider import TUNED, running_spider
from benchmarks.systems import (
    Cluster,
    Endpoint,
    load_plain,
    make_plain_tables,
    running_cluster,
    running_plain_server,
    running_proxy,
)
from benchmarks.yardsticks import PLAIN, QPROXY, SPIDER, SPIDER_TUNED, WORKERS, Yardstick

WORKER_COUNT = 2
#: A turn that takes longer is stopped, and its party is not asked again.
PATIENCE = 30.0


@dataclass(frozen=True)
class Turn:
    """What one turn took, in seconds: of wall time, of CPU by the clients, the party's own server, the workers."""

    seconds: float
    clients: float
    server: float
    workers: float


@dataclass(frozen=True)
class Party:
    """Somebody who is asked.

    Attributes:
        asked: for each client that asks at the same time: where, in which database, and the statement.
        init: what a client says first.
    """

    name: str
    asked: tuple[tuple[Endpoint, str, str], ...]
    init: str = ""


@dataclass(frozen=True)
class Field:
    """Everybody who can be asked, running."""

    cluster: Cluster
    proxy: Endpoint
    spider: Endpoint
    plain: Endpoint | None
    workers: tuple[tuple[Endpoint, str, list[int]], ...]

    def parties(self, yardstick: Yardstick) -> list[Party]:
        """Those who are asked about a yardstick."""
        whole = yardstick.plain or yardstick.sql
        here = hundred.DATABASE
        found = [
            Party(WORKERS, tuple((e, database, yardstick.direct(c)) for e, database, c in self.workers)),
            Party(SPIDER, ((self.spider, here, whole),)),
            Party(SPIDER_TUNED, ((self.spider, here, whole),), TUNED),
            Party(QPROXY, ((self.proxy, here, yardstick.sql),)),
        ]
        if yardstick.one_server and self.plain is not None:
            found.append(Party(PLAIN, ((self.plain, here, whole),)))
        return found


@contextlib.contextmanager
def field(rows: int, one_server: bool) -> Iterator[Field]:
    """Load the made sky everywhere.

    Args:
        rows: of its tables.
        one_server: whether a plain server gets them too.
    """
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qproxy-bench-")))
        cluster = stack.enter_context(running_cluster(WORKER_COUNT))
        hundred.make(rows, work)
        description = work / "hundred.yaml"
        cluster.ingest(description, 1)
        plain = None
        if one_server:
            plain = stack.enter_context(running_plain_server())
            make_plain_tables(plain, description, cluster.config.ingest.engine)
            load_plain(plain, hundred.DATABASE, hundred.text_files(work))
        spider = stack.enter_context(running_spider(cluster, description))
        proxy = stack.enter_context(running_proxy(cluster))
        yield Field(cluster, proxy, spider, plain, _workers(cluster))


def _workers(cluster: Cluster) -> tuple[tuple[Endpoint, str, list[int]], ...]:
    """For each worker where it is, its database, and its chunks."""
    catalog = cluster.catalog()
    database = catalog.databases[hundred.DATABASE]
    placement = catalog.placements[database.family]
    found = []
    for worker in cluster.workers():
        chunks = placement.chunks[placement.replicas[:, 0] == placement.workers.index(worker.name)]
        endpoint = Endpoint(worker.port, worker.user, worker.password, ())
        found.append((endpoint, database.physical, [int(c) for c in chunks]))
    return tuple(found)


def measure(options: Options, yardsticks: Sequence[Yardstick]) -> Iterator[Measured]:
    """Ask everybody about each yardstick, in turn.

    Raises:
        NotMeasured: Spider is not installed.
        WrongAnswer: two parties answer differently.
    """
    with field(options.rows, any(y.one_server for y in yardsticks)) as everybody:
        for yardstick in yardsticks:
            yield _measured(yardstick, everybody, options)


def _measured(yardstick: Yardstick, everybody: Field, options: Options) -> Measured:
    parties = everybody.parties(yardstick)
    late = _check(yardstick, parties)
    turns: dict[str, list[Turn]] = {p.name: [] for p in parties if p.name not in late}
    for _ in range(options.rounds):
        for party in parties:
            if party.name in turns:
                turns[party.name].append(_turn(party, everybody))
    middle = {name: median(t.seconds for t in taken) for name, taken in turns.items()}
    rows = [_line(p.name, turns.get(p.name), middle) for p in parties]
    aims = [
        goal(f"{QPROXY} / {aim.beside}", middle[QPROXY] / middle.get(aim.beside, PATIENCE), "x", aim.times)
        for aim in yardstick.aims
    ]
    head = ("party", "seconds, in turn", "median s", "x of qproxy", "clients CPU s", "server CPU s", "workers CPU s")
    notes = ["Server: the proxy, the Spider server or the plain server. CPU seconds are medians of a turn."]
    if yardstick.note:
        notes.append(yardstick.note)
    if late:
        notes.append(f"Whoever was stopped is reckoned with {PATIENCE:.0f} s below.")
    return Measured(
        yardstick.name,
        (Table(yardstick.sql, head, tuple(rows), tuple(notes)), Table("Goals", GOALS, tuple(aims))),
        f"{options.rows:,} rows of 10 columns in 104 chunks on {WORKER_COUNT} workers",
    )


def _line(name: str, turns: Sequence[Turn] | None, middle: dict[str, float]) -> tuple[Cell, ...]:
    if turns is None:
        return (name, f"stopped after {PATIENCE:.0f}", None, None, None, None, None)
    return (
        name,
        " ".join(f"{t.seconds:.2f}" for t in turns),
        middle[name],
        middle[name] / middle[QPROXY],
        median(t.clients for t in turns),
        median(t.server for t in turns) if name != WORKERS else None,
        median(t.workers for t in turns) if name != PLAIN else None,
    )


def _server(party: Party) -> tuple[int, ...]:
    return tuple(pid for endpoint, _, _ in party.asked for pid in endpoint.pids)


def _turn(party: Party, everybody: Field) -> Turn:
    workers, own = cpu_seconds(everybody.cluster.pids), cpu_seconds(_server(party))
    with contextlib.ExitStack() as files:
        scripts = [files.enter_context(_script(statement)) for _, _, statement in party.asked]
        began = time.monotonic()
        clients = [
            start(_client(endpoint, database, party.init), stdin=script, env=endpoint.environment)
            for (endpoint, database, _), script in zip(party.asked, scripts, strict=True)
        ]
        cpu = finish(clients)
        seconds = time.monotonic() - began
    return Turn(seconds, cpu, cpu_seconds(_server(party)) - own, cpu_seconds(everybody.cluster.pids) - workers)


@contextlib.contextmanager
def _script(statement: str) -> Iterator[IO[bytes]]:
    """A file with a statement for a client's standard input; a command line has too little room for some."""
    with tempfile.NamedTemporaryFile(prefix="qproxy-bench-") as file:
        file.write(statement.rstrip().rstrip(";").encode() + b";\n")
        file.flush()
        file.seek(0)
        yield file.file


def _client(endpoint: Endpoint, database: str, init: str) -> list[str]:
    first = [f"--init-command={init}"] if init else []
    return [*endpoint.client("--quick", "--skip-column-names", *first), database]


def _check(yardstick: Yardstick, parties: Sequence[Party]) -> frozenset[str]:
    """Compare the answers of all who answer as a whole; this is also the turn that warms everybody.

    Returns:
        Who took too long.
    """
    late = set()
    wanted: tuple[str, list[bytes]] | None = None
    for party in reversed(parties):
        if len(party.asked) > 1:
            continue
        endpoint, database, statement = party.asked[0]
        try:
            with _script(statement) as script:
                output = subprocess.run(
                    _client(endpoint, database, party.init),
                    stdin=script,
                    stdout=subprocess.PIPE,
                    env=dict(os.environ) | endpoint.environment,
                    timeout=PATIENCE,
                    check=True,
                ).stdout
        except subprocess.TimeoutExpired:
            late.add(party.name)
            continue
        lines = output.splitlines() if yardstick.ordered else sorted(output.splitlines())
        if wanted is None:
            wanted = (party.name, lines)
        elif not _same(lines, wanted[1]):
            raise WrongAnswer(
                f"{yardstick.name}: {party.name} answered {_shown(lines)}, {wanted[0]} {_shown(wanted[1])}"
            )
    return frozenset(late)


def _same(one: Sequence[bytes], other: Sequence[bytes]) -> bool:
    """Whether two answers hold the same rows; sums of floating point may differ by their order."""
    if one == other:
        return True
    return len(one) == len(other) and all(
        a == b or _alike(a.split(b"\t"), b.split(b"\t")) for a, b in zip(one, other, strict=True)
    )


def _alike(one: Sequence[bytes], other: Sequence[bytes]) -> bool:
    if len(one) != len(other):
        return False
    for a, b in zip(one, other, strict=True):
        try:
            if a != b and not math.isclose(float(a), float(b), rel_tol=1e-9):
                return False
        except ValueError:
            return False
    return True


def _shown(lines: Sequence[bytes]) -> str:
    return f"{len(lines)} rows, of them {list(lines[:2])}"
