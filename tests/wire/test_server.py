"""Listening, limits on clients, and going away."""

from __future__ import annotations

import time

import pymysql
import pytest

from qproxy.errors import QproxyError
from qproxy.wire.limits import Limits
from qproxy.wire.server import Server
from tests.wire.conftest import new_loop
from tests.wire.made import MadeHandler, MadeUsers, RawClient, Record, Served, error_of, until


def another(host: str, port: int) -> Server:
    def make(*given: object) -> MadeHandler:
        return MadeHandler(Record(), lambda: server)

    server = Server(make, MadeUsers(), host, port)
    return server


async def test_port_in_use() -> None:
    first = another("127.0.0.1", 0)
    await first.start()
    try:
        with pytest.raises(QproxyError, match=rf"127\.0\.0\.1:{first.port}: the port is in use"):
            await another("127.0.0.1", first.port).start()
    finally:
        await first.close()
    again = another("127.0.0.1", first.port)
    await again.start()
    await again.close()


@pytest.mark.parametrize("host", ["192.0.2.77", "no.such.host.invalid"])
async def test_address_that_cannot_be_had(host: str) -> None:
    with pytest.raises(QproxyError, match=f"cannot listen on {host}:0"):
        await another(host, 0).start()


async def test_all_addresses_share_one_port() -> None:
    server = another("", 0)
    await server.start()
    assert server.port > 0
    await server.close()


def test_too_many_connections(kind: str) -> None:
    with Served(limits=Limits(max_connections=2), loop=new_loop(kind)) as served:
        first, waiting = RawClient(served.port).login(), RawClient(served.port)
        waiting.greeting()
        third = RawClient(served.port)
        assert error_of(third.read()) == (1040, "Too many connections")
        assert third.closed()
        with pytest.raises(pymysql.err.OperationalError, match="1040"):
            pymysql.connect(host="127.0.0.1", port=served.port, user="anna", password="secret")
        waiting.close()
        until(lambda: len(served.server.connections) == 1)
        RawClient(served.port).login()
        assert first.ask(0x0E)[0] == 0


def test_close_ends_queries_and_connections(kind: str) -> None:
    with Served(loop=new_loop(kind)) as served:
        idle, busy, early = RawClient(served.port).login(), RawClient(served.port).login(), RawClient(served.port)
        early.greeting()
        busy.command(3, b"hang")
        until(lambda: served.record.queries == ["hang"])
    assert error_of(busy.read())[0] == 1053
    assert idle.closed() and busy.closed() and early.closed()
    assert (served.record.stopped, served.record.closed) == (1, 2)


def test_close_does_not_wait_for_clients_that_do_not_read(kind: str) -> None:
    with Served(loop=new_loop(kind)) as served:
        raw = RawClient(served.port, receive_buffer=64 * 1024).login()
        raw.command(3, b"flood 1000000000")
        until(lambda: served.record.blocks > 10)
        began = time.monotonic()
        served.close(patience=0.2)
        assert time.monotonic() - began < 4
        assert served.record.closed == 1 and not served.server.connections
