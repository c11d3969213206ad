"""The codecs of prepared statements on packets that anybody could send."""

from __future__ import annotations

import random
import struct

import pytest

from qproxy.errors import SQLError
from qproxy.wire.columns import ColumnType
from qproxy.wire.packets import QUERY_ATTRIBUTES
from qproxy.wire.prepared import ParameterType, parse_execute, parse_fetch, parse_long_data

_KINDS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 245, 246, 249, 252, 253, 254, 255)


def _packet(random_: random.Random, count: int) -> bytes:
    nulls = random_.randbytes((count + 7) // 8)
    types = b"".join(struct.pack("<BB", random_.choice(_KINDS), random_.choice((0, 128))) for _ in range(count))
    return struct.pack("<BIBI", 0x17, 1, random_.choice((0, 1, 8)), 1) + nulls + b"\x01" + types + random_.randbytes(20)


def test_no_packet_gets_beyond_a_refusal() -> None:
    random_ = random.Random(4)
    taken = 0
    for _ in range(20_000):
        count = random_.randrange(1, 4)
        packet = bytearray(_packet(random_, count))
        for _ in range(random_.randrange(3)):
            packet[random_.randrange(len(packet))] = random_.randrange(256)
        del packet[random_.randrange(5, len(packet) + 30) :]
        capabilities = random_.choice((0, QUERY_ATTRIBUTES))
        known = [ParameterType(random_.choice(_KINDS))] * random_.randrange(5)
        try:
            found = parse_execute(
                bytes(packet), count, known, {0: b"x"} if random_.random() < 0.1 else {}, capabilities
            )
        except SQLError as error:
            assert error.code in (1210, 1835)
        else:
            assert len(found.parameters) == len(found.types) == count or not count
            taken += 1
    assert taken > 500


def test_parameters() -> None:
    head = struct.pack("<BIBI", 0x17, 1, 1, 1)
    types = b"".join(struct.pack("<H", t) for t in (1, 8 | 0x8000, 6, 12, 253, 5))
    values = b"\xff" + b"\xff" * 8 + b"\x04\xe4\x07\x01\x02" + b"\x02ab"
    found = parse_execute(head + b"\x20\x01" + types + values, 6, (), {}, 0)
    assert found.cursor
    assert [p.data for p in found.parameters] == [b"\xff", b"\xff" * 8, None, b"\xe4\x07\x01\x02", b"ab", None]
    assert found.types[1] == ParameterType(ColumnType.LONGLONG, True)
    again = parse_execute(head + b"\x3f\x00", 6, found.types, {}, 0)
    assert [p.data for p in again.parameters] == [None] * 6


@pytest.mark.parametrize("parse", [parse_fetch, parse_long_data])
def test_short_packets(parse: object) -> None:
    with pytest.raises(SQLError) as caught:
        parse(b"\x1c\x01\x00")  # type: ignore[operator]
    assert caught.value.code == 1835
