"""Small parts of authentication; whole logins are in test_login.py and test_sha2_login.py."""

from __future__ import annotations

import pytest

from qproxy.wire.accounts import made_up
from qproxy.wire.auth import access_denied, is_loopback, make_nonce


def test_nonces() -> None:
    nonces = {make_nonce() for _ in range(200)}
    assert len(nonces) == 200
    assert all(len(nonce) == 20 and 0 not in nonce and max(nonce) < 128 for nonce in nonces)


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
        ("unknown", False),
        ("", False),
    ],
)
def test_is_loopback(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


def test_words_of_the_refusal() -> None:
    assert access_denied("x", "h", True).message == "Access denied for user 'x'@'h' (using password: YES)"
    assert access_denied("x", "h", False).message.endswith("(using password: NO)")


def test_made_up_users_are_always_the_same_and_differ_by_name_and_server() -> None:
    first = made_up("nemo", b"k")
    assert first == made_up("nemo", b"k")
    others = (made_up("nobody", b"k"), made_up("nemo", b"l"))
    assert all(first.native_hash != o.native_hash and first.sha2 != o.sha2 for o in others)
    assert not first.known and first.has_password
    assert made_up("nemo", b"k", native=False).native_hash is None
