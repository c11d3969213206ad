"""Mutated packets: what clients send, changed at random, and what a server may answer to that.

Everything is drawn from one seeded generator, so that a run can be repeated.
"""

from __future__ import annotations

import random
import socket
import struct
import zlib
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field

from qproxy.wire import packets
from qproxy.wire.native_password import native_response
from qproxy.wire.rowblock import frame
from tests.wire.made import CAPABILITIES, RawClient

#: What a proxy says of a defect of its own.
INTERNAL = 1105
PING = frame(b"\x0e")
_ALIVE = b"\x00\x00\x00\x02\x00\x00\x00"
#: Seconds until a server hangs; until it seems to wait for more.
_PATIENCE, _SILENCE = 20.0, 0.3

_LIES = (b"\xfc\xff\xff", b"\xfd\xff\xff\xff", b"\xfe" + b"\xff" * 8, b"\xfe" + bytes(8))
_ATTRIBUTES = b"\x0e\x04name\x08made \xc3\xbc."
_TEXTS = (
    b"SELECT 1",
    b"SELECT COUNT(*) FROM sky.Band",
    b"SELECT name FROM sky.Band WHERE bandId = 2",
    b"SELECT starId FROM sky.Star WHERE qserv_areaspec_circle(83.82, -5.39, 0.5) LIMIT 3",
    b"SHOW TABLES FROM sky LIKE '%a%'",
    b"SET NAMES utf8mb4",
    b"EXPLAIN SELECT COUNT(*) FROM sky.Band GROUP BY name",
    b"SELECT @@version_comment LIMIT 1; SELECT 2",
)
#: Commands as honest clients send them: number and argument.
COMMANDS: tuple[bytes, ...] = (
    *(b"\x03" + text for text in _TEXTS),
    b"\x03\x01\x01\x00\x01\xfe\x00\x05trace\x02abSELECT 1",
    b"\x02sky",
    b"\x04Band\0%",
    b"\x09",
    b"\x0c\x01\x00\x00\x70",
    b"\x0d",
    b"\x0e",
    b"\x11somebody\0\x00sky\0\x2d\x00mysql_native_password\0" + _ATTRIBUTES,
    b"\x11somebody\0\x14" + bytes(range(1, 21)) + b"sky\0\x2d\x00caching_sha2_password\0" + _ATTRIBUTES,
    b"\x16SELECT name FROM sky.Band WHERE bandId = ?",
    b"\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01\x08\x00" + struct.pack("<q", 2),
    b"\x17\x01\x00\x00\x00\x01\x01\x00\x00\x00\x00\x01\xfd\x00\x03two",
    b"\x18\x01\x00\x00\x00\x00\x00some long data",
    b"\x19\x01\x00\x00\x00",
    b"\x1a\x01\x00\x00\x00",
    b"\x1b\x00\x00",
    b"\x1c\x01\x00\x00\x00\x0a\x00\x00\x00",
    b"\x1f",
    *(bytes((code,)) for code in range(0x05, 0x0C)),
    b"\x12\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    b"\x20",
    b"\x3c",
    b"\xff\xff",
)


def login(draw: random.Random) -> bytes:
    """A handshake response of somebody who is unknown."""
    capabilities = CAPABILITIES | (packets.CONNECT_WITH_DB if draw.random() < 0.5 else 0)
    for bit in (packets.COMPRESS, packets.ZSTD, packets.SESSION_TRACK, packets.LENENC_AUTH, packets.PLUGIN_AUTH):
        if draw.random() < 0.3:
            capabilities ^= bit
    answer = draw.choice((b"", draw.randbytes(20), draw.randbytes(32)))
    plugin = draw.choice(("mysql_native_password", "caching_sha2_password", "mysql_clear_password", "dialog", ""))
    database = b"sky\0" if capabilities & packets.CONNECT_WITH_DB else b""
    head = struct.pack("<IIB23x", capabilities, 1 << 24, draw.choice((45, 8, 33, 63, 255)))
    return (
        head
        + b"somebody\0"
        + bytes((len(answer),))
        + answer
        + database
        + plugin.encode()
        + b"\0"
        + _ATTRIBUTES
        + b"\x03"
    )


def ssl_request() -> bytes:
    """The first message of a client that wants TLS."""
    return struct.pack("<IIB23x", CAPABILITIES | packets.SSL, 1 << 24, 45)


def mutated(payload: bytes, draw: random.Random) -> bytes:
    """A payload with a few changes."""
    data = bytearray(payload)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
        at = draw.randrange(len(data) + 1)
        what = draw.randrange(8)
        if what == 0 and data:
            data[at % len(data)] ^= 1 << draw.randrange(8)
        elif what == 1 and data:
            data[at % len(data)] = draw.choice((0, 1, 0x7F, 0x80, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF))
        elif what == 2:
            del data[at:]
        elif what == 3:
            data[at:at] = draw.randbytes(draw.choice((1, 2, 8, 300)))
        elif what == 4:
            del data[at : at + draw.randint(1, 8)]
        elif what == 5:
            data[at:at] = data[at : at + draw.randint(1, 40)]
        elif what == 6:
            # A length that lies.
            data[at : at + 1] = draw.choice(
                (b"\xfc\xff\xff", b"\xfd\xff\xff\xff", b"\xfe" + b"\xff" * 8, b"\xfe" + bytes(8))
            )
        else:
            data += bytes(draw.choice((1, 16, 4096)))
    return bytes(data)


