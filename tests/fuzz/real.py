"""A slice of real catalogues for random queries: Star, Tycho2, their pairs, and the entries of Star.

The Parquet files lie in one directory: ``Star.parquet``, ``Tycho2.parquet``, ``StarTycMatch.parquet`` and
``Source.parquet``, positions in degrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.harness.data import Catalogue, Row, Value
from tests.harness.schema import TableSpec

SEED = 1

#: Largest separation of a pair, in degrees.
_PAIR = 1.1 / 3600

SPECS = (
    TableSpec(
        "stars",
        "Star",
        (
            ("starId", "BIGINT NOT NULL"),
            ("ra", "DOUBLE NOT NULL"),
            ("decl", "DOUBLE NOT NULL"),
            ("vMag", "DOUBLE"),
            ("bv", "DOUBLE"),
            ("pmRa", "DOUBLE"),
            ("pmDecl", "DOUBLE"),
            ("hip", "INT"),
            ("parallax", "DOUBLE"),
            ("level", "TINYINT"),
        ),
        {"kind": "director", "id": "starId", "lon": "ra", "lat": "decl", "unique_id": True},
    ),
    TableSpec(
        "stars",
        "Tycho2",
        (("tycId", "BIGINT NOT NULL"), ("ra", "DOUBLE NOT NULL"), ("decl", "DOUBLE NOT NULL"), ("vtMag", "DOUBLE")),
        {"kind": "director", "id": "tycId", "lon": "ra", "lat": "decl", "unique_id": True},
    ),
    TableSpec(
        "stars",
        "StarTycMatch",
        (("starId", "BIGINT"), ("tycId", "BIGINT"), ("angSep", "DOUBLE")),
        {
            "kind": "match",
            "directors": ["Star", "Tycho2"],
            "director_ids": ["starId", "tycId"],
            "flags": "flags",
            "separation": _PAIR,
        },
    ),
    TableSpec(
        "stars",
        "Source",
        (
            ("sourceId", "BIGINT NOT NULL"),
            ("starId", "BIGINT"),
            ("catalogId", "INT"),
            ("ra", "DOUBLE"),
            ("decl", "DOUBLE"),
            ("mag", "DOUBLE"),
        ),
        {
            "kind": "child",
            "director": "Star",
            "id": "sourceId",
            "director_id": "starId",
            "lon": "ra",
            "lat": "decl",
        },
    ),
    TableSpec(
        "stars",
        "Compilation",
        (("catalogId", "INT NOT NULL"), ("title", "VARCHAR(20)")),
        {"kind": "regular"},
    ),
)


def make(directory: Path, rows: int) -> Catalogue:
    """Every n-th star of the files with all that belongs to it, and as many stars of Tycho-2.

    Args:
        directory: holds the files.
        rows: stars, about.
    """
    stars = _read(
        directory, SPECS[0], lambda table: table.take(pa.array(range(0, len(table), len(table) // rows or 1)))
    )
    ids = [row[0] for row in stars]
    pairs = _read(directory, SPECS[2], lambda table: table.filter(_among(table, "starId", ids)))
    matched = [row[1] for row in pairs]
    tycho = _read(directory, SPECS[1], lambda table: table.filter(_among(table, "tycId", matched)))
    sources = _read(directory, SPECS[3], lambda table: table.filter(_among(table, "starId", ids)))
    tables: dict[tuple[str, str], list[Row]] = {
        ("stars", "Star"): stars,
        ("stars", "Tycho2"): tycho,
        ("stars", "StarTycMatch"): pairs,
        ("stars", "Source"): sources,
        ("stars", "Compilation"): [(1, "Stellarium"), (2, "Tycho-2"), (3, "KStars"), (4, None)],
    }
    return Catalogue(SEED, tables, SPECS)


def _among(table: pa.Table, column: str, values: Sequence[object]) -> pa.Array:
    return pc.is_in(table[column], pa.array(values))


def _read(directory: Path, spec: TableSpec, cut: Callable[[pa.Table], pa.Table]) -> list[Row]:
    table = pq.read_table(directory / f"{spec.name}.parquet", columns=[name for name, _ in spec.columns])
    rows = cut(table).to_pylist()
    return [tuple(_known(row[name]) for name, _ in spec.columns) for row in rows]


def _known(value: Value) -> Value:
    """NULL for what is not a number."""
    return None if isinstance(value, float) and math.isnan(value) else value
