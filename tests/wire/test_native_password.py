"""mysql_native_password, against the client side that PyMySQL has."""

from __future__ import annotations

from hashlib import sha1

import pytest
from pymysql import _auth

from qproxy.wire.auth import make_nonce
from qproxy.wire.native_password import native_hash, native_response, proves

STORED = native_hash("sécret")


def test_hash_is_that_of_password_function() -> None:
    # SELECT PASSWORD('secret') of MariaDB.
    assert native_hash("secret") == "14e65567abdb5135d0cfd9a70b3032c179a49ee7"


def test_agrees_with_a_client() -> None:
    nonce = make_nonce()
    answer = _auth.scramble_native_password("sécret".encode(), nonce)
    assert answer == native_response("sécret", nonce)
    assert proves(STORED, answer, nonce)
    assert proves("*" + STORED.upper(), answer, nonce)


@pytest.mark.parametrize("response", [b"", b"\0", bytes(20), bytes(19), bytes(21), native_response("wrong", b"n" * 20)])
@pytest.mark.parametrize("stored", [STORED, None, "", "zz", "00" * 19])
def test_anything_else_is_refused(response: bytes, stored: str | None) -> None:
    assert not proves(stored, response, b"n" * 20)


def test_answer_to_another_nonce_is_refused() -> None:
    assert not proves(STORED, native_response("sécret", b"a" * 20), b"b" * 20)


def test_a_longer_answer_is_refused() -> None:
    assert not proves(STORED, native_response("sécret", b"a" * 20) + b"x", b"a" * 20)


def test_nobody_has_no_password() -> None:
    assert not proves(None, native_response("nobody", b"a" * 20), b"a" * 20)


@pytest.mark.parametrize("response", [b"", native_response("wrong", b"n" * 20)])
def test_the_same_digests_are_computed_for_everyone(monkeypatch: pytest.MonkeyPatch, response: bytes) -> None:
    sizes: list[int] = []

    def counting(data: bytes) -> object:
        sizes.append(len(data))
        return sha1(data)

    monkeypatch.setattr("qproxy.wire.native_password.hashlib.sha1", counting)
    seen = set()
    for stored in (STORED, None, "zz"):
        sizes.clear()
        proves(stored, response, b"n" * 20)
        seen.add(tuple(sizes))
    assert seen == {(40, 20)}
