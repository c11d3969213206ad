"""The director index on the workers: written from memory, read back for directors that were published before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qproxy.backends.base import DEFAULT_SETTINGS, Backend
from qproxy.catalog import naming
from qproxy.catalog.model import Database, DirectorIndex, Placement, Table
from qproxy.errors import QproxyError, WorkerError
from qproxy.ingest.ddl import id_table, qualified
from qproxy.ingest.ids import IdIndex, build_index, id_keys, is_integer, partition_of
from qproxy.ingest.load import Loads, TableLoad
from qproxy.ingest.schema import TableSchema, quote_name
from qproxy.ingest.spool import Spool
from qproxy.ingest.text import escape, join_fields, with_internals
from qproxy.wire.rowblock import decode_rows

#: Chunk tables that one statement reads.
TABLES_A_STATEMENT = 50


def lay_out(integer: bool, workers: Sequence[str], replicas: int) -> DirectorIndex:
    """Which workers hold which partition: as many partitions as workers, each beginning one worker further on.

    Args:
        integer: whether ids are whole numbers; others have one partition.
        workers: names.
        replicas: copies of each partition.
    """
    count = len(workers) if integer else 1
    copies = min(replicas, len(workers))
    partitions = tuple(tuple(workers[(p + r) % len(workers)] for r in range(copies)) for p in range(count))
    return DirectorIndex(partitions, integer)


def index_loads(
    index: IdIndex,
    layout: DirectorIndex,
    name: Callable[[int], str],
    physical: str,
    schema: TableSchema,
    engine: str,
    charset: str,
    folder: Path,
) -> Loads:
    """Write the files of an index and say which worker is to load which.

    Args:
        index: the ids.
        layout: of the partitions.
        name: of the table of a partition.
        physical: database on the workers.
        schema: of the table, for the charset of text ids.
        engine: storage engine.
        charset: of text ids.
        folder: for the files.

    Raises:
        QproxyError: no room for the files.
    """
    partition = partition_of(index.keys, len(layout.partitions))
    order = np.argsort(partition, kind="stable")
    keys = index.keys[order]
    if keys.dtype.kind in "iu":
        ids = pc.cast(pc.cast(pa.array(keys), pa.string()), pa.large_binary())
    else:
        ids = pc.cast(escape(pa.array(keys.tolist(), pa.binary())), pa.large_binary())
    spool = Spool(folder)
    spool.add(
        partition[order],
        with_internals(join_fields([ids]), [index.chunks[order], index.sub_chunks[order]]),
    )
    spool.flush()
    columns = ("id", naming.CHUNK_COLUMN, naming.SUB_CHUNK_COLUMN)
    loads: dict[str, list[TableLoad]] = {}
    for number, workers in enumerate(layout.partitions):
        rows = spool.rows.get(number, 0)
        create = id_table(qualified(physical, name(number)), index.column, schema, engine)
        load = TableLoad(name(number), create, columns, spool.path(number) if rows else None, rows, charset)
        for worker in workers:
            loads.setdefault(worker, []).append(load)
    return loads


async def _rows(backends: Mapping[str, Backend], workers: Sequence[str], sql: str) -> list[list[bytes | None]]:
    """The rows of a statement, from the first of the workers that can be read."""
    failure: Exception = QproxyError("no worker holds the data of a director")
    for worker in workers:
        backend = backends.get(worker)
        if backend is None:
            continue
        try:
            found: list[list[bytes | None]] = []
            async with backend.query(backend.translate(sql), DEFAULT_SETTINGS) as stream:
                async for block in stream:
                    found += decode_rows(block)
            return found
        except WorkerError as error:
            failure = error
    raise failure


async def read_index(
    database: Database,
    table: Table,
    placement: Placement | None,
    positions: bool,
    backends: Mapping[str, Backend],
) -> IdIndex:
    """The index of a published director.

    Args:
        database, table: of the director.
        placement: of its family.
        positions: whether positions are needed too; they are read from its chunks.
        backends: by worker.

    Raises:
        QproxyError: it cannot be read on any of the workers that hold it.
    """
    column = table.column(str(table.id))
    if column is None or table.index is None:
        raise QproxyError(f"the table '{database.name}.{table.name}' has no director index")
    rows: list[list[bytes | None]] = []
    if not positions:
        for number, workers in enumerate(table.index.partitions):
            name = qualified(database.physical, naming.index_table(table.name, number))
            rows += await _rows(backends, workers, f"SELECT id, chunkId, subChunkId FROM {name}")
    elif placement is not None:
        fields = ", ".join(quote_name(str(n)) for n in (table.id, "chunkId", "subChunkId", table.lon, table.lat))
        for workers, chunks in _by_workers(placement, table.chunk_rows.chunks.tolist()):
            for start in range(0, len(chunks), TABLES_A_STATEMENT):
                names = (naming.chunk_table(table.name, c) for c in chunks[start : start + TABLES_A_STATEMENT])
                parts = (f"SELECT {fields} FROM {qualified(database.physical, n)}" for n in names)
                rows += await _rows(backends, workers, " UNION ALL ".join(parts))
    by_column = list(zip(*rows, strict=True)) or [()] * (5 if positions else 3)
    ids = pa.array(by_column[0], pa.binary())
    keys, _ = id_keys(ids if not is_integer(column) else pc.cast(ids, pa.string()), column, False)
    chunk, sub = (np.array(c, dtype="S").astype(np.int32) for c in by_column[1:3])
    doubles = [[np.array(c, dtype="S").astype(np.float64)] for c in by_column[3:]] or [[], []]
    return build_index(column, [keys], [chunk], [sub], doubles[0], doubles[1])


def _by_workers(placement: Placement, chunks: Sequence[int]) -> list[tuple[tuple[str, ...], list[int]]]:
    """Chunks grouped by the workers that hold them."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for chunk in chunks:
        row = placement.replicas[int(np.searchsorted(placement.chunks, chunk))].tolist()
        groups.setdefault(tuple(placement.workers[w] for w in row if w >= 0), []).append(chunk)
    return list(groups.items())
