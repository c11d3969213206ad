"""The compressed protocol: ordinary packets inside of zlib or zstd ones, without I/O.

Layout (MySQL Internals Manual, "Compressed packet header"): 3 bytes size as sent, 1 byte sequence number, 3 bytes size
of the contents; 0 there says that the contents stand as they are.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import zstandard

from qproxy.errors import SQLError
from qproxy.wire.framing import out_of_order, too_big
from qproxy.wire.reader import malformed

_HEADER = 7
#: Contents smaller than this are sent as they are: they would not become smaller.
_LEAST = 50
_MOST = 0xFFFFFF
#: All clients share one processor, so the quick levels are used, whatever a client would like.
_ZLIB_LEVEL = 1
_ZSTD_LEVELS = (1, 6)


class Compressor:
    """Packs bytes for a client.

    Args:
        zstd_level: what the client asked for; None for zlib.
    """

    def __init__(self, zstd_level: int | None = None) -> None:
        if zstd_level is None:
            self._shrink: Callable[[bytes], bytes] = lambda data: zlib.compress(data, _ZLIB_LEVEL)
        else:
            least, most = _ZSTD_LEVELS
            self._shrink = zstandard.ZstdCompressor(level=min(max(zstd_level, least), most)).compress

    def pack(self, data: bytes | bytearray | memoryview, sequence: int) -> tuple[bytes, int]:
        """Compressed packets with some bytes, and the sequence number due behind them."""
        packets = []
        for start in range(0, len(data), _MOST):
            piece = bytes(data[start : start + _MOST])
            packed = self._shrink(piece) if len(piece) >= _LEAST else piece
            plain = len(packed) >= len(piece)
            body = piece if plain else packed
            size = 0 if plain else len(piece)
            packets.append(len(body).to_bytes(3, "little") + bytes((sequence,)) + size.to_bytes(3, "little") + body)
            sequence = (sequence + 1) & 0xFF
        return b"".join(packets), sequence


class Decompressor:
    """Unpacks what a client sends, one packet at a time: bytes that nobody asked for stay as small as they came.

    Args:
        zstd: whether they are packed with zstd, not zlib.
        limit: largest contents of a packet in bytes.
    """

    def __init__(self, zstd: bool, limit: int = _MOST) -> None:
        self._limit = limit
        self._grow = _grow_zstd if zstd else _grow_zlib
        self._buffer = bytearray()

    @property
    def buffered(self) -> int:
        """Bytes held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._buffer += data

    def take(self, sequence: int) -> bytes | None:
        """Contents of the next packet, None where bytes of it are missing.

        Args:
            sequence: the number that it must have.

        Raises:
            SQLError: 1153 too large, 1156 another number, 1157 contents that cannot be unpacked or have another size
                than was said.
        """
        if len(self._buffer) < _HEADER:
            return None
        size = int.from_bytes(self._buffer[:3], "little")
        if self._buffer[3] != sequence:
            raise out_of_order()
        contents = int.from_bytes(self._buffer[4:7], "little")
        if max(size, contents) > self._limit:
            raise too_big(self._limit)
        if len(self._buffer) < _HEADER + size:
            return None
        body = bytes(memoryview(self._buffer)[_HEADER : _HEADER + size])
        del self._buffer[: _HEADER + size]
        if not size:
            raise malformed("an empty compressed packet")
        if not contents:
            return body
        try:
            grown = self._grow(body, contents)
        except (zlib.error, zstandard.ZstdError):
            grown = b""
        if len(grown) != contents:
            raise SQLError(1157, "Couldn't uncompress communication packet", "08S01")
        return grown


def _grow_zlib(body: bytes, size: int) -> bytes:
    return zlib.decompressobj().decompress(body, size + 1)


def _grow_zstd(body: bytes, size: int) -> bytes:
    with zstandard.ZstdDecompressor(max_window_size=_MOST + 1).stream_reader(body) as reader:
        return reader.read(size + 1)
