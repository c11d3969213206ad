"""Which errors of a MariaDB worker speak of the worker, and which of the statement."""

from __future__ import annotations

import logging

from qproxy.errors import SQLError, WorkerError

log = logging.getLogger(__name__)

#: Errors that say something of the worker, not of the statement: another replica may answer.
WORKER_CODES = frozenset(
    (
        # files and disks
        *(1016, 1017, 1018, 1021, 1023, 1024, 1026, 1030, 1033, 1034, 1035, 1114, 1194, 1195, 1712, 1932),
        # memory, connections, shutdown
        *(1037, 1040, 1041, 1053, 1158, 1159, 1160, 1161, 1203, 1317, 1927),
        # not set up as it should be
        *(1045, 1049, 1129, 1130, 1146),
        # locks of others
        *(1205, 1213),
    )
)
#: What a worker may say of a connection that it ended while nothing ran on it.
ENDED_CODES = frozenset((1053, 1927, 4031))

_REASONS = (
    (frozenset((1045, 1129, 1130)), "refuses the proxy's login"),
    (frozenset((1049, 1146)), "lacks a table that it should hold"),
    (frozenset((1040, 1203)), "has too many connections"),
    (frozenset((3, 1021, 1026, 1114)), "has no room left on its disk"),
    (frozenset((1016, 1017, 1033, 1034, 1035, 1194, 1195, 1712, 1932)), "has a damaged table"),
    (frozenset((1037, 1041)), "is out of memory"),
    (frozenset((1053,)), "is shutting down"),
)


def classified(worker: str, error: SQLError) -> SQLError | WorkerError:
    """The error itself, or a WorkerError in its place where another worker may do better.

    Codes below 1000 are those of files and the operating system, 2000 to 2999 those of connections (MariaDB
    Knowledge Base, "MariaDB Error Codes").
    """
    if error.code in WORKER_CODES or error.code < 1000 or 2000 <= error.code < 3000:
        log.warning("worker %s: %d %s", worker, error.code, error.message)
        return WorkerError(worker, reason_of(error))
    return error


def reason_of(error: SQLError) -> str:
    """What happened to the worker, in words fit for a client: its message may name files and accounts."""
    for codes, reason in _REASONS:
        if error.code in codes:
            return reason
    return f"failed (error {error.code})"
