"""The columns of a translated statement, written in front of it as a comment.

DuckDB's result types say less than MariaDB's: no CHAR, no BIT, no display lengths. So a translated statement begins
with a comment that lists its column definitions; derived tables carry theirs too, so that a statement reads the same
on its own and inside another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson

from qproxy.backends.duckdb.types import MType
from qproxy.wire.columns import ColumnDef

_COMMENT = re.compile(r"/\*q (\[.*?\]) \*/", re.S)


def described(sql: str, columns: Sequence[tuple[str, MType]]) -> str:
    """The statement with its columns in front."""
    listed = []
    for name, kind in columns:
        d = kind.column_def(name)
        listed.append([name, int(d.type), d.charset, d.length, int(d.flags), d.decimals])
    # Escapes keep comment ends and placeholders of a template out of the names.
    text = orjson.dumps(listed).decode()
    escaped = "".join(c if c.isascii() and c not in "*/" else _escape(c) for c in text)
    return f"/*q {escaped} */ {sql}"


def _escape(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def columns_of(translated: str) -> list[ColumnDef] | None:
    """The column definitions that `described` wrote in front of a statement; None for a text that it did not make."""
    found = _COMMENT.search(translated)
    if found is None:
        return None
    return [
        ColumnDef(name, kind, charset=charset, length=length, flags=flags, decimals=decimals)
        for name, kind, charset, length, flags, decimals in orjson.loads(found[1])
    ]
