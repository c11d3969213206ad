"""What users hear who may not read everything: not which databases there are beyond their own."""

from __future__ import annotations

import re
from collections.abc import Collection

from qproxy.catalog.users import ALL
from qproxy.errors import SQLError

_UNKNOWN = re.compile(r"Unknown database '(.*)'", re.DOTALL)


def told(error: SQLError, user: str, address: str, reads_all: bool) -> SQLError:
    """The error that a client gets.

    To users without a privilege on all databases, one that there is not and one that they may not read are the same:
    error 1044, as on a MariaDB.

    Args:
        error: as it was found on the databases that the user may read.
        user, address: of the session.
        reads_all: whether the user may read every database.
    """
    match = _UNKNOWN.fullmatch(error.message) if error.code == 1049 and not reads_all else None
    if match is None:
        return error
    return SQLError(1044, f"Access denied for user '{user}'@'{address}' to database '{match[1]}'")


def grants_of(user: str, databases: Collection[str]) -> list[str]:
    """What SHOW GRANTS says of a user.

    Args:
        databases: those that the user may read; ``*`` stands for all.
    """
    account = f"{_quoted(user)}@`%`"
    if ALL in databases:
        return [f"GRANT SELECT ON *.* TO {account}"]
    return [
        f"GRANT USAGE ON *.* TO {account}",
        *(f"GRANT SELECT ON {_quoted(database)}.* TO {account}" for database in sorted(databases)),
    ]


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
