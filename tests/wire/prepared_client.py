"""A client of prepared statements that speaks raw packets, to a proxy or a plain server."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qproxy.wire import packets
from qproxy.wire.binary import decode_binary
from qproxy.wire.columns import ColumnDef, ColumnType
from qproxy.wire.rowblock import RowBlock, frame, length_encoded
from tests.wire.made import RawClient, error_of

PREPARE, EXECUTE, LONG_DATA, CLOSE, RESET, FETCH = 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1C
UNSIGNED = 0x8000

#: A type code, with the bit of `UNSIGNED`, and the value as it stands in the packet; None for NULL.
Bound = tuple[int, bytes | None]


def integer(value: int, kind: int = ColumnType.LONGLONG, unsigned: bool = False) -> Bound:
    size = {1: 1, 2: 2, 3: 4, 8: 8, 9: 4, 13: 2}[kind]
    return kind | (UNSIGNED if unsigned else 0), value.to_bytes(size, "little", signed=not unsigned)


def double(value: float) -> Bound:
    return ColumnType.DOUBLE, struct.pack("<d", value)


def text(value: str | bytes, kind: int = ColumnType.VAR_STRING) -> Bound:
    return kind, length_encoded(value.encode() if isinstance(value, str) else value)


def moment(*parts: int, kind: int = ColumnType.DATETIME) -> Bound:
    """Year, month, day; hours, minutes, seconds; microseconds: as many of them as the value has."""
    data = struct.pack("<HBBBBBI", *parts, *[0] * (7 - len(parts)))[: {0: 0, 3: 4, 6: 7, 7: 11}[len(parts)]]
    return kind, bytes((len(data),)) + data


def duration(negative: bool, *parts: int) -> Bound:
    """Days, hours, minutes, seconds; microseconds."""
    data = struct.pack("<BIBBBI", negative, *parts, *[0] * (5 - len(parts)))[: {0: 0, 4: 8, 5: 12}[len(parts)]]
    return ColumnType.TIME, bytes((len(data),)) + data


@dataclass
class Failure(Exception):
    """An ERR packet."""

    code: int
    text: str


@dataclass
class Result:
    """Columns and rows; the rows as they came, and as text values.

    Attributes:
        status: server status of the packet that ended it.
    """

    columns: list[ColumnDef]
    packets: list[bytes] = field(default_factory=list)
    status: int = 0

    @property
    def rows(self) -> list[list[bytes | None]]:
        return list(decode_binary(block_of(self.packets), self.columns))


@dataclass
class Taken:
    """What a server said of a statement."""

    number: int
    parameters: list[ColumnDef]
    columns: list[ColumnDef]


class PreparedClient(RawClient):
    """Prepares, executes and fetches; an ERR packet is raised as `Failure`."""

    def __init__(self, port: int, user: str = "qproxy", database: str = "", deprecate_eof: bool = True) -> None:
        super().__init__(port)
        # What has no answer is followed by the next command at once.
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not deprecate_eof:
            self.capabilities &= ~packets.DEPRECATE_EOF
        self.login(user, "")
        if database:
            self.ok(self.ask(2, database.encode()))

    @property
    def _eofs(self) -> bool:
        return not self.capabilities & packets.DEPRECATE_EOF

    def ok(self, payload: bytes) -> bytes:
        if payload[0] == 0xFF:
            raise Failure(*error_of(payload))
        return payload

    def prepare(self, sql: str) -> Taken:
        head = self.ok(self.ask(PREPARE, sql.encode()))
        _, number, columns, parameters, _, _ = struct.unpack("<BIHHBH", head)
        return Taken(number, self._definitions(parameters), self._definitions(columns))

    def _definitions(self, count: int) -> list[ColumnDef]:
        found = [ColumnDef.parse(self.read()) for _ in range(count)]
        if count and self._eofs:
            assert self.read()[0] == 0xFE
        return found

    def send_execute(self, number: int, bound: Sequence[Bound], cursor: bool = False, types: bool = True) -> None:
        packet = struct.pack("<IBI", number, cursor, 1)
        if bound:
            nulls = sum(1 << i for i, (_, value) in enumerate(bound) if value is None)
            packet += nulls.to_bytes((len(bound) + 7) // 8, "little") + bytes((types,))
            if types:
                packet += b"".join(struct.pack("<H", kind) for kind, _ in bound)
            packet += b"".join(value for _, value in bound if value is not None)
        self.command(EXECUTE, packet)

    def execute(self, number: int, *bound: Bound, cursor: bool = False, types: bool = True) -> Result:
        """Run a statement; with ``cursor`` its rows wait for `fetch`."""
        self.send_execute(number, bound, cursor, types)
        head = self.ok(self.read())
        if head[0] == 0:
            return Result([], status=struct.unpack_from("<H", head, 3)[0])
        result = Result([ColumnDef.parse(self.read()) for _ in range(head[0])])
        if cursor:
            result.status = self._end(self.read())
            return result
        if self._eofs:
            assert self.read()[0] == 0xFE
        self._rows(result)
        return result

    def run(self, sql: str, *bound: Bound) -> Result:
        """Prepare, execute and close."""
        taken = self.prepare(sql)
        try:
            return self.execute(taken.number, *bound)
        finally:
            self.close_statement(taken.number)

    def fetch(self, number: int, count: int, columns: list[ColumnDef]) -> Result:
        self.command(FETCH, struct.pack("<II", number, count))
        result = Result(columns)
        self._rows(result)
        return result

    def reset(self, number: int) -> None:
        self.ok(self.ask(RESET, struct.pack("<I", number)))

    def close_statement(self, number: int) -> None:
        self.command(CLOSE, struct.pack("<I", number))

    def long_data(self, number: int, parameter: int, piece: bytes) -> None:
        self.command(LONG_DATA, struct.pack("<IH", number, parameter) + piece)

    def query(self, sql: str) -> list[bytes]:
        """Payloads of the answer to a plain query."""
        self.command(3, sql.encode())
        answer = self.rows()
        self.ok(answer[0])
        return answer

    def _rows(self, result: Result) -> None:
        while (packet := self.ok(self.read()))[0] != 0xFE:
            result.packets.append(packet)
        result.status = self._end(packet)

    def _end(self, packet: bytes) -> int:
        assert packet[0] == 0xFE
        return int(struct.unpack_from("<H", packet, 3)[0])


def block_of(rows: Sequence[bytes]) -> RowBlock:
    """A block of row payloads."""
    data = bytearray()
    starts = []
    for row in rows:
        packet = frame(row)
        starts += range(len(data), len(data) + len(packet), 0xFFFFFF + 4)
        data += packet
    return RowBlock(data, np.array(starts, dtype=np.int64), len(rows))
