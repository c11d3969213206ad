"""Rows of the binary protocol: made of text rows, read, and made to fit the types that a client was told.

Layouts: MySQL Internals Manual, "Binary Protocol Resultset"; which zero parts of dates and times are left out as
MariaDB 10.11 does it. No I/O here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from qproxy.wire.columns import ColumnDef, ColumnFlag, ColumnType
from qproxy.wire.rowblock import MAX_PAYLOAD, RowBlock, decode_rows, frame, length_encoded, payloads
from qproxy.wire.rowblock import read_length_encoded_int as read_length

#: Bytes of integers, by type.
_INTEGERS: Mapping[int, int] = MappingProxyType(
    {
        ColumnType.TINY: 1,
        ColumnType.SHORT: 2,
        ColumnType.YEAR: 2,
        ColumnType.INT24: 4,
        ColumnType.LONG: 4,
        ColumnType.LONGLONG: 8,
    }
)
_MOMENTS = frozenset((ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIMESTAMP))
# The first two bits of the bitmap stand for nothing.
_BITMAP_OFFSET = 2


def form(column: ColumnDef) -> str:
    """How values of a column lie in a row; two columns of one form have the same bytes for the same value."""
    return _form_of(column.type)


def _form_of(kind: int) -> str:
    if kind in _INTEGERS:
        return f"int{_INTEGERS[kind]}"
    if kind in (ColumnType.FLOAT, ColumnType.DOUBLE, ColumnType.TIME, ColumnType.DATE, ColumnType.NULL):
        return ColumnType(kind).name
    return "moment" if kind in _MOMENTS else "string"


def fits(given: Sequence[ColumnDef], wanted: Sequence[ColumnDef]) -> bool:
    """Whether rows of the given columns can be passed on as rows of the wanted ones."""
    return [form(c) for c in given] == [form(c) for c in wanted]


#: Types by their form, as a table for `bytes.translate`.
_FORMS = bytes(sorted({_form_of(kind) for kind in range(256)}).index(_form_of(kind)) for kind in range(256))


def definitions_fit(given: Sequence[bytes], wanted: Sequence[ColumnDef]) -> bool:
    """The same as `fits`, of the payloads of column definitions."""
    # The type stands six bytes before the end.
    types = bytes([definition[-6] for definition in given])
    return types.translate(_FORMS) == bytes([c.type for c in wanted]).translate(_FORMS)


def to_binary(block: RowBlock, columns: Sequence[ColumnDef]) -> RowBlock:
    """Text rows as rows of the binary protocol.

    Args:
        block: text rows with a value for each column.
        columns: as the client was told of them.
    """
    return _packed(decode_rows(block), columns)


def recoded(block: RowBlock, given: Sequence[ColumnDef], wanted: Sequence[ColumnDef]) -> RowBlock:
    """Binary rows of some columns as binary rows of others, each value as MariaDB would convert it."""
    return _packed(decode_binary(block, given), wanted)


def decode_binary(block: RowBlock, columns: Sequence[ColumnDef]) -> Iterator[list[bytes | None]]:
    """Binary rows as text values, None for NULL; a FLOAT with all digits of the double that it is equal to."""
    readers = [_reader(c) for c in columns]
    size = 1 + (len(columns) + 7 + _BITMAP_OFFSET) // 8
    for payload in payloads(block):
        row: list[bytes | None] = []
        pos = size
        for number, read in enumerate(readers, _BITMAP_OFFSET):
            if payload[1 + number // 8] >> (number % 8) & 1:
                row.append(None)
            else:
                value, pos = read(payload, pos)
                row.append(value)
        yield row


def _packed(rows: Iterator[list[bytes | None]], columns: Sequence[ColumnDef]) -> RowBlock:
    writers = [_writer(c) for c in columns]
    size = 1 + (len(columns) + 7 + _BITMAP_OFFSET) // 8
    bare = bytes(size)
    data = bytearray()
    starts: list[int] = []
    count = 0
    for row in rows:
        head = bare
        if None in row:
            bitmap = bytearray(size)
            for number, value in enumerate(row, _BITMAP_OFFSET):
                if value is None:
                    bitmap[1 + number // 8] |= 1 << (number % 8)
            head = bytes(bitmap)
        values = [write(v) for write, v in zip(writers, row, strict=True) if v is not None]
        payload = head + b"".join(values)
        starts.append(len(data))
        if len(payload) < MAX_PAYLOAD:
            data += len(payload).to_bytes(4, "little")
            data += payload
        else:
            packets = frame(payload)
            starts += range(len(data) + MAX_PAYLOAD + 4, len(data) + len(packets), MAX_PAYLOAD + 4)
            data += packets
        count += 1
    return RowBlock(data, np.array(starts, dtype=np.int64), count)


def _writer(column: ColumnDef) -> Callable[[bytes], bytes]:
    """What turns the text of a column's values into their binary form."""
    kind = column.type
    if kind in _INTEGERS:
        return _integer_writer(_INTEGERS[kind])
    if kind == ColumnType.DOUBLE:
        return _write_double
    if kind == ColumnType.FLOAT:
        return _write_float
    if kind in _MOMENTS:
        return _write_moment
    if kind == ColumnType.TIME:
        return _write_time
    return length_encoded


