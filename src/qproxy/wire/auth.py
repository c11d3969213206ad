"""mysql_native_password: nonces, and the check of what a client answers to one.

Formula (MySQL Internals Manual, "Secure Password Authentication"):
response = SHA1(password) XOR SHA1(nonce + SHA1(SHA1(password))).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets

from qproxy.errors import SQLError
from qproxy.wire.handler import UserRecord

NONCE_SIZE = 20
_DIGEST = 20
# Checked against where no user or no usable hash is known, so that the same work is done; its result is
# never believed.
_NOBODY = hashlib.sha1(b"nobody").digest()


def make_nonce() -> bytes:
    """20 random bytes from 1 to 127: clients read the nonce as a string that ends with NUL."""
    return bytes(1 + secrets.randbelow(127) for _ in range(NONCE_SIZE))


def native_hash(password: str) -> str:
    """What a user record keeps of a password: SHA1(SHA1(password)) in hex."""
    return hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest()


def native_response(password: str, nonce: bytes) -> bytes:
    """What a client answers to ``nonce``; empty for an empty password."""
    if not password:
        return b""
    stage = hashlib.sha1(password.encode()).digest()
    mask = hashlib.sha1(nonce + hashlib.sha1(stage).digest()).digest()
    return _xor(stage, mask)


def may_enter(user: UserRecord | None, response: bytes, nonce: bytes, address: str) -> bool:
    """Whether the response proves the user's password, and the user may come from there.

    The same digests are computed whether the user exists, has a password or gave one, so that the time
    taken tells nothing.

    Args:
        user: None where no such user exists.
        response: what the client sent: 20 bytes, or none for an empty password.
        nonce: what it was asked to answer.
        address: where the client comes from.
    """
    stored = _stored_hash(user)
    shaped = response.ljust(_DIGEST, b"\0")[:_DIGEST]
    stage = _xor(shaped, hashlib.sha1(nonce + (stored or _NOBODY)).digest())
    matches = hmac.compare_digest(hashlib.sha1(stage).digest(), stored or _NOBODY)
    proven = matches and len(response) == _DIGEST and stored is not None
    near = is_loopback(address)
    if user is None:
        return False
    if user.native_hash is None:
        proven = not response
    return proven and (near or not user.loopback_only)


def access_denied(user: str, address: str, response: bytes) -> SQLError:
    """Error 1045, the same for an unknown user, a wrong password and a wrong place."""
    given = "YES" if response else "NO"
    return SQLError(1045, f"Access denied for user '{user}'@'{address}' (using password: {given})")


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return parsed.is_loopback


def _stored_hash(user: UserRecord | None) -> bytes | None:
    if user is None or user.native_hash is None:
        return None
    try:
        digest = bytes.fromhex(user.native_hash.removeprefix("*"))
    except ValueError:
        return None
    return digest if len(digest) == _DIGEST else None


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
