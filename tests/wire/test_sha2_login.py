"""caching_sha2_password from the first login of a user to its next ones, and who is kept out."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from qproxy.wire import packets
from qproxy.wire.limits import Limits
from qproxy.wire.native_password import native_response
from qproxy.wire.server import Ways
from qproxy.wire.sha2_password import PLUGIN, masked, sha2_response
from tests.wire import made
from tests.wire.conftest import new_loop
from tests.wire.made import RawClient, Served, error_of

FAST, FULL, KEY_WANTED = b"\x01\x03", b"\x01\x04", b"\x02"
#: Failed logins are counted elsewhere.
PATIENT = Limits(free_login_failures=1000)


@pytest.fixture
def sha2(kind: str) -> Iterator[Served]:
    with Served(loop=new_loop(kind), ways=Ways(plugin=PLUGIN), limits=PATIENT) as running:
        yield running


def connect(served: Served, **given: object) -> pymysql.connections.Connection:
    given = {"user": "new", "password": "secret", "host": "127.0.0.1", "port": served.port, **given}
    return pymysql.connect(connect_timeout=10, **given)


def encrypted(pem: bytes, password: bytes, nonce: bytes) -> bytes:
    key = serialization.load_pem_public_key(pem)
    assert isinstance(key, rsa.RSAPublicKey)
    return key.encrypt(masked(password + b"\0", nonce), padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))


def first_answer(served: Served, user: str, password: str) -> tuple[RawClient, bytes, bytes]:
    """A client that has answered the greeting; its nonce, and what the server says to that."""
    raw = RawClient(served.port)
    nonce = raw.greeting()
    raw.send(raw.response(user, sha2_response(password, nonce), PLUGIN))
    return raw, nonce, raw.read()


def whole_login(served: Served, user: str, password: str) -> list[bytes]:
    """First bytes of all that the server says to a client without TLS."""
    raw, nonce, told = first_answer(served, user, password)
    heard = [told]
    if told == FULL:
        raw.send(KEY_WANTED)
        heard.append(raw.read())
        raw.send(encrypted(heard[-1][1:], password.encode(), nonce))
        heard.append(raw.read())
    elif told == FAST:
        heard.append(raw.read())
    if heard[-1][0] == 0xFF:
        assert raw.closed()
    return heard


def test_full_then_fast(sha2: Served) -> None:
    first = whole_login(sha2, "new", "secret")
    assert [first[0], first[1][:27], first[2][0]] == [FULL, b"\x01-----BEGIN PUBLIC KEY-----", 0]
    second = whole_login(sha2, "new", "secret")
    assert [second[0], second[1][0]] == [FAST, 0]
    assert [client.user for client, _ in sha2.record.clients] == ["new", "new"]


def test_pymysql_with_and_without_the_key(sha2: Served) -> None:
    for _ in range(2):
        with connect(sha2) as connection, connection.cursor() as cursor:
            cursor.execute("echo here")
            assert cursor.fetchall() == (("here",),)
    for password in ("guess", ""):
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            connect(sha2, password=password)


def test_unknown_users_hear_what_others_hear(sha2: Served) -> None:
    heard = {}
    for user in ("new", "nemo", "anna", "open"):
        answers = whole_login(sha2, user, "guess")
        code, text = error_of(answers.pop())
        heard[user] = (answers, code, text.replace(user, "USER"))
    assert heard["new"] == heard["nemo"] == heard["anna"] == heard["open"]
    assert heard["new"][1] == 1045
    # A password that was proven once does not change what a wrong one hears.
    whole_login(sha2, "new", "secret")
    assert error_of(whole_login(sha2, "new", "guess")[-1])[0] == 1045
    for user in ("new", "nemo"):
        (answer,) = whole_login(sha2, user, "")
        assert error_of(answer) == (1045, f"Access denied for user '{user}'@'127.0.0.1' (using password: NO)")


def test_the_password_itself_is_refused_without_tls(sha2: Served) -> None:
    for sent in (b"secret\0", b"", b"\x02\x02", b"x" * 256, bytes(256)):
        raw, _, told = first_answer(sha2, "new", "secret")
        assert told == FULL
        raw.send(sent)
        assert error_of(raw.read())[0] == 1045
        assert raw.closed()


def test_answer_to_another_nonce_is_refused(sha2: Served) -> None:
    whole_login(sha2, "new", "secret")
    raw = RawClient(sha2.port)
    raw.greeting()
    raw.send(raw.response("new", sha2_response("secret", b"n" * 20), PLUGIN))
    assert raw.read() == FULL


def test_a_changed_password_is_asked_for_in_full(sha2: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_login(sha2, "new", "secret")
    other = replace(made.SECRET, digest=bytes(32))
    monkeypatch.setitem(made.USERS, "new", replace(made.USERS["new"], sha2=other))
    heard = whole_login(sha2, "new", "secret")
    assert heard[0] == FULL and error_of(heard[-1])[0] == 1045


@pytest.mark.parametrize("plugin", [PLUGIN, "mysql_native_password"])
def test_users_who_were_added_or_changed_a_moment_ago(kind: str, plugin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in ("nemo", "near", "open"):
        monkeypatch.setitem(made.LATER, user, made.USERS["anna"])
    with Served(loop=new_loop(kind), ways=Ways(plugin=plugin), limits=PATIENT) as served:
        for user in ("nemo", "near", "open"):
            connect(served, user=user).close()
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            connect(served, user="nemo", password="guess")


def test_users_without_password(sha2: Served) -> None:
    for response in (b"", b"\0"):
        raw = RawClient(sha2.port)
        raw.greeting()
        raw.send(raw.response("open", response, PLUGIN))
        assert raw.read()[0] == 0
    connect(sha2, user="open", password="").close()


def test_either_greeting_lets_in_by_either_plugin(kind: str) -> None:
    for plugin in (PLUGIN, "mysql_native_password"):
        with Served(loop=new_loop(kind), ways=Ways(plugin=plugin)) as served:
            for user in ("old", "new", "anna"):
                connect(served, user=user).close()


def test_client_that_knows_no_plugins(kind: str) -> None:
    for plugin in (PLUGIN, "mysql_native_password"):
        with Served(loop=new_loop(kind), ways=Ways(plugin=plugin)) as served:
            raw = RawClient(served.port)
            raw.capabilities &= ~(packets.PLUGIN_AUTH | packets.CONNECT_ATTRS)
            raw.login("old")
            raw.command(0x11, b"anna\0\x14" + native_response("secret", raw.nonce) + b"\0\x2d\x00")
            assert raw.read()[0] == 0
            raw.command(0x11, b"new\0\x14" + native_response("secret", raw.nonce) + b"\0\x2d\x00")
            assert error_of(raw.read())[0] == 1045


def test_change_user(sha2: Served) -> None:
    whole_login(sha2, "new", "secret")
    raw, _, told = first_answer(sha2, "open", "")
    assert told[0] == 0
    raw.command(0x11, b"new\0\x00sky\0\x2d\x00caching_sha2_password\0\x00")
    switch = raw.read()
    assert switch[1:].startswith(b"caching_sha2_password\0")
    raw.send(sha2_response("secret", switch[-21:-1]))
    assert [raw.read(), raw.read()[0]] == [FAST, 0]
    assert raw.ask(0x0E)[0] == 0
    raw.command(0x11, b"old\0\x00\0\x2d\x00caching_sha2_password\0\x00")
    switch = raw.read()
    assert switch[1:].startswith(b"mysql_native_password\0")
    raw.send(native_response("secret", switch[-21:-1]))
    assert raw.read()[0] == 0
    assert [client.user for client, _ in sha2.record.clients][-3:] == ["open", "new", "old"]


def client_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_full_login_over_tls(kind: str, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Served(tls=context, loop=new_loop(kind), ways=Ways(plugin=PLUGIN), limits=PATIENT) as served:
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            connect(served, ssl=client_tls(), password="guess")
        for _ in range(2):
            connect(served, ssl=client_tls()).close()
        assert served.record.clients[0][0].cipher is not None


def test_full_login_over_a_unix_socket(kind: str, tmp_path: Path) -> None:
    path = str(tmp_path / "q.sock")
    with Served(loop=new_loop(kind), ways=Ways(path, plugin=PLUGIN, require_tls=True)) as served:
        with connect(served, unix_socket=path) as connection:
            assert served.record.clients[0][0].address == "localhost"
            connection.ping()
        connect(served, unix_socket=path, user="near").close()
        connect(served, unix_socket=path, user="secure").close()
        with pytest.raises(pymysql.err.OperationalError, match="3159"):
            connect(served)
    assert not Path(path).exists()


def test_a_unix_socket_left_behind_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "q.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with Served(ways=Ways(str(path))) as first:
        connect(first, unix_socket=str(path)).close()
        with pytest.raises(Exception, match="another server listens there"):
            asyncio.run(Served(ways=Ways(str(path))).server.start())


@pytest.mark.parametrize("encrypts", [False, True])
def test_mariadb_client(kind: str, certificate: Path, encrypts: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Served(tls=context, loop=new_loop(kind), ways=Ways(plugin=PLUGIN)) as served:
        # Not offered TLS at all, this client would send its password as it is; it must be told not to expect it.
        words = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{served.port}", "-unew", "-psecret", "-Ne", "echo here"]
        words.insert(2, "--ssl" if encrypts else "--skip-ssl")
        for _ in range(2):
            told = subprocess.run(words, capture_output=True, text=True, timeout=30)
            assert (told.returncode, told.stdout, told.stderr) == (0, "here\n", "")
        assert all((client.cipher is not None) == encrypts for client, _ in served.record.clients)
