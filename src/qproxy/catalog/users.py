"""Users of the proxy: the hashes that stand for their passwords, and the databases that they may read."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace

from qproxy.errors import QproxyError

#: Longest user name in characters (MariaDB Knowledge Base, "CREATE USER", account names).
MAX_NAME = 80
#: Stands for all databases, those to come included.
ALL = "*"
#: Rounds for new secrets.
ITERATIONS = 100_000
_SCHEME = "pbkdf2_sha256"


@dataclass(frozen=True)
class Privileges:
    """What a user may read.

    Attributes:
        databases: names, or `ALL`.
    """

    databases: frozenset[str] = frozenset()

    @property
    def everywhere(self) -> bool:
        """Whether all databases may be read."""
        return ALL in self.databases

    def may_read(self, database: str) -> bool:
        """Whether a database may be read, and be seen at all."""
        return self.everywhere or database in self.databases


@dataclass(frozen=True)
class User:
    """Who may log in.

    Attributes:
        name: as the client sends it; upper and lower case differ.
        native_hash: hex SHA1(SHA1(password)), as mysql_native_password needs it; None for no password, or where that
            plugin is not wanted for the user.
        loopback_only: whether only connections from this machine are let in.
        sha2: what caching_sha2_password needs, see `salted`; None for no password.
        require_tls: whether only connections over TLS or a Unix socket are let in.
        certificate: subject that the client's certificate must have, ``*`` for any certificate, empty for none.
        max_connections: at once; 0 for the server's own bound.
        privileges: what the user may read.
    """

    name: str
    native_hash: str | None = field(default=None, repr=False)
    loopback_only: bool = False
    sha2: str | None = field(default=None, repr=False)
    require_tls: bool = False
    certificate: str = ""
    max_connections: int = 0
    privileges: Privileges = Privileges()


def make_user(name: str, password: str | None, *, native: bool = True) -> User:
    """A user with the hashes of a password, None for no password.

    Args:
        native: whether mysql_native_password may be used: its hash has no salt, but older clients know nothing else.

    Raises:
        QproxyError: the name is empty, too long or holds control characters; the password is empty.
    """
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise QproxyError(f"user name {name!r} must have 1 to {MAX_NAME} printable characters")
    if password is None:
        return User(name)
    if not password:
        raise QproxyError(f"the password of user '{name}' is empty; ask for a user without password instead")
    data = password.encode()
    user = User(name, sha2=salted(hashlib.sha256(hashlib.sha256(data).digest()).digest()))
    return replace(user, native_hash=hashlib.sha1(hashlib.sha1(data).digest()).hexdigest()) if native else user


def salted(stamp: bytes) -> str:
    """What the store keeps for caching_sha2_password: scheme, rounds, salt and digest in hex, with ``$`` between.

    Formula: digest = PBKDF2-HMAC-SHA256(stamp, salt, rounds).

    Args:
        stamp: SHA256(SHA256(password)).
    """
    salt = secrets.token_bytes(20)
    digest = hashlib.pbkdf2_hmac("sha256", stamp, salt, ITERATIONS)
    return f"{_SCHEME}${ITERATIONS}${salt.hex()}${digest.hex()}"


def parse_salted(text: str) -> tuple[bytes, bytes, int]:
    """Salt, digest and rounds of what `salted` gave.

    Raises:
        QproxyError: it is something else.
    """
    try:
        scheme, rounds, salt, digest = text.split("$")
        if scheme == _SCHEME:
            return bytes.fromhex(salt), bytes.fromhex(digest), int(rounds)
    except ValueError:
        pass
    raise QproxyError("the catalogue store holds a password in a form that this qproxy does not know; set it anew")
