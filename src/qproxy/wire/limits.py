"""Bounds on what one client may take of the server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a listening server.

    Attributes:
        max_connections: clients at once, those that have not logged in yet included; error 1040.
        max_user_connections: of one user at once, 0 for no bound; error 1203.
        max_login_packet: bytes of one message before login, and of COM_CHANGE_USER; error 1153.
        max_packet: bytes of one message after login and of one row, what MySQL calls max_allowed_packet; error 1153.
        read_ahead: bytes that may wait behind a command that is still running before reading pauses.
        write_high, write_low: bytes waiting for the client at which sending pauses and goes on.
        handshake_timeout: seconds from the connection to the end of the login.
        idle_timeout: seconds to wait for the next command, where the session has no bound of its own.
        write_timeout: seconds that a client may take none of the bytes that wait for it.
        free_login_failures: failed logins of an address before its next ones are slowed; error 1129 for too many.
        forget_failure_after: seconds after which one failure is forgotten.
        throttled_addresses: addresses whose failures are kept at once.
    """

    max_connections: int = 500
    max_user_connections: int = 0
    max_login_packet: int = 64 * 1024
    max_packet: int = 64 * 1024 * 1024
    read_ahead: int = 64 * 1024
    write_high: int = 256 * 1024
    write_low: int = 64 * 1024
    handshake_timeout: float = 10.0
    idle_timeout: float = 8 * 3600.0
    write_timeout: float = 600.0
    free_login_failures: int = 5
    forget_failure_after: float = 10.0
    throttled_addresses: int = 10_000
