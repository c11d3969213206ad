"""Loading of real catalogues, beside a plain LOAD DATA of the same rows."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.options import Options, WrongAnswer
from benchmarks.processes import Spent
from benchmarks.results import GOALS, Cell, Measured, Table, goal
from benchmarks.sources import real_data, text_files
from benchmarks.systems import (
    Cluster,
    Endpoint,
    load_plain,
    make_plain_tables,
    running_cluster,
    running_plain_server,
)
from qproxy.catalog.model import ChunkRows

WORKERS = 3
REPLICAS = 2
#: Most that a load may take for each replica, in times of the plain one.
AIM = 3.0
#: Chunks of Tycho2 at 85 stripes of 12 sub-stripes, and the fewest, median and most rows in one of them.
FINE_CHUNKS = (8983, 43, 199, 759)


def measure(options: Options) -> Measured:
    """Load everything into a cluster and into one server, in turn; then one table into many small chunks.

    Raises:
        NotMeasured: there are no catalogues.
        WrongAnswer: rows are missing.
    """
    with tempfile.TemporaryDirectory(prefix="qproxy-bench-") as name:
        work = Path(name)
        folder = real_data(options.data, options.every, work)
        texts = text_files(folder / "data", work)
        spread: list[tuple[Spent, float]] = []
        plain: list[tuple[Spent, float]] = []
        rows = 0
        with running_plain_server() as server:
            for _ in range(options.rounds):
                # A new one each time: tables of the round before would take part in this one.
                with running_cluster(WORKERS) as cluster:
                    spread.append(cluster.ingest(folder / "real.yaml", REPLICAS))
                    make_plain_tables(server, folder / "real.yaml", cluster.config.ingest.engine)
                    plain.append(load_plain(server, "real", texts))
                    rows = _check_counts(cluster, server)
        whole = options.every == 1
        # The number of tables, not of rows, sets its time: of a sample it would tell nothing.
        fine = [_fine(folder / "tycho2.yaml")] if whole else []
    ratio = median(s.seconds for s, _ in spread) / median(s.seconds for s, _ in plain)
    what = f"{WORKERS} workers, {REPLICAS} replicas, 18 x 10"
    return Measured(
        "ingest",
        (
            Table(
                "Loading all catalogues",
                ("party", "seconds, in turn", "median s", "rows/s", "loader CPU s", "servers CPU s"),
                (_line(f"qproxy ingest, {what}", spread, rows), _line("LOAD DATA, one server", plain, rows)),
                (
                    "Rows are counted once, whatever the number of copies. The loader is `qproxy ingest` or the plain "
                    "client; its text files were made beforehand and are not counted.",
                ),
            ),
            *fine,
            Table("Goal", GOALS, (goal("ingest / LOAD DATA, a replica", ratio / REPLICAS, "x", AIM),)),
        ),
        f"{rows:,} rows in 4 tables" + ("" if whole else f" (every {options.every}th star)"),
    )


def _line(party: str, turns: list[tuple[Spent, float]], rows: int) -> tuple[Cell, ...]:
    middle = median(s.seconds for s, _ in turns)
    return (
        party,
        " ".join(f"{s.seconds:.1f}" for s, _ in turns),
        middle,
        round(rows / middle),
        median(s.cpu for s, _ in turns),
        median(c for _, c in turns),
    )


def _check_counts(cluster: Cluster, server: Endpoint) -> int:
    """Rows of all tables, which must be the same on both sides."""
    total = 0
    with server.connect("real") as connection, connection.cursor() as cursor:
        for name, table in cluster.catalog().databases["real"].tables.items():
            cursor.execute(f"SELECT COUNT(*) FROM `{name}`")
            (plain,) = cursor.fetchone() or (0,)
            if plain != table.total_rows:
                raise WrongAnswer(f"{name}: {table.total_rows} rows in the cluster, {plain} in the plain server")
            total += table.total_rows
    return total


def _fine(description: Path) -> Table:
    with running_cluster(WORKERS) as cluster:
        spent, workers = cluster.ingest(description, REPLICAS)
        chunks = _sizes(cluster.catalog().databases["fine"].tables["Tycho2"].chunk_rows)
    if chunks != FINE_CHUNKS:
        raise WrongAnswer(f"Tycho2 at 85 x 12: chunks and rows are {chunks}, not {FINE_CHUNKS}")
    return Table(
        f"Tycho2 alone at 85 x 12, {WORKERS} workers, {REPLICAS} replicas",
        ("seconds", "loader CPU s", "servers CPU s", "chunks", "min rows", "median rows", "max rows"),
        ((spent.seconds, spent.cpu, workers, *chunks),),
    )


def _sizes(chunk_rows: ChunkRows) -> tuple[int, int, int, int]:
    rows = chunk_rows.rows[chunk_rows.rows > 0]
    return len(rows), int(rows.min()), int(np.median(rows)), int(rows.max())
