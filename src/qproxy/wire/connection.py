"""One client: its login, then its commands, one after the other."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl

from mysql_mimic.types import Commands as Codes

from qproxy.errors import SQLError
from qproxy.wire import packets
from qproxy.wire.auth import Gate, Peer, make_nonce
from qproxy.wire.commands import Commands
from qproxy.wire.handler import Client, Handler, HandlerFactory
from qproxy.wire.limits import Limits
from qproxy.wire.login import greet, read_proxy_header, read_request
from qproxy.wire.packets import LoginRequest
from qproxy.wire.reader import malformed
from qproxy.wire.seats import Seats
from qproxy.wire.stream import ConnectionLost, PacketStream, internal_error, wake

log = logging.getLogger(__name__)


class Connection:
    """One client connection.

    Args:
        connection_id: unique on the server.
        peer: where the client comes from, as far as the socket tells.
        gate, seats, factory, limits: those of the server.
    """

    def __init__(
        self, connection_id: int, peer: Peer, gate: Gate, seats: Seats, factory: HandlerFactory, limits: Limits
    ) -> None:
        self._id = connection_id
        self._peer = peer
        self._gate = gate
        self._seats = seats
        self._factory = factory
        self._limits = limits
        self._client: Client | None = None
        self._handler: Handler | None = None
        self._commands: Commands | None = None
        self._stream = PacketStream(limits, self.kill_query)
        self._task: asyncio.Task[None] | None = None
        self._command: asyncio.Task[list[bytes]] | None = None
        self._stopped_by: SQLError | None = None
        self._leaving = False
        self._nonce = make_nonce()
        self._capabilities = 0
        self._collation = 0

    @property
    def client(self) -> Client | None:
        """Who is connected; None before login."""
        return self._client

    @property
    def busy(self) -> bool:
        """Whether a command runs."""
        return self._command is not None

    @property
    def buffered(self) -> int:
        """Bytes held for the client, both ways."""
        return self._stream.unsent + self._stream.unread

    def greet(self, sock: socket.socket, tls: bool) -> None:
        """Send the greeting.

        Args:
            tls: whether TLS is offered.

        Raises:
            OSError: the client is gone.
        """
        greet(sock, self._id, self._nonce, self._gate.plugin, tls)

    async def run(self, sock: socket.socket, tls: ssl.SSLContext | None, proxied: bool) -> None:
        """Serve the client until it leaves. Takes the socket over.

        Args:
            tls: offered by the greeting where given.
            proxied: whether a load balancer says first whom it connects, and the greeting is sent behind that; else
                the client was greeted.
        """
        self._task = asyncio.current_task()
        try:
            if await self._login(sock, tls, proxied):
                await self._serve()
        except ConnectionLost:
            log.debug("connection %d: client gone", self._id)
        except asyncio.CancelledError:
            # There was time for what the client has not taken.
            self._stream.abort()
            raise
        finally:
            try:
                await self._stream.close()
                if not self._stream.attached:
                    sock.close()
            finally:
                await self._let_go()

    def kill_query(self, reason: SQLError | None = None) -> None:
        """Stop the command that runs; a connection without one stays as it is.

        Args:
            reason: what the client is told; by default 1317.
        """
        if self._command is None or self._stopped_by is not None:
            return
        self._stopped_by = reason or SQLError(1317, "Query execution was interrupted")
        if self._handler is not None:
            self._handler.cancel_query()
        self._command.cancel()

    def kill(self, reason: SQLError | None = None) -> None:
        """Stop the command that runs, tell its client why, and close the connection."""
        self._leaving = True
        if self._command is not None:
            self.kill_query(reason)
        elif self._stream.attached:
            self._stream.abort()
        elif self._task is not None:
            self._task.cancel()

    async def _login(self, sock: socket.socket, tls: ssl.SSLContext | None, proxied: bool) -> bool:
        try:
            async with asyncio.timeout(self._limits.handshake_timeout):
                if proxied:
                    self._peer = Peer(await read_proxy_header(sock, self._peer.address))
                    self.greet(sock, tls is not None)
                return await self._enter(await read_request(self._stream, sock, tls, self._limits))
        except TimeoutError:
            log.info("connection %d from %s: no login in time", self._id, self._peer.address)
        except (SQLError, OSError) as err:
            log.info("connection %d from %s: %r", self._id, self._peer.address, str(err))
        return False

    async def _enter(self, request: LoginRequest) -> bool:
        stream = self._stream
        try:
            ok = await self._admit(request, self._nonce)
        except SQLError as err:
            log.info("connection %d from %s: %r", self._id, self._peer.address, str(err))
            stream.put(packets.error(err))
            return False
        except (ConnectionLost, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("connection %d: login failed", self._id)
            stream.put(packets.error(internal_error()))
            return False
        stream.logged_in()
        stream.put(ok)
        if request.capabilities & packets.COMPRESS:
            stream.compress(None)
        elif request.capabilities & packets.ZSTD:
            stream.compress(request.zstd_level or 0)
        return True

    async def _admit(self, request: LoginRequest, nonce: bytes | None) -> bytes:
        """Authenticate, and give the client a session of its own in place of the one it may have.

        Returns:
            The payload that says so to the client.
        """
        user = await self._gate.authenticate(self._stream, request, nonce, self._peer)
        await self._let_go()
        self._seats.take(user)
        self._client = Client(
            self._id,
            user.name,
            self._peer.address,
            dict(request.attributes),
            bool(request.capabilities & packets.INTERACTIVE),
            self._stream.cipher,
        )
        self._handler = self._factory(self._client, request.database)
        self._capabilities = request.capabilities
        self._collation = request.collation
        self._commands = Commands(
            self._stream, self._handler, request.capabilities, request.collation, self._limits.max_packet
        )
        await self._handler.set_charset(request.collation)
        if request.database:
            await self._handler.use(request.database)
        return self._commands.ok()

    async def _let_go(self) -> None:
        """Give back what the login took."""
        client, handler, commands = self._client, self._handler, self._commands
        self._client = self._handler = self._commands = None
        if client is not None:
            self._seats.give_back(client.user)
        if commands is not None:
            await commands.close()
        if handler is not None:
            await handler.close()

    async def _serve(self) -> None:
        stream = self._stream
        while not self._leaving:
            own = self._handler.idle_timeout if self._handler else None
            try:
                message = await stream.read(self._limits.idle_timeout if own is None else own, command=True)
            except TimeoutError:
                log.info("connection %d: idle for too long", self._id)
                return
            except SQLError as err:
                stream.put(packets.error(err))
                return
            if message[:1] == bytes((Codes.COM_QUIT,)):
                return
            last = await self._run_command(message)
            stream.put(*last)
            await stream.drain()

    async def _run_command(self, message: bytes) -> list[bytes]:
        """The payloads that end the answer. Nothing can be cancelled between them and the socket."""
        self._command = asyncio.create_task(self._answer(message))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # asyncio.wait would cost several times as much.
        self._command.add_done_callback(lambda _: wake(done))
        try:
            await done
        except asyncio.CancelledError:
            self._leaving = True
            self.kill_query(SQLError(1053, "Server shutdown in progress"))
            await asyncio.wait((self._command,))
        command, self._command = self._command, None
        stopped_by, self._stopped_by = self._stopped_by, None
        if self._stream.lost:
            if not command.cancelled():
                command.exception()
            raise ConnectionLost
        if command.cancelled():
            error = stopped_by or SQLError(1317, "Query execution was interrupted")
        elif (failure := command.exception()) is None:
            return command.result()
        elif isinstance(failure, SQLError):
            error = stopped_by or failure
        else:
            log.error("connection %d: command failed", self._id, exc_info=failure)
            error = internal_error()
        encoding = self._handler.results_encoding if self._handler else "utf-8"
        return [packets.error(error, encoding)]

    async def _answer(self, message: bytes) -> list[bytes]:
        if message[:1] == bytes((Codes.COM_CHANGE_USER,)):
            return await self._change_user(message)
        assert self._commands is not None
        return await self._commands.answer(message)

    async def _change_user(self, message: bytes) -> list[bytes]:
        # Whatever goes wrong from here on, the client must not go on as the user that it was.
        self._leaving = True
        if len(message) > self._limits.max_login_packet:
            raise malformed("too large")
        request = packets.parse_change_user(message, self._capabilities, self._collation)
        # A client that knows plugins is always asked afresh, so that no answer counts twice.
        nonce = None if request.capabilities & packets.PLUGIN_AUTH else self._nonce
        try:
            async with asyncio.timeout(self._limits.handshake_timeout):
                ok = await self._admit(request, nonce)
        except TimeoutError:
            raise SQLError(1159, "Got timeout reading communication packets", "08S01") from None
        self._leaving = False
        return [ok]
