"""Chunk tables of one logical table, kept as one table of the embedded engine.

Binding a statement costs DuckDB time for every table in it, and every table costs it memory; hundreds of chunk tables
are slower than a column that tells the chunks apart. So the rows of ``T_<chunk>`` lie in the table of the stand-in
``T_empty``, with the chunk in a hidden column, and names of chunk tables are replaced when a statement runs. A name may
list several chunks: ``T_3,7`` has the rows of both.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

#: The hidden column; NULL in rows of the stand-in itself. No name of a user's column may hold the mark of templates.
CHUNK = "q§chunk"

#: Type of the hidden column.
CHUNK_TYPE = "INTEGER"

_NAMED = re.compile(r"(.+)_(\d+(?:,\d+)*)$", re.S)
# Comments and literals are matched so that names are never looked for inside them.
_TOKEN = re.compile(r"""/\*.*?\*/|'(?:[^']|'')*'|("(?:[^"]|"")*")(?:\.("(?:[^"]|"")*"))?""", re.S)

#: Members of a chunked table by database and logical name, sorted; None where there is no such table.
Members = Callable[[str, str], Sequence[int] | None]


def stand_in(table: str) -> str:
    """Name of the empty table that stands in for a missing chunk table; here it holds the rows of all chunks."""
    return f"{table}_empty"


def stood_in_for(table: str) -> str | None:
    """The logical table whose stand-in a name is; None for all other names."""
    return table.removesuffix("_empty") if table.endswith("_empty") else None


def chunks_named(table: str) -> tuple[str, list[int]] | None:
    """The logical table and the chunks that a name stands for; None where it is no chunk table's name."""
    found = _NAMED.match(table)
    return (found[1], [int(c) for c in found[2].split(",")]) if found else None


def resolved(sql: str, members: Members) -> str:
    """A DuckDB statement with its chunk tables replaced by the rows that they have in the common table.

    Args:
        sql: tables are written ``"database"."table"``.
        members: tells the chunks that a table has.
    """

    def replaced(found: re.Match[str]) -> str:
        if found[2] is None:
            return found[0]
        database, table = _unquoted(found[1]), _unquoted(found[2])
        if (logical := stood_in_for(table)) is not None:
            known = members(database, logical)
            return found[0] if known is None else f'(SELECT * FROM {found[0]} WHERE "{CHUNK}" IS NULL)'
        named = chunks_named(table)
        known = members(database, named[0]) if named else None
        if named is None or known is None or not all(_holds(known, c) for c in named[1]):
            return found[0]
        return f"(SELECT * FROM {found[1]}.{_quoted(stand_in(named[0]))} WHERE {_condition(named[1], known)})"

    return _TOKEN.sub(replaced, sql)


def _holds(known: Sequence[int], chunk: int) -> bool:
    at = bisect_left(known, chunk)
    return at < len(known) and known[at] == chunk


def _condition(wanted: list[int], known: Sequence[int]) -> str:
    """A range where it holds just the chunks that are wanted: DuckDB skips blocks of rows by it."""
    low, high = min(wanted), max(wanted)
    if low == high:
        return f'"{CHUNK}" = {low}'
    if bisect_right(known, high) - bisect_left(known, low) == len(set(wanted)):
        return f'"{CHUNK}" BETWEEN {low} AND {high}'
    return f'"{CHUNK}" IN ({", ".join(map(str, wanted))})'


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"')


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
