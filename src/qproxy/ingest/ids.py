"""Ids of directors in memory: keys to search by, and where each id lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from qproxy.catalog.model import Column
from qproxy.ingest.batch import ArrowArray
from qproxy.ingest.text import unescape
from qproxy.ingest.types import INTEGER_BITS

#: int64, uint64 or fixed-width bytes.
Keys = npt.NDArray[Any]
Ints = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


def is_integer(column: Column) -> bool:
    """Whether ids of this column are whole numbers."""
    return column.base_type in INTEGER_BITS


def id_keys(values: ArrowArray, column: Column, escaped: bool) -> tuple[Keys, Mask]:
    """Ids as keys that sort and compare, and which of them are NULL or no possible id of that column.

    Args:
        values: checked values of an id column.
        column: of the director, whose type decides what an id is.
        escaped: whether texts among the values have the escapes of a chunk file.
    """
    if not is_integer(column):
        if not pa.types.is_binary(values.type):
            values = pc.cast(pc.cast(values, pa.string()), pa.binary())
        missing = np.asarray(values.is_null().to_numpy(zero_copy_only=False), dtype=bool)
        texts = pc.fill_null(values, b"").to_pylist()
        if escaped:
            texts = [unescape(t) if b"\\" in t else t for t in texts]
        # Most collations take 'a ' for 'a', and numpy's fixed-width bytes drop NULs at the end: ids have neither.
        missing = missing | np.array([t.endswith((b" ", b"\0")) for t in texts], dtype=bool)
        return np.array(texts or [b""], dtype=np.bytes_)[: len(values)], missing
    wanted = pa.uint64() if "unsigned" in column.type else pa.int64()
    if pa.types.is_binary(values.type) or pa.types.is_large_string(values.type):
        values = pc.cast(values, pa.string(), safe=False)
    try:
        found = pc.cast(values, wanted)
    except pa.ArrowInvalid:
        found = pa.array([_whole(v, wanted) for v in values.to_pylist()], wanted)
    missing = np.asarray(found.is_null().to_numpy(zero_copy_only=False), dtype=bool)
    return np.asarray(pc.fill_null(found, 0)), missing


def _whole(value: Any, wanted: Any) -> int | None:
    """A value as an id of the Arrow type, or None where it is none."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    low, high = (0, 2**64 - 1) if pa.types.is_unsigned_integer(wanted) else (-(2**63), 2**63 - 1)
    return number if low <= number <= high else None


def partition_of(keys: Keys, partitions: int) -> Ints:
    """The partition of the director index in which each id lies: its remainder, never negative.

    Args:
        keys: as `id_keys` gives them; those of text all lie in partition 0.
        partitions: how many there are.
    """
    if keys.dtype.kind not in "iu":
        return np.zeros(len(keys), np.int32)
    remainder: Ints = np.mod(keys, keys.dtype.type(partitions)).astype(np.int32)
    return remainder


class SeenIds:
    """Finds ids that came before, in time little more than that of sorting them.

    Ids are kept in sorted runs; small runs are merged, so that there are never many.
    """

    def __init__(self) -> None:
        self._runs: list[Keys] = []

    def add(self, keys: Keys) -> Mask:
        """Remember ids.

        Returns:
            For each whether it came before, in an earlier call or further ahead in this one.
        """
        repeated = np.zeros(len(keys), bool)
        if not len(keys):
            return repeated
        if keys.dtype.kind in "iu" and (keys[1:] > keys[:-1]).all():
            run = keys
        else:
            order = np.argsort(keys, kind="stable")
            ordered = keys[order]
            again = np.zeros(len(keys), bool)
            again[1:] = ordered[1:] == ordered[:-1]
            repeated[order[again]] = True
            run = ordered[~again]
        for old in self._runs:
            if old[-1] < run[0] or run[-1] < old[0]:
                continue
            at = np.minimum(np.searchsorted(old, keys), len(old) - 1)
            repeated |= old[at] == keys
        self._runs.append(run)
        while len(self._runs) > 1 and len(self._runs[-1]) * 2 >= len(self._runs[-2]):
            last, before = self._runs.pop(), self._runs.pop()
            joined = np.concatenate((before, last))
            if not before[-1] < last[0]:
                joined.sort(kind="stable")
            self._runs.append(joined)
        return repeated


@dataclass(frozen=True)
class Found:
    """Where the directors of some rows lie.

    Attributes:
        known: whether there is a director of that id.
        ambiguous: whether its rows lie in several chunks.
        chunk, sub_chunk: of the director; meaningless where it is not known.
        row: its place in the arrays of the index.
    """

    known: Mask
    ambiguous: Mask
    chunk: Ints
    sub_chunk: Ints
    row: npt.NDArray[np.int64]


@dataclass(frozen=True)
class IdIndex:
    """Ids of a director and where they lie, sorted by id.

    Attributes:
        column: the id column.
        keys: sorted; an id comes as often as it has places, sorted by chunk and sub-chunk.
        chunks, sub_chunks: of each.
        lon, lat: degrees; empty where nobody asks for them.
        ambiguous: sorted keys that lie in several chunks.
    """

    column: Column
    keys: Keys
    chunks: Ints
    sub_chunks: Ints
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    ambiguous: Keys

    def find(self, keys: Keys, missing: Mask) -> Found:
        """Look ids up; those where ``missing`` is true are not known."""
        if not len(self.keys):
            none = np.zeros(len(keys), bool)
            zero = np.zeros(len(keys), np.int32)
            return Found(none, none, zero, zero, np.zeros(len(keys), np.int64))
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1).astype(np.int64)
        known = (self.keys[at] == keys) & ~missing
        ambiguous = known & np.isin(keys, self.ambiguous) if len(self.ambiguous) else np.zeros(len(keys), bool)
        return Found(known, ambiguous, self.chunks[at], self.sub_chunks[at], at)


def build_index(
    column: Column,
    keys: list[Keys],
    chunks: list[Ints],
    sub_chunks: list[Ints],
    lon: list[npt.NDArray[np.float64]],
    lat: list[npt.NDArray[np.float64]],
) -> IdIndex:
    """An index of ids that came in pieces.

    Args:
        column: the id column.
        keys, chunks, sub_chunks: pieces of equal lengths.
        lon, lat: likewise, or empty where positions are not needed.
    """
    all_keys = np.concatenate(keys) if keys else np.empty(0, np.int64 if is_integer(column) else "S1")
    chunk = np.concatenate(chunks) if chunks else np.empty(0, np.int32)
    sub = np.concatenate(sub_chunks) if sub_chunks else np.empty(0, np.int32)
    order = np.argsort(all_keys, kind="stable")
    ids = all_keys[order]
    if len(ids) and (ids[1:] == ids[:-1]).any():
        order = np.lexsort((sub, chunk, all_keys))
        same = (ids[1:] == ids[:-1]) & (chunk[order][1:] == chunk[order][:-1])
        first = np.append(True, ~(same & (sub[order][1:] == sub[order][:-1])))
        ambiguous = np.unique(ids[1:][(ids[1:] == ids[:-1]) & ~same])
        order, ids = order[first], ids[first]
    else:
        ambiguous = ids[:0]

    def sorted_doubles(parts: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
        return np.concatenate(parts)[order] if parts else np.empty(0)

    return IdIndex(column, ids, chunk[order], sub[order], sorted_doubles(lon), sorted_doubles(lat), ambiguous)
