"""Near neighbours on one worker: the grid join beside all pairs of each sub-chunk in tables in memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pymysql
from sqlglot import exp, parse_one

from benchmarks.options import Options, WrongAnswer
from benchmarks.results import GOALS, Cell, Measured, Table, text
from benchmarks.systems import Cluster, running_cluster
from qproxy.catalog import naming
from qproxy.planner.neighbours import corners, meeting, surroundings
from qproxy.sky.chunker import chunker
from qproxy.sky.functions import expand
from qproxy.sky.grid import Grid

STARS = 100_000
RADIUS = 0.003
#: Families: 100 sub-chunks of a tenth of a square degree each, and smaller ones.
CUTS = ((57, 10), (85, 12))
#: All pairs are compared in every so manyth sub-chunk; the rest is reckoned from the number of comparisons.
SAMPLE = 20
GOAL = 20.0

_SEED = 20_240_917
_DESCRIPTION = """\
database: near{name}
family: {{stripes: {stripes}, sub_stripes: {sub_stripes}, overlap: 0.01667}}
tables:
  Star:
    kind: director
    id: id
    lon: ra
    lat: decl
    columns:
      - {{name: id, type: BIGINT NOT NULL}}
      - {{name: ra, type: DOUBLE NOT NULL}}
      - {{name: decl, type: DOUBLE NOT NULL}}
      - {{name: mag, type: FLOAT}}
    files: [stars.parquet]
    format: {{kind: parquet}}
"""


@dataclass(frozen=True)
class SubChunk:
    """A sub-chunk and how many rows it has, in itself and in its overlap."""

    chunk: int
    number: int
    rows: int
    overlap_rows: int

    @property
    def comparisons(self) -> int:
        """Of each row with all rows in reach."""
        return self.rows * (self.rows + self.overlap_rows)


@dataclass(frozen=True)
class AllPairs:
    """All pairs of some sub-chunks.

    Attributes:
        making, comparing: seconds.
        comparisons: that were made.
        found: pairs and their check sum, by sub-chunk.
    """

    making: float
    comparing: float
    comparisons: int
    found: dict[SubChunk, tuple[int, int]]


def measure(options: Options) -> Measured:
    """Pair the stars of ten square degrees with their neighbours, both ways, over the same tables.

    Raises:
        WrongAnswer: the two ways find different pairs.
    """
    lines: list[tuple[Cell, ...]] = []
    goals: list[tuple[Cell, ...]] = []
    with TemporaryDirectory(prefix="qproxy-bench-") as name, running_cluster(1) as cluster:
        folder = Path(name)
        _write_stars(folder)
        for stripes, sub_stripes in CUTS:
            description = folder / f"near{stripes}.yaml"
            description.write_text(_DESCRIPTION.format(name=stripes, stripes=stripes, sub_stripes=sub_stripes))
            cluster.ingest(description, 1)
            cut = f"{stripes} x {sub_stripes}"
            line, ratio = _both_ways(cluster, f"near{stripes}", options.rounds)
            lines.append((cut, *line))
            goals.append(
                (f"all pairs / grid, {cut}", f"{text(ratio)} x", f">= {text(GOAL)} x", "yes" if ratio >= GOAL else "no")
            )
    return Measured(
        "neighbours",
        (
            Table(
                f"Stars within {RADIUS} deg of each other, one worker, one connection",
                (
                    "stripes x sub-stripes",
                    "sub-chunks",
                    "pairs",
                    "grid s, in turn",
                    "grid median s",
                    "comparisons of all pairs",
                    "compared, part",
                    "all pairs s",
                    "making their tables s",
                ),
                tuple(lines),
                (
                    "All pairs: of each sub-chunk a MEMORY table with its rows and one with its overlap rows, and each "
                    "row compared with all of both. Compared was in the given part of the comparisons, evenly picked "
                    "sub-chunks; seconds are of all, reckoned from it. The ratio leaves the making of the tables out.",
                    "Grid: one statement a chunk. Both ways found the same pairs in the sub-chunks compared.",
                ),
            ),
            Table("Goal", GOALS, tuple(goals)),
        ),
        f"{STARS:,} stars in 10 square degrees",
    )


def _write_stars(folder: Path) -> None:
    """Stars spread evenly over the chunk of the first cut that lies on the equator at longitude 0."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    cut = chunker(*CUTS[0])
    lon_min, lat_min, lon_max, lat_max = cut.bounds(int(cut.locate([0.0], [0.0])[0][0]))
    random = np.random.default_rng(_SEED)
    heights = random.uniform(np.sin(np.radians(lat_min)), np.sin(np.radians(lat_max)), STARS)
    stars = {
        "id": np.arange(STARS),
        "ra": random.uniform(lon_min, lon_max, STARS),
        "decl": np.degrees(np.arcsin(heights)),
        "mag": random.normal(15, 2, STARS).astype(np.float32),
    }
    pq.write_table(pa.table(stars), folder / "stars.parquet")


