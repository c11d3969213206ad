"""Blocks of rows: numbering, cutting, values."""

from __future__ import annotations

import pytest

from qproxy.wire.rowblock import MAX_PAYLOAD, RowBlock, decode_rows, encode_rows

ROWS: list[list[bytes | None]] = [[str(i).encode(), None, b"v" * i] for i in range(600)]


def sequences(data: bytes | bytearray, block: RowBlock) -> list[int]:
    return [data[int(start) + 3] for start in block.starts]


def test_numbers_count_up_and_wrap() -> None:
    block = encode_rows(ROWS)
    assert sequences(block.renumber(250), block) == [(250 + i) % 256 for i in range(600)]


def test_every_packet_of_a_long_row_is_numbered() -> None:
    block = encode_rows([[b"x" * (2 * MAX_PAYLOAD)], [b"y"]])
    assert (block.rows, len(block.starts)) == (2, 4)
    assert sequences(block.renumber(7), block) == [7, 8, 9, 10]


@pytest.mark.parametrize("cut", [0, 1, 250, 599, 600, 700])
def test_head_and_tail_part_the_rows(cut: int) -> None:
    block = encode_rows(ROWS)
    assert [*decode_rows(block.head(cut)), *decode_rows(block.tail(cut))] == ROWS
    assert block.head(cut).rows == min(cut, 600)
