"""Users of the proxy, and the hashes that stand for their passwords."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from qproxy.errors import QproxyError

#: Longest user name in characters (MariaDB Knowledge Base, "CREATE USER", account names).
MAX_NAME = 80


@dataclass(frozen=True)
class User:
    """Who may log in.

    Attributes:
        name: as the client sends it; upper and lower case differ.
        native_hash: hex SHA1(SHA1(password)), as mysql_native_password needs it; None for no password.
        loopback_only: whether only connections from this machine are let in.
        sha2_hash: hex SHA256(SHA256(password)), as caching_sha2_password needs it; None for no password.
    """

    name: str
    native_hash: str | None = field(default=None, repr=False)
    loopback_only: bool = False
    sha2_hash: str | None = field(default=None, repr=False)


def make_user(name: str, password: str | None, loopback_only: bool = False) -> User:
    """A user with the hashes of a password, None for no password.

    Raises:
        QproxyError: the name is empty, too long or holds control characters; the password is empty.
    """
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise QproxyError(f"user name {name!r} must have 1 to {MAX_NAME} printable characters")
    if password is None:
        return User(name, None, loopback_only)
    if not password:
        raise QproxyError(f"the password of user '{name}' is empty; ask for a user without password instead")
    data = password.encode()
    return User(
        name,
        hashlib.sha1(hashlib.sha1(data).digest()).hexdigest(),
        loopback_only,
        hashlib.sha256(hashlib.sha256(data).digest()).hexdigest(),
    )