def misframed(payload: bytes, sequence: int, draw: random.Random) -> bytes:
    """A packet whose header, or what comes behind it, is wrong."""
    packet = bytearray(frame(payload, sequence))
    what = draw.randrange(7)
    if what == 0:
        packet[3] = draw.randrange(256)
    elif what == 1:
        packet[0:3] = draw.randrange(1 << 24).to_bytes(3, "little")
    elif what == 2:
        packet[0:3] = b"\xff\xff\xff"
    elif what == 3:
        del packet[draw.randrange(len(packet)) :]
    elif what == 4:
        packet += bytes(packet)
    elif what == 5:
        packet = bytearray(draw.randbytes(draw.randint(1, 200)))
    else:
        body = zlib.compress(bytes(packet))
        packet = bytearray(len(body).to_bytes(3, "little") + b"\0" + len(packet).to_bytes(3, "little") + body)
    return bytes(packet)


@dataclass
class Told:
    """What a server said in a run.

    Attributes:
        sent: mutated packets.
        codes: of errors.
        closed: connections that ended without a word.
        entered: logins that were let in.
    """

    sent: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    closed: int = 0
    entered: int = 0


class Mutator:
    """Sends mutated packets to a server on this machine.

    Args:
        port: of the server.
        user, password: of somebody who may log in by mysql_native_password; nobody else may.
        seed: of all that is drawn.
    """

    def __init__(self, port: int, user: str, password: str, seed: int) -> None:
        self._port = port
        self._user = user
        self._password = password
        self._draw = random.Random(seed)
        self._open: RawClient | None = None
        self.told = Told()

    def before_login(self) -> None:
        """One connection that sends one mutated packet, or two, in place of its login."""
        draw = self._draw
        with closing(RawClient(self._port)) as raw:
            raw.sock.settimeout(_PATIENCE)
            raw.greeting()
            payload = login(draw) if draw.random() < 0.85 else ssl_request()
            whole = draw.random() < 0.8
            sent = frame(mutated(payload, draw), 1) if whole else misframed(payload, 1, draw)
            if draw.random() < 0.1:
                sent += frame(mutated(draw.randbytes(20), draw), 3)
                self.told.sent += 1
            self.told.sent += 1
            self._send(raw, sent)
            if not whole:
                self._hang_up(raw)
            self._listen(raw, before_login=True)

    def after_login(self) -> None:
        """One mutated command, on the connection of the last one if that still stands."""
        draw = self._draw
        raw = self._open or self._login()
        self._open = None
        command = draw.choice(COMMANDS)
        self.told.sent += 1
        if draw.random() < 0.1:
            with closing(raw):
                self._send(raw, misframed(command, 0, draw))
                self._hang_up(raw)
                self._listen(raw, before_login=False)
            return
        try:
            raw.sock.sendall(frame(mutated(command, draw)) + PING)
            self._until_alive(raw)
        except (EOFError, ConnectionError):
            self.told.closed += 1
            raw.close()
        else:
            self._open = raw

    def close(self) -> None:
        """End the connection that is open."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _login(self) -> RawClient:
        raw = RawClient(self._port)
        raw.capabilities |= packets.QUERY_ATTRIBUTES if self._draw.random() < 0.3 else 0
        raw.sock.settimeout(_PATIENCE)
        raw.send(raw.response(self._user, native_response(self._password, raw.greeting())))
        reply = raw.read()
        assert reply[0] == 0, f"an honest login was refused: {reply!r}"
        return raw

    def _send(self, raw: RawClient, data: bytes) -> None:
        # It may have been closed before all of it was sent.
        with suppress(OSError):
            raw.sock.sendall(data)

    def _hang_up(self, raw: RawClient) -> None:
        raw.sock.settimeout(_PATIENCE)
        with suppress(OSError):
            raw.sock.shutdown(socket.SHUT_WR)

    def _until_alive(self, raw: RawClient) -> None:
        """Read answers up to that to the PING."""
        while True:
            number, payload = _packet(raw)
            self._note(payload)
            if number == 1 and payload == _ALIVE:
                return

    def _listen(self, raw: RawClient, before_login: bool) -> None:
        """Hear what the server has to say until it closes the connection, and answer what it asks."""
        heard = 0
        raw.sock.settimeout(_SILENCE)
        try:
            while True:
                try:
                    number, payload = _packet(raw)
                except TimeoutError:
                    # It waits for more, or for TLS. A second silence is a hang.
                    assert raw.sock.gettimeout() == _SILENCE, "the server neither answers nor closes the connection"
                    self._hang_up(raw)
                    continue
                heard += 1
                self._note(payload)
                if before_login and payload[:1] == b"\x00":
                    self.told.entered += 1
                if before_login and payload[:1] in (b"\x01", b"\xfe"):
                    self.told.sent += 1
                    answer = self._draw.choice((b"\x02", b"", self._draw.randbytes(20), self._draw.randbytes(256)))
                    self._send(raw, frame(mutated(answer, self._draw), number + 1))
        except (EOFError, ConnectionError):
            self.told.closed += not heard

    def _note(self, payload: bytes) -> None:
        if payload[:1] == b"\xff" and len(payload) > 3:
            self.told.codes[struct.unpack_from("<H", payload, 1)[0]] += 1


def _packet(raw: RawClient) -> tuple[int, bytes]:
    header = raw.exactly(4)
    return header[3], raw.exactly(int.from_bytes(header[:3], "little"))
