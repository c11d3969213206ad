"""The contract between a client connection and the session that answers its commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from qproxy.wire.columns import ColumnDef
from qproxy.wire.prepared import Parameter
from qproxy.wire.rowblock import RowBlock
from qproxy.wire.tracking import Tracked

STATUS_AUTOCOMMIT = 0x0002


@dataclass(frozen=True)
class Client:
    """Who is connected.

    Attributes:
        connection_id: as shown by SHOW PROCESSLIST and taken by KILL.
        user: the name that logged in.
        address: the client's address without its port.
        attributes: what the client says of itself, e.g. ``program_name``.
        interactive: whether a person seems to type, so that other timeouts hold.
        cipher: name of the TLS cipher and version of TLS; None without TLS.
    """

    connection_id: int
    user: str
    address: str
    attributes: Mapping[str, str]
    interactive: bool = False
    cipher: tuple[str, str] | None = None


@dataclass(frozen=True)
class Rows:
    """A result set. Its blocks are asked for only as fast as the client reads.

    Attributes:
        more: whether another reply to the same command follows.
        binary: whether the blocks hold rows of the binary protocol.
    """

    columns: Sequence[ColumnDef]
    blocks: AsyncIterator[RowBlock]
    warnings: int = 0
    more: bool = False
    binary: bool = False


@dataclass(frozen=True)
class Done:
    """The end of a statement that gives no rows.

    Attributes:
        more: whether another reply to the same command follows.
    """

    affected_rows: int = 0
    last_insert_id: int = 0
    info: str = ""
    warnings: int = 0
    more: bool = False


Reply = Rows | Done


@dataclass(frozen=True)
class Prepared:
    """A statement that waits for the values of its parameters.

    Attributes:
        statement: what the handler keeps of it.
        parameters: how many it has.
        columns: of its rows, as far as they are known before there are values; none for one without rows.
        size: bytes that it takes.
    """

    statement: Any
    parameters: int
    columns: Sequence[ColumnDef]
    size: int


class Handler(Protocol):
    """One session, asked by one connection, one command at a time.

    Errors for the client are raised as SQLError. A command may be cancelled at any await; its clean-up
    may await in turn.
    """

    @property
    def encoding(self) -> str:
        """Python codec of the client's statements."""
        ...

    @property
    def results_encoding(self) -> str:
        """Python codec in which column names and messages go to the client."""
        ...

    @property
    def status(self) -> int:
        """Server status flags of the protocol, e.g. `STATUS_AUTOCOMMIT`."""
        ...

    @property
    def tracked(self) -> Tracked:
        """State that clients may follow."""
        ...

    @property
    def idle_timeout(self) -> float | None:
        """Seconds until a connection without a command is closed; None for the server's own bound."""
        ...

    async def set_charset(self, collation_id: int) -> None:
        """Take the collation id that the client gave when it logged in."""
        ...

    def query(self, sql: str) -> AsyncIterator[Reply]:
        """Answer a text that holds one statement or several: one reply each, all but the last with ``more``.

        Where the client writes UTF-8, bytes that are none stand in the text as lone surrogates; in `prepare` as well.
        """
        ...

    async def prepare(self, sql: str) -> Prepared:
        """Take a statement with ``?`` for values that come later."""
        ...

    def execute(
        self, prepared: Prepared, parameters: Sequence[Parameter], cursor: bool = False
    ) -> AsyncIterator[Reply]:
        """Answer a prepared statement, rows in the binary protocol; as many parameters as it has.

        Args:
            cursor: whether the rows wait until the client asks for them, maybe for long.
        """
        ...

    async def use(self, database: str) -> None:
        """Make a database the current one."""
        ...

    async def field_list(self, table: str, wildcard: str) -> Sequence[ColumnDef]:
        """Columns of a table whose names match a LIKE pattern; an empty pattern matches all."""
        ...

    async def reset(self) -> None:
        """Give the session the state of a new one, its user and connection kept."""
        ...

    def statistics(self) -> str:
        """One line on the state of the server."""
        ...

    async def kill(self, connection_id: int, query_only: bool) -> None:
        """Stop the query of a connection, or the connection itself."""
        ...

    def cancel_query(self) -> None:
        """The running query is not wanted any more; harmless where none runs."""
        ...

    async def close(self) -> None:
        """The connection is gone; called once."""
        ...


HandlerFactory = Callable[[Client, str | None], Handler]
