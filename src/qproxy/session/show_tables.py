"""SHOW and DESCRIBE of databases, tables, columns and keys: what the catalogue says, as a plain MariaDB would."""

from __future__ import annotations

from dataclasses import replace

from qproxy.catalog.model import Catalog, Column
from qproxy.catalog.model import Table as CatalogTable
from qproxy.errors import SQLError
from qproxy.session import show_columns
from qproxy.session.create_table import Declared, Key, KeyPart, column_collation, declared, extra, timestamp
from qproxy.session.information_schema.definitions import NAME, definitions
from qproxy.session.table import Cell, Table

_TIMES = frozenset(("timestamp", "datetime"))
_PRIVILEGES = "select"


def known_database(catalog: Catalog, name: str) -> str:
    """The name of a database that there is.

    Raises:
        SQLError: 1049 for an unknown one.
    """
    if name.lower() == NAME:
        return NAME
    if name not in catalog.databases:
        raise SQLError(1049, f"Unknown database '{name}'")
    return name


def known_table(catalog: Catalog, database: str, name: str) -> CatalogTable:
    """The table of that name.

    Raises:
        SQLError: 1146 where there is none; 1109 where information_schema has none of that name, in any case.
    """
    if database.lower() == NAME:
        if name.upper() not in definitions():
            raise SQLError(1109, f"Unknown table '{name}' in {NAME}")
        return definitions()[name.upper()].table
    found = catalog.table(database, name)
    if found is None:
        raise SQLError(1146, f"Table '{database}.{name}' doesn't exist")
    return found


def databases(catalog: Catalog) -> Table:
    """SHOW DATABASES."""
    names = [NAME, *sorted(n for n in catalog.databases if n != NAME)]
    return Table(show_columns.DATABASES, [(name,) for name in names])


def tables(catalog: Catalog, database: str, full: bool) -> Table:
    """SHOW [FULL] TABLES of a database that there is."""
    first, second = show_columns.TABLES
    first = replace(first, name=f"Tables_in_{database}", length=first.length)
    names = [t.name for t in _tables(catalog, database)]
    if full:
        kind = "SYSTEM VIEW" if database == NAME else "BASE TABLE"
        return Table((first, second), [(name, kind) for name in names])
    return Table((first,), [(name,) for name in names])


def table_status(catalog: Catalog, database: str) -> Table:
    """SHOW TABLE STATUS of a database that there is. Sizes and times are NULL: they lie with the workers."""
    if database == NAME:
        return Table(show_columns.TABLE_STATUS, [_system_status(d.name, d.engine) for d in definitions().values()])
    rows: list[tuple[Cell, ...]] = []
    for table in _tables(catalog, database):
        text = declared(table.create_sql)
        row_format = "Page" if text.engine.lower() == "aria" else "Dynamic"
        sizes: tuple[Cell, ...] = (None,) * 9
        head = (table.name, text.engine, 10, row_format, table.total_rows)
        rows.append((*head, *sizes, text.collation, None, "", text.comment, None, "N"))
    return Table(show_columns.TABLE_STATUS, rows)


def columns(table: CatalogTable, full: bool) -> Table:
    """SHOW [FULL] COLUMNS and DESCRIBE of a table."""
    text = declared(table.create_sql)
    keys = _keys(table, text)
    rows: list[tuple[Cell, ...]] = []
    for column in table.columns:
        null = "YES" if column.nullable else "NO"
        key = _key_word(table, keys, column.name)
        front: tuple[Cell, ...] = (column.name, column.type)
        back: tuple[Cell, ...] = (null, key, default_of(column), extra(column))
        if full:
            comment = text.comments.get(column.name, column.description)
            rows.append((*front, column_collation(column, text), *back, _PRIVILEGES, comment))
        else:
            rows.append((*front, *back))
    if full:
        return Table(show_columns.COLUMNS, rows)
    shown = ("Field", "Type", "Null", "Key", "Default", "Extra")
    return Table(tuple(c for c in show_columns.COLUMNS if c.name in shown), rows)


