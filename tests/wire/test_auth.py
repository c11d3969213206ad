"""mysql_native_password, against the client side that PyMySQL has."""

from __future__ import annotations

from hashlib import sha1

import pytest
from pymysql import _auth

from qproxy.wire.auth import access_denied, is_loopback, make_nonce, may_enter, native_hash, native_response
from qproxy.wire.handler import UserRecord

ANNA = UserRecord("anna", native_hash("sécret"))
NEAR = "127.0.0.1"


def test_hash_is_that_of_password_function() -> None:
    # SELECT PASSWORD('secret') of MariaDB.
    assert native_hash("secret") == "14e65567abdb5135d0cfd9a70b3032c179a49ee7"


def test_agrees_with_a_client() -> None:
    nonce = make_nonce()
    answer = _auth.scramble_native_password("sécret".encode(), nonce)
    assert answer == native_response("sécret", nonce)
    assert may_enter(ANNA, answer, nonce, NEAR)
    assert may_enter(UserRecord("anna", "*" + native_hash("sécret").upper()), answer, nonce, NEAR)


def test_nonces() -> None:
    nonces = {make_nonce() for _ in range(200)}
    assert len(nonces) == 200
    assert all(len(nonce) == 20 and 0 not in nonce and max(nonce) < 128 for nonce in nonces)


@pytest.mark.parametrize("response", [b"", b"\0", bytes(20), bytes(19), bytes(21), native_response("wrong", b"n" * 20)])
def test_anything_else_is_refused(response: bytes) -> None:
    assert not may_enter(ANNA, response, b"n" * 20, NEAR)
    assert not may_enter(None, response, b"n" * 20, NEAR)


def test_answer_to_another_nonce_is_refused() -> None:
    assert not may_enter(ANNA, native_response("sécret", b"a" * 20), b"b" * 20, NEAR)


def test_a_longer_answer_is_refused() -> None:
    assert not may_enter(ANNA, native_response("sécret", b"a" * 20) + b"x", b"a" * 20, NEAR)


def test_nobody_has_no_password() -> None:
    assert not may_enter(None, native_response("nobody", b"a" * 20), b"a" * 20, NEAR)


@pytest.mark.parametrize("response", [b"", native_response("wrong", b"n" * 20)])
def test_the_same_digests_are_computed_for_everyone(monkeypatch: pytest.MonkeyPatch, response: bytes) -> None:
    sizes: list[int] = []

    def counting(data: bytes) -> object:
        sizes.append(len(data))
        return sha1(data)

    monkeypatch.setattr("qproxy.wire.auth.hashlib.sha1", counting)
    seen = set()
    for user in (ANNA, None, UserRecord("free"), UserRecord("odd", "zz")):
        sizes.clear()
        may_enter(user, response, b"n" * 20, NEAR)
        seen.add(tuple(sizes))
    assert seen == {(40, 20)}


def test_empty_password_rule() -> None:
    free = UserRecord("free")
    assert may_enter(free, b"", b"n" * 20, NEAR)
    assert not may_enter(free, native_response("x", b"n" * 20), b"n" * 20, NEAR)
    for stored in ("", "zz", "00" * 19):
        assert not may_enter(UserRecord("odd", stored), b"", b"n" * 20, NEAR)


def test_loopback_only() -> None:
    near = UserRecord("near", loopback_only=True)
    assert may_enter(near, b"", b"n" * 20, "127.0.0.1")
    assert not may_enter(near, b"", b"n" * 20, "192.0.2.1")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:192.0.2.1", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
        ("", False),
    ],
)
def test_is_loopback(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


def test_words_of_the_refusal() -> None:
    assert access_denied("x", "h", b"a").message == "Access denied for user 'x'@'h' (using password: YES)"
    assert access_denied("x", "h", b"").message.endswith("(using password: NO)")
