"""What stands before the rows of answers that share their columns."""

from __future__ import annotations

from qproxy.wire.binary import definitions_fit, fits
from qproxy.wire.columns import ColumnDef, Columns, ColumnType
from qproxy.wire.rowblock import Framed, framed
from qproxy.wire.rowscan import PacketSplitter

COLUMNS = Columns([ColumnDef("a", ColumnType.LONG), ColumnDef("é", ColumnType.VAR_STRING)])


def test_a_head_is_kept_for_answers_that_begin_alike() -> None:
    columns = Columns(COLUMNS)
    head = framed([b"x", b"yz"], 255)
    assert head == Framed(b"\x01\x00\x00\xffx\x02\x00\x00\x00yz", 2)
    assert columns.head("utf-8", 0, 2, 1) is None
    columns.keep_head("utf-8", 0, 2, 1, head)
    assert columns.head("utf-8", 0, 2, 1) is head
    for other in (("latin-1", 0, 2, 1), ("utf-8", 1, 2, 1), ("utf-8", 0, 3, 1), ("utf-8", 0, 2, 2)):
        assert columns.head(*other) is None
    assert Columns(COLUMNS).head("utf-8", 0, 2, 1) is None
    assert columns == tuple(COLUMNS)


def test_heads_stay_few() -> None:
    columns = Columns(COLUMNS)
    for sequence in range(100):
        columns.keep_head("utf-8", 0, 2, sequence, framed([b"x"], sequence))
    assert len(columns.__dict__["heads"]) <= 8
    assert columns.head("utf-8", 0, 2, 99) is not None


def test_definitions_fit_where_their_columns_do() -> None:
    kinds = [ColumnDef("c", kind) for kind in ColumnType]
    for given in kinds:
        for wanted in kinds:
            assert definitions_fit([given.payload()], [wanted]) == fits([given], [wanted])
    assert not definitions_fit([c.payload() for c in COLUMNS], COLUMNS[:1])


def test_packets_are_taken_several_at_a_time_and_whole() -> None:
    payloads = [column.payload() for column in COLUMNS] + [b"", b"end"]
    stream = framed(payloads, 1).data
    for step in (1, 3, 7, 1000):
        splitter, found = PacketSplitter(), []
        for start in range(0, len(stream), step):
            splitter.feed(stream[start : start + step])
            found += splitter.take(3 - len(found)) if len(found) < 3 else []
        assert found == payloads[:3]
        assert splitter.take(5) == [b"end"]
        raw = None
        for start in range(0, len(stream), step):
            splitter.feed(stream[start : start + step])
            raw = splitter.take_whole(4) if raw is None else raw
        assert raw == stream
        assert splitter.rest() == b""
