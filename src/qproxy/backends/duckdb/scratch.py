"""A temporary table on the embedded engine, where partial rows are merged by one more statement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import Any

import sqlglot
from sqlglot.tokenizer_core import TokenType

from qproxy.backends.base import HeldTable, SessionSettings
from qproxy.backends.duckdb.comment import columns_of
from qproxy.backends.duckdb.dialect import translate
from qproxy.backends.duckdb.failures import sql_error
from qproxy.backends.duckdb.registry import Registry, TableShape, quote, read_create
from qproxy.backends.duckdb.stream import DuckStream
from qproxy.backends.duckdb.text import decode_block
from qproxy.backends.duckdb.types import MType
from qproxy.errors import SQLError
from qproxy.wire.rowblock import RowBlock

_PLAIN = (TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING)
#: Names of columns that mean one in quotes alone, to MariaDB as well.
_RESERVED = frozenset(("database", "default", "key", "null", "table", "trigger"))


def from_text(source: str, kind: MType) -> str:
    """SQL that reads a column of text values (Arrow binary) as a type."""
    if kind.kind == "blob":
        return source
    if kind.kind == "bit":
        return f"CAST('0x' || hex({source}) AS UBIGINT)"
    text = f"decode({source})"
    return text if kind.kind == "string" else f"CAST({text} AS {kind.duck})"


def declared_shape(table: HeldTable) -> TableShape:
    """The columns of a table of the proxy.

    Raises:
        SQLError: 1235 for a column type without an equal.
    """
    created = read_create(f"CREATE TABLE {table.name} ({table.columns})")
    if created is None or created.shape is None:
        raise SQLError(1064, f"the table {table.name} of the proxy cannot be read")
    return created.shape


def quoted_columns(sql: str, registry: Registry, tables: Sequence[str]) -> str:
    """A statement with the columns of tables in quotes, where the parser would take their names for words of SQL.

    Args:
        sql: in MariaDB's dialect.
        registry: knows the tables.
    """
    names = {name.lower() for table in tables for name in registry.resolve(None, table).columns}
    names -= _RESERVED
    parts: list[str] = []
    at = 0
    for token in sqlglot.tokenize(sql, read="mysql"):
        word = sql[token.start : token.end + 1]
        called = sql[token.end + 1 :].lstrip().startswith("(")
        if token.token_type not in _PLAIN and word.lower() in names and not called:
            parts += (sql[at : token.start], f"`{word}`")
            at = token.end + 1
    return "".join((*parts, sql[at:]))


def insert(block: RowBlock, connection: Any, target: str, shape: TableShape) -> None:
    """Add rows to a table, named as DuckDB reads it, whose columns their values stand in order of."""
    import pyarrow as pa

    kinds = list(shape.columns.values())
    names = [f"c{i}" for i in range(len(kinds))]
    connection.register("q_rows", pa.table(decode_block(block, len(kinds)), names=names))
    try:
        casts = ", ".join(from_text(n, k) for n, k in zip(names, kinds, strict=True))
        connection.execute(f"INSERT INTO {target} SELECT {casts} FROM q_rows")
    finally:
        connection.unregister("q_rows")


class DuckScratch:
    """See `qproxy.backends.base.Scratch`; the table lives in a connection of its own."""

    def __init__(
        self,
        table: str,
        shape: TableShape,
        registry: Registry,
        connection: Any,
        pool: Executor,
        settings: SessionSettings,
    ) -> None:
        self._table = table
        self._shape = shape
        self._registry = registry
        self._connection = connection
        self._pool = pool
        self._settings = settings
        self._busy = asyncio.Lock()

    async def append(self, block: RowBlock) -> None:
        """Add rows; their values stand in the order of the table's columns."""
        import duckdb

        async with self._busy:
            try:
                await asyncio.get_running_loop().run_in_executor(self._pool, self._insert, block)
            except duckdb.Error as error:
                raise sql_error(error) from None

    def _insert(self, block: RowBlock) -> None:
        insert(block, self._connection, quote(self._table), self._shape)

    @asynccontextmanager
    async def query(self, sql: str) -> AsyncIterator[DuckStream]:
        """Run a statement (MariaDB's dialect) that reads the temporary table."""
        translated = sql if columns_of(sql) is not None else translate(sql, self._registry)
        async with self._busy:
            stream = DuckStream(
                _Borrowed(self._connection), self._pool, translated, columns_of(translated) or [], self._settings
            )
            try:
                await stream.start()
                yield stream
            finally:
                await stream.stop()


class _Borrowed:
    """The scratch table's connection, for a stream that must not close it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def sql(self, sql: str) -> Any:
        return self._connection.sql(sql)

    def interrupt(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        """The scratch table outlives its statements."""
