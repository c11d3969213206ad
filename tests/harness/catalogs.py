"""Small catalogues as values, for tests of what decides without waiting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qproxy.catalog.model import (
    Catalog,
    ChunkRows,
    Column,
    Database,
    DirectorIndex,
    Family,
    Placement,
    Table,
    TableKind,
    Worker,
)

FAMILY = Family(18, 10, 0.01667)
WORKERS = ("w1", "w2", "w3")
#: Chunks of the family 18 x 10: some at the south pole, some at the equator.
CHUNKS = (0, 1, 36, 37, 324, 325, 326, 360)


def columns(*declared: str) -> tuple[Column, ...]:
    """Columns written as ``name type``."""
    pairs = [d.split(" ", 1) for d in declared]
    return tuple(Column(name, kind, kind) for name, kind in pairs)


def rows_in(chunks: Sequence[int], rows: int = 100) -> ChunkRows:
    """The same number of rows in each chunk."""
    ids = np.array(sorted(chunks), np.int32)
    return ChunkRows(ids, np.full(len(ids), rows, np.int64), np.ones(len(ids), np.bool_))


def placed(chunks: Sequence[int], replicas: int = 2, workers: Sequence[str] = WORKERS) -> Placement:
    """Chunks dealt out to the workers in turn."""
    ids = np.array(sorted(chunks), np.int32)
    places = np.array([[(i + r) % len(workers) for r in range(replicas)] for i in range(len(ids))], np.int16)
    return Placement(ids, tuple(workers), places)


def catalog(chunks: Sequence[int] = CHUNKS, rows: int = 100) -> Catalog:
    """Database ``sky``: director Star, children Source and Visit, match StarRef of Star and Ref, regular Band."""
    index = DirectorIndex(tuple((w,) for w in WORKERS))
    star = Table(
        "sky",
        "Star",
        TableKind.DIRECTOR,
        columns("starId bigint(20)", "ra double", "decl double", "mag float", "name varchar(20)"),
        id="starId",
        lon="ra",
        lat="decl",
        chunk_rows=rows_in(chunks, rows),
        index=index,
    )
    ref = Table(
        "sky",
        "Ref",
        TableKind.DIRECTOR,
        columns("refId bigint(20)", "ra double", "decl double"),
        id="refId",
        lon="ra",
        lat="decl",
        chunk_rows=rows_in(chunks, rows),
        index=index,
    )
    source = Table(
        "sky",
        "Source",
        TableKind.CHILD,
        columns("sourceId bigint(20)", "starId bigint(20)", "ra double", "decl double", "flux double"),
        id="sourceId",
        lon="ra",
        lat="decl",
        director=("sky", "Star"),
        director_id="starId",
        chunk_rows=rows_in(chunks[: len(chunks) // 2], rows),
    )
    visit = Table(
        "sky",
        "Visit",
        TableKind.CHILD,
        columns("visitId bigint(20)", "starId bigint(20)", "mjd double"),
        director=("sky", "Star"),
        director_id="starId",
        orphans=True,
        chunk_rows=rows_in(chunks, rows),
    )
    match = Table(
        "sky",
        "StarRef",
        TableKind.MATCH,
        columns("starId bigint(20)", "refId bigint(20)", "separation double"),
        directors=(("sky", "Star"), ("sky", "Ref")),
        director_ids=("starId", "refId"),
        flags="flags",
        separation=0.001,
        chunk_rows=rows_in(chunks, rows),
    )
    band = Table("sky", "Band", TableKind.REGULAR, columns("bandId tinyint(4)", "name varchar(8)"), total_rows=6)
    tables = {t.name: t for t in (star, ref, source, visit, match, band)}
    return Catalog(
        version=1,
        databases={"sky": Database("sky", "sky__g1", FAMILY, tables)},
        workers={w: Worker(w) for w in WORKERS},
        placements={FAMILY: placed(chunks)},
    )
