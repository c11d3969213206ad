"""caching_sha2_password, against the client side that PyMySQL has."""

from __future__ import annotations

import hashlib

import pytest
from pymysql import _auth

from qproxy.wire.accounts import Sha2Secret
from qproxy.wire.auth import make_nonce
from qproxy.wire.sha2_password import StampCache, answers, masked, opens, sha2_response, stamp


def secret_of(password: bytes, salt: bytes = b"salt") -> Sha2Secret:
    return Sha2Secret(salt, hashlib.pbkdf2_hmac("sha256", stamp(password), salt, 10), 10)


def test_agrees_with_a_client() -> None:
    nonce = make_nonce()
    answer = _auth.scramble_caching_sha2("sécret".encode(), nonce)
    assert answer == sha2_response("sécret", nonce)
    assert answers(stamp("sécret".encode()), answer, nonce)


@pytest.mark.parametrize(
    "response", [b"", b"\0", bytes(32), bytes(31), sha2_response("wrong", b"n" * 20), sha2_response("x", b"m" * 20)]
)
def test_anything_else_is_no_answer(response: bytes) -> None:
    assert not answers(stamp(b"x"), response, b"n" * 20)
    assert not answers(stamp(b"x"), sha2_response("x", b"n" * 20) + b"x", b"n" * 20)


def test_a_secret_opens_to_its_password_alone() -> None:
    secret = secret_of(b"x")
    assert opens(secret, b"x")
    assert not any(opens(secret, guess) for guess in (b"", b"X", stamp(b"x"), secret.digest))
    assert secret.digest.hex() not in repr(secret)


def test_masking_twice_gives_the_password_back() -> None:
    password = b"a password that is longer than the nonce\0"
    assert masked(masked(password, b"n" * 20), b"n" * 20) == password
    assert masked(b"abc\0", b"\x01\x02") == b"``b\x02"


def test_the_cache_forgets_changed_passwords_and_those_who_do_not_come() -> None:
    cache = StampCache(most=2)
    first, second = secret_of(b"1"), secret_of(b"2")
    cache.put("a", first, stamp(b"1"))
    assert cache.get("a", first) == stamp(b"1")
    assert cache.get("a", second) is None
    assert cache.get("a", first) is None
    for name in "abc":
        cache.put(name, first, stamp(b"1"))
        cache.get("a", first)
    assert [cache.get(name, first) is not None for name in "abc"] == [True, False, True]