def _integer_writer(size: int) -> Callable[[bytes], bytes]:
    pack = struct.Struct({1: "<B", 2: "<H", 4: "<I", 8: "<Q"}[size]).pack
    mask = (1 << 8 * size) - 1

    def write(text: bytes) -> bytes:
        return pack(int(text) & mask)

    return write


_pack_double = struct.Struct("<d").pack
_pack_float = struct.Struct("<f").pack


def _write_double(text: bytes) -> bytes:
    return _pack_double(float(text))


def _write_float(text: bytes) -> bytes:
    return _pack_float(float(text))


def _write_moment(text: bytes) -> bytes:
    date, _, time = text.partition(b" ")
    year, month, day = map(int, date.split(b"-"))
    hours, minutes, seconds, micros = _clock(time) if time else (0, 0, 0, 0)
    if micros:
        return struct.pack("<BHBBBBBI", 11, year, month, day, hours, minutes, seconds, micros)
    if hours or minutes or seconds:
        return struct.pack("<BHBBBBB", 7, year, month, day, hours, minutes, seconds)
    return struct.pack("<BHBB", 4, year, month, day) if year or month or day else b"\0"


def _write_time(text: bytes) -> bytes:
    negative = text[:1] == b"-"
    hours, minutes, seconds, micros = _clock(text.lstrip(b"-"))
    days, hours = divmod(hours, 24)
    if micros:
        return struct.pack("<BBIBBBI", 12, negative, days, hours, minutes, seconds, micros)
    if days or hours or minutes or seconds:
        return struct.pack("<BBIBBB", 8, negative, days, hours, minutes, seconds)
    return b"\0"


def _clock(text: bytes) -> tuple[int, int, int, int]:
    """Hours, minutes, seconds and microseconds of ``12:34:56.789``."""
    whole, _, fraction = text.partition(b".")
    hours, minutes, seconds = map(int, whole.split(b":"))
    return hours, minutes, seconds, int(fraction.ljust(6, b"0")) if fraction else 0


_Read = Callable[[bytes, int], tuple[bytes, int]]


def _reader(column: ColumnDef) -> _Read:
    """What reads a column's value at a place: its text, and the place behind it."""
    kind = column.type
    if kind in _INTEGERS:
        return _integer_reader(_INTEGERS[kind], not column.flags & ColumnFlag.UNSIGNED)
    if kind in (ColumnType.DOUBLE, ColumnType.FLOAT):
        return _real_reader(struct.Struct("<d" if kind == ColumnType.DOUBLE else "<f"))
    if kind in _MOMENTS:
        return _read_date if kind == ColumnType.DATE else _read_moment
    if kind == ColumnType.TIME:
        return _read_time
    return _read_string


def _integer_reader(size: int, signed: bool) -> _Read:
    def read(payload: bytes, pos: int) -> tuple[bytes, int]:
        return b"%d" % int.from_bytes(payload[pos : pos + size], "little", signed=signed), pos + size

    return read


def _real_reader(packed: struct.Struct) -> _Read:
    def read(payload: bytes, pos: int) -> tuple[bytes, int]:
        return repr(packed.unpack_from(payload, pos)[0]).encode(), pos + packed.size

    return read


def _read_string(payload: bytes, pos: int) -> tuple[bytes, int]:
    size, pos = read_length(payload, pos)
    return payload[pos : pos + size], pos + size


def _read_date(payload: bytes, pos: int) -> tuple[bytes, int]:
    text, pos = _read_moment(payload, pos)
    return text[:10], pos


def _read_moment(payload: bytes, pos: int) -> tuple[bytes, int]:
    size = payload[pos]
    return moment_text(payload[pos + 1 : pos + 1 + size]).encode(), pos + 1 + size


def _read_time(payload: bytes, pos: int) -> tuple[bytes, int]:
    size = payload[pos]
    return time_text(payload[pos + 1 : pos + 1 + size]).encode(), pos + 1 + size


def moment_text(data: bytes) -> str:
    """A DATE, DATETIME or TIMESTAMP of the binary protocol, without the byte of its length, as text.

    Raises:
        ValueError: it has no length that such a value can have.
    """
    if len(data) not in (0, 4, 7, 11):
        raise ValueError(f"a moment of {len(data)} bytes")
    year, month, day, hours, minutes, seconds, micros = struct.unpack("<HBBBBBI", data.ljust(11, b"\0"))
    text = f"{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02}"
    return f"{text}.{micros:06}" if len(data) == 11 else text


def time_text(data: bytes) -> str:
    """A TIME of the binary protocol, without the byte of its length, as text.

    Raises:
        ValueError: it has no length that such a value can have.
    """
    if len(data) not in (0, 8, 12):
        raise ValueError(f"a time of {len(data)} bytes")
    negative, days, hours, minutes, seconds, micros = struct.unpack("<BIBBBI", data.ljust(12, b"\0"))
    text = f"{'-' if negative else ''}{days * 24 + hours:02}:{minutes:02}:{seconds:02}"
    return f"{text}.{micros:06}" if len(data) == 12 else text
