"""Values off the payload of a packet, with every bound checked."""

from __future__ import annotations

from qproxy.errors import SQLError


def malformed(what: str) -> SQLError:
    """Error 1835 for a packet that does not hold what its kind asks for."""
    return SQLError(1835, f"Malformed communication packet: {what}")


class Reader:
    """Reads values off a payload, front to back; raises SQLError 1835 where the payload is too short."""

    def __init__(self, payload: bytes, pos: int = 0) -> None:
        self._payload = payload
        self._pos = pos

    @property
    def left(self) -> int:
        """Bytes that have not been read."""
        return len(self._payload) - self._pos

    def fixed(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        if size > self.left:
            raise malformed(f"{size} bytes expected, {self.left} left")
        self._pos += size
        return self._payload[self._pos - size : self._pos]

    def uint(self, size: int) -> int:
        """An unsigned integer of ``size`` bytes."""
        return int.from_bytes(self.fixed(size), "little")

    def length(self) -> int:
        """A length-encoded integer."""
        first = self.uint(1)
        if first < 0xFB:
            return first
        if first not in (0xFC, 0xFD, 0xFE):
            raise malformed(f"0x{first:02x} where a length was expected")
        return self.uint({0xFC: 2, 0xFD: 3, 0xFE: 8}[first])

    def length_encoded(self) -> bytes:
        """A string behind its length-encoded size."""
        return self.fixed(self.length())

    def terminated(self) -> bytes:
        """A string that ends with a NUL byte."""
        end = self._payload.find(b"\0", self._pos)
        if end < 0:
            raise malformed("a string without its end")
        value = self._payload[self._pos : end]
        self._pos = end + 1
        return value

    def terminated_or_rest(self) -> bytes:
        """As `terminated`, but the payload's end will do: some clients leave the last NUL out."""
        return self.terminated() if b"\0" in self._payload[self._pos :] else self.rest()

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.fixed(self.left)
