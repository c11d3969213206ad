"""An answer far larger than any buffer, read slowly to its end: the proxy's memory, and that no row is lost."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.options import Options, WrongAnswer
from benchmarks.processes import cpu_seconds, forget_peak, peak_bytes, resident_bytes
from benchmarks.reader import Answer, Reader
from benchmarks.results import GOALS, Cell, Measured, Table, goal
from benchmarks.sources import made_data
from benchmarks.systems import Cluster, Endpoint, running_cluster, running_proxy
from qproxy.catalog import naming

WORKERS = 2
#: Bytes a second that the client reads; MiB that the proxy may grow by.
PACE, GROWTH_MIB = 10_000_000, 64.0
#: A row of these is some 1,000 bytes.
_ITEMS = "objectId, ra, decl, gFlux, rFlux, iFlux, gFluxErr, flags, extended, RPAD(name, 950, name) AS name"
STATEMENT = f"SELECT {_ITEMS} FROM Object"
_MIB = 2**20


@dataclass(frozen=True)
class _Turn:
    """One answer read slowly.

    Attributes:
        protocol: in words.
        slow: the answer.
        growth: bytes by which the proxy's resident memory rose above what it was before, at most.
        cpu: seconds of the proxy.
    """

    protocol: str
    slow: Answer
    growth: int
    cpu: float


def measure(options: Options) -> Measured:
    """Read the answer slowly in either protocol, and compare it with what the workers themselves say.

    Raises:
        WrongAnswer: rows are missing or differ.
    """
    with tempfile.TemporaryDirectory(prefix="qproxy-bench-") as name, running_cluster(WORKERS) as cluster:
        cluster.ingest(made_data(options.rows, Path(name)) / "wide.yaml", 1)
        workers = _workers(cluster)
        with running_proxy(cluster) as proxy:
            # Connections, caches and imports are no part of an answer.
            _ask(proxy, "SELECT COUNT(*) FROM Object")
            before = resident_bytes(proxy.pids[0])
            turns = [_slowly(proxy, "text", False, before), _slowly(proxy, "binary", True, before)]
        for turn in turns:
            _check(turn, workers)
    return Measured(
        "slow_client",
        (
            Table(
                f"An answer of 10 columns, {WORKERS} workers, client that reads {PACE / 1e6:.0f} MB/s",
                ("protocol", "rows", "MB", "seconds", "MB/s", "proxy CPU s", "growth of the proxy, MiB"),
                tuple(_line(turn) for turn in turns),
                (
                    "Growth: highest resident memory above that before the first answer, which was "
                    f"{before / _MIB:.0f} MiB.",
                    "The rows were compared with those that the workers gave to plain clients in the same protocol: "
                    "their number and the sum of the CRC-32 of each are the same.",
                ),
            ),
            Table(
                "Goals",
                GOALS,
                tuple(
                    goal(f"growth, {turn.protocol}", turn.growth / _MIB, "MiB", GROWTH_MIB, strictly=True)
                    for turn in turns
                ),
            ),
        ),
        f"{options.rows:,} rows of some 1,000 bytes",
    )


def _line(turn: _Turn) -> tuple[Cell, ...]:
    slow = turn.slow
    rate = slow.nbytes / slow.seconds / 1e6
    return (turn.protocol, slow.rows, slow.nbytes / 1e6, slow.seconds, rate, turn.cpu, turn.growth / _MIB)


def _slowly(proxy: Endpoint, protocol: str, binary: bool, before: int) -> _Turn:
    pid = proxy.pids[0]
    cpu = cpu_seconds(proxy.pids)
    forget_peak(pid)
    with Reader(proxy, "wide", slow=True) as reader:
        answer = reader.answer(STATEMENT, binary, PACE)
    return _Turn(protocol, answer, peak_bytes(pid) - before, cpu_seconds(proxy.pids) - cpu)


def _ask(proxy: Endpoint, statement: str) -> None:
    with Reader(proxy, "wide") as reader:
        reader.answer(statement)
        reader.answer(statement, binary=True)


def _check(turn: _Turn, workers: Sequence[tuple[Endpoint, str, str]]) -> None:
    rows = checksum = 0
    for endpoint, database, statement in workers:
        with Reader(endpoint, database) as reader:
            answer = reader.answer(statement, turn.protocol == "binary")
        rows, checksum = rows + answer.rows, checksum + answer.checksum
    if turn.slow.content != (rows, checksum):
        raise WrongAnswer(f"{turn.protocol}: {turn.slow.rows} rows came of {rows}, or some of them differ")


def _workers(cluster: Cluster) -> list[tuple[Endpoint, str, str]]:
    """For each worker where it is, its database, and a statement that reads all of its chunks."""
    catalog = cluster.catalog()
    database = catalog.databases["wide"]
    placement = catalog.placements[database.family]
    found = []
    for worker in cluster.workers():
        chunks = placement.chunks[placement.replicas[:, 0] == placement.workers.index(worker.name)]
        arms = [f"SELECT {_ITEMS} FROM `{naming.chunk_table('Object', int(c))}`" for c in chunks]
        statement = "\nUNION ALL ".join(arms)
        found.append((Endpoint(worker.port, worker.user, worker.password, ()), database.physical, statement))
    return found
