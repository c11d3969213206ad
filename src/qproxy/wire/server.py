"""Listening, and the connections that came of it."""

from __future__ import annotations

import asyncio
import errno
import itertools
import logging
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from qproxy.errors import QproxyError, SQLError
from qproxy.wire import native_password, packets
from qproxy.wire.accounts import Users
from qproxy.wire.auth import Gate, Peer
from qproxy.wire.connection import Connection
from qproxy.wire.handler import Client, HandlerFactory
from qproxy.wire.limits import Limits
from qproxy.wire.proxy_protocol import Network, is_allowed
from qproxy.wire.rowblock import frame
from qproxy.wire.rsa_key import KeySource, RsaKey
from qproxy.wire.seats import Seats
from qproxy.wire.throttle import Throttle

log = logging.getLogger(__name__)

_BACKLOG = 256
_RETRY_ACCEPT = 0.1


@dataclass(frozen=True)
class Ways:
    """Ways to come in.

    Attributes:
        socket: path of a Unix socket to listen on beside TCP; empty for none.
        balancers: networks of load balancers, which say whom they connect (PROXY protocol).
        plugin: authentication plugin of the greeting.
        require_tls: whether nobody comes in by TCP without TLS.
        rsa_key: for caching_sha2_password without TLS; None to make one when it is needed.
    """

    socket: str = ""
    balancers: tuple[Network, ...] = ()
    plugin: str = native_password.PLUGIN
    require_tls: bool = False
    rsa_key: RsaKey | None = None


class Server:
    """A MySQL server, as far as clients can see.

    Args:
        handler_factory: makes the session of each client that has logged in.
        users: where users are looked up.
        host: address or name to listen on; empty for all addresses.
        port: TCP port; 0 lets the system choose, see `port`.
        tls: offered to clients where given.
        limits: bounds on what clients may take.
        ways: how clients may come in.

    Attributes:
        tls: holds for connections from here on where it is changed.
    """

    def __init__(
        self,
        handler_factory: HandlerFactory,
        users: Users,
        host: str = "127.0.0.1",
        port: int = 4040,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        ways: Ways | None = None,
    ) -> None:
        self.tls = tls
        self._factory = handler_factory
        self._host = host
        self._port = port
        self._limits = limits or Limits()
        self._ways = ways or Ways()
        self._seats = Seats(self._limits.max_user_connections)
        key = KeySource(self._ways.rsa_key)
        self._gate = Gate(users, Throttle(self._limits), key.get, self._ways.plugin, self._ways.require_tls)
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
            self._stop_listening()
            raise QproxyError(self._refusal(err)) from err
        if self._ways.socket:
            try:
                self._listeners.append(_listen_locally(Path(self._ways.socket)))
            except OSError as err:
                self._stop_listening()
                raise QproxyError(f"cannot listen on {self._ways.socket}: {err.strerror or err}") from err
        self._acceptors = [asyncio.create_task(self._accept(one)) for one in self._listeners]

    async def close(self, patience: float = 5.0) -> None:
        """Stop listening and let go of every client; running commands end with error 1053.

        Args:
            patience: seconds for commands to end, then they are cut off.
        """
        for acceptor in self._acceptors:
            acceptor.cancel()
        await asyncio.gather(*self._acceptors, return_exceptions=True)
        self._stop_listening()
        self._acceptors.clear()
        for connection in self.connections:
            connection.kill(SQLError(1053, "Server shutdown in progress"))
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            path = listener.getsockname() if listener.family == socket.AF_UNIX else ""
            listener.close()
            if path:
                Path(path).unlink(missing_ok=True)
        self._listeners.clear()

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
            self._open(sock, Peer("localhost", local=True) if sock.family == socket.AF_UNIX else Peer(str(address[0])))

    def _open(self, sock: socket.socket, peer: Peer) -> None:
        # Finds out about clients whose machine vanished while their query runs.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        number = next(self._ids)
        connection = Connection(number, peer, self._gate, self._seats, self._factory, self._limits)
        proxied = not peer.local and is_allowed(peer.address, self._ways.balancers)
        task = asyncio.create_task(connection.run(sock, self.tls, proxied))
        self._connections[number] = connection
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            del self._connections[number]
            self._tasks.discard(task)
            if not task.cancelled() and (failure := task.exception()) is not None:
                log.error("connection %d failed", number, exc_info=failure)

        task.add_done_callback(ended)


def _listen_locally(path: Path) -> socket.socket:
    """Listen on a Unix socket; one that a dead server left is taken over."""
    if path.is_socket():
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
            else:
                raise OSError(errno.EADDRINUSE, "another server listens there; stop it or choose another path")
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.setblocking(False)
        sock.bind(str(path))
        # Who may connect is for users and passwords to say, as on a TCP port.
        path.chmod(0o777)
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _turn_away(sock: socket.socket) -> None:
    refusal = packets.error(SQLError(1040, "Too many connections"), sqlstate=False)
    try:
        # Fits the empty buffer of a new socket, or the client is gone.
        sock.send(frame(refusal))
    except OSError as err:
        log.debug("client left before it was turned away: %s", err)
    finally:
        sock.close()
