"""Rows that wait: in memory, then in a file, and back in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from qproxy.dispatch.spool import Disk, Spool
from qproxy.errors import SQLError
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
        assert spool.rows == 1000
        assert contents(spool) == expected


def test_memory_is_bounded_by_the_file() -> None:
    spool = Spool(1000)
    for number in range(1000):
        spool.add(block(number))
        assert sum(b.nbytes for b in spool._blocks) <= 1000
    spool.close()


def test_what_would_go_to_the_file_is_known_before(tmp_path: Path) -> None:
    one = block(1)
    spool = Spool(2 * one.nbytes, tmp_path)
    for _ in range(3):
        for _ in range(2):
            assert not spool.would_spill(one)
            spool.add(block(1))
        assert spool.would_spill(one)
        spool.add(block(1))


def test_files_of_resting_clients_are_bounded_together(tmp_path: Path) -> None:
    size = block(1).nbytes
    disk = Disk(3 * size)
    free, one, other = Spool(0, tmp_path), Spool(0, tmp_path, disk), Spool(0, tmp_path)
    free.add(block(1))
    other.add(block(1))
    assert disk.used == 0
    other.bound(disk)
    for spool in (one, one, other):
        spool.add(block(1))
    with pytest.raises(SQLError, match=r"dispatch\.spool_limit_mb") as full:
        other.add(block(1))
    assert full.value.code == 1021
    free.add(block(1))
    other.close()
    assert disk.used == 2 * size
    one.add(block(1))
    assert len(contents(one)) == 30
    assert disk.used == 0


def test_blocks_from_the_file_can_be_sent() -> None:
    spool = Spool(0)
    spool.add(block(1))
    (again,) = spool.blocks()
    assert again.renumber(250)[3] == 250
    assert again.rows == 10
