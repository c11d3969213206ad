"""How many rows tables have, chunk tables of one logical table by one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qproxy.backends.duckdb.chunks import CHUNK, stand_in
from qproxy.backends.duckdb.registry import Registry, quote


def count_rows(connection: Any, registry: Registry, database: str, tables: Sequence[str]) -> list[int]:
    """Rows that tables have, in their order; closes the connection.

    Args:
        connection: a DuckDB connection.
        registry: the tables.
        database: in which they are.
        tables: chunk tables and others.

    Raises:
        SQLError: 1146 where there is no such table.
    """
    try:
        found: dict[str, dict[int, int]] = {}
        counts = []
        for table in tables:
            registry.resolve(database, table)
            member = registry.member(database, table)
            if member is None:
                counts.append(_count(connection, f"{quote(database)}.{quote(table)}"))
                continue
            logical, chunk = member
            if logical not in found:
                place = f"{quote(database)}.{quote(stand_in(logical))}"
                rows = connection.execute(f"SELECT {quote(CHUNK)}, count(*) FROM {place} GROUP BY ALL").fetchall()
                found[logical] = dict(rows)
            counts.append(found[logical].get(chunk, 0))
        return counts
    finally:
        connection.close()


def _count(connection: Any, place: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {place}").fetchone()[0])
