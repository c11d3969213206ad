"""Rows that wait: in memory, then in a file, and back in order."""

from __future__ import annotations

from pathlib import Path

from qproxy.dispatch.spool import Spool
from qproxy.wire.rowblock import RowBlock, decode_rows, encode_rows


def block(number: int, rows: int = 10) -> RowBlock:
    return encode_rows([[str(number).encode(), str(i).encode(), None] for i in range(rows)])


def contents(spool: Spool) -> list[list[bytes | None]]:
    return [row for b in spool.blocks() for row in decode_rows(b)]


def test_rows_come_back_in_order_from_memory_and_file(tmp_path: Path) -> None:
    expected = [row for n in range(100) for row in decode_rows(block(n))]
    for memory in (0, 500, 1 << 20):
        spool = Spool(memory, tmp_path)
        for number in range(100):
            spool.add(block(number))
        assert (spool.rows, spool.full) == (1000, memory == 0)
        assert contents(spool) == expected


def test_memory_is_bounded_by_the_file() -> None:
    spool = Spool(1000)
    for number in range(1000):
        spool.add(block(number))
        assert sum(b.nbytes for b in spool._blocks) <= 1000
    spool.close()


def test_blocks_from_the_file_can_be_sent() -> None:
    spool = Spool(0)
    spool.add(block(1))
    (again,) = spool.blocks()
    assert again.renumber(250)[3] == 250
    assert again.rows == 10
