"""Who comes in, who does not, and what is said to them."""

from __future__ import annotations

import asyncio
import ssl
import struct
import time

import pymysql
import pytest

from qproxy.wire import packets
from qproxy.wire.limits import Limits
from qproxy.wire.native_password import native_response
from qproxy.wire.rowblock import frame
from tests.wire.conftest import new_loop
from tests.wire.made import CAPABILITIES, RawClient, Served, error_of, until

SSL_REQUEST = struct.pack("<IIB23x", CAPABILITIES | packets.SSL, 1 << 24, 45)


def connect(served: Served, **given: object) -> pymysql.connections.Connection:
    given = {"user": "anna", "password": "secret", **given}
    return pymysql.connect(host="127.0.0.1", port=served.port, connect_timeout=10, **given)


def test_pymysql_comes_in(served: Served) -> None:
    with connect(served, database="sky", program_name="look"), connect(served):
        (first, database), (second, none) = served.record.clients
        assert (first.user, first.address, database, none) == ("anna", "127.0.0.1", "sky", None)
        assert first.attributes["program_name"] == "look"
        assert first.connection_id != second.connection_id
        assert served.record.used == ["sky"]
        assert served.record.collations == [45, 45]
        assert served.server.client(first.connection_id) == first
    until(lambda: served.record.closed == 2)


def test_wrong_password_closes_and_serves_nothing(served: Served) -> None:
    raw = RawClient(served.port)
    nonce = raw.greeting()
    # The command is on its way before the server has answered the login.
    raw.send(raw.response("anna", native_response("guess", nonce)))
    raw.sock.sendall(frame(b"\x03echo stolen"))
    assert error_of(raw.read()) == (1045, "Access denied for user 'anna'@'127.0.0.1' (using password: YES)")
    assert raw.closed()
    assert served.record.clients == [] and served.record.queries == []


def test_unknown_user_is_told_the_same(served: Served) -> None:
    told = []
    for user, password in (("anna", "guess"), ("nemo", "guess"), ("anna", ""), ("nemo", ""), ("broken", "")):
        with pytest.raises(pymysql.err.OperationalError) as caught:
            connect(served, user=user, password=password)
        code, message = caught.value.args
        told.append((code, message.replace(user, "USER")))
    assert told[0] == told[1] == (1045, "Access denied for user 'USER'@'127.0.0.1' (using password: YES)")
    assert told[2] == told[3] == told[4] == (1045, told[0][1].replace("YES", "NO"))


def test_user_without_password(served: Served) -> None:
    connect(served, user="open", password="").close()
    with pytest.raises(pymysql.err.OperationalError, match="1045"):
        connect(served, user="open", password="any")


def test_unknown_database_is_told_and_closes(served: Served) -> None:
    with pytest.raises(pymysql.err.OperationalError, match="1049"):
        connect(served, database="nowhere")
    until(lambda: served.record.closed == 1)
    until(lambda: not served.server.connections)


def test_client_with_another_plugin_is_asked_again(served: Served) -> None:
    raw = RawClient(served.port)
    nonce = raw.greeting()
    raw.send(raw.response("old", b"\x07" * 32, plugin="caching_sha2_password"))
    switch = raw.read()
    assert switch[0] == 0xFE and switch[1:].startswith(b"mysql_native_password\0")
    fresh = switch[-21:-1]
    assert fresh != nonce
    raw.send(native_response("secret", fresh))
    assert raw.read()[0] == 0
    assert served.record.clients[0][0].attributes == {"name": "made ü."}


def test_answer_to_the_old_nonce_is_refused_after_a_switch(served: Served) -> None:
    raw = RawClient(served.port)
    nonce = raw.greeting()
    raw.send(raw.response("old", b"", plugin="caching_sha2_password"))
    raw.read()
    raw.send(native_response("secret", nonce))
    assert error_of(raw.read())[0] == 1045
    assert raw.closed()


