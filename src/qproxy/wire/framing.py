"""Packets out of a stream of bytes, without I/O.

A message of 16 MB and more spans several packets, the last one shorter than 16 MB (MySQL Internals
Manual, "Protocol Basics"). The way back, message to packets, is `qproxy.wire.rowblock.frame`.
"""

from __future__ import annotations

from qproxy.errors import SQLError
from qproxy.wire.rowblock import MAX_PAYLOAD

HEADER = 4


def out_of_order() -> SQLError:
    """Error 1156: the sequence number of a packet is not the one that was due."""
    return SQLError(1156, "Got packets out of order", "08S01")


def too_big(limit: int) -> SQLError:
    """Error 1153: a message is larger than ``limit`` bytes."""
    return SQLError(1153, f"Got a packet bigger than 'max_allowed_packet' bytes ({limit})")


def parse_header(header: bytes | bytearray, limit: int, sequence: int) -> int:
    """Payload size of the packet behind a header.

    Args:
        limit: largest size allowed.
        sequence: sequence number that is due.

    Raises:
        SQLError: 1153 or 1156.
    """
    size = int.from_bytes(header[:3], "little")
    if header[3] != sequence & 0xFF:
        raise out_of_order()
    if size > limit:
        raise too_big(limit)
    return size


class PacketSplitter:
    """Joins packets to messages, however the bytes were cut on their way.

    Args:
        limit: largest message in bytes; refused as soon as a header announces more. May be changed
            between messages.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._seen = 0
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._joined = 0

    @property
    def buffered(self) -> int:
        """Bytes held."""
        return len(self._buffer) + self._joined

    @property
    def seen(self) -> int:
        """Sequence number of the last packet whose header was looked at, a refused one included."""
        return self._seen

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._buffer += data

    def rest(self) -> bytes:
        """Give away the bytes that have not been taken."""
        left, self._buffer = bytes(self._buffer), bytearray()
        return left

    def take(self, sequence: int) -> tuple[bytes, int] | None:
        """The next message, if all of it is there.

        Args:
            sequence: sequence number that the first packet of the message must have. Must stay the same
                until the message is complete.

        Returns:
            The payload, and the sequence number due behind it; None where bytes are missing.

        Raises:
            SQLError: 1153 message too large, 1156 sequence number not the one due. The stream is then of
                no more use.
        """
        while len(self._buffer) >= HEADER:
            due = sequence + len(self._parts)
            self._seen = self._buffer[3]
            size = parse_header(self._buffer[:HEADER], self.limit - self._joined, due)
            end = HEADER + size
            if len(self._buffer) < end:
                return None
            payload = bytes(memoryview(self._buffer)[HEADER:end])
            del self._buffer[:end]
            if size < MAX_PAYLOAD:
                message = b"".join((*self._parts, payload)) if self._parts else payload
                self._parts = []
                self._joined = 0
                return message, (due + 1) & 0xFF
            self._parts.append(payload)
            self._joined += size
        return None
