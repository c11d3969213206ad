"""Rows with their sort keys: sorted, cut, put behind one another, and gathered into blocks. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qproxy.wire.rowblock import MAX_PAYLOAD, RowBlock, frame

Keys = npt.NDArray[np.uint64] | npt.NDArray[np.bytes_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that lie in some buffers.

    Attributes:
        keys: what they are sorted by.
        buffers: where they lie.
        where: index of each row's buffer.
        begins, ends: offsets there; the payload begins four bytes behind the begin.
    """

    keys: Keys
    buffers: tuple[bytes | bytearray, ...]
    where: npt.NDArray[np.int32]
    begins: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def nbytes(self) -> int:
        """Bytes of the rows and of what is kept beside them."""
        beside = self.keys.nbytes + self.where.nbytes + self.begins.nbytes + self.ends.nbytes
        return int((self.ends - self.begins).sum()) + beside

    def part(self, first: int, last: int) -> Rows:
        """The rows from one index up to another."""
        at = slice(first, last)
        return Rows(self.keys[at], self.buffers, self.where[at], self.begins[at], self.ends[at])

    def sorted(self) -> Rows:
        """The rows by their keys; of equal ones the first stay first."""
        order = np.argsort(self.keys, kind="stable")
        return Rows(self.keys[order], self.buffers, self.where[order], self.begins[order], self.ends[order])

    def windows(self, size: int) -> Iterator[Rows]:
        """The rows in parts of about some number of bytes."""
        behind = np.cumsum(self.ends - self.begins)
        first = 0
        while first < len(self):
            done = int(behind[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(behind, done + size, side="right")))
            yield self.part(first, last)
            first = last

    def joined(self) -> bytes:
        """The rows one behind the other."""
        places = zip(self.begins.tolist(), self.ends.tolist(), strict=True)
        if len(self.buffers) == 1:
            data = self.buffers[0]
            return b"".join([data[begin:end] for begin, end in places])
        buffers = self.buffers
        which = self.where.tolist()
        return b"".join([buffers[i][begin:end] for i, (begin, end) in zip(which, places, strict=True)])

    def compact(self) -> Rows:
        """The same rows in one buffer that holds nothing else."""
        lengths = self.ends - self.begins
        ends = np.cumsum(lengths)
        return Rows(self.keys, (self.joined(),), np.zeros(len(self), np.int32), ends - lengths, ends)

    def block(self) -> RowBlock:
        """The rows as packets."""
        lengths = self.ends - self.begins
        data = bytearray(self.joined())
        starts = np.cumsum(lengths) - lengths
        sizes = lengths - 4
        if sizes.max(initial=0) >= MAX_PAYLOAD:
            return _framed(data, starts, lengths)
        view = np.frombuffer(data, dtype=np.uint8)
        for byte in range(3):
            view[starts + byte] = sizes >> 8 * byte & 0xFF
        return RowBlock(data, starts, len(self))


def put_together(parts: Sequence[Rows]) -> Rows:
    """The rows of several, one behind the other."""
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0, *(len(p.buffers) for p in parts[:-1])])
    return Rows(
        np.concatenate([p.keys for p in parts]),
        tuple(b for p in parts for b in p.buffers),
        np.concatenate([p.where + np.int32(n) for p, n in zip(parts, before.tolist(), strict=True)]),
        np.concatenate([p.begins for p in parts]),
        np.concatenate([p.ends for p in parts]),
    )


def _framed(data: bytearray, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> RowBlock:
    """Rows of which some need several packets."""
    packets = bytearray()
    headers: list[int] = []
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        packet = frame(data[start + 4 : start + length])
        headers += range(len(packets), len(packets) + len(packet), MAX_PAYLOAD + 4)
        packets += packet
    return RowBlock(packets, np.array(headers, dtype=np.int64), len(starts))
