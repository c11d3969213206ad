"""Statements from MariaDB's dialect to DuckDB's, the result's columns written in front as a comment.

DuckDB's result types say less than MariaDB's: no CHAR, no BIT, no display lengths. So the translated text begins with
a comment that lists the column definitions, which `columns_of` reads back when the statement runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from qproxy.backends.duckdb.registry import Registry
from qproxy.backends.duckdb.select import Selects
from qproxy.backends.duckdb.typed import refused
from qproxy.backends.duckdb.types import MType
from qproxy.errors import SQLError
from qproxy.wire.columns import ColumnDef

_COMMENT = re.compile(r"/\*q (\[.*?\]) \*/", re.S)


def translate(sql: str, registry: Registry) -> str:
    """A SELECT statement of MariaDB in DuckDB's dialect, its columns in a leading comment.

    Args:
        sql: the statement; tables are named with their database, placeholders for chunk tables look like
            ``§0§Star§`` and are kept letter for letter.
        registry: the tables and their declared types.

    Raises:
        SQLError: 1064 for a syntax error, 1235 for what the engine would answer otherwise than MariaDB,
            1146, 1054 and 1052 for unknown or ambiguous names.
    """
    text, columns = shape_of(sql, registry)
    return f"{_comment(columns)} {text}"


def shape_of(sql: str, registry: Registry) -> tuple[str, list[tuple[str, MType]]]:
    """DuckDB SQL of a statement, and its columns with their types."""
    return Selects(registry).statement(parse(sql))


def parse(sql: str) -> exp.Expr:
    """The statement's tree.

    Raises:
        SQLError: 1064 where it cannot be read, 1235 for several statements at once.
    """
    try:
        statements = [s for s in sqlglot.parse(sql, read="mysql") if s is not None]
    except (ParseError, TokenError) as error:
        raise SQLError(1064, f"the embedded engine cannot read the statement: {error}") from None
    if len(statements) != 1:
        raise refused("several statements at once")
    return statements[0]


def _comment(columns: Sequence[tuple[str, MType]]) -> str:
    listed = []
    for name, kind in columns:
        d = kind.column_def(name)
        listed.append([name, int(d.type), d.charset, d.length, int(d.flags), d.decimals])
    # Escapes keep comment ends and placeholders of a template out of the names.
    text = orjson.dumps(listed).decode()
    escaped = "".join(c if c.isascii() and c not in "*/" else _escape(c) for c in text)
    return f"/*q {escaped} */"


def _escape(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def columns_of(translated: str) -> list[ColumnDef] | None:
    """The column definitions that `translate` wrote into a statement; None for a text that it did not make."""
    found = _COMMENT.search(translated)
    if found is None:
        return None
    return [
        ColumnDef(name, kind, charset=charset, length=length, flags=flags, decimals=decimals)
        for name, kind, charset, length, flags, decimals in orjson.loads(found[1])
    ]
