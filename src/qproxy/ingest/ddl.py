"""CREATE statements for the tables that ingest lays on the workers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from qproxy.catalog.model import Column, TableKind
from qproxy.catalog.naming import CHUNK_COLUMN, NEIGHBOUR_COLUMN, SUB_CHUNK_COLUMN
from qproxy.ingest.description import TableSpec
from qproxy.ingest.schema import Key, TableSchema, plain_key, quote_name, quote_text

#: Rows of a chunk from which on a key on its sub-chunks pays: see "Decisions" in ARCHITECTURE.md.
SUB_CHUNK_KEY_ROWS = 20_000
#: Keys that a table of MariaDB may have.
MAX_KEYS = 64


def create_database(name: str) -> str:
    """CREATE DATABASE with the charset that tables without one of their own take."""
    return f"CREATE DATABASE {quote_name(name)} DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"


def drop_database(name: str) -> str:
    """DROP DATABASE, whether it exists or not."""
    return f"DROP DATABASE IF EXISTS {quote_name(name)}"


def _comment(column: Column) -> str:
    text = column.description
    if column.unit:
        text = f"{text} [{column.unit}]" if text else f"[{column.unit}]"
    # MariaDB allows 1024 characters.
    return f" COMMENT {quote_text(text[:1024])}" if text else ""


def _key_line(key: Key) -> str:
    name = "" if key.kind == "PRIMARY KEY" else f" {quote_name(key.name)}"
    return f"{key.kind}{name} ({','.join(key.parts)})"


def _create(name: str, lines: Iterable[str], engine: str, schema: TableSchema | None) -> str:
    options = f"ENGINE={engine}"
    if engine.lower() == "aria":
        # Crash recovery of single tables is of no use here: a chunk that is lost is copied from its replica.
        options += " TRANSACTIONAL=0"
    charset = schema.charset if schema else None
    collation = schema.collation if schema else None
    if not charset and not collation:
        charset, collation = "utf8mb4", "utf8mb4_general_ci"
    if charset:
        options += f" DEFAULT CHARSET={charset}"
    if collation:
        options += f" COLLATE={collation}"
    if schema and schema.comment:
        options += f" COMMENT={quote_text(schema.comment)}"
    body = ",\n  ".join(lines)
    return f"CREATE TABLE {name} (\n  {body}\n) {options}"


def public_table(name: str, table: TableSpec, engine: str) -> str:
    """The table as users see it, comments and keys included.

    Args:
        name: as SQL, with its database where needed.
        table: whose columns and keys it gets.
        engine: storage engine.
    """
    lines = [f"{quote_name(c.name)} {c.definition}{_comment(c)}" for c in table.schema.columns]
    lines += [_key_line(k) for k in table.keys]
    return _create(name, lines, engine, table.schema)


def internal_columns(table: TableSpec, overlap: bool = False) -> tuple[str, ...]:
    """Names of the columns that stand behind the user's in chunk tables, or in overlap tables."""
    flags = (table.flags,) if table.kind is TableKind.MATCH and table.flags else ()
    mark = (NEIGHBOUR_COLUMN,) if overlap else ()
    return (CHUNK_COLUMN, SUB_CHUNK_COLUMN, *flags, *mark)


def stored_columns(table: TableSpec, overlap: bool = False) -> tuple[str, ...]:
    """Names of all columns of a chunk table, or of an overlap table, in their order."""
    return (*(c.name for c in table.schema.columns), *internal_columns(table, overlap))


def _join_keys(table: TableSpec) -> tuple[Key, ...]:
    """Keys on the columns by which tables meet in a chunk, where no key of the user begins with them."""
    led = {k.columns[0].lower() for k in table.keys if k.kind != "FULLTEXT KEY"}
    wanted = (
        table.id if table.kind is TableKind.DIRECTOR else None,
        table.director_id,
        *(table.director_ids or ()),
    )
    names = dict.fromkeys(w for w in wanted if w and w.lower() not in led)
    return tuple(plain_key(f"qproxy_{n}", (n,)) for n in names)


def _area_keys(table: TableSpec, rows: int) -> tuple[Key, ...]:
    """The key by which the sub-chunks of a small area are found, where that is faster than reading all rows."""
    wanted = table.kind is TableKind.DIRECTOR and rows >= SUB_CHUNK_KEY_ROWS
    return (plain_key(f"qproxy_{SUB_CHUNK_COLUMN}", (SUB_CHUNK_COLUMN,)),) if wanted else ()


def chunk_table(name: str, table: TableSpec, engine: str, overlap: bool = False, rows: int = 0) -> str:
    """A chunk table, its overlap table, or the empty stand-in of either.

    Args:
        name: as SQL, with its database.
        table: whose columns and keys it gets.
        engine: storage engine.
        overlap: overlap tables may hold a row several times, so that none of their keys is unique.
        rows: how many it is to hold.
    """
    keys = (*table.keys, *_join_keys(table))
    if not overlap and len(keys) < MAX_KEYS:
        keys += _area_keys(table, rows)
    lines = [f"{quote_name(c.name)} {c.definition}" for c in table.schema.columns]
    lines += [f"{quote_name(c)} int(11) NOT NULL" for c in internal_columns(table, overlap)]
    for key in keys:
        if overlap and key.kind in ("PRIMARY KEY", "UNIQUE KEY"):
            key = replace(key, name="qproxy_primary" if key.name == "PRIMARY" else key.name, kind="KEY")
        lines.append(_key_line(key))
    return _create(name, lines, engine, replace(table.schema, comment=""))


def id_table(name: str, id_column: Column, schema: TableSchema, engine: str) -> str:
    """A partition of a director index or of an index of orphans.

    Args:
        name: as SQL, with its database.
        id_column: whose type the ``id`` gets.
        schema: of the table that ``id_column`` belongs to.
        engine: storage engine.
    """
    lines = (
        f"`id` {id_column.definition}",
        f"{quote_name(CHUNK_COLUMN)} int(11) NOT NULL",
        f"{quote_name(SUB_CHUNK_COLUMN)} int(11) NOT NULL",
        "KEY `id` (`id`)",
    )
    return _create(name, lines, engine, replace(schema, comment=""))


def qualified(database: str, table: str) -> str:
    """A table with its database, as SQL."""
    return f"{quote_name(database)}.{quote_name(table)}"
