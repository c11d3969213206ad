"""Statements that ingest runs: databases and tables made and dropped, few rows inserted."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from qproxy.backends.duckdb.chunks import CHUNK, CHUNK_TYPE, stand_in, stood_in_for
from qproxy.backends.duckdb.context import Context
from qproxy.backends.duckdb.dialect import parse
from qproxy.backends.duckdb.expressions import compile_expression
from qproxy.backends.duckdb.registry import Registry, TableShape, quote, read_create, read_head, unquote
from qproxy.backends.duckdb.typed import cast_to, refused
from qproxy.errors import SQLError

_NAME = r"(`(?:[^`]|``)+`|[\w$]+)"
_CREATE_DATABASE = re.compile(rf"\s*CREATE\s+(?:DATABASE|SCHEMA)\s+(IF\s+NOT\s+EXISTS\s+)?{_NAME}", re.I)
_DROP_DATABASE = re.compile(rf"\s*DROP\s+(?:DATABASE|SCHEMA)\s+(IF\s+EXISTS\s+)?{_NAME}\s*;?\s*$", re.I)
_DROP_TABLE = re.compile(rf"\s*DROP\s+TABLE\s+(IF\s+EXISTS\s+)?(?:{_NAME}\s*\.\s*)?{_NAME}\s*;?\s*$", re.I)
_WITHOUT_EFFECT = re.compile(
    r"\s*(SET|FLUSH|ANALYZE|OPTIMIZE|LOCK|UNLOCK|ALTER\s+TABLE\s+\S+\s+(?:EN|DIS)ABLE\s+KEYS)\b", re.I
)


def apply_member(sql: str, registry: Registry) -> bool:
    """Make a chunk table that is just like its stand-in, for which the engine has nothing to do.

    Returns:
        False where the statement is another, which `apply` runs.
    """
    head = read_head(sql)
    if head is None or head.database is None or registry.get(head.database, head.table) is not None:
        return False
    return registry.add_like_stand_in(head.database, head.table, head.rest)


def apply(sql: str, connection: Any, registry: Registry) -> None:
    """Run a statement that gives no rows, and keep the registry true.

    Args:
        sql: in MariaDB's dialect.
        connection: a DuckDB connection.
        registry: what tables there are.

    Raises:
        SQLError: 1007, 1008, 1050, 1051 for databases and tables that exist or do not, 1235 for other statements.
    """
    if found := _CREATE_DATABASE.match(sql):
        connection.execute(f"CREATE SCHEMA {'IF NOT EXISTS ' if found[1] else ''}{quote(unquote(found[2]))}")
    elif found := _DROP_DATABASE.match(sql):
        name = unquote(found[2])
        connection.execute(f"DROP SCHEMA {'IF EXISTS ' if found[1] else ''}{quote(name)} CASCADE")
        registry.drop_database(name)
    elif found := _DROP_TABLE.match(sql):
        _drop(unquote(found[2]) if found[2] else None, unquote(found[3]), bool(found[1]), connection, registry)
    elif created := read_create(sql):
        shape = created.shape
        if shape is None and created.like is not None:
            shape = registry.resolve(created.like[0] or created.database, created.like[1])
        assert shape is not None
        if created.database is None:
            raise SQLError(1046, f"CREATE TABLE {created.table}: no database is named")
        if registry.get(created.database, created.table) is not None:
            if created.if_not_exists:
                return
            raise SQLError(1050, f"Table '{created.table}' already exists")
        if not registry.add_member(created.database, created.table, shape):
            _create(created.database, created.table, shape, connection)
            registry.add(created.database, created.table, shape, created.rest)
    elif re.match(r"\s*INSERT\b", sql, re.I):
        _insert(sql, connection, registry)
    elif not _WITHOUT_EFFECT.match(sql):
        raise refused(f"the statement {sql.split(maxsplit=1)[0].upper()}")


def _create(database: str, table: str, shape: TableShape, connection: Any) -> None:
    listed = ", ".join(
        f"{quote(name)} {kind.duck}{' NOT NULL' if name in shape.not_null else ''}"
        for name, kind in shape.columns.items()
    )
    if stood_in_for(table) is not None:
        listed += f", {quote(CHUNK)} {CHUNK_TYPE}"
    connection.execute(f"CREATE TABLE {quote(database)}.{quote(table)} ({listed})")


def _drop(database: str | None, table: str, if_exists: bool, connection: Any, registry: Registry) -> None:
    if database is None:
        raise SQLError(1046, f"DROP TABLE {table}: no database is named")
    if registry.get(database, table) is None:
        if if_exists:
            return
        raise SQLError(1051, f"Unknown table '{database}.{table}'")
    if (logical := stood_in_for(table)) is not None and registry.members(database, logical):
        raise refused(f"DROP TABLE {table} while it stands in for chunks")
    if member := registry.member(database, table):
        place = f"{quote(database)}.{quote(stand_in(member[0]))}"
        connection.execute(f"DELETE FROM {place} WHERE {quote(CHUNK)} = {member[1]}")
    else:
        connection.execute(f"DROP TABLE {quote(database)}.{quote(table)}")
    registry.drop(database, table)


def _no_subquery(node: exp.Expr, _: Context) -> tuple[str, list[tuple[str, Any]]]:
    raise refused("INSERT ... SELECT")


def _insert(sql: str, connection: Any, registry: Registry) -> None:
    node = parse(sql)
    target = node.this
    names = [e.name for e in target.expressions] if isinstance(target, exp.Schema) else []
    table = target.this if isinstance(target, exp.Schema) else target
    values = node.expression
    if not isinstance(table, exp.Table) or not isinstance(values, exp.Values):
        raise refused("INSERT with anything but VALUES")
    database = table.text("db") or None
    shape = registry.resolve(database, table.name)
    names = names or list(shape.columns)
    context = Context((), _no_subquery)
    rows = []
    for row in values.expressions:
        if len(row.expressions) != len(names):
            raise SQLError(1136, "Column count doesn't match value count")
        cells = [
            cast_to(compile_expression(e, context), shape.columns[name])
            for e, name in zip(row.expressions, names, strict=True)
        ]
        rows.append(f"({', '.join(cells)})")
    place = f"{quote(database)}.{quote(table.name)}" if database else quote(table.name)
    if member := registry.member(database, table.name):
        place = f"{quote(str(database))}.{quote(stand_in(member[0]))}"
        names = [*names, CHUNK]
        rows = [f"{row[:-1]}, {member[1]})" for row in rows]
    connection.execute(f"INSERT INTO {place} ({', '.join(map(quote, names))}) VALUES {', '.join(rows)}")
