"""Users and their privileges in the store's tables; `CatalogStore` gives each call its transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, Row, delete, insert, select, update

from qproxy.catalog.schema import grants, users
from qproxy.catalog.users import ALL, Privileges, User
from qproxy.errors import QproxyError

#: Longest name of a database in characters.
_MAX_DATABASE = 64


def add(connection: Connection, user: User) -> None:
    """Add a user and its privileges."""
    connection.execute(
        insert(users).values(
            name=user.name,
            native_hash=user.native_hash,
            sha2=user.sha2,
            loopback_only=user.loopback_only,
            require_tls=user.require_tls,
            certificate=user.certificate,
            max_connections=user.max_connections,
        )
    )
    for database in sorted(user.privileges.databases):
        grant(connection, user.name, database)


def set_hashes(connection: Connection, user: User) -> None:
    """Give a user the hashes of another password.

    Raises:
        QproxyError: there is no such user.
    """
    done = connection.execute(
        update(users).where(users.c.name == user.name).values(native_hash=user.native_hash, sha2=user.sha2)
    )
    if not done.rowcount:
        raise _unknown(user.name)


def remove(connection: Connection, name: str) -> None:
    """Remove a user and its privileges.

    Raises:
        QproxyError: there is no such user.
    """
    connection.execute(delete(grants).where(grants.c.user_name == name))
    if not connection.execute(delete(users).where(users.c.name == name)).rowcount:
        raise _unknown(name)


def grant(connection: Connection, name: str, database: str) -> None:
    """Let a user read a database, or `ALL`; nothing changes where the user may already.

    Raises:
        QproxyError: there is no such user, or no database can have that name.
    """
    if not database or len(database) > _MAX_DATABASE or not database.isprintable():
        raise QproxyError(f"database name {database!r} must have 1 to {_MAX_DATABASE} printable characters")
    held = _held(connection, name)
    if database not in held:
        connection.execute(insert(grants).values(user_name=name, database_name=database))


def revoke(connection: Connection, name: str, database: str) -> None:
    """Take a privilege back; `ALL` takes back every one.

    Raises:
        QproxyError: there is no such user, or it does not have the privilege.
    """
    held = _held(connection, name)
    if database != ALL and database not in held:
        hint = f"; it may read all databases: revoke '{ALL}' and grant those that it is to keep" if ALL in held else ""
        raise QproxyError(f"user '{name}' has no privilege on database '{database}'{hint}")
    chosen = grants.c.user_name == name
    if database != ALL:
        chosen &= grants.c.database_name == database
    connection.execute(delete(grants).where(chosen))


def read(connection: Connection) -> dict[str, User]:
    """All users, by name and in the order of their names."""
    held: defaultdict[str, set[str]] = defaultdict(set)
    for row in connection.execute(select(grants)):
        held[row.user_name].add(row.database_name)
    found = connection.execute(select(users).order_by(users.c.name))
    return {row.name: _user(row, held[row.name]) for row in found}


def find(connection: Connection, name: str) -> User | None:
    """The user of that name, or None."""
    row = connection.execute(select(users).where(users.c.name == name)).one_or_none()
    return None if row is None else _user(row, _held(connection, name))


def _user(row: Row[tuple[object, ...]], databases: Iterable[str]) -> User:
    return User(
        row.name,
        row.native_hash,
        bool(row.loopback_only),
        row.sha2,
        bool(row.require_tls),
        row.certificate,
        row.max_connections,
        Privileges(frozenset(databases)),
    )


def _held(connection: Connection, name: str) -> set[str]:
    if connection.execute(select(users.c.name).where(users.c.name == name)).one_or_none() is None:
        raise _unknown(name)
    return set(connection.execute(select(grants.c.database_name).where(grants.c.user_name == name)).scalars())


def _unknown(name: str) -> QproxyError:
    return QproxyError(f"there is no user '{name}'")
