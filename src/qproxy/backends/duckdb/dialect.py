"""Statements from MariaDB's dialect to DuckDB's."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from qproxy.backends.duckdb.comment import described
from qproxy.backends.duckdb.registry import MARKER, Registry
from qproxy.backends.duckdb.select import Selects
from qproxy.backends.duckdb.typed import refused
from qproxy.backends.duckdb.types import MType
from qproxy.errors import SQLError


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
    return described(text, columns)


def shape_of(sql: str, registry: Registry) -> tuple[str, list[tuple[str, MType]]]:
    """DuckDB SQL of a statement, and its columns with their types."""
    return Selects(registry).statement(parse(sql))


def spans(sql: str) -> bool:
    """Whether the placeholders of a template may each stand for the chunk tables of several chunks at once.

    They may where all of them stand in the statement's own FROM clause: a nested statement looks at one chunk.

    Args:
        sql: the template, in MariaDB's dialect.
    """
    node = parse(sql)
    clause = node.args.get("from_")
    if not isinstance(node, exp.Select) or clause is None or node.args.get("offset"):
        return False
    own = [clause.this, *(join.this for join in node.args.get("joins") or ())]
    nested = [t for t in node.find_all(exp.Table) if not any(t is o for o in own)]
    return not any(MARKER.fullmatch(t.name) for t in nested)


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
