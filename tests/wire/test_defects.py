"""Defects of a server over mysql-mimic 3.0.5; each letter is a line of a list of what that package gets wrong.

Those of prepared statements and of SHOW are tested where these are made.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator

import pytest

from qproxy.wire import packets
from qproxy.wire.columns import ColumnDef, ColumnType
from qproxy.wire.handler import Rows
from qproxy.wire.limits import Limits
from qproxy.wire.native_password import native_response
from qproxy.wire.rowblock import RowBlock, encode_rows, frame
from tests.wire import made
from tests.wire.conftest import new_loop
from tests.wire.made import RawClient, Served, error_of, until

INIT_DB, QUERY, FIELD_LIST, PING = 2, 3, 4, 14


def test_a_nothing_is_served_after_a_failed_login(served: Served) -> None:
    raw = RawClient(served.port)
    raw.send(raw.response("anna", native_response("guess", raw.greeting())))
    raw.sock.sendall(frame(b"\x03echo stolen"))
    assert error_of(raw.read())[0] == 1045
    assert raw.closed() and served.record.queries == []


def test_b_rows_leave_as_they_come(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.command(QUERY, b"hang-in-rows")
    head = [raw.read() for _ in range(3)]
    assert head[2] == b"\x011"
    served.call(lambda: served.server.kill(raw.connection_id, True))
    assert error_of(raw.read())[0] == 1317


def test_g_a_header_may_come_in_pieces(served: Served) -> None:
    raw = RawClient(served.port).login()
    for byte in frame(b"\x03echo slow"):
        raw.sock.sendall(bytes((byte,)))
    raw.sequence = 1
    assert raw.rows()[-2] == b"\x04slow"


def test_h_codes_and_connections_of_kills_and_unknown_users(served: Served) -> None:
    raw = RawClient(served.port).login()
    assert served.call(lambda: served.server.kill(raw.connection_id, True))
    assert raw.ask(PING)[0] == 0
    raw.command(QUERY, b"hang")
    until(lambda: served.record.queries == ["hang"])
    served.call(lambda: served.server.kill(raw.connection_id, True))
    assert error_of(raw.read())[0] == 1317
    other = RawClient(served.port)
    other.send(other.response("nemo", native_response("x", other.greeting())))
    assert error_of(other.read())[0] == 1045


def test_i_a_client_that_hangs_up_stops_its_query(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.command(QUERY, b"hang")
    until(lambda: served.record.queries == ["hang"])
    raw.close()
    until(lambda: served.record.stopped == 1 and not served.server.connections)


def test_j_rows_over_16_megabytes_keep_their_framing(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.command(QUERY, b"fat 17000000")
    rows = raw.rows()
    assert len(rows[3]) == 17_000_000 + 9 + 4
    assert raw.ask(PING)[0] == 0


def test_k_rows_may_come_from_any_iterator(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    class Once:
        def __init__(self) -> None:
            self._blocks = [encode_rows([[b"1"]])]

        def __aiter__(self) -> Once:
            return self

        async def __anext__(self) -> RowBlock:
            if not self._blocks:
                raise StopAsyncIteration
            return self._blocks.pop()

    async def query(self: made.MadeHandler, sql: str) -> AsyncIterator[Rows]:
        yield Rows([made.column("n")], Once())

    monkeypatch.setattr(made.MadeHandler, "query", query)
    raw = RawClient(served.port).login()
    raw.command(QUERY, b"anything")
    assert raw.rows()[-2] == b"\x011"


def test_l_field_list_has_a_packet_for_each_column(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.command(FIELD_LIST, b"Star\0")
    assert [raw.read()[-1] for _ in range(2)] == [0xFB, 0xFB]
    assert raw.read()[0] == 0xFE


def test_n_an_unknown_database_is_refused(served: Served) -> None:
    raw = RawClient(served.port).login()
    assert error_of(raw.ask(INIT_DB, b"nowhere"))[0] == 1049


def test_o_column_definitions_say_what_the_column_is() -> None:
    definition = ColumnDef("n", ColumnType.LONGLONG, "sky", "s", "Star", "id", length=20, flags=0x4001, charset=63)
    payload = definition.payload("utf-8")
    assert b"\x03def\x03sky\x01s\x04Star\x01n\x02id\x0c" in payload
    assert struct.unpack_from("<HIBHB", payload, len(payload) - 12) == (63, 20, ColumnType.LONGLONG, 0x4001, 0)


def test_p_messages_before_login_are_small_and_in_time(kind: str) -> None:
    with Served(limits=Limits(handshake_timeout=0.3), loop=new_loop(kind)) as served:
        silent, large = RawClient(served.port), RawClient(served.port)
        large.greeting()
        large.sock.sendall((64 * 1024 + 1).to_bytes(3, "little") + b"\x01")
        large.sequence = 2
        assert error_of(large.read())[0] == 1153
        assert large.closed() and silent.closed()


def test_q_bytes_in_front_of_tls_are_never_read_as_commands(served_tls: Served) -> None:
    raw = RawClient(served_tls.port)
    raw.greeting()
    request = struct.pack("<IIB23x", raw.capabilities | packets.SSL, 1 << 24, 45)
    raw.sock.sendall(frame(request, 1) + frame(raw.response("open", b""), 2) + frame(b"\x03echo smuggled"))
    assert raw.closed()
    until(lambda: not served_tls.server.connections)
    assert served_tls.record.clients == [] and served_tls.record.queries == []
