"""PROXY headers: read to their last byte and no further, and believed from the right senders only."""

from __future__ import annotations

import random
import socket

import pytest

from qproxy.errors import ConfigError, SQLError
from qproxy.wire.limits import Limits
from qproxy.wire.proxy_protocol import client_address, is_allowed, missing, parse_networks
from qproxy.wire.server import Ways
from tests.wire.conftest import new_loop
from tests.wire.made import RawClient, Served, error_of, until

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
SENDER = "10.0.0.7"


def version_2(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + bytes((0x20 | command, family)) + len(body).to_bytes(2, "big") + body


FOUR = socket.inet_aton("192.0.2.9") + socket.inet_aton("10.0.0.1") + b"\x12\x34\x0f\xc8"
SIX = socket.inet_pton(socket.AF_INET6, "2001:db8::9") + bytes(16) + bytes(4)
HEADERS = {
    b"PROXY TCP4 192.0.2.9 10.0.0.1 4660 4040\r\n": "192.0.2.9",
    b"PROXY TCP6 2001:db8::9 ::1 4660 4040\r\n": "2001:db8::9",
    b"PROXY UNKNOWN\r\n": "unknown",
    b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n": "unknown",
    version_2(1, 0x11, FOUR): "192.0.2.9",
    version_2(1, 0x11, FOUR + b"\x04\x00\x02ab"): "192.0.2.9",
    version_2(1, 0x21, SIX): "2001:db8::9",
    version_2(1, 0x31, bytes(216)): "unknown",
    version_2(1, 0x00, b""): "unknown",
    version_2(0, 0x00, b""): SENDER,
}


def taken(stream: bytes) -> bytes:
    """What is read off a stream as the header."""
    header = b""
    while size := missing(header):
        if len(header) + size > len(stream):
            raise EOFError
        header += stream[len(header) : len(header) + size]
    return header


@pytest.mark.parametrize(("header", "address"), HEADERS.items())
def test_headers(header: bytes, address: str) -> None:
    assert taken(header + b"behind it\r\n") == header
    assert client_address(header, SENDER) == address


@pytest.mark.parametrize(
    "header",
    [
        b"\x20\x00\x00\x01" + bytes(32),
        b"PROXY " + b"x" * 110 + b"\r\n",
        b"PROXY TCP4 192.0.2.9\r\n",
        b"PROXY TCP4 2001:db8::9 ::1 1 2\r\n",
        b"PROXY TCP4 nowhere 10.0.0.1 1 2\r\n",
        b"PROXY TCP5 192.0.2.9 10.0.0.1 1 2\r\n",
        SIGNATURE + b"\x31\x11\x00\x0c" + FOUR,
        SIGNATURE + b"\x22\x11\x00\x0c" + FOUR,
        version_2(1, 0x11, FOUR[:11]),
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_what_is_no_header(header: bytes) -> None:
    with pytest.raises(SQLError) as caught:
        client_address(taken(header), SENDER)
    assert caught.value.code == 1835


def test_mutated_headers_are_read_or_refused() -> None:
    draw = random.Random(4)
    for _ in range(3000):
        header = bytearray(draw.choice(list(HEADERS)))
        for _ in range(draw.randint(1, 4)):
            header[draw.randrange(len(header))] = draw.randrange(256)
        try:
            address = client_address(taken(bytes(header) + bytes(300)), SENDER)
        except (SQLError, EOFError):
            continue
        assert address


def test_networks() -> None:
    networks = parse_networks("10.0.0.7, 192.168.0.0/16 fd00::/64")
    for address in ("10.0.0.7", "::ffff:10.0.0.7", "192.168.3.4", "fd00::1"):
        assert is_allowed(address, networks)
    for address in ("10.0.0.8", "fd01::1", "localhost", ""):
        assert not is_allowed(address, networks)
    assert parse_networks("") == ()
    with pytest.raises(ConfigError, match=r"server\.proxy_protocol_from: 'lb1'"):
        parse_networks("lb1")


def served_behind(balancers: str, kind: str) -> Served:
    ways = Ways(balancers=parse_networks(balancers))
    return Served(loop=new_loop(kind), ways=ways, limits=Limits(handshake_timeout=0.5))


def test_the_client_is_whom_the_balancer_brings(kind: str) -> None:
    with served_behind("127.0.0.0/8", kind) as served:
        for header in (b"PROXY TCP4 192.0.2.9 10.0.0.1 1 2\r\n", version_2(1, 0x11, FOUR)):
            raw = RawClient(served.port)
            raw.sock.sendall(header)
            raw.login()
            assert served.record.clients[-1][0].address == "192.0.2.9"
            raw = RawClient(served.port)
            raw.sock.sendall(header)
            with pytest.raises(AssertionError, match=r"Access denied for user 'near'@'192\.0\.2\.9'"):
                raw.login("near")


def test_a_client_that_is_not_named_is_not_of_this_machine(kind: str) -> None:
    with served_behind("127.0.0.0/8", kind) as served:
        raw = RawClient(served.port)
        raw.sock.sendall(b"PROXY UNKNOWN\r\n")
        with pytest.raises(AssertionError, match="Access denied for user 'near'@'unknown'"):
            raw.login("near")


def test_without_a_header_a_balancer_is_not_greeted(kind: str) -> None:
    with served_behind("127.0.0.0/8", kind) as served:
        silent = RawClient(served.port)
        assert silent.closed()
        other = RawClient(served.port)
        other.sock.sendall(b"\x20\x00\x00\x01" + bytes(32))
        assert other.closed()
        until(lambda: not served.server.connections)


def test_a_header_of_anybody_else_is_no_login(kind: str) -> None:
    with served_behind("192.0.2.0/24", kind) as served:
        raw = RawClient(served.port)
        raw.greeting()
        raw.sock.sendall(b"PROXY TCP4 127.0.0.1 10.0.0.1 1 2\r\n")
        raw.sequence = 2
        assert error_of(raw.read())[0] in (1153, 1156)
        assert raw.closed()
