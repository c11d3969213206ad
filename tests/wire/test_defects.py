"""Defects of a server over mysql-mimic 3.0.5; each letter is a line of a list of what that package gets wrong.

Those that need statements (d, m, n, r) are in `tests.session.test_defects`. `test_unmended` runs both against the
package as it is, where each of them fails.
"""

from __future__ import annotations

import ssl
import struct
from collections.abc import Callable

import pytest

from qproxy.wire import packets
from qproxy.wire.columns import ColumnDef, ColumnType
from qproxy.wire.limits import Limits
from qproxy.wire.native_password import native_response
from qproxy.wire.rowblock import frame
from tests.wire.conftest import new_loop
from tests.wire.made import RawClient, Served, error_of, until
from tests.wire.prepared_client import PREPARE, PreparedClient, integer
from tests.wire.test_tls import client_tls

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


def test_c_a_cursor_gives_every_row(served: Served) -> None:
    one = PreparedClient(served.port, "open")
    number = one.prepare("count 25").number
    opened = one.execute(number, cursor=True)
    found = [row for size in (1, 2, 10, 12) for row in one.fetch(number, size, opened.columns).rows]
    assert found == [[str(n).encode()] for n in range(25)]


def test_e_types_of_parameters_are_kept_for_the_next_execution(served: Served) -> None:
    # Without DEPRECATE_EOF, so that f has no part in it.
    one = PreparedClient(served.port, "open", deprecate_eof=False)
    number = one.prepare("count 2 ?").number
    for types in (True, False):
        assert len(one.execute(number, integer(7), types=types).packets) == 2


def test_f_a_prepared_statement_is_told_as_agreed(served: Served) -> None:
    raw = RawClient(served.port).login()
    assert raw.capabilities & packets.DEPRECATE_EOF
    columns, parameters = struct.unpack_from("<HH", raw.ask(PREPARE, b"count 1 ?"), 5)
    assert (columns, parameters) == (1, 1)
    assert [ColumnDef.parse(raw.read()).name for _ in range(2)] == ["?", "n"]
    # Nothing stands between the definitions and the next answer.
    assert raw.ask(PING)[0] == 0


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


def test_k_rows_may_come_from_any_iterator(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.command(QUERY, b"iterator")
    assert raw.rows()[-2] == b"\x011"


def test_l_field_list_has_a_packet_for_each_column(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.command(FIELD_LIST, b"Star\0")
    assert [raw.read()[-1] for _ in range(2)] == [0xFB, 0xFB]
    assert raw.read()[0] == 0xFE


def test_n_an_unknown_database_is_refused(served: Served) -> None:
    raw = RawClient(served.port).login()
    assert error_of(raw.ask(INIT_DB, b"nowhere"))[0] == 1049


def test_o_column_definitions_say_what_the_column_is(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.command(QUERY, b"echo x")
    told = ColumnDef.parse(raw.rows()[1])
    assert (told.schema, told.table, told.org_table, told.org_name, told.length) == ("sky", "Star", "Star", "text", 80)


def test_o_a_definition_has_its_flags() -> None:
    definition = ColumnDef("n", ColumnType.LONGLONG, "sky", "s", "Star", "id", length=20, flags=0x4001, charset=63)
    payload = definition.payload("utf-8")
    assert b"\x03def\x03sky\x01s\x04Star\x01n\x02id\x0c" in payload
    assert struct.unpack_from("<HIBHB", payload, len(payload) - 12) == (63, 20, ColumnType.LONGLONG, 0x4001, 0)


def too_much_too_late(served: Served) -> None:
    """What nobody may do before login."""
    silent, large = RawClient(served.port), RawClient(served.port)
    large.greeting()
    large.sock.sendall((64 * 1024 + 1).to_bytes(3, "little") + b"\x01")
    large.sequence = 2
    assert error_of(large.read())[0] == 1153
    assert large.closed() and silent.closed()


def test_p_messages_before_login_are_small_and_in_time(kind: str) -> None:
    with Served(limits=Limits(handshake_timeout=0.3), loop=new_loop(kind)) as served:
        too_much_too_late(served)


def smuggle(served: Served, tls_begun: Callable[[], object]) -> None:
    """Send a login and a command in front of the TLS handshake, in the segment of the SSLRequest."""
    raw = RawClient(served.port)
    raw.greeting()
    raw.capabilities |= packets.SSL
    request = struct.pack("<IIB23x", raw.capabilities, 1 << 24, 45)
    raw.sock.sendall(frame(request, 1) + frame(raw.response("open", b""), 2) + frame(b"\x03echo smuggled"))
    until(tls_begun)
    with pytest.raises((ssl.SSLError, OSError)):
        client_tls().wrap_socket(raw.sock)
    until(lambda: not served.server.connections)
    assert served.record.clients == [] and served.record.queries == []


def test_q_bytes_in_front_of_tls_are_never_read_as_a_login(served_tls: Served) -> None:
    smuggle(served_tls, lambda: True)
