"""Which chunk each row goes to, by the kind of its table. Pure functions over whole batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qproxy.ingest.batch import BadRow, Batch
from qproxy.ingest.description import TableSpec
from qproxy.ingest.ids import Found, IdIndex, Ints, Keys, Mask, SeenIds, id_keys
from qproxy.ingest.numerals import numbers, stored
from qproxy.sky.chunker import Chunker

Rows = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
#: Degrees by which rounding may push a pair beyond the overlap.
SLACK = 1e-9


@dataclass(frozen=True)
class Copies:
    """Copies of rows and the places that receive them.

    Attributes:
        row: index of the row in its batch.
        chunk, sub_chunk: that receive it.
        flags: of match tables; of overlap copies whether it is the one that counts, see `NEIGHBOUR_COLUMN`; None for
            others.
    """

    row: Rows
    chunk: Ints
    sub_chunk: Ints
    flags: Ints | None = None


@dataclass(frozen=True)
class Placed:
    """A batch with the places of its rows.

    Attributes:
        batch: the good rows.
        own: copies in chunk tables; a row of a match table may have two.
        overlap: copies in overlap tables; None where the table has none.
        keys: ids of directors; director ids of orphans where ``orphans`` is set.
        lon, lat: of directors, degrees.
        orphans: of children: indexes of the rows that lie by their own position.
        bad: rows left out.
    """

    batch: Batch
    own: Copies
    overlap: Copies | None
    bad: list[BadRow]
    keys: Keys | None = None
    missing: Mask | None = None
    lon: Doubles | None = None
    lat: Doubles | None = None
    orphans: Rows | None = None


class _Sieve:
    """Collects the complaints about rows, the first of each row."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.good = np.ones(batch.rows, bool)
        self.bad: list[BadRow] = []

    def refuse(self, mask: Mask, reason: str, shown: Keys | None = None) -> None:
        """Complain about rows; ``{}`` in the reason stands for the row's member of ``shown``."""
        for row in np.flatnonzero(mask & self.good).tolist():
            value = shown[row] if shown is not None else None
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            self.bad.append(self.batch.bad(row, reason.format(text)))
        self.good &= ~mask


def separation(lon1: Doubles, lat1: Doubles, lon2: Doubles, lat2: Doubles) -> Doubles:
    """Angle between points, degrees in and out.

    Source: haversine formula, which keeps its precision for small angles.
    """
    lon1, lat1, lon2, lat2 = (np.radians(v) for v in (lon1, lat1, lon2, lat2))
    h = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    found: Doubles = np.degrees(2 * np.arcsin(np.sqrt(np.minimum(h, 1.0))))
    return found


def _marked(row: Rows, chunk: Ints, sub_chunk: Ints, own: Ints) -> Copies:
    """Overlap copies, with one copy of each row of another chunk marked in each chunk that receives it.

    Args:
        row: index of the row of each copy, ascending.
        chunk, sub_chunk: that receive it.
        own: chunk of each row.
    """
    foreign = np.flatnonzero(chunk != own[row])
    # The stable order keeps the copies of a row in one chunk together.
    order = foreign[np.lexsort((chunk[foreign], row[foreign]))]
    first = np.ones(len(order), bool)
    first[1:] = (row[order][1:] != row[order][:-1]) | (chunk[order][1:] != chunk[order][:-1])
    flags = np.zeros(len(row), np.int32)
    flags[order[first]] = 1
    return Copies(row, chunk, sub_chunk, flags)


