"""Connections to one MariaDB worker: opened by aiomysql, kept while idle, never used again when out of step."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiomysql
import pymysql

from qproxy.backends.base import DEFAULT_SETTINGS, SessionSettings
from qproxy.backends.mariadb_errors import reason_of
from qproxy.backends.mariadb_socket import take_over
from qproxy.catalog.model import Worker
from qproxy.errors import SQLError, WorkerError

log = logging.getLogger(__name__)

#: A worker must not give up on a client that reads slowly; the proxy's own limits do that. Seconds.
WRITE_TIMEOUT = 24 * 3600
#: What SYSTEM means for every worker, wherever it stands.
UTC = "+00:00"


class Refused(WorkerError):
    """A worker that answers, and takes no login."""


class Link:
    """One connection to a worker, and what is known of it.

    Attributes:
        settings: session variables that it has now; None where nobody can tell.
        reused: whether it waited in the pool, where the worker may have closed it unnoticed.
        socket: its bytes.
        held: digests of the proxy's own tables that it holds as temporary ones, by name.
    """

    def __init__(self, connection: Any) -> None:
        self.settings: SessionSettings | None = DEFAULT_SETTINGS
        self.reused = False
        self.held: dict[str, bytes] = {}
        self.connection = connection
        # aiomysql reads no more: all answers are read raw.
        unread = bytes(connection._reader._buffer)
        self.socket = take_over(connection._writer.transport, unread)
        self._dropped = False
        self._used = asyncio.get_running_loop().time()

    @property
    def closed(self) -> bool:
        """Whether it was dropped here; a worker that went away shows in `usable`."""
        return self._dropped

    @property
    def thread(self) -> int:
        """Number of the connection on the worker."""
        return int(self.connection.server_thread_id[0])

    @property
    def usable(self) -> bool:
        """Whether it is open, as far as one can see without asking."""
        return not self.closed and self.socket.usable

    @property
    def idle_seconds(self) -> float:
        """Since when it waits."""
        return asyncio.get_running_loop().time() - self._used

    def rest(self) -> None:
        """It goes back to the pool."""
        self.reused = True
        self._used = asyncio.get_running_loop().time()

    def drop(self) -> None:
        """Close it at once, whatever is under way; the worker undoes what belonged to it."""
        if not self._dropped:
            self._dropped = True
            self.connection.close()
            self.socket.transport.abort()


class Pool:
    """Connections to one worker.

    Args:
        worker: where it is.
        keep: most idle connections that are kept.
        connect_timeout: seconds for connecting and logging in together.
    """

    def __init__(self, worker: Worker, keep: int, connect_timeout: float) -> None:
        self.name = worker.name
        self.connect_timeout = connect_timeout
        self._worker = worker
        self._keep = keep
        self._idle: list[Link] = []
        self._out: set[Link] = set()
        self._closed = False

    def take(self, settings: SessionSettings) -> Link | None:
        """An idle connection with these settings; else the one that was used last; None where none is open."""
        while self._idle:
            at = next((i for i in range(len(self._idle) - 1, -1, -1) if self._idle[i].settings == settings), -1)
            link = self._idle.pop(at)
            if link.usable:
                self._out.add(link)
                return link
            link.drop()
        return None

    async def open(self) -> Link:
        """A new connection.

        Raises:
            WorkerError: the worker cannot be reached, or does not answer in time.
            Refused: it refuses the login.
        """
        if self._closed:
            raise WorkerError(self.name, "was given up by this proxy")
        try:
            async with asyncio.timeout(self.connect_timeout):
                connection = await aiomysql.connect(
                    local_infile=True,
                    init_command=f"SET NAMES utf8mb4, net_write_timeout={WRITE_TIMEOUT}, time_zone='{UTC}'",
                    **self._address(),
                )
        except TimeoutError as error:
            log.warning("worker %s: no answer within %g s", self.name, self.connect_timeout)
            raise WorkerError(self.name, f"does not answer within {self.connect_timeout:g} s") from error
        except (pymysql.MySQLError, OSError, asyncio.IncompleteReadError) as error:
            log.warning("worker %s: %s", self.name, error)
            raise (Refused if _is_answer(error) else WorkerError)(self.name, _why_not(error)) from error
        link = Link(connection)
        if self._closed:
            link.drop()
            raise WorkerError(self.name, "was given up by this proxy")
        self._out.add(link)
        return link

    def give_back(self, link: Link) -> None:
        """Keep a connection whose statement is over; a dropped one is forgotten."""
        self._out.discard(link)
        if link.usable and not self._closed and len(self._idle) < self._keep:
            link.rest()
            self._idle.append(link)
        else:
            link.drop()

    def drop(self, link: Link) -> None:
        """Close a connection and forget it."""
        self._out.discard(link)
        link.drop()

    def clear(self) -> None:
        """Close the idle connections."""
        for link in self._idle:
            link.drop()
        self._idle.clear()

    def close(self) -> None:
        """Close all connections, those in use as well, and open no more."""
        self._closed = True
        self.clear()
        for link in list(self._out):
            self.drop(link)

    def _address(self) -> dict[str, Any]:
        worker = self._worker
        where = {"unix_socket": worker.socket} if worker.socket else {"host": worker.host, "port": worker.port}
        return {
            **where,
            "user": worker.user,
            "password": worker.password,
            "charset": "utf8mb4",
            "autocommit": True,
        }


def _why_not(error: BaseException) -> str:
    """Why a connection could not be had, without address or user."""
    if _is_answer(error):
        return reason_of(SQLError(error.args[0], ""))
    return "cannot be reached"


def _is_answer(error: BaseException) -> bool:
    """Whether it is the worker's own word."""
    code = error.args[0] if error.args else None
    return isinstance(error, pymysql.MySQLError) and isinstance(code, int) and code < 2000
