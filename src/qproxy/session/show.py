"""SHOW, DESCRIBE and EXPLAIN of a table: the statement is read here, its answer made in the modules beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlglot.tokenizer_core import TokenType

from qproxy.catalog.model import Table as CatalogTable
from qproxy.catalog.users import ALL
from qproxy.errors import SQLError, unsupported
from qproxy.session import show_columns, show_server, show_tables
from qproxy.session.context import ShowContext
from qproxy.session.filters import filtered, like
from qproxy.session.reader import Reader
from qproxy.session.show_server import Process
from qproxy.session.table import Table, in_charset, to_rows

__all__ = ["Process", "ShowContext", "Table", "show", "to_rows"]

# What MariaDB shows and qproxy does not: refused by name, so that nobody searches for a typing mistake.
_KNOWN = frozenset(
    """
    ALL ANALYZE AUTHORS BINARY BINLOG CLIENT_STATISTICS CONTRIBUTORS ENGINE EXPLAIN INDEX_STATISTICS LOCALES MASTER
    PACKAGE PROFILE PROFILES RELAYLOG REPLICA SLAVE TABLE_STATISTICS USER_STATISTICS USER_VARIABLES
    """.split()  # noqa: SIM905
)
_DESCRIBE = ("DESCRIBE", "DESC", "EXPLAIN")


def show(sql: str, context: ShowContext) -> Table:
    """The answer to a SHOW, DESCRIBE, DESC or EXPLAIN statement about a table.

    Args:
        sql: the statement, from its verb on.
        context: what it tells about.

    Raises:
        SQLError: 1064 for what is no such statement; 1046, 1049, 1146 for databases and tables; 1235, named, for
            what qproxy does not show.
    """
    reader = Reader(sql)
    table = _describe(reader, context) if reader.accept_any(*_DESCRIBE) else _show(reader, context)
    results = context.variables.get("character_set_results")
    return in_charset(table, None if results is None else str(results))


def _describe(reader: Reader, context: ShowContext) -> Table:
    table = show_tables.columns(_table(reader, context, followed=False), full=False)
    if reader.done:
        return table
    pattern = reader.text() if reader.kind() is TokenType.STRING else reader.name()
    reader.end()
    return Table(table.columns, [row for row in table.rows if like(str(row[0]), pattern)])


def _show(reader: Reader, context: ShowContext) -> Table:
    reader.expect("SHOW")
    if reader.accept("FULL"):
        if reader.word() not in _FULL:
            raise reader.error()
        return _FULL[reader.take().text.upper()](reader, context)
    scope = reader.accept_any("GLOBAL", "SESSION", "LOCAL")
    if reader.accept("VARIABLES"):
        return filtered(reader, show_server.variables(context.variables, scope))
    if reader.accept("STATUS"):
        return filtered(reader, show_server.status(context.processes, context.status))
    if scope or reader.word() not in _PLAIN:
        if reader.word() in _KNOWN and not scope:
            raise unsupported(f"SHOW {reader.word()}, which tells of one server alone; ask the servers themselves")
        raise reader.error()
    return _PLAIN[reader.take().text.upper()](reader, context)


def _database(reader: Reader, context: ShowContext) -> str:
    """The database named by FROM or IN, or the current one."""
    if reader.accept_any("FROM", "IN"):
        return show_tables.known_database(context.catalog, reader.name())
    if context.database is None:
        raise SQLError(1046, "No database selected")
    # It may have gone, or the privilege to read it, since it was chosen.
    return show_tables.known_database(context.catalog, context.database)


def _table(reader: Reader, context: ShowContext, followed: bool) -> CatalogTable:
    """The table that comes next.

    Args:
        followed: whether FROM may name its database behind it.
    """
    name = reader.name()
    database = context.database
    if reader.accept("."):
        database, name = name, reader.name()
    if followed and reader.accept_any("FROM", "IN"):
        database = reader.name()
    if database is None:
        raise SQLError(1046, "No database selected")
    return show_tables.known_table(context.catalog, database, name)


def _from(reader: Reader) -> None:
    if not reader.accept_any("FROM", "IN"):
        raise reader.error()


def _databases(reader: Reader, context: ShowContext) -> Table:
    return filtered(reader, show_tables.databases(context.catalog), exact=True, titled=True)


def _tables(reader: Reader, context: ShowContext, full: bool = False) -> Table:
    database = _database(reader, context)
    return filtered(reader, show_tables.tables(context.catalog, database, full), exact=True, titled=True)


def _full_tables(reader: Reader, context: ShowContext) -> Table:
    return _tables(reader, context, full=True)


def _table_status(reader: Reader, context: ShowContext) -> Table:
    reader.expect("STATUS")
    return filtered(reader, show_tables.table_status(context.catalog, _database(reader, context)), exact=True)


def _columns(reader: Reader, context: ShowContext, full: bool = False) -> Table:
    _from(reader)
    return filtered(reader, show_tables.columns(_table(reader, context, followed=True), full))


def _full_columns(reader: Reader, context: ShowContext) -> Table:
    return _columns(reader, context, full=True)


def _indexes(reader: Reader, context: ShowContext) -> Table:
    _from(reader)
    table = show_tables.indexes(_table(reader, context, followed=True))
    if reader.word() == "LIKE":
        raise reader.error()
    return filtered(reader, table)


def _create(reader: Reader, context: ShowContext) -> Table:
    if reader.accept("TABLE"):
        table = _table(reader, context, followed=False)
        reader.end()
        return show_tables.create_table(table)
    if reader.accept_any("DATABASE", "SCHEMA"):
        condition = reader.accept("IF", "NOT", "EXISTS")
        name = show_tables.known_database(context.catalog, reader.name())
        reader.end()
        return show_tables.create_database(name, condition)
    if reader.word() in ("VIEW", "FUNCTION", "PROCEDURE", "TRIGGER", "EVENT", "USER", "SEQUENCE", "PACKAGE"):
        raise unsupported(f"SHOW CREATE {reader.word()}, as there are tables and databases alone; leave it out")
    raise reader.error()


def _character_sets(reader: Reader, context: ShowContext) -> Table:
    return filtered(reader, show_server.character_sets())


def _character_set(reader: Reader, context: ShowContext) -> Table:
    reader.expect("SET")
    return _character_sets(reader, context)


def _collations(reader: Reader, context: ShowContext) -> Table:
    return filtered(reader, show_server.collation_list())


def _process_list(reader: Reader, context: ShowContext) -> Table:
    reader.end()
    return show_server.process_list(context.processes, context.user, full=False)


def _full_process_list(reader: Reader, context: ShowContext) -> Table:
    reader.end()
    return show_server.process_list(context.processes, context.user, full=True)


def _grants(reader: Reader, context: ShowContext) -> Table:
    asked = None
    if reader.accept("FOR"):
        if reader.accept_any("CURRENT_USER"):
            if reader.accept("("):
                reader.expect(")")
        else:
            asked = reader.text() if reader.kind() is TokenType.STRING else reader.name()
            if reader.accept("@"):
                # The host says nothing: an account is its name.
                reader.take()
    reader.end()
    found = context.catalog.users.get(context.user)
    everything = (ALL,) if context.reads_all else ()
    return show_server.grants(context.user, asked, found.privileges.databases if found else everything)


def _messages(reader: Reader, context: ShowContext) -> Table:
    if reader.accept("LIMIT"):
        reader.number()
        if reader.accept_any(",", "OFFSET"):
            reader.number()
    reader.end()
    return show_server.messages()


def _message_count(reader: Reader, context: ShowContext) -> Table:
    reader.expect("(", "*", ")")
    word = reader.accept_any("WARNINGS", "ERRORS")
    if not word:
        raise reader.error()
    reader.end()
    return show_server.message_count(word == "ERRORS")


def _engines(reader: Reader, context: ShowContext) -> Table:
    reader.end()
    return show_server.engines()


def _storage(reader: Reader, context: ShowContext) -> Table:
    reader.expect("ENGINES")
    return _engines(reader, context)


def _plugins(reader: Reader, context: ShowContext) -> Table:
    reader.end()
    return show_server.plugins()


def _privileges(reader: Reader, context: ShowContext) -> Table:
    reader.end()
    return show_server.privileges()


def _routines(reader: Reader, context: ShowContext) -> Table:
    if reader.word() == "CODE":
        raise unsupported("SHOW PROCEDURE CODE and SHOW FUNCTION CODE, as there are no routines; leave it out")
    reader.expect("STATUS")
    return filtered(reader, Table(show_columns.ROUTINES, []), column=1)


def _triggers(reader: Reader, context: ShowContext) -> Table:
    _database(reader, context)
    return filtered(reader, Table(show_columns.TRIGGERS, []))


def _events(reader: Reader, context: ShowContext) -> Table:
    _database(reader, context)
    return filtered(reader, Table(show_columns.EVENTS, []), column=1)


def _open_tables(reader: Reader, context: ShowContext) -> Table:
    reader.expect("TABLES")
    if reader.word() in ("FROM", "IN"):
        _database(reader, context)
    return filtered(reader, Table(show_columns.OPEN_TABLES, []), column=1)


_Form = Callable[[Reader, ShowContext], Table]

_FULL: Mapping[str, _Form] = MappingProxyType(
    {
        "TABLES": _full_tables,
        "COLUMNS": _full_columns,
        "FIELDS": _full_columns,
        "PROCESSLIST": _full_process_list,
        "TRIGGERS": _triggers,
    }
)
_PLAIN: Mapping[str, _Form] = MappingProxyType(
    {
        "DATABASES": _databases,
        "SCHEMAS": _databases,
        "TABLES": _tables,
        "TABLE": _table_status,
        "COLUMNS": _columns,
        "FIELDS": _columns,
        "INDEX": _indexes,
        "INDEXES": _indexes,
        "KEYS": _indexes,
        "CREATE": _create,
        "CHARACTER": _character_set,
        "CHAR": _character_set,
        "CHARSET": _character_sets,
        "COLLATION": _collations,
        "PROCESSLIST": _process_list,
        "GRANTS": _grants,
        "WARNINGS": _messages,
        "ERRORS": _messages,
        "COUNT": _message_count,
        "ENGINES": _engines,
        "STORAGE": _storage,
        "PLUGINS": _plugins,
        "PRIVILEGES": _privileges,
        "PROCEDURE": _routines,
        "FUNCTION": _routines,
        "TRIGGERS": _triggers,
        "EVENTS": _events,
        "OPEN": _open_tables,
    }
)
