"""What a client that tracks its session is told of it (CLIENT_SESSION_TRACK).

Layout: MySQL Internals Manual, "OK_Packet", session state information: type, then its data behind its length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qproxy.wire.rowblock import length_encoded

_VARIABLE, _SCHEMA = b"\x00", b"\x01"


@dataclass(frozen=True)
class Tracked:
    """The state of a session that clients may track.

    Attributes:
        database: the current one.
        variables: system variables by name, values as SHOW VARIABLES gives them.
    """

    database: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


def changes(before: Tracked, after: Tracked) -> bytes:
    """The session state information that leads from one state to another; empty where nothing changed."""
    found = [
        _VARIABLE + length_encoded(length_encoded(name.encode()) + length_encoded(value.encode()))
        for name, value in after.variables.items()
        if before.variables.get(name) != value
    ]
    if before.database != after.database:
        found.append(_SCHEMA + length_encoded(length_encoded((after.database or "").encode())))
    return b"".join(found)
