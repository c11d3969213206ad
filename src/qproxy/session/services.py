"""What all sessions of a proxy share."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from qproxy.catalog.model import Catalog
from qproxy.catalog.querylog import QueryRecord
from qproxy.dispatch.dispatcher import Dispatcher
from qproxy.errors import SQLError
from qproxy.session.information_schema.answer import Filled
from qproxy.session.known import Known
from qproxy.session.show_server import Process


class LiveSession(Protocol):
    """What one session may know of another."""

    @property
    def user(self) -> str:
        """The name that logged in."""
        ...

    def process(self) -> Process:
        """What SHOW PROCESSLIST says of it."""
        ...


class Siblings(Protocol):
    """The other processes that are the same proxy."""

    async def processes(self) -> Sequence[Process]:
        """What SHOW PROCESSLIST says of their sessions, as far as they answer."""
        ...

    async def kill(self, connection_id: int, query_only: bool, user: str) -> bool:
        """Stop a query or a connection of theirs.

        Args:
            user: who asks.

        Returns:
            Whether there is such a connection.

        Raises:
            SQLError: 1095, it is somebody else's.
        """
        ...


@dataclass
class Services:
    """What a session needs beyond itself.

    Attributes:
        catalog: the current snapshot; a session takes it anew for each query.
        merge_limit: most bytes of partial rows of one query.
        share_limit: most bytes of rows that a query sends to every worker.
        max_packet: largest statement, bytes.
        record: takes finished queries for the query log; must not wait.
        kill: stops the query of a connection, or the connection itself; whether there is such a connection.
        may_read: whether a user may read a database; what one may not read does not exist for one.
        variables: values of global system variables that tell of this server alone, as texts by name.
        idle_timeouts: seconds between two commands of programs and of people, unless a session sets others.
        sessions: the sessions that are connected, by connection id.
        filled: tables of information_schema.
        known: what statements mean; to be told to forget before ``catalog`` gives another snapshot.
        siblings: None where this process is the whole proxy.
    """

    catalog: Callable[[], Catalog]
    dispatcher: Dispatcher
    merge_limit: int
    share_limit: int
    max_packet: int
    record: Callable[[QueryRecord], None]
    kill: Callable[[int, bool], bool]
    may_read: Callable[[str, str], bool] = lambda user, database: True
    variables: Callable[[], Mapping[str, str]] = dict
    idle_timeouts: tuple[int, int] = (28800, 28800)
    sessions: dict[int, LiveSession] = field(default_factory=dict)
    started: float = field(default_factory=time.time)
    queries: int = 0
    filled: Filled = field(default_factory=Filled)
    siblings: Siblings | None = None
    known: Known = field(init=False)
    _token: str = field(default_factory=lambda: uuid4().hex)
    _tokens: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.known = Known(self.catalog)

    def new_token(self) -> str:
        """Letters and digits that no other statement of any proxy has."""
        return f"{self._token}{next(self._tokens):x}"

    def stop(self, connection_id: int, query_only: bool, user: str) -> bool:
        """Stop a query or a connection of this process.

        Args:
            user: who asks.

        Returns:
            Whether there is such a connection.

        Raises:
            SQLError: 1095, it is somebody else's.
        """
        other = self.sessions.get(connection_id)
        if other is not None and other.user != user:
            raise SQLError(1095, f"You are not owner of thread {connection_id}")
        return other is not None and self.kill(connection_id, query_only)

    def processes(self) -> list[Process]:
        """What SHOW PROCESSLIST says of the sessions of this process."""
        return [s.process() for s in self.sessions.values()]
