"""Answers of many gigabytes: 10 GB that pass through the proxy, 1 GB that it puts in order with little memory."""

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
from benchmarks.systems import Cluster, Endpoint, running_cluster
from benchmarks.systems import proxy_process as running
from qproxy.catalog import naming
from qproxy.cluster.commands import FIRST_USER

WORKERS = 2
#: MiB that the proxy may have in all; MiB that a sort may take.
PEAK_MIB, SORT_MIB = 300.0, 256
_COLUMNS = "objectId, ra, decl, gFlux, rFlux, iFlux, gFluxErr, flags, extended"
#: Where the key of the order stands.
_KEY = 3
_MIB = 2**20


@dataclass(frozen=True)
class _Asked:
    """An answer, and what it took.

    Attributes:
        name: in words.
        items: its select list.
        order: what stands behind its tables.
        in_order: whether each row's key was no smaller than that of the row before.
        peak: most bytes of memory that the proxy had.
        cpu: seconds of the proxy.
    """

    name: str
    items: str
    answer: Answer
    in_order: bool
    peak: int
    cpu: float


def measure(options: Options) -> Measured:
    """Have both answers, and compare them with what the workers themselves say.

    Raises:
        WrongAnswer: rows are missing, differ, or are out of order.
    """
    with tempfile.TemporaryDirectory(prefix="qproxy-bench-") as name, running_cluster(WORKERS) as cluster:
        cluster.ingest(made_data(options.rows, Path(name)) / "wide.yaml", 1)
        settings = cluster.config_file.with_name("sorting.toml")
        settings.write_text(f"{cluster.config_file.read_text()}\n[merge]\nsort_memory_mb = {SORT_MIB}\n")
        with running(settings, FIRST_USER) as proxy:
            before = resident_bytes(proxy.pids[0])
            asked = [
                _ask(proxy, "streamed", _items(10_400), ""),
                _ask(proxy, "put in order", _items(950), " ORDER BY gFlux"),
            ]
        for one in asked:
            _check(one, cluster)
    return Measured(
        "volume",
        (
            Table(
                f"Answers to a client that reads as fast as it can; sort_memory_mb = {SORT_MIB}",
                ("answer", "rows", "MB", "seconds", "MB/s", "proxy CPU s", "most memory of the proxy, MiB"),
                tuple(_line(one) for one in asked),
                (
                    f"The proxy had {before / _MIB:.0f} MiB before. The rows are those that the workers gave to plain "
                    "clients: their number and the sum of the CRC-32 of each are the same.",
                ),
            ),
            Table(
                "Goals",
                GOALS,
                tuple(goal(f"memory, {one.name}", one.peak / _MIB, "MiB", PEAK_MIB, strictly=True) for one in asked),
            ),
        ),
        f"{options.rows:,} rows of 10 columns",
    )


def _items(width: int) -> str:
    return f"{_COLUMNS}, RPAD(name, {width}, name) AS name"


def _line(one: _Asked) -> tuple[Cell, ...]:
    answer = one.answer
    nbytes = answer.nbytes / 1e6
    return (one.name, answer.rows, nbytes, answer.seconds, nbytes / answer.seconds, one.cpu, one.peak / _MIB)


class _Order:
    """Whether keys come in order."""

    def __init__(self) -> None:
        self.kept = True
        self._last = float("-inf")

    def see(self, row: memoryview) -> None:
        """The next row; all values before its key are short."""
        at = 0
        for _ in range(_KEY):
            at += 1 + row[at]
        key = float(bytes(row[at + 1 : at + 1 + row[at]]))
        self.kept &= key >= self._last
        self._last = key


def _ask(proxy: Endpoint, name: str, items: str, order: str) -> _Asked:
    cpu, seen = cpu_seconds(proxy.pids), _Order()
    forget_peak(proxy.pids[0])
    with Reader(proxy, "wide") as reader:
        answer = reader.answer(f"SELECT {items} FROM Object{order}", see=seen.see if order else None)
    return _Asked(name, items, answer, seen.kept, peak_bytes(proxy.pids[0]), cpu_seconds(proxy.pids) - cpu)


def _check(one: _Asked, cluster: Cluster) -> None:
    rows = checksum = 0
    for endpoint, database, chunks in _workers(cluster):
        arms = (f"SELECT {one.items} FROM `{naming.chunk_table('Object', c)}`" for c in chunks)
        with Reader(endpoint, database) as reader:
            answer = reader.answer("\nUNION ALL ".join(arms))
        rows, checksum = rows + answer.rows, checksum + answer.checksum
    if one.answer.content != (rows, checksum):
        raise WrongAnswer(f"{one.name}: {one.answer.rows} rows came of {rows}, or some of them differ")
    if not one.in_order:
        raise WrongAnswer(f"{one.name}: the rows are out of order")


def _workers(cluster: Cluster) -> Sequence[tuple[Endpoint, str, list[int]]]:
    """For each worker where it is, its database, and its chunks."""
    catalog = cluster.catalog()
    database = catalog.databases["wide"]
    placement = catalog.placements[database.family]
    return [
        (
            Endpoint(worker.port, worker.user, worker.password, ()),
            database.physical,
            placement.chunks[placement.replicas[:, 0] == placement.workers.index(worker.name)].tolist(),
        )
        for worker in cluster.workers()
    ]
