"""A whole table streamed through the proxy, beside plain clients that read the workers' chunk tables."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.options import Options, WrongAnswer
from benchmarks.processes import Spent, cpu_seconds, finish, forget_peak, peak_bytes, resident_bytes, run, start
from benchmarks.reader import Reader
from benchmarks.results import GOALS, Cell, Measured, Table, goal
from benchmarks.sources import made_data
from benchmarks.systems import Cluster, Endpoint, running_cluster, running_proxy
from qproxy.catalog import naming

WORKERS = 2
#: Most that streaming may take, in times of the plain clients; milliseconds to the first row; MiB of growth.
AIM, FIRST_ROW_MS, GROWTH_MIB = 2.0, 100.0, 64.0
SLOW_BYTES, SLOW_SECONDS = 5_000_000, 10.0
STATEMENT = "SELECT * FROM Object"
_MIB = 2**20


def measure(options: Options) -> Measured:
    """Make and load the table, then stream it: at full speed both ways in turn, to a first row, and slowly.

    Raises:
        WrongAnswer: rows are missing.
    """
    with tempfile.TemporaryDirectory(prefix="qproxy-bench-") as name, running_cluster(WORKERS) as cluster:
        work = Path(name)
        folder = made_data(options.rows, work)
        cluster.ingest(folder / "wide.yaml", 1)
        direct = _direct(cluster, work)
        with running_proxy(cluster) as proxy:
            _count(proxy, options.rows)
            before = resident_bytes(proxy.pids[0])
            through: list[tuple[Spent, float, float]] = []
            plain: list[tuple[Spent, float]] = []
            forget_peak(proxy.pids[0])
            for _ in range(options.rounds):
                through.append(_through(proxy, cluster))
                plain.append(_beside(direct, cluster))
            fast_growth = peak_bytes(proxy.pids[0]) - before
            firsts = [_first_row(proxy) for _ in range(options.rounds)]
            forget_peak(proxy.pids[0])
            taken, slow_seconds = _slowly(proxy)
            slow_growth = peak_bytes(proxy.pids[0]) - before
            # Last of all: what it leaves in memory must not hide what a stream takes.
            _check_rows(proxy, direct, options.rows)
    ratio = median(s.seconds for s, _, _ in through) / median(s.seconds for s, _ in plain)
    first = max(firsts) * 1000
    return Measured(
        "stream",
        (
            Table(
                f"SELECT * of the whole table, {WORKERS} workers, plain client to /dev/null",
                ("party", "seconds, in turn", "median s", "rows/s", "clients CPU s", "proxy CPU s", "workers CPU s"),
                (
                    _line("through qproxy", through, options.rows),
                    _line(f"{WORKERS} clients on the workers at once", [(*t, None) for t in plain], options.rows),
                ),
                ("The clients on the workers read all of a worker's chunks by one UNION ALL.",),
            ),
            Table(
                "Waiting and memory",
                ("what", "measured"),
                (
                    ("first row, ms, in turn", " ".join(f"{f * 1000:.1f}" for f in firsts)),
                    ("proxy before the first stream, MiB", before / _MIB),
                    ("growth at full speed, MiB", fast_growth / _MIB),
                    (f"growth with a client of {SLOW_BYTES / 1e6:.0f} MB/s, MiB", slow_growth / _MIB),
                    ("what that client read, MB", taken / 1e6),
                    ("for, s", slow_seconds),
                ),
            ),
            Table(
                "Goals",
                GOALS,
                (
                    goal("through qproxy / plain clients", ratio, "x", AIM),
                    goal("slowest first row", first, "ms", FIRST_ROW_MS, strictly=True),
                    goal("growth at full speed", fast_growth / _MIB, "MiB", GROWTH_MIB, strictly=True),
                    goal("growth with a slow client", slow_growth / _MIB, "MiB", GROWTH_MIB, strictly=True),
                ),
            ),
        ),
        f"{options.rows:,} rows of 10 columns",
    )


def _line(party: str, turns: Sequence[tuple[Spent, float, float | None]], rows: int) -> tuple[Cell, ...]:
    middle = median(s.seconds for s, _, _ in turns)
    proxy = [p for _, _, p in turns if p is not None]
    return (
        party,
        " ".join(f"{s.seconds:.2f}" for s, _, _ in turns),
        middle,
        round(rows / middle),
        median(s.cpu for s, _, _ in turns),
        median(proxy) if proxy else None,
        median(w for _, w, _ in turns),
    )


def _direct(cluster: Cluster, work: Path) -> list[tuple[Endpoint, str, Path]]:
    """For each worker where it is, its database, and a file with one statement that reads all of its chunks."""
    catalog = cluster.catalog()
    database = catalog.databases["wide"]
    table = database.tables["Object"]
    placement = catalog.placements[database.family]
    columns = ", ".join(f"`{c.name}`" for c in table.columns)
    found = []
    for worker in cluster.workers():
        number = placement.workers.index(worker.name)
        chunks = placement.chunks[placement.replicas[:, 0] == number]
        arms = [f"SELECT {columns} FROM `{naming.chunk_table('Object', int(c))}`" for c in chunks]
        file = work / f"{worker.name}.sql"
        file.write_text("\nUNION ALL ".join(arms) + ";\n")
        found.append((Endpoint(worker.port, worker.user, worker.password, ()), database.physical, file))
    return found


def _count(proxy: Endpoint, rows: int) -> None:
    with proxy.connect("wide") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM Object")
        counted = (cursor.fetchone() or (0,))[0]
    if counted != rows:
        raise WrongAnswer(f"{counted} of {rows} rows are visible through the proxy")


def _check_rows(proxy: Endpoint, direct: Sequence[tuple[Endpoint, str, Path]], rows: int) -> None:
    """The same rows must come both ways, in whatever order."""
    through = run([*_client(proxy, "wide"), f"--execute={STATEMENT}"], proxy.environment).output
    beside = "".join(
        run([*_client(worker, database), f"--execute=source {file}"], worker.environment).output
        for worker, database, file in direct
    )
    ours, theirs = through.splitlines(), beside.splitlines()
    if len(ours) != rows or sorted(ours) != sorted(theirs):
        raise WrongAnswer(
            f"{len(ours)} rows came through the proxy, {len(theirs)} from the workers, of {rows}; they differ"
        )


def _client(endpoint: Endpoint, database: str) -> list[str]:
    return [*endpoint.client("--quick", "--skip-column-names"), database]


def _through(proxy: Endpoint, cluster: Cluster) -> tuple[Spent, float, float]:
    """One stream through the proxy: what the client took, CPU seconds of the workers and of the proxy."""
    workers, own = cpu_seconds(cluster.pids), cpu_seconds(proxy.pids)
    began = time.monotonic()
    cpu = finish([start([*_client(proxy, "wide"), f"--execute={STATEMENT}"], env=proxy.environment)])
    spent = Spent(time.monotonic() - began, cpu)
    return spent, cpu_seconds(cluster.pids) - workers, cpu_seconds(proxy.pids) - own


def _beside(direct: list[tuple[Endpoint, str, Path]], cluster: Cluster) -> tuple[Spent, float]:
    """The same rows read from all workers at once: what the clients took, CPU seconds of the workers."""
    workers = cpu_seconds(cluster.pids)
    with contextlib.ExitStack() as files:
        statements = [files.enter_context(file.open("rb")) for _, _, file in direct]
        began = time.monotonic()
        clients = [
            start(_client(worker, database), stdin=statement, env=worker.environment)
            for (worker, database, _), statement in zip(direct, statements, strict=True)
        ]
        cpu = finish(clients)
    return Spent(time.monotonic() - began, cpu), cpu_seconds(cluster.pids) - workers


def _first_row(proxy: Endpoint) -> float:
    with Reader(proxy, "wide") as reader:
        return reader.first_row(STATEMENT)


def _slowly(proxy: Endpoint) -> tuple[int, float]:
    """Bytes that a slow client read, and in how many seconds."""
    with Reader(proxy, "wide", slow=True) as reader:
        reader.send(STATEMENT)
        began = time.monotonic()
        taken = reader.read_slowly(SLOW_BYTES, SLOW_SECONDS)
        return taken, time.monotonic() - began