class Partitioner:
    """Gives the rows of one table their places.

    Args:
        table: from the description.
        chunker: of the family.
        overlap: of the family, degrees.
        directors: indexes of the directors that the table follows, in their order.
    """

    def __init__(self, table: TableSpec, chunker: Chunker, overlap: float, directors: tuple[IdIndex, ...]) -> None:
        self._table = table
        self._chunker = chunker
        self._overlap = overlap
        self._directors = directors
        self._columns = {c.name: i for i, c in enumerate(table.schema.columns)}
        self._seen = SeenIds() if table.unique_id and table.id else None

    def _values(self, batch: Batch, name: str | None) -> Doubles:
        # A condition on the sky sees what the column keeps, not what the file says.
        at = self._columns[str(name)]
        return stored(numbers(batch.columns[at]), self._table.schema.columns[at])

    def _ids(self, batch: Batch, name: str | None, index: IdIndex | None = None) -> tuple[Keys, Mask]:
        at = self._columns[str(name)]
        column = index.column if index else self._table.schema.columns[at]
        return id_keys(batch.columns[at], column, batch.escaped)

    def _positions(self, batch: Batch, sieve: _Sieve, needed: Mask) -> tuple[Doubles, Doubles]:
        lon, lat = self._values(batch, self._table.lon), self._values(batch, self._table.lat)
        for values, name in ((lon, self._table.lon), (lat, self._table.lat)):
            sieve.refuse(needed & ~np.isfinite(values), f"the position is incomplete: '{name}' is NULL or NaN")
        with np.errstate(invalid="ignore"):
            sieve.refuse(needed & (np.abs(lat) > 90), f"'{self._table.lat}' is {{}}: beyond 90 degrees", lat)
        return lon, lat

    def _check_unique(self, batch: Batch, sieve: _Sieve, keys: Keys, missing: Mask) -> None:
        if self._seen is None:
            return
        candidates = np.flatnonzero(sieve.good & ~missing)
        again = np.zeros(batch.rows, bool)
        again[candidates[self._seen.add(keys[candidates])]] = True
        sieve.refuse(again, f"the id {{}} in '{self._table.id}' is there already, but unique_id is true", keys)

    def director(self, batch: Batch) -> Placed:
        """Rows of a director, by their own positions, with their overlap copies."""
        sieve = _Sieve(batch)
        keys, missing = self._ids(batch, self._table.id)
        sieve.refuse(missing, f"the id '{self._table.id}' is NULL")
        lon, lat = self._positions(batch, sieve, np.ones(batch.rows, bool))
        self._check_unique(batch, sieve, keys, missing)
        if not sieve.good.all():
            batch, keys, lon, lat = batch.keep(sieve.good), keys[sieve.good], lon[sieve.good], lat[sieve.good]
        chunk, sub = self._chunker.locate(lon, lat)
        copies = _marked(*self._chunker.overlap(lon, lat, self._overlap), chunk) if self._overlap else None
        own = Copies(np.arange(batch.rows), chunk, sub)
        return Placed(batch, own, copies, sieve.bad, keys, np.zeros(batch.rows, bool), lon, lat)

    def child(self, batch: Batch) -> Placed:
        """Rows of a child, by their directors; by their own positions where there is no director."""
        sieve = _Sieve(batch)
        index = self._directors[0]
        keys, missing = self._ids(batch, self._table.director_id, index)
        found = index.find(keys, missing)
        name = self._table.director_id
        sieve.refuse(found.ambiguous, f"the director {{}} in '{name}' has rows in several chunks", keys)
        alone = ~found.known
        chunk, sub = found.chunk.copy(), found.sub_chunk.copy()
        if alone.any():
            if self._table.lon is None:
                sieve.refuse(alone & missing, f"neither director nor position: '{name}' is NULL")
                sieve.refuse(alone, f"neither director nor position: there is no director {{}} ('{name}')", keys)
            else:
                lon, lat = self._positions(batch, sieve, alone)
                placed = alone & sieve.good
                if placed.any():
                    chunk[placed], sub[placed] = self._chunker.locate(lon[placed], lat[placed])
        if self._seen is not None:
            own_ids, no_id = self._ids(batch, self._table.id)
            self._check_unique(batch, sieve, own_ids, no_id)
        good = sieve.good
        if not good.all():
            batch, keys, missing, alone = batch.keep(good), keys[good], missing[good], alone[good]
            chunk, sub = chunk[good], sub[good]
        own = Copies(np.arange(batch.rows), chunk, sub)
        return Placed(batch, own, None, sieve.bad, keys, missing, orphans=np.flatnonzero(alone))

    def match(self, batch: Batch) -> Placed:
        """Rows of a match table: a copy in the chunk of each partner, one where both are in the same."""
        sieve = _Sieve(batch)
        ids = self._table.director_ids or ("", "")
        partners: list[Found] = []
        absent: list[Mask] = []
        for index, name in zip(self._directors, ids, strict=True):
            keys, missing = self._ids(batch, name, index)
            # An id that the director's type cannot hold is unknown, not NULL.
            null = np.asarray(batch.columns[self._columns[name]].is_null().to_numpy(zero_copy_only=False), bool)
            found = index.find(keys, missing)
            sieve.refuse(~null & ~found.known, f"there is no director {{}} ('{name}')", keys)
            sieve.refuse(found.ambiguous, f"the director {{}} in '{name}' has rows in several chunks", keys)
            partners.append(found)
            absent.append(null)
        first, second = partners
        sieve.refuse(absent[0] & absent[1], f"neither partner is given: '{ids[0]}' and '{ids[1]}' are NULL")
        both = first.known & second.known & sieve.good
        self._check_separation(sieve, first, second, both)
        if self._seen is not None:
            own_ids, no_id = self._ids(batch, self._table.id)
            self._check_unique(batch, sieve, own_ids, no_id)
        good = sieve.good
        kept = batch.keep(good) if not good.all() else batch
        known = first.known[good], second.known[good]
        chunks = first.chunk[good], second.chunk[good]
        subs = first.sub_chunk[good], second.sub_chunk[good]
        same = known[0] & known[1] & (chunks[0] == chunks[1])
        in_first, in_second = np.flatnonzero(known[0]), np.flatnonzero(known[1] & ~same)
        flags = np.concatenate((np.where(same[in_first], 3, 1), np.full(len(in_second), 2))).astype(np.int32)
        own = Copies(
            np.concatenate((in_first, in_second)),
            np.concatenate((chunks[0][in_first], chunks[1][in_second])),
            np.concatenate((subs[0][in_first], subs[1][in_second])),
            flags,
        )
        return Placed(kept, own, None, sieve.bad)

    def _check_separation(self, sieve: _Sieve, first: Found, second: Found, both: Mask) -> None:
        """Refuse pairs that are further apart than the overlap: no chunk would hold both partners."""
        rows = np.flatnonzero(both)
        one, two = self._directors
        if not len(rows):
            return
        apart = separation(
            one.lon[first.row[rows]],
            one.lat[first.row[rows]],
            two.lon[second.row[rows]],
            two.lat[second.row[rows]],
        )
        far = np.zeros(len(both), bool)
        angles = np.zeros(len(both))
        far[rows] = apart > self._overlap + SLACK
        angles[rows] = apart
        sieve.refuse(far, f"the partners are {{}} deg apart, further than the overlap of {self._overlap} deg", angles)
