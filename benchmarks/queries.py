"""Queries of every day over the real catalogues, beside one plain server that holds all the rows."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pymysql

from benchmarks.options import Options, WrongAnswer
from benchmarks.processes import cpu_seconds
from benchmarks.results import Cell, Measured, Table
from benchmarks.sources import real_data, text_files
from benchmarks.systems import (
    Endpoint,
    load_plain,
    make_plain_tables,
    running_cluster,
    running_plain_server,
    running_proxy,
)

WORKERS = 3
REPLICAS = 2
#: A query is repeated until its turns took this long together, but no more often than that.
ENOUGH_SECONDS, MOST_TURNS = 4.0, 100

Answer = list[tuple[Any, ...]]

#: Degrees from the Pleiades, for a server without sky functions: the spherical law of cosines.
_FROM_PLEIADES = (
    "DEGREES(ACOS(LEAST(1, SIN(RADIANS(decl)) * SIN(RADIANS(24.12)) + "
    "COS(RADIANS(decl)) * COS(RADIANS(24.12)) * COS(RADIANS(ra - 56.75)))))"
)
_JOIN = "FROM Star s JOIN Source o ON o.starId = s.starId"


@dataclass(frozen=True)
class Query:
    """A query in the words of the proxy, and in those of a plain server where they differ.

    ``{id}`` stands for the id of a star that is there.
    """

    name: str
    sql: str
    plain: str = ""


QUERIES = (
    Query("COUNT(*)", "SELECT COUNT(*) FROM Tycho2"),
    Query("COUNT(*) of a scan", "SELECT COUNT(*) FROM Tycho2 WHERE vtMag < 9.5"),
    Query(
        "cone of 1 deg",
        "SELECT tycId, ra, decl, vtMag FROM Tycho2 WHERE scisql_s2PtInCircle(ra, decl, 56.75, 24.12, 1.0) = 1",
        f"SELECT tycId, ra, decl, vtMag FROM Tycho2 WHERE {_FROM_PLEIADES} <= 1.0",
    ),
    Query("point, by id", "SELECT * FROM Tycho2 WHERE tycId = {id}"),
    Query("director-child join", f"SELECT COUNT(*), MIN(o.mag), MAX(s.vMag) {_JOIN} WHERE s.vMag < 8"),
    Query(
        "GROUP BY on the join",
        f"SELECT o.catalogId, COUNT(*), AVG(o.mag), MAX(s.vMag) {_JOIN} GROUP BY o.catalogId",
    ),
)


@dataclass(frozen=True)
class Compared:
    """A query on both sides.

    Attributes:
        proxy, plain: milliseconds of each turn.
        proxy_cpu, workers_cpu, plain_cpu: CPU milliseconds of one turn of the proxy, all workers, the plain server.
        rows: of the answer.
    """

    proxy: list[float]
    plain: list[float]
    proxy_cpu: float
    workers_cpu: float
    plain_cpu: float
    rows: int


def measure(options: Options) -> Measured:
    """Load everything into a cluster and into one server, and put the same questions to both in turn.

    Raises:
        NotMeasured: there are no catalogues.
        WrongAnswer: the two answer differently.
    """
    with (
        tempfile.TemporaryDirectory(prefix="qproxy-bench-") as name,
        running_plain_server() as server,
        running_cluster(WORKERS) as cluster,
    ):
        work = Path(name)
        folder = real_data(options.data, options.every, work)
        cluster.ingest(folder / "real.yaml", REPLICAS)
        make_plain_tables(server, folder / "real.yaml", cluster.config.ingest.engine)
        load_plain(server, "real", text_files(folder / "data", work))
        with running_proxy(cluster) as proxy:
            found = [_compare(query, proxy, server, cluster.pids) for query in QUERIES]
        rows = sum(t.total_rows for t in cluster.catalog().databases["real"].tables.values())
    return Measured(
        "queries",
        (
            Table(
                f"The same questions to qproxy ({WORKERS} workers, {REPLICAS} replicas, 18 x 10) and to one server",
                (
                    "query",
                    "rows",
                    "turns",
                    "qproxy ms",
                    "one server ms",
                    "ratio",
                    "proxy CPU ms",
                    "workers CPU ms",
                    "one server CPU ms",
                ),
                tuple(_line(query, compared) for query, compared in zip(QUERIES, found, strict=True)),
                (
                    "Medians, from sending to the last row, over connections that stay open. All servers share the "
                    "cores of this machine, so that nothing is gained here by having several.",
                    "COUNT(*) without a condition is read off a table's header: by one server once, by the workers "
                    "once a chunk.",
                ),
            ),
        ),
        f"{rows:,} rows in 4 tables" + ("" if options.every == 1 else f" (every {options.every}th star)"),
    )


def _line(query: Query, found: Compared) -> tuple[Cell, ...]:
    proxy, plain = median(found.proxy), median(found.plain)
    cpu = (found.proxy_cpu, found.workers_cpu, found.plain_cpu)
    return (query.name, found.rows, len(found.proxy), proxy, plain, proxy / plain, *cpu)


def _compare(query: Query, proxy: Endpoint, server: Endpoint, workers: tuple[int, ...]) -> Compared:
    with proxy.connect("real") as through, server.connect("real") as beside:
        star = _ask(beside, "SELECT tycId FROM Tycho2 LIMIT 1")[0][0]
        ours, theirs = query.sql.format(id=star), (query.plain or query.sql).format(id=star)
        # Also the first round, which warms both: it is not counted.
        answer, wanted = _ask(through, ours), _ask(beside, theirs)
        if not _same(answer, wanted):
            raise WrongAnswer(f"{query.name}: qproxy answered {_shown(answer)}, the plain server {_shown(wanted)}")
        before = [cpu_seconds(p) for p in (proxy.pids, workers, server.pids)]
        turns: tuple[list[float], list[float]] = ([], [])
        began = time.monotonic()
        while len(turns[0]) < MOST_TURNS and (len(turns[0]) < 3 or time.monotonic() - began < ENOUGH_SECONDS):
            for connection, statement, times in ((through, ours, turns[0]), (beside, theirs, turns[1])):
                start = time.monotonic()
                _ask(connection, statement)
                times.append((time.monotonic() - start) * 1000)
        spent = [
            (cpu_seconds(p) - b) * 1000 / len(turns[0])
            for p, b in zip((proxy.pids, workers, server.pids), before, strict=True)
        ]
    return Compared(turns[0], turns[1], spent[0], spent[1], spent[2], len(answer))


def _ask(connection: pymysql.Connection[pymysql.cursors.Cursor], statement: str) -> Answer:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _same(one: Answer, other: Answer) -> bool:
    """Whether two answers hold the same rows; floating-point sums may differ by their order."""
    return len(one) == len(other) and all(
        len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
        for a, b in zip(sorted(one), sorted(other), strict=True)
    )


def _equal(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other


def _shown(answer: Answer) -> str:
    return f"{len(answer)} rows, of them {sorted(answer)[:2]}"
