"""From the first byte to what a client says of itself."""

from __future__ import annotations

import asyncio
import socket
import ssl

from qproxy.errors import SQLError
from qproxy.wire import packets, proxy_protocol
from qproxy.wire.framing import HEADER, parse_header
from qproxy.wire.handler import STATUS_AUTOCOMMIT
from qproxy.wire.limits import Limits
from qproxy.wire.packets import LoginRequest, SSLRequest
from qproxy.wire.rowblock import frame
from qproxy.wire.stream import ConnectionLost, PacketStream


async def read_proxy_header(sock: socket.socket, sender: str) -> str:
    """The address of the client that a load balancer connects.

    Args:
        sock: an accepted, non-blocking socket; nothing behind the header is read off it.
        sender: address of the load balancer.

    Raises:
        SQLError: 1835, there is no header, or a wrong one.
        ConnectionLost, OSError: the sender is gone.
    """
    header = b""
    while size := proxy_protocol.missing(header):
        header += await _receive(sock, size)
    return proxy_protocol.client_address(header, sender)


def greet(sock: socket.socket, connection_id: int, nonce: bytes, plugin: str, tls: bool) -> None:
    """Send the greeting, at once: it fits the empty buffer of a new socket.

    Args:
        sock: an accepted, non-blocking socket.
        plugin: authentication plugin that the nonce is for.
        tls: whether TLS is offered.

    Raises:
        OSError: the client is gone.
    """
    sock.send(frame(packets.handshake(connection_id, nonce, _offered(tls), STATUS_AUTOCOMMIT, plugin)))


async def read_request(
    stream: PacketStream, sock: socket.socket, tls: ssl.SSLContext | None, limits: Limits
) -> LoginRequest:
    """Read who a client that was greeted says it is, and change to TLS where it asks for that.

    The first message is read off the socket by its exact size. Whatever a client sent behind an SSLRequest
    is therefore still in the kernel when TLS takes over: the first bytes of the TLS handshake if the client is
    honest, and nothing that could ever be taken for a packet if it is not.

    Args:
        stream: neither holds a socket nor is attached to one yet; does either then.
        sock: an accepted, non-blocking socket. The caller closes it, unless the stream is attached to it then.

    Raises:
        SQLError: the client was already told why it cannot come in.
        ConnectionLost, OSError: the client is gone, or TLS failed.
    """
    loop = asyncio.get_running_loop()
    offered = _offered(tls is not None)
    try:
        payload = await _receive_message(sock, 1, limits.max_login_packet)
        request = packets.parse_handshake_response(payload, offered)
    except SQLError as err:
        await loop.sock_sendall(sock, frame(packets.error(err), 2))
        raise
    if isinstance(request, LoginRequest):
        stream.hold(sock)
        return request
    await stream.attach(sock, tls)
    try:
        request = packets.parse_handshake_response(await stream.read(None), offered)
        if isinstance(request, SSLRequest):
            raise SQLError(1043, "Bad handshake: TLS was asked for twice", "08S01")
    except SQLError as err:
        stream.put(packets.error(err))
        raise
    return request


def _offered(tls: bool) -> int:
    return packets.SERVER_CAPABILITIES | (packets.SSL if tls else 0)


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