def test_login_byte_by_byte(served: Served) -> None:
    raw = RawClient(served.port)
    nonce = raw.greeting()
    for byte in frame(raw.response("anna", native_response("secret", nonce)), 1):
        raw.sock.sendall(bytes((byte,)))
    raw.sequence = 2
    assert raw.read()[0] == 0


def test_caps_before_login(served: Served) -> None:
    raw = RawClient(served.port)
    raw.greeting()
    raw.sock.sendall((64 * 1024 + 1).to_bytes(3, "little") + b"\x01")
    raw.sequence = 2
    assert error_of(raw.read())[0] == 1153
    assert raw.closed()


def test_caps_between_greeting_and_login(served: Served) -> None:
    raw = RawClient(served.port)
    raw.greeting()
    raw.send(raw.response("anna", b"", plugin="other"))
    raw.read()
    raw.sock.sendall(b"\xff\xff\xff\x03")
    raw.sequence = 4
    assert error_of(raw.read())[0] == 1153
    assert raw.closed()


@pytest.mark.parametrize("payload", [b"", b"\0" * 32, b"\xff" * 32, b"\xff" * 200, SSL_REQUEST[:20]])
def test_malformed_login_is_refused(served: Served, payload: bytes) -> None:
    raw = RawClient(served.port)
    raw.greeting()
    raw.send(payload)
    assert error_of(raw.read())[0] in (1043, 1835)
    assert raw.closed()


def test_wrong_sequence_is_refused(served: Served) -> None:
    raw = RawClient(served.port)
    raw.greeting()
    raw.sock.sendall(frame(b"x" * 40, 5))
    raw.sequence = 2
    assert error_of(raw.read())[0] == 1156
    assert raw.closed()


@pytest.mark.parametrize("sent", [b"", b"\x20", frame(b"y" * 60, 1)[:30]])
def test_handshake_timeout(kind: str, sent: bytes) -> None:
    with Served(limits=Limits(handshake_timeout=0.2), loop=new_loop(kind)) as served:
        raw = RawClient(served.port)
        raw.greeting()
        raw.sock.sendall(sent)
        assert raw.closed()
        until(lambda: not served.server.connections)


def test_handshake_timeout_counts_all_rounds(kind: str) -> None:
    with Served(limits=Limits(handshake_timeout=0.2), loop=new_loop(kind)) as served:
        raw = RawClient(served.port)
        raw.greeting()
        raw.send(raw.response("anna", b"", plugin="other"))
        assert raw.closed()


