"""mysql_native_password: the check of what a client answers to a nonce.

Formula (MySQL Internals Manual, "Secure Password Authentication"):
response = SHA1(password) XOR SHA1(nonce + SHA1(SHA1(password))).
"""

from __future__ import annotations

import hashlib
import hmac

PLUGIN = "mysql_native_password"
_DIGEST = 20
# Checked against where no usable hash is known, so that the same work is done; its result is never believed.
_NOBODY = hashlib.sha1(b"nobody").digest()


def native_hash(password: str) -> str:
    """What a user record keeps of a password: SHA1(SHA1(password)) in hex."""
    return hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest()


def native_response(password: str, nonce: bytes) -> bytes:
    """What a client answers to ``nonce``; empty for an empty password."""
    if not password:
        return b""
    stage = hashlib.sha1(password.encode()).digest()
    return _xor(stage, hashlib.sha1(nonce + hashlib.sha1(stage).digest()).digest())


def proves(stored: str | None, response: bytes, nonce: bytes) -> bool:
    """Whether a response proves the password of a stored hash; an empty response never does.

    The same digests are computed whatever is stored and answered.

    Args:
        stored: as `native_hash` gives it, also in upper case behind ``*``; None where nothing is.
        response: 20 bytes if the client is honest.
        nonce: what it was asked to answer.
    """
    digest = _decoded(stored)
    shaped = response.ljust(_DIGEST, b"\0")[:_DIGEST]
    stage = _xor(shaped, hashlib.sha1(nonce + (digest or _NOBODY)).digest())
    matches = hmac.compare_digest(hashlib.sha1(stage).digest(), digest or _NOBODY)
    return matches and len(response) == _DIGEST and digest is not None


def _decoded(stored: str | None) -> bytes | None:
    try:
        digest = bytes.fromhex((stored or "").removeprefix("*"))
    except ValueError:
        return None
    return digest if len(digest) == _DIGEST else None


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
