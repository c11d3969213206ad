"""Listening, and the connections that came of it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qproxy.errors import SQLError
from qproxy.wire import listening, native_password, packets
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
        listeners: sockets that listen already, of a server that several processes are; none to listen on host and port.
        ids: numbers for connections, in their order.

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
        listeners: Sequence[socket.socket] = (),
        ids: Iterable[int] | None = None,
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
        self._inherited = bool(listeners)
        self._listeners = list(listeners)
        self._paused: dict[socket.socket, asyncio.TimerHandle] = {}
        self._connections: dict[int, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ids = iter(ids or itertools.count(1))

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
        if not self._inherited:
            # A name may have to be looked up.
            self._listeners = await asyncio.to_thread(listening.listen, self._host, self._port, self._ways.socket)
        self._port = next((int(s.getsockname()[1]) for s in self._listeners if s.family != socket.AF_UNIX), self._port)
        for listener in self._listeners:
            self._listen(listener)

    async def close(self, patience: float = 5.0) -> None:
        """Stop listening and let go of every client; running commands end with error 1053.

        Args:
            patience: seconds for commands to end, then they are cut off.
        """
        self._stop_listening()
        for connection in self.connections:
            connection.kill(SQLError(1053, "Server shutdown in progress"))
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _stop_listening(self) -> None:
        for timer in self._paused.values():
            timer.cancel()
        self._paused.clear()
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener)
        if self._inherited:
            for listener in self._listeners:
                listener.close()
        else:
            listening.close(self._listeners)
        self._listeners.clear()

    def _listen(self, listener: socket.socket) -> None:
        self._paused.pop(listener, None)
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        """Greet the next client where it stands: a task for it would come behind all others that are ready."""
        try:
            sock, address = listener.accept()
        except (BlockingIOError, InterruptedError):
            # Another process has it, or it left again.
            return
        except OSError as err:
            # Out of file descriptors does not end the service.
            log.warning("cannot accept a connection: %s", err)
            loop = asyncio.get_running_loop()
            loop.remove_reader(listener)
            self._paused[listener] = loop.call_later(_RETRY_ACCEPT, self._listen, listener)
            return
        sock.setblocking(False)
        if len(self._tasks) >= self._limits.max_connections:
            _turn_away(sock)
            return
        try:
            self._open(sock, Peer("localhost", local=True) if sock.family == socket.AF_UNIX else Peer(str(address[0])))
        except OSError as err:
            log.debug("a client left before it was greeted: %s", err)
            sock.close()

    def _open(self, sock: socket.socket, peer: Peer) -> None:
        # Finds out about clients whose machine vanished while their query runs.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        number = next(self._ids)
        connection = Connection(number, peer, self._gate, self._seats, self._factory, self._limits)
        proxied = not peer.local and is_allowed(peer.address, self._ways.balancers)
        if not proxied:
            connection.greet(sock, self.tls is not None)
        task = asyncio.create_task(connection.run(sock, self.tls, proxied))
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
