"""RowBlock, the one currency: many MySQL text-protocol row packets in one buffer.

Every backend yields blocks, every merge step takes and yields them, the wire writes them out. The bytes of a
row stay opaque unless a merge needs a value of it. Packet layout: MySQL Internals Manual, "Protocol Basics"
and "Text Resultset Row". No I/O here.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

MAX_PAYLOAD = 0xFFFFFF
NULL = b"\xfb"


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Whole rows as packets, headers included.

    Attributes:
        data: the packets, one behind the other. Their sequence numbers mean nothing until `renumber`.
        starts: offset in ``data`` of each packet's header, shape (packets,). A row of 16 MB and more
            spans several packets.
        rows: number of rows.
    """

    data: bytes | bytearray
    starts: npt.NDArray[np.int64]
    rows: int

    @property
    def nbytes(self) -> int:
        """Size of the buffer in bytes."""
        return len(self.data)

    def renumber(self, sequence: int) -> bytearray:
        """The packets with sequence numbers counted up from ``sequence`` (modulo 256), ready for a socket."""
        data = self.data if isinstance(self.data, bytearray) else bytearray(self.data)
        if len(self.starts) == 1:
            data[int(self.starts[0]) + 3] = sequence & 0xFF
            return data
        view = np.frombuffer(data, dtype=np.uint8)
        view[self.starts + 3] = (np.arange(len(self.starts)) + sequence).astype(np.uint8)
        return data

    def row_offsets(self) -> npt.NDArray[np.int64]:
        """Offset of the first header of each row, and of the end: shape (rows + 1,)."""
        if len(self.starts) == self.rows:
            return np.append(self.starts, len(self.data))
        firsts = []
        continued = False
        for start in self.starts.tolist():
            if not continued:
                firsts.append(start)
            continued = self.data[start : start + 3] == b"\xff\xff\xff"
        return np.array([*firsts, len(self.data)], dtype=np.int64)

    def head(self, rows: int) -> RowBlock:
        """The first ``rows`` rows, or the block itself where it has no more."""
        if rows >= self.rows:
            return self
        end = int(self.row_offsets()[rows])
        return RowBlock(bytes(self.data[:end]), self.starts[self.starts < end], rows)

    def tail(self, skip: int) -> RowBlock:
        """The rows behind the first ``skip``."""
        if skip <= 0:
            return self
        offset = int(self.row_offsets()[min(skip, self.rows)])
        starts = self.starts[self.starts >= offset] - offset
        return RowBlock(bytes(self.data[offset:]), starts, max(0, self.rows - skip))


class Blocks(Protocol):
    """Blocks as they are asked for; an asynchronous generator of them is one.

    A generator costs some microseconds more than an object with these methods: the event loop keeps account of it.
    """

    def __aiter__(self) -> AsyncIterator[RowBlock]:
        """Themselves."""
        return self

    async def __anext__(self) -> RowBlock:
        """The next block.

        Raises:
            StopAsyncIteration: there are no more.
        """
        ...

    async def aclose(self) -> None:
        """End what makes them; afterwards there are no more."""
        ...


EMPTY = RowBlock(b"", np.empty(0, np.int64), 0)


def length_prefix(size: int) -> bytes:
    """A number as a length-encoded integer (MySQL Internals, "LengthEncodedInteger")."""
    if size < 251:
        return bytes((size,))
    if size < 1 << 16:
        return b"\xfc" + size.to_bytes(2, "little")
    if size < 1 << 24:
        return b"\xfd" + size.to_bytes(3, "little")
    return b"\xfe" + size.to_bytes(8, "little")


def length_encoded(value: bytes) -> bytes:
    """``value`` behind its length-encoded size (MySQL Internals, "LengthEncodedString")."""
    return length_prefix(len(value)) + value


def read_length_encoded_int(data: bytes | bytearray | memoryview, pos: int) -> tuple[int, int]:
    """A length-encoded integer at ``pos`` and the position behind it."""
    first = data[pos]
    if first < 251:
        return first, pos + 1
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]
    return int.from_bytes(data[pos + 1 : pos + 1 + size], "little"), pos + 1 + size


def frame(payload: bytes | bytearray, sequence: int = 0) -> bytes:
    """The payload as one packet, or several where it has 16 MB and more."""
    if len(payload) < MAX_PAYLOAD:
        return len(payload).to_bytes(3, "little") + bytes((sequence & 0xFF,)) + payload
    parts = []
    for offset in range(0, len(payload) + 1, MAX_PAYLOAD):
        piece = payload[offset : offset + MAX_PAYLOAD]
        parts += [len(piece).to_bytes(3, "little"), bytes((sequence & 0xFF,)), piece]
        sequence += 1
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Framed:
    """Packets that are ready to be sent.

    Attributes:
        count: how many there are; the number due behind them is as much more.
    """

    data: bytes
    count: int


def framed(payloads: Iterable[bytes], sequence: int) -> Framed:
    """Payloads as packets, numbered up from ``sequence``."""
    parts = []
    count = 0
    for payload in payloads:
        parts.append(frame(payload, sequence + count))
        count += len(payload) // MAX_PAYLOAD + 1
    return Framed(b"".join(parts), count)


def encode_rows(rows: Iterable[Sequence[bytes | None]]) -> RowBlock:
    """A block of rows given as text values, None for NULL."""
    data = bytearray()
    starts: list[int] = []
    count = 0
    for row in rows:
        packet = frame(b"".join(NULL if v is None else length_encoded(v) for v in row))
        offset = len(data)
        starts += range(offset, offset + len(packet), MAX_PAYLOAD + 4)
        data += packet
        count += 1
    return RowBlock(data, np.array(starts, dtype=np.int64), count)


def payloads(block: RowBlock) -> Iterator[bytes]:
    """The payload of each row, joined where it spans packets."""
    offsets = block.row_offsets().tolist()
    for start, end in itertools.pairwise(offsets):
        if end - start <= MAX_PAYLOAD + 3:
            yield bytes(block.data[start + 4 : end])
        else:
            yield b"".join(
                bytes(block.data[s + 4 : min(s + 4 + MAX_PAYLOAD, end)]) for s in range(start, end, MAX_PAYLOAD + 4)
            )


def decode_rows(block: RowBlock) -> Iterator[list[bytes | None]]:
    """The rows of a block as text values, None for NULL."""
    for payload in payloads(block):
        row: list[bytes | None] = []
        pos = 0
        end = len(payload)
        while pos < end:
            size = payload[pos]
            if size < 251:
                pos += 1
            elif size == 0xFB:
                row.append(None)
                pos += 1
                continue
            else:
                size, pos = read_length_encoded_int(payload, pos)
            row.append(payload[pos : pos + size])
            pos += size
        yield row
