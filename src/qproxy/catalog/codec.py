"""Values of the catalogue model as text and compressed bytes for the store, and back. Pure."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from qproxy.catalog.model import (
    ChunkRows,
    Column,
    DirectorIndex,
    Index,
    Placement,
    Table,
    TableKind,
)

# Chunk ids grow slowly and rows are small numbers: level 1 already takes a tenth, at 100 MB/s and more.
_LEVEL = 1
# Fields of a Table that are stored beside its definition, or derived.
_NOT_IN_DEFINITION = frozenset({"database", "name", "chunk_rows", "_by_name"})


def encode_table(table: Table) -> str:
    """The definition of a table as JSON; its names and row counts are stored beside it."""
    parts: dict[str, Any] = {f.name: getattr(table, f.name) for f in fields(table) if f.name not in _NOT_IN_DEFINITION}
    parts["columns"] = [asdict(c) for c in table.columns]
    parts["indexes"] = [asdict(i) for i in table.indexes]
    parts["index"] = None if table.index is None else asdict(table.index)
    return json.dumps(parts)


def decode_table(database: str, name: str, definition: str, chunk_rows: bytes) -> Table:
    """The table behind a stored definition and its row counts."""
    parts: dict[str, Any] = json.loads(definition)
    parts["kind"] = TableKind(parts["kind"])
    parts["columns"] = tuple(Column(**c) for c in parts["columns"])
    parts["indexes"] = tuple(Index(i["name"], tuple(i["columns"]), unique=i["unique"]) for i in parts["indexes"])
    if parts["index"] is not None:
        partitions = tuple(tuple(p) for p in parts["index"]["partitions"])
        parts["index"] = DirectorIndex(partitions, integer=parts["index"]["integer"])
    if parts["director"] is not None:
        parts["director"] = tuple(parts["director"])
    if parts["directors"] is not None:
        parts["directors"] = tuple(tuple(d) for d in parts["directors"])
    if parts["director_ids"] is not None:
        parts["director_ids"] = tuple(parts["director_ids"])
    return Table(database=database, name=name, chunk_rows=decode_chunk_rows(chunk_rows), **parts)


def _pack(header: dict[str, Any], *arrays: bytes) -> bytes:
    head = json.dumps(header).encode()
    return zlib.compress(b"".join((len(head).to_bytes(4, "little"), head, *arrays)), _LEVEL)


def _unpack(blob: bytes) -> tuple[dict[str, Any], bytes, int]:
    data = zlib.decompress(blob)
    end = 4 + int.from_bytes(data[:4], "little")
    return json.loads(data[4:end]), data, end


def encode_chunk_rows(chunk_rows: ChunkRows) -> bytes:
    """Chunk ids (as differences), rows and overlap marks, compressed."""
    return _pack(
        {"chunks": len(chunk_rows.chunks)},
        np.diff(chunk_rows.chunks, prepend=0).astype("<i4").tobytes(),
        chunk_rows.rows.astype("<i8").tobytes(),
        chunk_rows.has_overlap.astype("?").tobytes(),
    )


def decode_chunk_rows(blob: bytes) -> ChunkRows:
    """The inverse of `encode_chunk_rows`."""
    header, data, pos = _unpack(blob)
    n = int(header["chunks"])
    steps = np.frombuffer(data, "<i4", n, pos)
    rows = np.frombuffer(data, "<i8", n, pos + 4 * n)
    has_overlap = np.frombuffer(data, "?", n, pos + 12 * n)
    return ChunkRows(np.cumsum(steps, dtype=np.int32), rows.astype(np.int64), has_overlap.astype(np.bool_))


def encode_placement(placement: Placement) -> bytes:
    """Workers' names, chunk ids (as differences) and replicas, compressed."""
    return _pack(
        {"workers": placement.workers, "shape": placement.replicas.shape},
        np.diff(placement.chunks, prepend=0).astype("<i4").tobytes(),
        placement.replicas.astype("<i2").tobytes(),
    )


def decode_placement(blob: bytes) -> Placement:
    """The inverse of `encode_placement`."""
    header, data, pos = _unpack(blob)
    n, width = (int(size) for size in header["shape"])
    chunks = np.cumsum(np.frombuffer(data, "<i4", n, pos), dtype=np.int32)
    replicas = np.frombuffer(data, "<i2", n * width, pos + 4 * n).reshape(n, width)
    return Placement(chunks, tuple(header["workers"]), replicas.astype(np.int16))
