"""One protocol, several engines: what dispatch, merge and ingest may ask of a worker.

All statements come in MariaDB's dialect. A backend whose engine speaks another one translates it; MariaDB does not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from qproxy.wire.columns import ColumnDef
from qproxy.wire.rowblock import RowBlock


@dataclass(frozen=True)
class SessionSettings:
    """Session variables of the client that change what an expression means; applied before its statements run.

    Attributes:
        sql_mode: None for the worker's own.
        time_zone: an offset such as ``+02:00``; None for UTC.
        collation: collation_connection, for comparisons of literals.
        results_charset: charset in which text is to come back; None for no conversion.
        group_concat: bytes that GROUP_CONCAT gives at most (group_concat_max_len); None for the worker's own.
        variables: user variables that its statements read, with their values as SQL.
        binary: where rows are to come in the binary protocol, the columns that a client was told of: their types say
            how values lie in a row. None for text. No session variable: connections are alike whatever it is.
    """

    sql_mode: str | None = None
    time_zone: str | None = None
    collation: str = "utf8mb4_general_ci"
    results_charset: str | None = "utf8mb4"
    group_concat: int | None = None
    variables: tuple[tuple[str, str], ...] = ()
    binary: tuple[ColumnDef, ...] | None = field(default=None, compare=False)


DEFAULT_SETTINGS = SessionSettings()


@dataclass(frozen=True)
class HeldTable:
    """A small table that the proxy holds itself, for an engine to answer statements about.

    Attributes:
        name: a name that no other table has; ASCII letters, digits and underscores.
        columns: their declarations, as they stand between the parentheses of CREATE TABLE.
        rows: text values in utf8mb4, in the order of the columns.
        digest: equal for equal rows and columns alone: what an engine has already it need not take again.
    """

    name: str
    columns: str
    rows: RowBlock
    digest: bytes


@dataclass(frozen=True)
class ScratchTable:
    """A table of one query that all statements see.

    Attributes:
        name: in the database of scratch tables, as statements write it.
        select: statement (MariaDB's dialect) whose columns it has.
        keys: columns by which its rows are looked for.
    """

    name: str
    select: str
    keys: tuple[str, ...] = ()


class ResultStream(Protocol):
    """Rows of one statement, as they arrive. Not reading is back-pressure, down to the worker's socket."""

    @property
    def columns(self) -> Sequence[ColumnDef]:
        """Column definitions as the worker gave them."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the last row was given, as far as one can tell without asking for more."""
        ...

    def __aiter__(self) -> AsyncIterator[RowBlock]:
        """Itself."""
        ...

    async def __anext__(self) -> RowBlock:
        """Blocks until the last row.

        Raises:
            WorkerError: the worker broke off: another replica may answer.
            SQLError: the worker refused the statement: no replica would do better.
        """
        ...


class Scratch(Protocol):
    """A temporary table on an engine, where partial rows are merged by its own arithmetic."""

    async def append(self, block: RowBlock) -> None:
        """Add rows; their values stand in the order of the table's columns."""
        ...

    def query(self, sql: str) -> AbstractAsyncContextManager[ResultStream]:
        """Run a statement that reads the temporary table."""
        ...


class Backend(Protocol):
    """An engine that holds chunks.

    Attributes:
        loads: files that it loads best at the same time.
        keeps_variables: whether its statements may read user variables: see `SessionSettings.variables`.
    """

    name: str
    loads: int
    keeps_variables: bool

    @property
    def crowded(self) -> bool:
        """Whether statements wait for others to end."""
        ...

    def translate(self, sql: str) -> str:
        """A statement of MariaDB's dialect in the engine's own; called once a plan, not once a chunk.

        Identifiers that stand for chunk tables are kept letter for letter.
        """
        ...

    def spans(self, template: str) -> bool:
        """Whether the placeholders of a template may each stand for several chunks at once.

        Then a name such as ``Star_3,7`` stands for the rows of both chunks, and rows of several such tables meet
        within equal chunks only: the statement's rows are those of all its chunks, and no UNION ALL is needed.

        Args:
            template: in MariaDB's dialect.
        """
        ...

    def query(self, sql: str, settings: SessionSettings) -> AbstractAsyncContextManager[ResultStream]:
        """Run one translated statement. Leaving the context before the last row stops it on the worker at once.

        Raises:
            WorkerError, SQLError: as in `ResultStream.__aiter__`.
        """
        ...

    def scratch(
        self, table: str, select: str, settings: SessionSettings, uncounted: bool = False
    ) -> AbstractAsyncContextManager[Scratch]:
        """A temporary table with the columns that ``select`` (MariaDB's dialect) has, empty.

        Args:
            uncounted: whether it must not be taken for constants where it has but one row.
        """
        ...

    def query_held(
        self, sql: str, tables: Sequence[HeldTable], settings: SessionSettings
    ) -> AbstractAsyncContextManager[ResultStream]:
        """Run a statement (MariaDB's dialect) that reads tables of the proxy alone, by their names without a database.

        Raises:
            WorkerError, SQLError: as in `ResultStream.__aiter__`.
        """
        ...

    async def share(self, table: ScratchTable, rows: Iterable[RowBlock], settings: SessionSettings) -> None:
        """Make a table that all statements see, and fill it."""
        ...

    async def sweep(self, age: timedelta) -> int:
        """Drop what is left of shared tables that are older: of a proxy that ended without dropping them.

        Returns:
            How many there were.
        """
        ...

    async def execute(self, sql: str) -> None:
        """Run a statement (MariaDB's dialect) that gives no rows: DDL of ingest."""
        ...

    async def load(self, database: str, table: str, columns: Sequence[str], path: Path, charset: str) -> int:
        r"""Load a chunk file: tab between values, ``\n`` behind rows, ``\N`` for NULL, backslash escapes.

        Returns:
            The number of rows loaded.

        Raises:
            SQLError: a value does not fit its column (strict mode), the table is missing, the disk is full.
            WorkerError: the worker broke off.
        """
        ...

    async def count(self, database: str, tables: Sequence[str]) -> Sequence[int]:
        """Rows that tables have, in their order.

        Raises:
            SQLError: a table is missing.
            WorkerError: the worker broke off.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
