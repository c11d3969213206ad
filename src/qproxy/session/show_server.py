"""SHOW of the server itself: variables, status, character sets, processes and the like."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from qproxy.errors import SQLError
from qproxy.session import collations, show_columns
from qproxy.session.access import grants_of
from qproxy.session.table import Cell, Table
from qproxy.session.variables import Variables

#: Characters of a statement that SHOW PROCESSLIST shows without FULL.
_INFO = 100
# The engines that tables of workers may have. No client's statement opens a transaction in them.
_ENGINES = (
    ("Aria", "YES", "Crash-safe tables on the workers", "NO", "NO", "NO"),
    ("InnoDB", "DEFAULT", "Row-locking tables on the workers", "NO", "NO", "NO"),
    ("MyISAM", "YES", "Compact tables on the workers", "NO", "NO", "NO"),
)
_PRIVILEGES = (
    ("Select", "Tables", "To read rows of tables"),
    ("Usage", "Server Admin", "To connect, and nothing else"),
)


@dataclass(frozen=True)
class Process:
    """One connection, as SHOW PROCESSLIST shows it.

    Attributes:
        db: its current database.
        time: seconds in this state.
        info: its statement.
    """

    id: int
    user: str
    host: str
    db: str | None
    command: str
    time: int
    state: str
    info: str | None


def variables(source: Variables, scope: str) -> Table:
    """SHOW [GLOBAL | SESSION] VARIABLES."""
    return Table(show_columns.VARIABLES, list(source.listing(scope or None)))


def status(processes: Sequence[Process], further: Mapping[str, str]) -> Table:
    """SHOW STATUS.

    Args:
        further: counters that the server keeps, by name; they stand in for those made here.
    """
    found = {
        "Compression": "OFF",
        "Ssl_cipher": "",
        "Ssl_version": "",
        "Threads_connected": str(len(processes)),
        "Threads_running": str(sum(p.command == "Query" for p in processes)),
    } | dict(further)
    return Table(show_columns.STATUS, [(name, found[name]) for name in sorted(found, key=str.lower)])


def character_sets() -> Table:
    """SHOW CHARACTER SET."""
    rows: list[tuple[Cell, ...]] = [
        (c.name, c.description, c.default, c.max_length) for c in collations.CHARSETS.values()
    ]
    return Table(show_columns.CHARACTER_SET, rows)


def collation_list() -> Table:
    """SHOW COLLATION."""
    rows: list[tuple[Cell, ...]] = []
    for charset in collations.CHARSETS.values():
        for c in charset.collations:
            rows.append((c.name, c.charset, c.id, "Yes" if c.default else "", "Yes", c.sort_length))
        if charset.name == "utf8mb4":
            rows += [(name, None, None, None, "Yes", collations.UCA1400_SORT_LENGTH) for name in collations.UCA1400]
    return Table(show_columns.COLLATION, rows)


def process_list(processes: Sequence[Process], user: str, full: bool) -> Table:
    """SHOW [FULL] PROCESSLIST: a user's own connections, as MariaDB shows them to users without PROCESS."""
    rows: list[tuple[Cell, ...]] = []
    for p in sorted((p for p in processes if p.user == user), key=lambda p: p.id):
        info = p.info if full or p.info is None else p.info[:_INFO]
        rows.append((p.id, p.user, p.host, p.db, p.command, p.time, p.state, info, "0.000"))
    return Table(show_columns.FULL_PROCESSLIST if full else show_columns.PROCESSLIST, rows)


def grants(user: str, asked: str | None, databases: Collection[str]) -> Table:
    """SHOW GRANTS.

    Args:
        user: the session's.
        databases: those that it may read; ``*`` stands for all.
        asked: whose grants are asked for; None for the session's.

    Raises:
        SQLError: 1141 for the grants of others.
    """
    if asked is not None and asked != user:
        raise SQLError(1141, f"There is no such grant defined for user '{asked}' on host '%'")
    column = replace(show_columns.GRANTS[0], name=f"Grants for {user}@%")
    return Table((column,), [(line,) for line in grants_of(user, databases)])


def engines() -> Table:
    """SHOW ENGINES."""
    return Table(show_columns.ENGINES, list(_ENGINES))


def plugins() -> Table:
    """SHOW PLUGINS."""
    names = ("mysql_native_password", "caching_sha2_password")
    return Table(show_columns.PLUGINS, [(name, "ACTIVE", "AUTHENTICATION", None, "BSD") for name in names])


def privileges() -> Table:
    """SHOW PRIVILEGES."""
    return Table(show_columns.PRIVILEGES, list(_PRIVILEGES))


def messages() -> Table:
    """SHOW WARNINGS and SHOW ERRORS: a statement either succeeds without either, or fails with its error."""
    return Table(show_columns.WARNINGS, [])


def message_count(errors: bool) -> Table:
    """SHOW COUNT(*) WARNINGS or ERRORS."""
    return Table(show_columns.COUNT_ERRORS if errors else show_columns.COUNT_WARNINGS, [(0,)])