def indexes(table: CatalogTable) -> Table:
    """SHOW INDEX of a table."""
    rows: list[tuple[Cell, ...]] = []
    for key in _keys(table, declared(table.create_sql)):
        unique = key.kind in ("PRIMARY", "UNIQUE")
        whole = unique and _not_null(table, key)
        fulltext = key.kind == "FULLTEXT"
        for number, part in enumerate(key.parts, 1):
            column = table.column(part.column)
            rows.append(
                (
                    table.name,
                    int(not unique),
                    key.name,
                    number,
                    column.name if column else part.column,
                    None if fulltext else "D" if part.descending else "A",
                    table.total_rows if whole and number == len(key.parts) else None,
                    part.length,
                    None,
                    "YES" if column and column.nullable else "",
                    "FULLTEXT" if fulltext else "BTREE",
                    "",
                    key.comment,
                    "NO",
                )
            )
    return Table(show_columns.INDEX, rows)


def create_table(table: CatalogTable) -> Table:
    """SHOW CREATE TABLE."""
    return Table(show_columns.CREATE_TABLE, [(table.name, table.create_sql)])


def create_database(name: str, if_not_exists: bool) -> Table:
    """SHOW CREATE DATABASE of a database that there is."""
    charset = "utf8mb3" if name == NAME else "utf8mb4"
    condition = "/*!32312 IF NOT EXISTS*/ " if if_not_exists else ""
    text = (
        f"CREATE DATABASE {condition}`{name.replace('`', '``')}` "
        f"/*!40100 DEFAULT CHARACTER SET {charset} COLLATE {charset}_general_ci */"
    )
    return Table(show_columns.CREATE_DATABASE, [(name, text)])


def _system_status(name: str, engine: str) -> tuple[Cell, ...]:
    head = (name, engine, 11, "Page" if engine == "Aria" else "Fixed")
    return (*head, *(None,) * 10, "utf8mb3_general_ci", None, "", "", None, "Y")


def _tables(catalog: Catalog, database: str) -> list[CatalogTable]:
    if database == NAME:
        return [definition.table for definition in definitions().values()]
    found = catalog.databases.get(database)
    return sorted(found.tables.values(), key=lambda t: t.name) if found else []


def default_of(column: Column) -> str | None:
    """A default as DESCRIBE shows it."""
    if column.default is not None and column.base_type in _TIMES:
        return timestamp(column.default)
    return column.default


def _keys(table: CatalogTable, text: Declared) -> list[Key]:
    """The keys in MariaDB's order: primary, unique without NULL, unique, others, FULLTEXT."""
    keys = list(text.keys) or [
        Key(
            index.name,
            "PRIMARY" if index.name == "PRIMARY" else "UNIQUE" if index.unique else "",
            tuple(KeyPart(name) for name in index.columns),
        )
        for index in table.indexes
    ]

    def rank(key: Key) -> int:
        if key.kind == "UNIQUE":
            return 1 if _not_null(table, key) else 2
        return {"PRIMARY": 0, "": 3}.get(key.kind, 4)

    return sorted(keys, key=rank)


def _not_null(table: CatalogTable, key: Key) -> bool:
    found = [table.column(part.column) for part in key.parts]
    return all(column is not None and not column.nullable for column in found)


def _key_word(table: CatalogTable, keys: list[Key], name: str) -> str:
    """What DESCRIBE shows under Key: a unique key without NULL stands in for a missing primary key."""
    lower = name.lower()
    if keys and keys[0].kind in ("PRIMARY", "UNIQUE") and _not_null(table, keys[0]):
        whole = keys[0].kind == "PRIMARY" or all(part.length is None for part in keys[0].parts)
        if whole and lower in (part.column.lower() for part in keys[0].parts):
            return "PRI"
    first = [key for key in keys if key.parts[0].column.lower() == lower]
    if any(key.kind == "UNIQUE" and len(key.parts) == 1 for key in first):
        return "UNI"
    return "MUL" if first else ""
