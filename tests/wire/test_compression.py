"""Compressed packets: the codec, real clients, and clients that lie."""

from __future__ import annotations

import random
import subprocess
import zlib

import pytest
import zstandard

from qproxy.errors import SQLError
from qproxy.wire import packets
from qproxy.wire.compression import Compressor, Decompressor
from qproxy.wire.limits import Limits
from qproxy.wire.native_password import native_response
from qproxy.wire.rowblock import frame
from tests.wire.conftest import new_loop
from tests.wire.made import RawClient, Served, error_of, until

QUERY = 3


def packed(contents: bytes, sequence: int = 0, size: int | None = None, zstd: bool = False) -> bytes:
    body = zstandard.compress(contents) if zstd else zlib.compress(contents)
    said = len(contents) if size is None else size
    return len(body).to_bytes(3, "little") + bytes((sequence,)) + said.to_bytes(3, "little") + body


@pytest.mark.parametrize("level", [None, 1, 3, 22, 0])
@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 25])
def test_there_and_back(level: int | None, step: int) -> None:
    draw = random.Random(1)
    pieces = [b"", b"x", b"short" * 9, b"long" * 5000, draw.randbytes(3000)]
    if step > 1000:
        pieces.append(bytes(0xFFFFFF + 100))
    sequence, stream = 3, b""
    for piece in pieces:
        data, sequence = Compressor(level).pack(piece, sequence)
        stream += data
    reader, due, found = Decompressor(level is not None), 3, b""
    for start in range(0, len(stream), step):
        reader.feed(stream[start : start + step])
        while (contents := reader.take(due)) is not None:
            found += contents
            due = (due + 1) & 0xFF
    assert found == b"".join(pieces)
    assert (due, reader.buffered) == (sequence, 0)


@pytest.mark.parametrize("zstd", [False, True])
@pytest.mark.parametrize("size", [1, 9_999, 10_001, 0xFFFFFF])
def test_contents_of_another_size_than_was_said(zstd: bool, size: int) -> None:
    reader = Decompressor(zstd)
    reader.feed(packed(bytes(10_000), size=size, zstd=zstd))
    with pytest.raises(SQLError) as caught:
        reader.take(0)
    assert caught.value.code == 1157


@pytest.mark.parametrize("zstd", [False, True])
def test_what_cannot_be_unpacked(zstd: bool) -> None:
    draw = random.Random(2)
    for _ in range(500):
        data = bytearray(packed(b"abc" * 100, zstd=zstd))
        data[draw.randrange(7, len(data))] ^= 1 << draw.randrange(8)
        reader = Decompressor(zstd)
        reader.feed(bytes(data))
        try:
            assert len(reader.take(0) or b"") == 300
        except SQLError as refused:
            assert refused.code == 1157
    reader = Decompressor(zstd)
    reader.feed(bytes(7))
    with pytest.raises(SQLError, match="empty"):
        reader.take(0)


def test_wrong_number() -> None:
    reader = Decompressor(False)
    reader.feed(packed(b"x" * 100, 5))
    with pytest.raises(SQLError) as caught:
        reader.take(4)
    assert caught.value.code == 1156


class PackedClient(RawClient):
    """A raw client that packs what it sends from login on."""

    def __init__(self, port: int, capability: int) -> None:
        super().__init__(port)
        self.capabilities |= capability
        nonce = self.greeting()
        answer = self.response("anna", native_response("secret", nonce))
        self.send(answer + b"\x03" if capability == packets.ZSTD else answer)
        assert self.read()[0] == 0
        self._level = 3 if capability == packets.ZSTD else None
        self._packer, self._reader = Compressor(self._level), Decompressor(self._level is not None)
        self._plain = bytearray()
        self.number = 0

    def exactly(self, size: int) -> bytes:
        while hasattr(self, "_plain") and len(self._plain) < size:
            contents = self._reader.take(self.number)
            if contents is None:
                piece = self.sock.recv(1 << 20)
                if not piece:
                    raise EOFError
                self._reader.feed(piece)
                continue
            self.number = (self.number + 1) & 0xFF
            self._plain += contents
        if not hasattr(self, "_plain"):
            return super().exactly(size)
        data = bytes(self._plain[:size])
        del self._plain[:size]
        return data

    def command(self, code: int, argument: bytes = b"") -> None:
        data, self.number = self._packer.pack(frame(bytes((code,)) + argument), 0)
        self.sock.sendall(data)
        self.sequence = 1


@pytest.mark.parametrize("capability", [packets.COMPRESS, packets.ZSTD])
def test_commands_and_rows(served: Served, capability: int) -> None:
    raw = PackedClient(served.port, capability)
    assert raw.ask(0x0E)[0] == 0
    raw.command(QUERY, b"echo " + b"x" * 100_000)
    assert len(raw.rows()[-2]) == 100_004
    raw.command(QUERY, b"count 5000")
    assert len(raw.rows()) == 5000 + 3
    raw.command(QUERY, b"flood 3000000")
    assert len(raw.rows()) == 45 + 3
    raw.command(QUERY, b"wrong")
    assert error_of(raw.read())[0] == 1064
    assert raw.ask(0x0E)[0] == 0


def test_bytes_that_were_sent_ahead_of_the_answer_to_the_login(served: Served) -> None:
    raw = RawClient(served.port)
    raw.capabilities |= packets.COMPRESS
    nonce = raw.greeting()
    login = frame(raw.response("anna", native_response("secret", nonce)), 1)
    raw.sock.sendall(login + Compressor().pack(frame(b"\x0e"), 0)[0])
    raw.sequence = 2
    assert raw.read()[0] == 0
    assert raw.exactly(7)[3] == 1


def test_small_packets_that_grow_are_unpacked_one_at_a_time(kind: str) -> None:
    with Served(loop=new_loop(kind), limits=Limits(max_packet=100_000)) as served:
        raw = PackedClient(served.port, packets.COMPRESS)
        raw.command(QUERY, b"hang")
        until(lambda: served.record.queries == ["hang"])
        bomb = packed(bytes(0xFFFFFF))
        raw.sock.settimeout(0.5)
        with pytest.raises((TimeoutError, ConnectionError)):
            raw.sock.sendall(bomb * 500)
        (connection,) = served.server.connections
        assert served.call(lambda: connection.buffered) < 1 << 20
        served.call(lambda: served.server.kill(raw.connection_id, True))
        until(lambda: not served.server.connections)


@pytest.mark.parametrize("sent", [packed(b"x" * 100, size=99), packed(b"x" * 100, 7), bytes(7)])
def test_lies_close_the_connection(served: Served, sent: bytes) -> None:
    raw = PackedClient(served.port, packets.COMPRESS)
    raw.sock.sendall(sent)
    assert raw.closed()
    until(lambda: not served.server.connections)


def test_mariadb_client(served: Served) -> None:
    words = ["mariadb", "--no-defaults", "--compress", "-h127.0.0.1", f"-P{served.port}", "-uanna", "-psecret", "-N"]
    told = subprocess.run(
        words, input="echo grün;\ncount 3000;\nanything;\nflood 3000000;\n", capture_output=True, text=True, timeout=30
    )
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[0] == "grün" and lines[1:3001] == [str(i) for i in range(3000)]
    assert [len(line) for line in lines[3001:]] == [65536] * 45
