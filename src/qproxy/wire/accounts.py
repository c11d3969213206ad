"""What the wire knows of a user, and what it makes up of one that there is not."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Protocol

#: Rounds of a made-up secret: those of the secrets that users have, so that checking either takes as long.
ITERATIONS = 100_000
#: A user may come with any certificate that the server's authorities have signed.
ANY_CERTIFICATE = "*"


@dataclass(frozen=True)
class Sha2Secret:
    """What is kept of a password for caching_sha2_password.

    Attributes:
        salt, digest: digest = PBKDF2-HMAC-SHA256(SHA256(SHA256(password)), salt, iterations), 32 bytes.
    """

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    iterations: int = ITERATIONS


@dataclass(frozen=True)
class UserRecord:
    """What is needed to let a user in.

    Attributes:
        native_hash: SHA1(SHA1(password)) in hex; None for a user that mysql_native_password cannot let in.
        loopback_only: whether the user may come from this machine alone.
        sha2: None for a user that caching_sha2_password cannot let in. With neither, the user has no password.
        require_tls: whether the user may come over TLS or a Unix socket only.
        certificate: subject that the client's certificate must have, as ``/O=Observatory/CN=anna``;
            `ANY_CERTIFICATE` where every certificate will do, empty where none is asked for.
        max_connections: of this user at once; 0 for the server's own bound.
        known: False for a made-up user, which nobody can be.
    """

    name: str
    native_hash: str | None = field(default=None, repr=False)
    loopback_only: bool = False
    sha2: Sha2Secret | None = field(default=None, repr=False)
    require_tls: bool = False
    certificate: str = ""
    max_connections: int = 0
    known: bool = True

    @property
    def has_password(self) -> bool:
        """Whether anything at all is asked for."""
        return self.native_hash is not None or self.sha2 is not None


class Users(Protocol):
    """Where users are looked up."""

    def find(self, name: str) -> UserRecord:
        """The user of that name as it is known here; a made-up one where there is none, see `made_up`."""
        ...

    async def latest(self, name: str) -> UserRecord:
        """The same, brought up to date."""
        ...


def made_up(name: str, key: bytes, native: bool = True) -> UserRecord:
    """A user that there is not: asked and checked as others are, always the same, and never let in.

    Args:
        key: secret of this server, so that nobody else can tell what is made up.
        native: whether mysql_native_password is among what the user seems to take.
    """

    def bits(use: bytes) -> bytes:
        return hmac.digest(key, use + name.encode(), hashlib.sha256)

    return UserRecord(
        name,
        bits(b"native")[:20].hex() if native else None,
        sha2=Sha2Secret(bits(b"salt")[:20], bits(b"digest")),
        known=False,
    )