def _both_ways(cluster: Cluster, database: str, rounds: int) -> tuple[tuple[Cell, ...], float]:
    published = cluster.catalog().databases[database]
    chunks = published.tables["Star"].chunk_rows
    worker = cluster.workers()[0]
    with pymysql.connect(
        unix_socket=worker.socket,
        host=worker.host,
        port=worker.port,
        user=worker.user,
        password=worker.password,
        database=published.physical,
        autocommit=True,
    ) as connection:
        sub_chunks = _sub_chunks(connection, chunks.chunks.tolist(), chunks.has_overlap.tolist())
        statements = [_grid_statement(c) for c in chunks.chunks.tolist()]
        for statement in statements:
            _ask(connection, statement)
        turns: list[float] = []
        pairs = 0
        compared = _all_pairs(connection, sub_chunks[SAMPLE // 2 :: SAMPLE])
        for _ in range(rounds):
            began = time.monotonic()
            pairs = sum(int(_ask(connection, s)[0][0]) for s in statements)
            turns.append(time.monotonic() - began)
        _same_pairs(connection, compared)
    total = sum(s.comparisons for s in sub_chunks)
    part = compared.comparisons / total
    whole, grid = compared.comparing / part, median(turns)
    cells: tuple[Cell, ...] = (
        len(sub_chunks),
        pairs,
        " ".join(f"{t:.2f}" for t in turns),
        grid,
        total,
        f"{100 * part:.1f} %",
        whole,
        compared.making / part,
    )
    return cells, whole / grid


def _sub_chunks(
    connection: pymysql.Connection[pymysql.cursors.Cursor], chunks: Sequence[int], has_overlap: Sequence[bool]
) -> list[SubChunk]:
    found = []
    for chunk, overlap in zip(chunks, has_overlap, strict=True):
        counted = []
        for table in (naming.chunk_table("Star", chunk), naming.overlap_table("Star", chunk)):
            counting = f"SELECT {naming.SUB_CHUNK_COLUMN}, COUNT(*) FROM {table} GROUP BY {naming.SUB_CHUNK_COLUMN}"
            there = overlap or table == naming.chunk_table("Star", chunk)
            counted.append(dict(_ask(connection, counting)) if there else {})
        own, near = counted
        found += [SubChunk(chunk, int(n), int(rows), int(near.get(n, 0))) for n, rows in sorted(own.items())]
    return found


def _separation() -> str:
    call = parse_one("SELECT scisql_angSep(a.ra, a.decl, b.ra, b.decl)", dialect="mysql").selects[0]
    assert isinstance(call, exp.Anonymous)
    expanded = expand(call)
    assert expanded is not None
    return f"{expanded.sql('mysql')} < {RADIUS!r}"


_FOUND = "SELECT COUNT(*), CAST(COALESCE(SUM(CRC32(CONCAT(a.id, ',', b.id))), 0) AS SIGNED)"


def _grid_from(chunk: int) -> str:
    """FROM of the join in a chunk, with its condition on the cells."""
    grid = Grid(RADIUS)
    tables = [exp.to_table(f("Star", chunk)) for f in (naming.chunk_table, naming.overlap_table)]
    other = surroundings(tables[0], tables[1], ("id", "ra", "decl"), "ra", "decl", grid)
    tie = meeting(grid, exp.column("ra", "a"), exp.column("decl", "a"), "d", "b")
    own = naming.chunk_table("Star", chunk)
    return (
        f"FROM {own} a STRAIGHT_JOIN ({corners().sql('mysql')}) d STRAIGHT_JOIN ({other.sql('mysql')}) b "
        f"ON {tie.sql('mysql')} WHERE {_separation()}"
    )


def _grid_statement(chunk: int) -> str:
    return f"SELECT COUNT(*), MIN(a.id), MAX(b.id) {_grid_from(chunk)}"


def _all_pairs(connection: pymysql.Connection[pymysql.cursors.Cursor], sub_chunks: Sequence[SubChunk]) -> AllPairs:
    making = comparing = 0.0
    found = {}
    for sub in sub_chunks:
        began = time.monotonic()
        names = (naming.chunk_table("Star", sub.chunk), naming.overlap_table("Star", sub.chunk))
        for table, source in zip(("own", "near"), names, strict=True):
            source = source if sub.overlap_rows or table == "own" else naming.empty_overlap_table("Star")
            _ask(connection, f"DROP TABLE IF EXISTS sub_{table}")
            _ask(
                connection,
                f"CREATE TABLE sub_{table} ENGINE=MEMORY AS SELECT * FROM {source} "
                f"WHERE {naming.SUB_CHUNK_COLUMN} = {sub.number}",
            )
        made = time.monotonic()
        counts = [
            _ask(connection, f"{_FOUND} FROM sub_own a, sub_{b} b WHERE {_separation()}")[0] for b in ("own", "near")
        ]
        comparing += time.monotonic() - made
        making += made - began
        found[sub] = (int(counts[0][0]) + int(counts[1][0]), int(counts[0][1]) + int(counts[1][1]))
    for table in ("own", "near"):
        _ask(connection, f"DROP TABLE IF EXISTS sub_{table}")
    return AllPairs(making, comparing, sum(s.comparisons for s in sub_chunks), found)


def _same_pairs(connection: pymysql.Connection[pymysql.cursors.Cursor], compared: AllPairs) -> None:
    for sub, wanted in compared.found.items():
        statement = f"{_FOUND} {_grid_from(sub.chunk)} AND a.{naming.SUB_CHUNK_COLUMN} = {sub.number}"
        found = _ask(connection, statement)[0]
        if (int(found[0]), int(found[1])) != wanted:
            raise WrongAnswer(
                f"sub-chunk {sub.number} of chunk {sub.chunk}: the grid found {found}, all pairs {wanted}"
            )


def _ask(connection: pymysql.Connection[pymysql.cursors.Cursor], statement: str) -> Sequence[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()
