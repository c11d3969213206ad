"""Finding the rows in a worker's raw stream: one walk over packet headers, no value decoded. No I/O here.

Rows end with an EOF packet (0xFE, shorter than 9 bytes) or an error (0xFF); no row begins with either byte,
but for 0xFE as the length of a value of 16 MB and more, whose packet is longer (MySQL Internals Manual,
"Text Resultset").
"""

from __future__ import annotations

from struct import Struct

import numpy as np

from qproxy.errors import SQLError
from qproxy.wire.rowblock import MAX_PAYLOAD, RowBlock

_header = Struct("<I").unpack_from


class RowScanner:
    """Cuts a byte stream into blocks of whole rows.

    Attributes:
        end: payload of the packet that ended the rows (EOF or error), None before it.
    """

    def __init__(self) -> None:
        self.end: bytes | None = None
        self._buffer = bytearray()
        self._needed = 4

    def feed(self, data: bytes) -> RowBlock | None:
        """Take bytes from the stream.

        Args:
            data: what came next, cut anywhere.

        Returns:
            The whole rows that are now complete, or None.
        """
        buffer = self._buffer
        buffer += data
        size = len(buffer)
        if size < self._needed:
            return None
        starts: list[int] = []
        add = starts.append
        rows = 0
        pos = 0  # behind the last whole packet
        done = 0  # behind the last whole row
        whole = 0  # packets in whole rows
        continued = False
        while pos + 4 <= size:
            length = _header(buffer, pos)[0] & MAX_PAYLOAD
            after = pos + 4 + length
            if after > size:
                break
            if length and not continued and buffer[pos + 4] >= 0xFE and (length < 9 or buffer[pos + 4] == 0xFF):
                self.end = bytes(buffer[pos + 4 : after])
                break
            add(pos)
            pos = after
            continued = length == MAX_PAYLOAD
            if not continued:
                rows += 1
                done = pos
                whole = len(starts)
        self._needed = 4
        if rows == 0:
            if self.end is None and size >= pos + 4:
                self._needed = pos + 4 + (_header(buffer, pos)[0] & MAX_PAYLOAD)
            return None
        self._buffer = buffer[done:]
        del buffer[done:]
        return RowBlock(buffer, np.array(starts[:whole], dtype=np.int64), rows)


class PacketSplitter:
    """Takes whole payloads off the front of a byte stream, before the rows begin."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes from the stream, cut anywhere."""
        self._buffer += data

    def next(self) -> bytes | None:
        """The next payload, joined where it spans packets; None where more bytes are needed."""
        taken = self.take(1)
        return taken[0] if taken else None

    def take(self, count: int) -> list[bytes]:
        """The next payloads, as many as are there of so many."""
        buffer = self._buffer
        size = len(buffer)
        found: list[bytes] = []
        parts: list[bytes] = []
        pos = done = 0
        while len(found) < count and pos + 4 <= size:
            length = _header(buffer, pos)[0] & MAX_PAYLOAD
            end = pos + 4 + length
            if end > size:
                break
            payload = bytes(buffer[pos + 4 : end])
            pos = end
            if length == MAX_PAYLOAD:
                parts.append(payload)
                continue
            if parts:
                payload = b"".join((*parts, payload))
                parts = []
            found.append(payload)
            done = pos
        del buffer[:done]
        return found

    def take_whole(self, count: int) -> bytes | None:
        """The packets of the next payloads as they are; None where more bytes are needed."""
        buffer = self._buffer
        size = len(buffer)
        pos = 0
        while count:
            if pos + 4 > size:
                return None
            length = _header(buffer, pos)[0] & MAX_PAYLOAD
            pos += 4 + length
            if pos > size:
                return None
            count -= length < MAX_PAYLOAD
        taken = bytes(buffer[:pos])
        del buffer[:pos]
        return taken

    def rest(self) -> bytes:
        """What was fed and not taken."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest


def parse_error(payload: bytes) -> SQLError:
    """The error in an ERR packet (MySQL Internals Manual, "ERR_Packet")."""
    code = int.from_bytes(payload[1:3], "little")
    text = payload[3:]
    sqlstate = None
    if text[:1] == b"#":
        sqlstate, text = text[1:6].decode("ascii", "replace"), text[6:]
    return SQLError(code, text.decode("utf-8", "replace"), sqlstate)
