"""What the proxy needs while a whole table streams through it, to a fast client and to a slow one; the first row."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.options import Options, WrongAnswer
from benchmarks.processes import finish, forget_peak, peak_bytes, resident_bytes, start
from benchmarks.reader import Reader
from benchmarks.results import GOALS, Measured, Table, goal
from benchmarks.sources import made_data
from benchmarks.systems import Endpoint, running_cluster, running_proxy

WORKERS = 2
#: Milliseconds to the first row; MiB of growth.
FIRST_ROW_MS, GROWTH_MIB = 20.0, 64.0
SLOW_BYTES, SLOW_SECONDS = 5_000_000, 10.0
STATEMENT = "SELECT * FROM Object"
_MIB = 2**20


def measure(options: Options) -> Measured:
    """Make and load the table, then stream it: at full speed, to a first row, and slowly.

    Raises:
        WrongAnswer: rows are missing.
    """
    with tempfile.TemporaryDirectory(prefix="qproxy-bench-") as name, running_cluster(WORKERS) as cluster:
        folder = made_data(options.rows, Path(name))
        cluster.ingest(folder / "wide.yaml", 1)
        with running_proxy(cluster) as proxy:
            _count(proxy, options.rows)
            before = resident_bytes(proxy.pids[0])
            forget_peak(proxy.pids[0])
            for _ in range(options.rounds):
                _stream(proxy)
            fast_growth = peak_bytes(proxy.pids[0]) - before
            firsts = [_first_row(proxy) for _ in range(options.rounds)]
            forget_peak(proxy.pids[0])
            taken, slow_seconds = _slowly(proxy)
            slow_growth = peak_bytes(proxy.pids[0]) - before
    first = max(firsts) * 1000
    return Measured(
        "memory",
        (
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
                    goal("slowest first row", first, "ms", FIRST_ROW_MS, strictly=True),
                    goal("growth at full speed", fast_growth / _MIB, "MiB", GROWTH_MIB, strictly=True),
                    goal("growth with a slow client", slow_growth / _MIB, "MiB", GROWTH_MIB, strictly=True),
                ),
            ),
        ),
        f"SELECT * of {options.rows:,} rows of 10 columns on {WORKERS} workers",
    )


def _count(proxy: Endpoint, rows: int) -> None:
    with proxy.connect("wide") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM Object")
        counted = (cursor.fetchone() or (0,))[0]
    if counted != rows:
        raise WrongAnswer(f"{counted} of {rows} rows are visible through the proxy")


def _stream(proxy: Endpoint) -> None:
    command = [*proxy.client("--quick", "--skip-column-names"), "wide", f"--execute={STATEMENT}"]
    finish([start(command, env=proxy.environment)])


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
