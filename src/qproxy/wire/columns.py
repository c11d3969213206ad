"""Column definitions: what a client is told of each column of a result.

Layout: MySQL Internals Manual, "Column Definition" (Protocol::ColumnDefinition41). No I/O here.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from types import MappingProxyType

from qproxy.wire.rowblock import Framed, length_encoded, read_length_encoded_int

UTF8MB4 = 45
BINARY = 63

_FIXED = struct.Struct("<HIBHBH")
#: Of one list of columns: sessions differ in few things.
_MOST_HEADS = 8
_NONE: Mapping[tuple[str, int, int, int], Framed] = MappingProxyType({})


class ColumnType(IntEnum):
    """Type codes of the protocol (MySQL Internals Manual, "Column Types")."""

    DECIMAL = 0
    TINY = 1
    SHORT = 2
    LONG = 3
    FLOAT = 4
    DOUBLE = 5
    NULL = 6
    TIMESTAMP = 7
    LONGLONG = 8
    INT24 = 9
    DATE = 10
    TIME = 11
    DATETIME = 12
    YEAR = 13
    VARCHAR = 15
    BIT = 16
    JSON = 245
    NEWDECIMAL = 246
    ENUM = 247
    SET = 248
    TINY_BLOB = 249
    MEDIUM_BLOB = 250
    LONG_BLOB = 251
    BLOB = 252
    VAR_STRING = 253
    STRING = 254
    GEOMETRY = 255


class ColumnFlag(IntFlag):
    """Flags of a column definition."""

    NOT_NULL = 1
    PRI_KEY = 2
    UNIQUE_KEY = 4
    MULTIPLE_KEY = 8
    BLOB = 16
    UNSIGNED = 32
    ZEROFILL = 64
    BINARY = 128
    ENUM = 256
    AUTO_INCREMENT = 512
    TIMESTAMP = 1024
    SET = 2048
    NO_DEFAULT = 4096
    NUM = 32768


@dataclass(frozen=True, slots=True)
class ColumnDef:
    """One column of a result, names as the client is to see them."""

    name: str
    type: int
    schema: str = ""
    table: str = ""
    org_table: str = ""
    org_name: str = ""
    charset: int = UTF8MB4
    length: int = 0
    flags: int = 0
    decimals: int = 0

    def payload(self, encoding: str = "utf-8") -> bytes:
        """The definition as the payload of a packet, names in the client's encoding."""
        names = (self.schema, self.table, self.org_table, self.name, self.org_name)
        return (
            b"\x03def"
            + b"".join(length_encoded(n.encode(encoding, "replace")) for n in names)
            + b"\x0c"
            + _FIXED.pack(self.charset, self.length, self.type, self.flags, self.decimals, 0)
        )

    @classmethod
    def parse(cls, payload: bytes) -> ColumnDef:
        """The definition in the payload of a packet; names are taken as UTF-8."""
        texts = []
        pos = 0
        for _ in range(6):
            size, pos = read_length_encoded_int(payload, pos)
            texts.append(payload[pos : pos + size].decode("utf-8", "replace"))
            pos += size
        _, pos = read_length_encoded_int(payload, pos)
        charset, length, kind, flags, decimals, _ = _FIXED.unpack_from(payload, pos)
        _, schema, table, org_table, name, org_name = texts
        return cls(name, kind, schema, table, org_table, org_name, charset, length, flags, decimals)


class Columns(tuple[ColumnDef, ...]):
    """Definitions that many answers share: what stands before the first row is put together once."""

    def head(self, encoding: str, capabilities: int, status: int, sequence: int) -> Framed | None:
        """What `keep_head` was given for an answer that begins so."""
        heads: Mapping[tuple[str, int, int, int], Framed] = self.__dict__.get("heads", _NONE)
        return heads.get((encoding, capabilities, status, sequence))

    def keep_head(self, encoding: str, capabilities: int, status: int, sequence: int, head: Framed) -> None:
        """Keep the packets that stand before the first row."""
        heads = self.__dict__.setdefault("heads", {})
        if len(heads) >= _MOST_HEADS:
            heads.clear()
        heads[encoding, capabilities, status, sequence] = head
