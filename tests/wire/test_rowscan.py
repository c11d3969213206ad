"""Finding rows in a worker's stream, however it is cut."""

from __future__ import annotations

import pytest

from qproxy.wire.rowblock import MAX_PAYLOAD, RowBlock, decode_rows, encode_rows, frame
from qproxy.wire.rowscan import PacketSplitter, RowScanner, parse_error

EOF = frame(b"\xfe\x00\x00\x22\x00")
ROWS: list[list[bytes | None]] = [[b"1", None, b"abc"], [b"", b"x" * 300, None], [b"y" * 70_000, b"2", b"3"]]


def scanned(stream: bytes, step: int) -> tuple[list[RowBlock], RowScanner]:
    scanner = RowScanner()
    blocks = []
    for start in range(0, len(stream), step):
        block = scanner.feed(stream[start : start + step])
        if block is not None:
            blocks.append(block)
    return blocks, scanner


@pytest.mark.parametrize("step", [1, 2, 3, 5, 64, 1000, 1 << 20])
def test_rows_are_found_whatever_the_cuts(step: int) -> None:
    blocks, scanner = scanned(bytes(encode_rows(ROWS).data) + EOF, step)
    assert [row for b in blocks for row in decode_rows(b)] == ROWS
    assert scanner.end is not None
    assert scanner.end[0] == 0xFE


@pytest.mark.parametrize("size", [MAX_PAYLOAD - 5, MAX_PAYLOAD - 4, MAX_PAYLOAD, MAX_PAYLOAD + 10, 2 * MAX_PAYLOAD])
def test_rows_of_16_megabytes_and_more(size: int) -> None:
    rows: list[list[bytes | None]] = [[b"a"], [b"z" * size], [b"b"]]
    blocks, _ = scanned(bytes(encode_rows(rows).data) + EOF, 1 << 20)
    assert [len(row[0] or b"") for b in blocks for row in decode_rows(b)] == [1, size, 1]
    assert sum(b.rows for b in blocks) == 3


def test_a_value_longer_than_16_megabytes_is_no_end_of_rows() -> None:
    # Its length is written behind 0xFE, the byte that an EOF packet begins with.
    blocks, scanner = scanned(bytes(encode_rows([[b"q" * (1 << 24)]]).data) + EOF, 1 << 22)
    assert sum(b.rows for b in blocks) == 1
    assert scanner.end is not None


def test_an_error_ends_the_rows() -> None:
    stream = bytes(encode_rows(ROWS[:1]).data) + frame(b"\xff" + (1317).to_bytes(2, "little") + b"#70100gone")
    blocks, scanner = scanned(stream, 7)
    assert sum(b.rows for b in blocks) == 1
    assert scanner.end is not None
    error = parse_error(scanner.end)
    assert (error.code, error.sqlstate, error.message) == (1317, "70100", "gone")


def test_splitter_joins_long_payloads_and_keeps_the_rest() -> None:
    splitter = PacketSplitter()
    payload = b"p" * (MAX_PAYLOAD + 3)
    stream = frame(b"first") + frame(payload) + b"rest"
    for start in range(0, len(stream), 1 << 20):
        splitter.feed(stream[start : start + (1 << 20)])
    assert splitter.next() == b"first"
    assert splitter.next() == payload
    assert splitter.next() is None
    assert splitter.rest() == b"rest"
