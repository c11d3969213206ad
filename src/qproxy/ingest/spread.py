"""One table's files into chunk files. Synchronous; runs in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from qproxy.catalog.model import Family, TableKind
from qproxy.errors import QproxyError
from qproxy.ingest.batch import ArrowArray, Batch, InputError
from qproxy.ingest.check import check_values, checkers
from qproxy.ingest.description import TableSpec
from qproxy.ingest.ids import IdIndex, Ints, Keys, build_index
from qproxy.ingest.partition import Copies, Doubles, Partitioner, Placed
from qproxy.ingest.progress import Progress
from qproxy.ingest.readers import reader_for
from qproxy.ingest.report import BadRows
from qproxy.ingest.spool import Spool
from qproxy.ingest.text import field_text, join_fields, with_internals
from qproxy.sky.chunker import chunker


@dataclass(frozen=True)
class SpreadTable:
    """A table in chunk files.

    Attributes:
        table: from the description.
        own: chunk files; those of a regular table are the one of chunk 0.
        overlap: overlap files of a director, else None.
        ids: of a director: its index.
        orphans: of a child: director ids, other than NULL, of the rows that lie by their own position.
        rows_in, rows_stored, overlap_rows, bad_rows, orphan_rows: as in `TableReport`.
    """

    table: TableSpec
    own: Spool
    overlap: Spool | None
    ids: IdIndex | None
    orphans: IdIndex | None
    rows_in: int
    rows_stored: int
    overlap_rows: int
    bad_rows: int
    orphan_rows: int


class _Gathered:
    """Ids and places of the rows seen so far."""

    def __init__(self) -> None:
        self.keys: list[Keys] = []
        self.chunks: list[Ints] = []
        self.subs: list[Ints] = []
        self.lon: list[Doubles] = []
        self.lat: list[Doubles] = []

    def add(self, keys: Keys, copies: Copies, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        self.keys.append(keys[rows])
        self.chunks.append(copies.chunk[rows])
        self.subs.append(copies.sub_chunk[rows])


def _write(spool: Spool, lines: ArrowArray, copies: Copies) -> None:
    order = np.argsort(copies.chunk, kind="stable")
    chunk = copies.chunk[order]
    internals = [chunk, copies.sub_chunk[order]]
    if copies.flags is not None:
        internals.append(copies.flags[order])
    spool.add(chunk, with_internals(lines.take(pa.array(copies.row[order])), internals))


def _batches(table: TableSpec, progress: Progress, stage: str) -> Iterator[Batch]:
    reader = reader_for(table.format.kind)
    progress.begin(stage, float(sum(f.stat().st_size for f in table.files)))
    for path in table.files:
        done = 0
        for batch in reader(path, table.schema.columns, table.format):
            yield batch
            progress.advance(stage, batch.consumed - done, batch.rows)
            done = batch.consumed


def spread(
    table: TableSpec,
    family: Family,
    directors: tuple[IdIndex, ...],
    folder: Path,
    bad: BadRows,
    positions: bool,
    progress: Progress,
    stop: threading.Event,
) -> SpreadTable:
    """Read, check and partition the rows of a table.

    Args:
        table: from the description.
        family: of the database.
        directors: indexes of the directors that it follows.
        folder: for its chunk files.
        bad: takes the bad rows.
        positions: whether the index of a director must know positions, for match tables.
        progress: hears of it.
        stop: when set, the work is given up.

    Raises:
        InputError: a file cannot be used.
        QproxyError: too many bad rows, or no room for the chunk files.
    """
    columns = table.schema.columns
    judges = checkers(table.schema, table.format.charset)
    partitioner = Partitioner(table, chunker(family.stripes, family.sub_stripes), family.overlap, directors)
    own = Spool(folder / table.name / "own")
    overlap = Spool(folder / table.name / "overlap") if table.kind is TableKind.DIRECTOR else None
    gathered, orphans = _Gathered(), _Gathered()
    rows_in = stored = overlap_rows = bad_rows = orphan_rows = 0
    for batch in _batches(table, progress, f"reading {table.name}"):
        if stop.is_set():
            raise QproxyError("interrupted")
        rows_in += batch.rows + len(batch.rejected)
        checked, wrong = check_values(batch, columns, judges)
        wrong += batch.rejected
        placed = _place(partitioner, table.kind, checked)
        bad_rows += bad.add([*wrong, *placed.bad])
        good = placed.batch
        stored += good.rows
        try:
            fields = [field_text(c, v, good.escaped) for c, v in zip(columns, good.columns, strict=True)]
        except (InputError, pa.ArrowException) as error:
            raise InputError(f"{batch.file}: {error}") from error
        lines = join_fields(fields)
        if table.kind is TableKind.REGULAR:
            own.add(np.zeros(good.rows, np.int32), with_internals(lines, []))
            continue
        _write(own, lines, placed.own)
        if overlap is not None and placed.overlap is not None:
            _write(overlap, lines, placed.overlap)
            overlap_rows += len(placed.overlap.row)
        if table.kind is TableKind.DIRECTOR and placed.keys is not None:
            gathered.add(placed.keys, placed.own, np.arange(good.rows))
            if positions and placed.lon is not None and placed.lat is not None:
                gathered.lon.append(placed.lon)
                gathered.lat.append(placed.lat)
        if placed.orphans is not None and placed.keys is not None and placed.missing is not None:
            orphan_rows += len(placed.orphans)
            orphans.add(placed.keys, placed.own, placed.orphans[~placed.missing[placed.orphans]])
    own.flush()
    if overlap is not None:
        overlap.flush()
    return SpreadTable(
        table,
        own,
        overlap,
        _index(table, gathered) if table.kind is TableKind.DIRECTOR else None,
        _orphan_index(directors[0], orphans) if orphan_rows else None,
        rows_in,
        stored,
        overlap_rows,
        bad_rows,
        orphan_rows,
    )


def _place(partitioner: Partitioner, kind: TableKind, batch: Batch) -> Placed:
    if kind is TableKind.DIRECTOR:
        return partitioner.director(batch)
    if kind is TableKind.CHILD:
        return partitioner.child(batch)
    if kind is TableKind.MATCH:
        return partitioner.match(batch)
    return Placed(batch, Copies(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32)), None, [])


def _index(table: TableSpec, found: _Gathered) -> IdIndex:
    column = next(c for c in table.schema.columns if c.name == table.id)
    return build_index(column, found.keys, found.chunks, found.subs, found.lon, found.lat)


def _orphan_index(director: IdIndex, found: _Gathered) -> IdIndex:
    return build_index(director.column, found.keys, found.chunks, found.subs, [], [])
