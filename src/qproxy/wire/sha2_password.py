"""caching_sha2_password: the quick answer to a nonce, and what stands for a password in memory and in the store.

Formula (MySQL Internals Manual, "Caching_sha2_password information"):
response = SHA256(password) XOR SHA256(SHA256(SHA256(password)) + nonce).
To check it one needs SHA256(SHA256(password)), the password's stamp here. It is as good as an unsalted hash, so it is
kept in memory alone, from a user's first full login on; the store keeps it salted and stretched
(`qproxy.wire.accounts.Sha2Secret`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from itertools import cycle

from qproxy.wire.accounts import Sha2Secret

PLUGIN = "caching_sha2_password"
#: What the server says behind 0x01, and what a client asks for when it has no key of the server.
FAST_LOGIN, FULL_LOGIN, KEY_WANTED = b"\x03", b"\x04", b"\x02"
_DIGEST = 32


def stamp(password: bytes) -> bytes:
    """SHA256(SHA256(password))."""
    return hashlib.sha256(hashlib.sha256(password).digest()).digest()


def sha2_response(password: str, nonce: bytes) -> bytes:
    """What a client answers to ``nonce``; empty for an empty password."""
    if not password:
        return b""
    data = password.encode()
    mask = hashlib.sha256(stamp(data) + nonce).digest()
    return _xor(hashlib.sha256(data).digest(), mask)


def answers(known: bytes, response: bytes, nonce: bytes) -> bool:
    """Whether a response proves the password of a stamp."""
    if len(response) != _DIGEST:
        return False
    once = _xor(response, hashlib.sha256(known + nonce).digest())
    return hmac.compare_digest(hashlib.sha256(once).digest(), known)


def opens(secret: Sha2Secret, password: bytes) -> bool:
    """Whether a password is that of a secret. Takes some 50 ms of work outside the interpreter's lock."""
    found = hashlib.pbkdf2_hmac("sha256", stamp(password), secret.salt, secret.iterations)
    return hmac.compare_digest(found, secret.digest)


def masked(password: bytes, nonce: bytes) -> bytes:
    """A password and the NUL behind it, mixed with the nonce, as RSA encrypts it; twice gives it back."""
    return _xor(password, bytes(n for n, _ in zip(cycle(nonce), password, strict=False)))


class StampCache:
    """Stamps of passwords that were proven, by user.

    Args:
        most: users; those who have not come for longest are forgotten beyond it.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._stamps: OrderedDict[str, tuple[Sha2Secret, bytes]] = OrderedDict()

    def get(self, name: str, secret: Sha2Secret) -> bytes | None:
        """The stamp of a user's password, None where it is not known or the password was changed meanwhile."""
        found = self._stamps.get(name)
        if found is None:
            return None
        if found[0] != secret:
            del self._stamps[name]
            return None
        self._stamps.move_to_end(name)
        return found[1]

    def put(self, name: str, secret: Sha2Secret, known: bytes) -> None:
        """Keep the stamp of a password that was proven."""
        self._stamps[name] = (secret, known)
        self._stamps.move_to_end(name)
        if len(self._stamps) > self._most:
            self._stamps.popitem(last=False)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
