"""Sockets that listen: on TCP addresses and on a Unix socket."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from qproxy.errors import QproxyError

_BACKLOG = 256


def listen(host: str, port: int, path: str = "") -> list[socket.socket]:
    """Listen on all addresses of a host, and on a Unix socket.

    Args:
        host: address or name; empty for all addresses.
        port: TCP port; with 0 all addresses take the one that the system gives the first.
        path: of the Unix socket; empty for none.

    Raises:
        QproxyError: an address cannot be had.
    """
    found: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(
            socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        ):
            given = found[0].getsockname()[1] if found else port
            found.append(_listen(family, kind, protocol, (address[0], given, *address[2:])))
    except OSError as err:
        close(found)
        raise QproxyError(_refusal(host, port, err)) from err
    if path:
        try:
            found.append(_listen_locally(Path(path)))
        except OSError as err:
            close(found)
            raise QproxyError(f"cannot listen on {path}: {err.strerror or err}") from err
    return found


def close(listeners: list[socket.socket]) -> None:
    """Listen no more; Unix sockets are taken away."""
    for listener in listeners:
        path = listener.getsockname() if listener.family == socket.AF_UNIX else ""
        listener.close()
        if path:
            Path(path).unlink(missing_ok=True)


def _listen(family: int, kind: int, protocol: int, address: tuple[str | int, ...]) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _refusal(host: str, port: int, err: OSError) -> str:
    where = f"{host or '*'}:{port}"
    if err.errno == errno.EADDRINUSE:
        return f"cannot listen on {where}: the port is in use; stop what uses it or choose another port"
    if err.errno == errno.EACCES:
        return f"cannot listen on {where}: not permitted; choose a port above 1023"
    return f"cannot listen on {where}: {err.strerror or err}"


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
