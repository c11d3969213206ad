"""Listening, and the connections that came of it."""

from __future__ import annotations

import asyncio
import errno
import itertools
import logging
import socket
import ssl

from qproxy.errors import QproxyError, SQLError
from qproxy.wire import packets
from qproxy.wire.connection import Connection
from qproxy.wire.handler import Client, HandlerFactory, Users
from qproxy.wire.limits import Limits
from qproxy.wire.rowblock import frame

log = logging.getLogger(__name__)

_BACKLOG = 256
_RETRY_ACCEPT = 0.1


class Server:
    """A MySQL server, as far as clients can see.

    Args:
        handler_factory: makes the session of each client that has logged in.
        users: where users are looked up.
        host: address or name to listen on; empty for all addresses.
        port: TCP port; 0 lets the system choose, see `port`.
        tls: offered to clients where given.
        limits: bounds on what clients may take.
    """

    def __init__(
        self,
        handler_factory: HandlerFactory,
        users: Users,
        host: str = "127.0.0.1",
        port: int = 4040,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._factory = handler_factory
        self._users = users
        self._host = host
        self._port = port
        self._tls = tls
        self._limits = limits or Limits()
        self._listeners: list[socket.socket] = []
        self._acceptors: list[asyncio.Task[None]] = []
        self._connections: dict[int, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ids = itertools.count(1)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._port

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The connections that are open, those before login included."""
        return tuple(self._connections.values())

    def client(self, connection_id: int) -> Client | None:
        """Who has that connection; None where there is none or it has not logged in."""
        connection = self._connections.get(connection_id)
        return connection.client if connection else None

    def kill(self, connection_id: int, query_only: bool) -> bool:
        """Stop the query of a connection, or the connection itself. Who may do so is the caller's to decide.

        Returns:
            Whether there is such a connection; one without a running query is left as it is by ``query_only``.
        """
        connection = self._connections.get(connection_id)
        if connection is None:
            return False
        if query_only:
            connection.kill_query()
        else:
            connection.kill()
        return True

    async def start(self) -> None:
        """Listen.

        Raises:
            QproxyError: the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                self._host or None, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            for family, kind, protocol, _, address in dict.fromkeys(found):
                self._listeners.append(self._listen(family, kind, protocol, address))
        except OSError as err:
            for listener in self._listeners:
                listener.close()
            self._listeners.clear()
            raise QproxyError(self._refusal(err)) from err
        self._acceptors = [asyncio.create_task(self._accept(one)) for one in self._listeners]

    async def close(self, patience: float = 5.0) -> None:
        """Stop listening and let go of every client; running commands end with error 1053.

        Args:
            patience: seconds for commands to end, then they are cut off.
        """
        for acceptor in self._acceptors:
            acceptor.cancel()
        await asyncio.gather(*self._acceptors, return_exceptions=True)
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._acceptors.clear()
        for connection in self.connections:
            connection.kill(SQLError(1053, "Server shutdown in progress"))
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _listen(self, family: int, kind: int, protocol: int, address: tuple[str | bytes | int, ...]) -> socket.socket:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # With port 0 all addresses take the port that the first was given.
            sock.bind((address[0], self._port, *address[2:]))
            sock.listen(_BACKLOG)
        except BaseException:
            sock.close()
            raise
        self._port = int(sock.getsockname()[1])
        return sock

    def _refusal(self, err: OSError) -> str:
        where = f"{self._host or '*'}:{self._port}"
        if err.errno == errno.EADDRINUSE:
            return f"cannot listen on {where}: the port is in use; stop what uses it or choose another port"
        if err.errno == errno.EACCES:
            return f"cannot listen on {where}: not permitted; choose a port above 1023"
        return f"cannot listen on {where}: {err.strerror or err}"

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(listener)
            except OSError as err:
                # Out of file descriptors, or a client that left again: neither ends the service.
                log.warning("cannot accept a connection: %s", err)
                await asyncio.sleep(_RETRY_ACCEPT)
                continue
            if len(self._tasks) >= self._limits.max_connections:
                _turn_away(sock)
                continue
            self._open(sock, str(address[0]))

    def _open(self, sock: socket.socket, address: str) -> None:
        # Finds out about clients whose machine vanished while their query runs.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        number = next(self._ids)
        connection = Connection(number, address, self._users, self._factory, self._limits)
        task = asyncio.create_task(connection.run(sock, self._tls))
        self._connections[number] = connection
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            del self._connections[number]
            self._tasks.discard(task)
            if not task.cancelled() and (failure := task.exception()) is not None:
                log.error("connection %d failed", number, exc_info=failure)

        task.add_done_callback(ended)


def _turn_away(sock: socket.socket) -> None:
    refusal = packets.error(SQLError(1040, "Too many connections"), sqlstate=False)
    try:
        # Fits the empty buffer of a new socket, or the client is gone.
        sock.send(frame(refusal))
    except OSError as err:
        log.debug("client left before it was turned away: %s", err)
    finally:
        sock.close()