def test_handshake_timeout_inside_tls(kind: str, certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Served(tls=context, limits=Limits(handshake_timeout=0.3), loop=new_loop(kind)) as served:
        raw = RawClient(served.port)
        raw.greeting()
        raw.send(SSL_REQUEST)
        assert raw.closed()
        until(lambda: not served.server.connections)


def test_hang_up_during_login(served: Served) -> None:
    raw = RawClient(served.port)
    raw.greeting()
    raw.close()
    until(lambda: not served.server.connections)
    connect(served).close()


def test_guessing_is_slowed_then_refused(kind: str) -> None:
    limits = Limits(free_login_failures=2, handshake_timeout=1.0)
    with Served(limits=limits, loop=new_loop(kind)) as served:
        for _ in range(3):
            with pytest.raises(pymysql.err.OperationalError, match="1045"):
                connect(served, password="guess")
        began = time.monotonic()
        connect(served).close()
        assert time.monotonic() - began > 0.4
        for _ in range(10):
            with pytest.raises(pymysql.err.OperationalError) as caught:
                connect(served, password="guess")
            if caught.value.args[0] == 1129:
                break
        with pytest.raises(pymysql.err.OperationalError, match=r"1129.*is blocked because of many failed logins"):
            connect(served)


def client_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_tls_with_pymysql(served_tls: Served) -> None:
    with connect(served_tls, ssl=client_tls(), database="sky") as connection:
        cursor = connection.cursor()
        cursor.execute("echo " + "ü" * 100_000)
        assert cursor.fetchall() == (("ü" * 100_000,),)
        cursor.execute("count 100000")
        assert len(cursor.fetchall()) == 100_000
        assert isinstance(connection._sock, ssl.SSLSocket)
    with pytest.raises(pymysql.err.OperationalError, match="1045"):
        connect(served_tls, ssl=client_tls(), password="guess")
    connect(served_tls, ssl_disabled=True).close()


def test_tls_is_not_offered_without_a_certificate(served: Served) -> None:
    raw = RawClient(served.port)
    raw.greeting()
    assert not raw.offered & packets.SSL
    raw.send(SSL_REQUEST)
    assert error_of(raw.read())[0] == 1835
    assert raw.closed()


def test_client_hello_in_the_segment_of_the_ssl_request(served_tls: Served) -> None:
    raw = RawClient(served_tls.port)
    nonce = raw.greeting()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_tls().wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    raw.sock.sendall(frame(SSL_REQUEST, 1) + outgoing.read())

    def pump() -> None:
        if outgoing.pending:
            raw.sock.sendall(outgoing.read())
        incoming.write(raw.sock.recv(65536))

    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            pump()
    raw.capabilities |= packets.SSL
    tls.write(frame(raw.response("anna", native_response("secret", nonce)), 2))
    received = b""
    while len(received) < 4 or len(received) < 4 + int.from_bytes(received[:3], "little"):
        try:
            received += tls.read()
        except ssl.SSLWantReadError:
            pump()
    assert received[3] == 3 and received[4] == 0


def test_commands_behind_the_ssl_request_are_never_run(served_tls: Served) -> None:
    raw = RawClient(served_tls.port)
    nonce = raw.greeting()
    login = frame(raw.response("anna", native_response("secret", nonce)), 2)
    raw.sock.sendall(frame(SSL_REQUEST, 1) + login + frame(b"\x03echo smuggled"))
    assert raw.closed()
    until(lambda: not served_tls.server.connections)
    assert served_tls.record.clients == [] and served_tls.record.queries == []


def test_commands_held_behind_the_ssl_request_stay_out_of_the_session(served_tls: Served) -> None:
    raw = RawClient(served_tls.port)
    raw.greeting()
    raw.sock.sendall(frame(SSL_REQUEST, 1) + frame(b"\x03echo smuggled"))
    with pytest.raises((ssl.SSLError, OSError)):
        client_tls().wrap_socket(raw.sock)
    until(lambda: not served_tls.server.connections)
    assert served_tls.record.queries == []


def test_tls_asked_for_twice(served_tls: Served) -> None:
    raw = RawClient(served_tls.port)
    raw.greeting()
    raw.send(SSL_REQUEST)
    raw.sock = client_tls().wrap_socket(raw.sock)
    raw.send(SSL_REQUEST)
    assert error_of(raw.read())[0] == 1043
    assert raw.closed()


def test_change_user(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.command(0x11, b"open\0\x00sky\0\x2d\x00mysql_native_password\0\x00")
    switch = raw.read()
    assert switch[0] == 0xFE
    raw.send(b"")
    assert raw.read()[0] == 0
    assert [client.user for client, _ in served.record.clients] == ["anna", "open"]
    assert served.record.used == ["sky"] and served.record.closed == 1
    assert raw.ask(0x0E)[0] == 0


def test_change_user_that_fails_closes(served: Served) -> None:
    raw = RawClient(served.port).login("open", "")
    raw.command(0x11, b"anna\0\x00\0\x2d\x00mysql_native_password\0\x00")
    raw.read()
    raw.send(b"")
    raw.sock.sendall(frame(b"\x03echo stolen"))
    assert error_of(raw.read())[0] == 1045
    assert raw.closed()
    assert served.record.queries == []


async def test_the_loop_of_the_tests_is_not_needed() -> None:
    with Served() as served:
        await asyncio.to_thread(lambda: connect(served).close())
