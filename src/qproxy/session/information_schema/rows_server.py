"""Rows about the proxy itself: character sets, variables, connections, privileges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType

from qproxy.session import collations, show_server
from qproxy.session.context import ShowContext
from qproxy.session.information_schema.definitions import keywords, sql_functions
from qproxy.session.system_variables import SYSTEM_VARIABLES, SystemVariable
from qproxy.session.table import Cell

Row = tuple[Cell, ...]
_DEF = "def"
_TYPES: Mapping[str, str] = MappingProxyType(
    {"bool": "BOOLEAN", "int": "BIGINT", "real": "DOUBLE", "enum": "ENUM", "set": "SET", "sql_mode": "SET"}
)


def _character_sets(context: ShowContext) -> Iterator[Row]:
    for charset in collations.CHARSETS.values():
        yield (charset.name, charset.default, charset.description, charset.max_length)


def _collations(context: ShowContext) -> Iterator[Row]:
    yield from show_server.collation_list().rows


def _applicability(context: ShowContext) -> Iterator[Row]:
    for charset in collations.CHARSETS.values():
        for c in charset.collations:
            yield (c.name, charset.name, c.name, c.id, "Yes" if c.default else "")
        first = collations.UCA1400_FIRST.get(charset.name)
        if first is not None:
            for name, offset in collations.UCA1400.items():
                yield (name, charset.name, f"{charset.name}_{name}", first + offset, "")


def _engines(context: ShowContext) -> Iterator[Row]:
    yield from show_server.engines().rows


def _keywords(context: ShowContext) -> Iterator[Row]:
    yield from ((word,) for word in keywords())


def _functions(context: ShowContext) -> Iterator[Row]:
    yield from ((name,) for name in sql_functions())


def _plugins(context: ShowContext) -> Iterator[Row]:
    for name, status, kind, library, license_ in show_server.plugins().rows:
        front = (name, "1.0", status, kind, "2.2", library, None)
        yield (*front, "qproxy", "Login with a password", license_, "FORCE", "Stable", "1.0")


def _process_list(context: ShowContext) -> Iterator[Row]:
    for p in sorted((p for p in context.processes if p.user == context.user), key=lambda p: p.id):
        front = (p.id, p.user, p.host, p.db, p.command, p.time, p.state, p.info)
        yield (*front, f"{p.time * 1000}.000", 0, 0, "0.000", 0, 0, 0, 0, p.info, p.id)


def _variables(scope: str | None) -> Callable[[ShowContext], Iterator[Row]]:
    def rows(context: ShowContext) -> Iterator[Row]:
        yield from ((name.upper(), value) for name, value in context.variables.listing(scope))

    return rows


def _status(context: ShowContext) -> Iterator[Row]:
    for name, value in show_server.status(context.processes, context.status).rows:
        yield (str(name).upper(), value)


def _system_variables(context: ShowContext) -> Iterator[Row]:
    session = dict(context.variables.listing())
    shared = dict(context.variables.listing("GLOBAL"))
    for name, spec in SYSTEM_VARIABLES.items():
        own = None if spec.scope == "global" else session[name]
        scope = {"only": "SESSION ONLY", "session": "SESSION", "global": "GLOBAL"}[spec.scope]
        values = (own, shared.get(name), "COMPILE-TIME", shared.get(name), scope)
        low, high = spec.limits or (None, None)
        limits = tuple(None if n is None else f"{n:g}" if isinstance(n, float) else str(n) for n in (low, high))
        choices = "OFF,ON" if spec.type == "bool" else ",".join(spec.values) or None
        step = None if spec.limits is None else "1"
        yield (name.upper(), *values, _type(spec), "", *limits, step, choices, *_end(spec))


def _type(spec: SystemVariable) -> str:
    unsigned = spec.type == "int" and (spec.limits is None or spec.limits[0] >= 0)
    return _TYPES.get(spec.type, "VARCHAR") + (" UNSIGNED" if unsigned else "")


def _end(spec: SystemVariable) -> Row:
    return ("YES" if spec.fixed else "NO", None, None)


def _user_variables(context: ShowContext) -> Iterator[Row]:
    kinds = {int: "INT", float: "DOUBLE", Decimal: "DECIMAL", str: "VARCHAR", type(None): "VARCHAR"}
    for name, value in context.variables.user.items():
        charset = "utf8mb4" if isinstance(value, str | None) else "latin1"
        shown = f"{value:.15g}" if isinstance(value, float) else f"{value:f}" if isinstance(value, Decimal) else value
        yield (name, shown, kinds[type(value)], charset)


def _grantee(context: ShowContext) -> str:
    return f"'{context.user}'@'%'"


def _user_privileges(context: ShowContext) -> Iterator[Row]:
    yield (_grantee(context), _DEF, "SELECT" if context.reads_all else "USAGE", "NO")


def _schema_privileges(context: ShowContext) -> Iterator[Row]:
    if not context.reads_all:
        for database in sorted(context.catalog.databases):
            yield (_grantee(context), _DEF, database, "SELECT", "NO")


def _enabled_roles(context: ShowContext) -> Iterator[Row]:
    yield (None,)


#: By table: its rows, out of what a session knows.
SERVER_ROWS: Mapping[str, Callable[[ShowContext], Iterator[Row]]] = MappingProxyType(
    {
        "ALL_PLUGINS": _plugins,
        "CHARACTER_SETS": _character_sets,
        "COLLATIONS": _collations,
        "COLLATION_CHARACTER_SET_APPLICABILITY": _applicability,
        "ENABLED_ROLES": _enabled_roles,
        "ENGINES": _engines,
        "GLOBAL_STATUS": _status,
        "GLOBAL_VARIABLES": _variables("GLOBAL"),
        "KEYWORDS": _keywords,
        "PLUGINS": _plugins,
        "PROCESSLIST": _process_list,
        "SCHEMA_PRIVILEGES": _schema_privileges,
        "SESSION_STATUS": _status,
        "SESSION_VARIABLES": _variables(None),
        "SQL_FUNCTIONS": _functions,
        "SYSTEM_VARIABLES": _system_variables,
        "USER_PRIVILEGES": _user_privileges,
        "USER_VARIABLES": _user_variables,
    }
)
