"""Rows about databases, tables, columns and keys: what the catalogue says, and information_schema of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from qproxy.catalog.model import Catalog, Column, Table
from qproxy.session import show_tables
from qproxy.session.create_table import TEXT_TYPES
from qproxy.session.information_schema.definitions import NAME, definitions
from qproxy.session.information_schema.types import type_facts
from qproxy.session.table import Cell

Row = tuple[Cell, ...]
_DEF = "def"


def _tables(catalog: Catalog) -> Iterator[Table]:
    for database in sorted(catalog.databases):
        yield from sorted(catalog.databases[database].tables.values(), key=lambda t: t.name)


def _schemata(catalog: Catalog) -> Iterator[Row]:
    yield (_DEF, NAME, "utf8mb3", "utf8mb3_general_ci", None, "")
    for name in sorted(catalog.databases):
        yield (_DEF, name, "utf8mb4", "utf8mb4_general_ci", None, "")


def _tables_rows(catalog: Catalog) -> Iterator[Row]:
    for name, *rest in show_tables.table_status(catalog, NAME).rows:
        yield (_DEF, NAME, name, "SYSTEM VIEW", *rest)
    for database in sorted(catalog.databases):
        for name, *rest in show_tables.table_status(catalog, database).rows:
            yield (_DEF, database, name, "BASE TABLE", *rest)


def _columns(catalog: Catalog) -> Iterator[Row]:
    for definition in definitions().values():
        yield from _columns_of(definition.table)
    for table in _tables(catalog):
        yield from _columns_of(table)


def _columns_of(table: Table) -> Iterator[Row]:
    shown = show_tables.columns(table, full=True).rows
    for number, (column, row) in enumerate(zip(table.columns, shown, strict=True), 1):
        name, kind, collation, null, key, _, extra, privileges, comment = row
        facts = type_facts(str(kind), None if collation is None else str(collation))
        place = (_DEF, table.database, table.name, name, number, None if table.database == NAME else _default(column))
        yield (*place, null, facts.data_type, *facts.cells, kind, key, extra, privileges, comment, "NEVER", None)


def _default(column: Column) -> str | None:
    """A default as an expression of SQL."""
    if column.default is None:
        return "NULL" if column.nullable else None
    text = show_tables.default_of(column) or ""
    if column.base_type in TEXT_TYPES or column.base_type in ("binary", "varbinary", "date", "time"):
        return "'" + text.replace("'", "''") + "'"
    if column.base_type in ("datetime", "timestamp") and not text.startswith("current_timestamp"):
        return f"'{text}'"
    return text


def _statistics(catalog: Catalog) -> Iterator[Row]:
    for table in _tables(catalog):
        for name, non_unique, key, *rest in show_tables.indexes(table).rows:
            yield (_DEF, table.database, name, non_unique, table.database, key, *rest)


def _key_column_usage(catalog: Catalog) -> Iterator[Row]:
    for table in _tables(catalog):
        place = (_DEF, table.database, table.name)
        unique = _unique_keys(table)
        for name, _, key, number, column, *_ in show_tables.indexes(table).rows:
            if key in unique:
                yield (_DEF, table.database, key, _DEF, table.database, name, column, number, None, None, None, None)
        for constraint, column_name, target in _foreign_keys(table):
            found = catalog.table(*target)
            if found is not None and found.id is not None:
                yield (_DEF, table.database, constraint, *place, column_name, 1, 1, *target, found.id)


def _table_constraints(catalog: Catalog) -> Iterator[Row]:
    for table in _tables(catalog):
        for key in _unique_keys(table):
            kind = "PRIMARY KEY" if key == "PRIMARY" else "UNIQUE"
            yield (_DEF, table.database, key, table.database, table.name, kind)
        for constraint, _, target in _foreign_keys(table):
            if catalog.table(*target) is not None:
                yield (_DEF, table.database, constraint, table.database, table.name, "FOREIGN KEY")


def _referential_constraints(catalog: Catalog) -> Iterator[Row]:
    for table in _tables(catalog):
        for constraint, _, target in _foreign_keys(table):
            found = catalog.table(*target)
            if found is not None:
                place = (_DEF, table.database, constraint, _DEF, target[0], _id_key(found))
                yield (*place, "NONE", "RESTRICT", "RESTRICT", table.name, target[1])


def _foreign_keys(table: Table) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """Constraint, column and table that it refers to: how a child follows its director, a match both of its own."""
    pairs: list[tuple[str, tuple[str, str]]] = []
    if table.director is not None and table.director_id is not None:
        pairs.append((table.director_id, table.director))
    if table.directors is not None and table.director_ids is not None:
        pairs += zip(table.director_ids, table.directors, strict=True)
    for number, (column, target) in enumerate(pairs, 1):
        found = table.column(column)
        yield f"{table.name}_ibfk_{number}", found.name if found else column, target


def _unique_keys(table: Table) -> list[str]:
    """Names of the primary and unique keys, in MariaDB's order."""
    rows = show_tables.indexes(table).rows
    return list(dict.fromkeys(str(row[2]) for row in rows if row[1] == 0))


def _id_key(table: Table) -> str | None:
    """The unique key that holds a director's id alone."""
    columns: dict[str, list[str]] = {}
    for row in show_tables.indexes(table).rows:
        if row[1] == 0:
            columns.setdefault(str(row[2]), []).append(str(row[4]).lower())
    return next((key for key, names in columns.items() if names == [(table.id or "").lower()]), None)


def _partitions(catalog: Catalog) -> Iterator[Row]:
    # Sizes lie with the workers; these columns know no NULL.
    back = (0, 0, None, 0, 0, None, None, None, None, "", "", None)
    for definition in definitions().values():
        yield (_DEF, NAME, definition.name, *(None,) * 9, 0, *back)
    for table in _tables(catalog):
        yield (_DEF, table.database, table.name, *(None,) * 9, table.total_rows, *back)


#: By table: its rows, out of a catalogue that holds what may be seen.
CATALOG_ROWS: Mapping[str, Callable[[Catalog], Iterator[Row]]] = MappingProxyType(
    {
        "SCHEMATA": _schemata,
        "TABLES": _tables_rows,
        "COLUMNS": _columns,
        "STATISTICS": _statistics,
        "KEY_COLUMN_USAGE": _key_column_usage,
        "TABLE_CONSTRAINTS": _table_constraints,
        "REFERENTIAL_CONSTRAINTS": _referential_constraints,
        "PARTITIONS": _partitions,
    }
)
