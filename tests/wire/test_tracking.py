"""What clients that track their session are told."""

from __future__ import annotations

from qproxy.wire import packets
from qproxy.wire.reader import Reader
from qproxy.wire.tracking import Tracked, changes
from tests.wire.made import RawClient, Served


def parsed(data: bytes) -> list[tuple[str, ...]]:
    """Kinds and texts of session state information."""
    reader, found = Reader(data), []
    while reader.left:
        kind = reader.uint(1)
        inner = Reader(reader.length_encoded())
        texts = []
        while inner.left:
            texts.append(inner.length_encoded().decode())
        found.append((str(kind), *texts))
    return found


def told(payload: bytes) -> tuple[int, list[tuple[str, ...]]]:
    """Status flags and session state information of an OK packet."""
    reader = Reader(payload, 1)
    reader.length()
    reader.length()
    status = reader.uint(2)
    reader.uint(2)
    reader.length_encoded()
    return status, parsed(reader.length_encoded()) if status & packets.STATE_CHANGED else []


def test_changes() -> None:
    first = Tracked("sky", {"time_zone": "SYSTEM", "autocommit": "ON"})
    assert changes(first, first) == b""
    second = Tracked("stars", {"time_zone": "+01:00", "autocommit": "ON"})
    assert parsed(changes(first, second)) == [("0", "time_zone", "+01:00"), ("1", "stars")]
    assert parsed(changes(first, Tracked(None, first.variables))) == [("1", "")]


def test_a_client_that_tracks(served: Served) -> None:
    raw = RawClient(served.port)
    raw.capabilities |= packets.SESSION_TRACK
    nonce = raw.greeting()
    from_login = raw.response("open", b"")
    assert nonce
    raw.send(from_login)
    assert told(raw.read()) == (2 | packets.STATE_CHANGED, [("0", "time_zone", "SYSTEM")])
    assert told(raw.ask(2, b"sky")) == (2 | packets.STATE_CHANGED, [("1", "sky")])
    assert told(raw.ask(2, b"sky")) == (2, [])
    assert told(raw.ask(3, b"anything")) == (2, [])
    assert raw.ask(0x0E) == b"\0\0\0\x02\0\0\0\0"


def test_others_are_told_nothing(served: Served) -> None:
    raw = RawClient(served.port).login()
    assert raw.ask(2, b"sky") == b"\0\0\0\x02\0\0\0"
