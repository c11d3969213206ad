"""From the first byte to an authenticated client."""

from __future__ import annotations

import asyncio
import socket
import ssl

from qproxy.errors import SQLError
from qproxy.wire import packets
from qproxy.wire.auth import access_denied, make_nonce, may_enter
from qproxy.wire.framing import HEADER, parse_header
from qproxy.wire.handler import STATUS_AUTOCOMMIT, UserRecord, Users
from qproxy.wire.limits import Limits
from qproxy.wire.packets import LoginRequest, SSLRequest
from qproxy.wire.rowblock import frame
from qproxy.wire.stream import ConnectionLost, PacketStream


async def greet(
    stream: PacketStream,
    sock: socket.socket,
    connection_id: int,
    nonce: bytes,
    tls: ssl.SSLContext | None,
    limits: Limits,
) -> LoginRequest:
    """Greet a client, change to TLS where it asks for that, and read who it says it is.

    The first message is read off the socket by its exact size. Whatever a client sent behind an SSLRequest
    is therefore still in the kernel when TLS takes over: the first bytes of the TLS handshake if the client is
    honest, and nothing that could ever be taken for a packet if it is not.

    Args:
        stream: not attached yet.
        sock: an accepted, non-blocking socket. The caller closes it, unless the stream is attached to it then.

    Raises:
        SQLError: the client was already told why it cannot come in.
        ConnectionLost, OSError: the client is gone, or TLS failed.
    """
    loop = asyncio.get_running_loop()
    offered = packets.SERVER_CAPABILITIES | (packets.SSL if tls else 0)
    greeting = packets.handshake(connection_id, nonce, offered, STATUS_AUTOCOMMIT)
    await loop.sock_sendall(sock, frame(greeting))
    try:
        payload = await _receive_message(sock, 1, limits.max_login_packet)
        request = packets.parse_handshake_response(payload, offered)
    except SQLError as err:
        await loop.sock_sendall(sock, frame(packets.error(err), 2))
        raise
    if isinstance(request, LoginRequest):
        await loop.connect_accepted_socket(lambda: stream, sock)
        return request
    await loop.connect_accepted_socket(lambda: stream, sock, ssl=tls, ssl_handshake_timeout=limits.handshake_timeout)
    try:
        request = packets.parse_handshake_response(await stream.read(None), offered)
        if isinstance(request, SSLRequest):
            raise SQLError(1043, "Bad handshake: TLS was asked for twice", "08S01")
    except SQLError as err:
        stream.put(packets.error(err))
        raise
    return request


async def authenticate(
    stream: PacketStream, users: Users, request: LoginRequest, nonce: bytes | None, address: str
) -> UserRecord:
    """Check who a client says it is.

    Args:
        nonce: what ``auth_response`` answers; None asks the client again with a new one.
        address: where the client comes from.

    Raises:
        SQLError: 1045, not yet told to the client.
        ConnectionLost: the client is gone.
    """
    response = request.auth_response
    other_plugin = request.plugin not in ("", packets.NATIVE_PASSWORD)
    if nonce is None or other_plugin:
        nonce = make_nonce()
        stream.put(packets.auth_switch(nonce))
        response = await stream.read(None)
    user = await users.find(request.user)
    if not may_enter(user, response, nonce, address) or user is None:
        raise access_denied(request.user, address, response)
    return user


async def _receive_message(sock: socket.socket, sequence: int, limit: int) -> bytes:
    size = parse_header(await _receive(sock, HEADER), limit, sequence)
    return await _receive(sock, size)


async def _receive(sock: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    received = bytearray()
    while len(received) < size:
        piece = await loop.sock_recv(sock, size - len(received))
        if not piece:
            raise ConnectionLost
        received += piece
    return bytes(received)
