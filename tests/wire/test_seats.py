"""How many connections a user may have."""

from __future__ import annotations

import pytest

from qproxy.errors import SQLError
from qproxy.wire.accounts import UserRecord
from qproxy.wire.limits import Limits
from qproxy.wire.seats import Seats
from tests.wire.conftest import new_loop
from tests.wire.made import RawClient, Served, until


def test_own_bound_goes_before_that_of_all() -> None:
    seats = Seats(most=1)
    few, many, any_number = UserRecord("few", max_connections=2), UserRecord("many", max_connections=3), UserRecord("a")
    for user, most, code in ((few, 2, 1226), (many, 3, 1226), (any_number, 1, 1203)):
        for _ in range(most):
            seats.take(user)
        with pytest.raises(SQLError) as caught:
            seats.take(user)
        assert caught.value.code == code and user.name in caught.value.message
        seats.give_back(user.name)
        seats.take(user)
    free = Seats(most=0)
    for _ in range(100):
        free.take(any_number)


def test_connections_give_their_seats_back(kind: str) -> None:
    with Served(loop=new_loop(kind), limits=Limits(max_user_connections=1)) as served:
        first, second = RawClient(served.port).login("two"), RawClient(served.port).login("two")
        with pytest.raises(AssertionError, match=r"has exceeded the .max_user_connections. resource"):
            RawClient(served.port).login("two")
        other = RawClient(served.port).login()
        with pytest.raises(AssertionError, match="User anna already has more than"):
            RawClient(served.port).login()
        other.close()
        first.command(0x11, b"open\0\x00\0\x2d\x00mysql_native_password\0\x00")
        first.read()
        first.send(b"")
        assert first.read()[0] == 0
        third = RawClient(served.port).login("two")
        for client in (first, second, third):
            client.close()
        until(lambda: not served.server.connections)
        for _ in range(2):
            RawClient(served.port).login("two")
