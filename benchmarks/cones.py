"""Small cones anywhere in the sky over the real stars: how long one takes, by itself."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import numpy as np
import pymysql

from benchmarks.options import Options, WrongAnswer
from benchmarks.processes import cpu_seconds
from benchmarks.results import GOALS, Measured, Table, goal
from benchmarks.sources import real_data
from benchmarks.systems import running_cluster, running_proxy

WORKERS, REPLICAS = 3, 2
#: Degrees; cones in a turn; milliseconds.
RADIUS, CONES, P50_MS = 0.1, 400, 5.0
_SEED = 19


def measure(options: Options) -> Measured:
    """Ask for the stars of cones, each of them another one, so that nothing is known of any.

    Raises:
        NotMeasured: there are no catalogues.
        WrongAnswer: other stars were given than are there.
    """
    with tempfile.TemporaryDirectory(prefix="qproxy-bench-") as name, running_cluster(WORKERS) as cluster:
        folder = real_data(options.data, options.every, Path(name))
        cluster.ingest(folder / "real.yaml", REPLICAS)
        lon, lat = _stars(folder / "data" / "Tycho2.parquet")
        random = np.random.default_rng(_SEED)
        with running_proxy(cluster) as proxy, proxy.connect("real") as connection:
            turns: list[list[float]] = []
            cpu: list[tuple[float, float]] = []
            found = 0
            # The first turn warms servers and proxy, and is not counted.
            for turn in range(options.rounds + 1):
                centres = _anywhere(random)
                before = cpu_seconds(proxy.pids), cpu_seconds(cluster.pids)
                answers, times = _asked(connection, centres)
                spent = cpu_seconds(proxy.pids) - before[0], cpu_seconds(cluster.pids) - before[1]
                _check(centres, answers, lon, lat)
                if turn:
                    turns.append(times)
                    cpu.append((spent[0] * 1000 / CONES, spent[1] * 1000 / CONES))
                    found += sum(answers)
    every = [t for times in turns for t in times]
    percent = quantiles(every, n=100)
    return Measured(
        "cones",
        (
            Table(
                f"Stars within {RADIUS} degrees of a point",
                ("p50 ms, in turn", "p50 ms", "p90 ms", "p99 ms", "proxy CPU ms", "workers CPU ms", "rows of a cone"),
                (
                    (
                        " ".join(f"{median(times):.2f}" for times in turns),
                        percent[49],
                        percent[89],
                        percent[98],
                        median(c for c, _ in cpu),
                        median(c for _, c in cpu),
                        found / len(every),
                    ),
                ),
                (
                    f"{CONES} points a turn, anywhere in the sky; one client, whose connection stays open. Times end "
                    "with the last row. The number of stars in a cone is that of the catalogue.",
                ),
            ),
            Table("Goals", GOALS, (goal("p50", percent[49], "ms", P50_MS, strictly=True),)),
        ),
        f"{len(lon):,} stars at 18 x 10 on {WORKERS} workers, {REPLICAS} replicas",
    )


def _stars(file: Path) -> tuple[np.ndarray, np.ndarray]:
    import pyarrow.parquet as pq

    table = pq.read_table(file, columns=["ra", "decl"])
    return table["ra"].to_numpy(), table["decl"].to_numpy()


def _anywhere(random: np.random.Generator) -> list[tuple[float, float]]:
    """Points spread evenly over the sphere, with as many digits as a user would type."""
    lon = random.uniform(0, 360, CONES).round(5)
    lat = np.degrees(np.arcsin(random.uniform(-1, 1, CONES))).round(5)
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


def _asked(
    connection: pymysql.Connection[pymysql.cursors.Cursor], centres: list[tuple[float, float]]
) -> tuple[list[int], list[float]]:
    """Rows of each cone, and the milliseconds that it took."""
    answers, times = [], []
    with connection.cursor() as cursor:
        for lon, lat in centres:
            sql = (
                "SELECT tycId, ra, decl, vtMag FROM Tycho2 "
                f"WHERE scisql_s2PtInCircle(ra, decl, {lon:.5f}, {lat:.5f}, {RADIUS}) = 1"
            )
            began = time.perf_counter()
            cursor.execute(sql)
            answers.append(len(cursor.fetchall()))
            times.append((time.perf_counter() - began) * 1000)
    return answers, times


def _check(centres: list[tuple[float, float]], answers: list[int], lon: np.ndarray, lat: np.ndarray) -> None:
    """Count the stars in some of the cones by chords of the unit sphere."""

    def unit(ra: np.ndarray | float, decl: np.ndarray | float) -> np.ndarray:
        a, d = np.radians(ra), np.radians(decl)
        return np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])

    stars = unit(lon, lat)
    for centre, answer in list(zip(centres, answers, strict=True))[:: CONES // 20]:
        chord = np.linalg.norm(stars - unit(*centre)[:, None], axis=0)
        there = int((chord <= 2 * np.sin(np.radians(RADIUS) / 2)).sum())
        if there != answer:
            raise WrongAnswer(f"{answer} stars were found within {RADIUS} degrees of {centre}, {there} are there")
