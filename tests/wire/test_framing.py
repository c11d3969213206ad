"""Messages come out the same, however their bytes were cut."""

from __future__ import annotations

import random

import pytest

from qproxy.errors import SQLError
from qproxy.wire.framing import PacketSplitter
from qproxy.wire.rowblock import MAX_PAYLOAD, frame


def test_byte_by_byte() -> None:
    splitter = PacketSplitter(1000)
    data = frame(b"hello", 0)
    for i, byte in enumerate(data):
        splitter.feed(bytes((byte,)))
        taken = splitter.take(0)
        assert (taken is None) == (i < len(data) - 1)
    assert taken == (b"hello", 1)
    assert splitter.buffered == 0


def test_random_cuts() -> None:
    dice = random.Random(11)
    messages = [dice.randbytes(dice.choice((0, 1, 3, 250, 5000))) for _ in range(200)]
    stream = b"".join(frame(message, 0) for message in messages)
    splitter = PacketSplitter(10_000)
    found = []
    pos = 0
    while pos < len(stream):
        size = dice.randint(1, 900)
        splitter.feed(stream[pos : pos + size])
        pos += size
        while (taken := splitter.take(0)) is not None:
            found.append(taken[0])
    assert found == messages


@pytest.mark.parametrize("size", [MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1, 2 * MAX_PAYLOAD])
def test_sixteen_megabytes_and_more(size: int) -> None:
    message = bytes(size)
    splitter = PacketSplitter(64 << 20)
    data = frame(message, 254)
    packets = size // MAX_PAYLOAD + 1
    splitter.feed(data[:-1])
    assert splitter.take(254) is None
    splitter.feed(data[-1:])
    assert splitter.take(254) == (message, (254 + packets) & 0xFF)


def test_wrong_sequence() -> None:
    splitter = PacketSplitter(1000)
    splitter.feed(frame(b"x", 1))
    with pytest.raises(SQLError) as caught:
        splitter.take(0)
    assert caught.value.code == 1156


def test_wrong_sequence_inside_a_message() -> None:
    splitter = PacketSplitter(64 << 20)
    splitter.feed(frame(bytes(MAX_PAYLOAD), 0)[: MAX_PAYLOAD + 4] + frame(b"x", 0))
    with pytest.raises(SQLError) as caught:
        splitter.take(0)
    assert caught.value.code == 1156


def test_too_big_is_refused_by_its_header() -> None:
    splitter = PacketSplitter(1000)
    splitter.feed((1001).to_bytes(3, "little") + b"\0")
    with pytest.raises(SQLError) as caught:
        splitter.take(0)
    assert caught.value.code == 1153


def test_limit_counts_all_packets_of_a_message() -> None:
    splitter = PacketSplitter(MAX_PAYLOAD + 10)
    splitter.feed(frame(bytes(MAX_PAYLOAD + 11), 0)[: MAX_PAYLOAD + 8])
    with pytest.raises(SQLError) as caught:
        splitter.take(0)
    assert caught.value.code == 1153
