"""Commands and their answers, from PyMySQL and from packets made by hand."""

from __future__ import annotations

import logging
import ssl
import struct
import subprocess
import threading
import time

import pymysql
import pymysql.cursors
import pytest

from qproxy.wire import packets
from qproxy.wire.limits import Limits
from qproxy.wire.native_password import native_response
from qproxy.wire.rowblock import frame
from tests.wire.conftest import new_loop
from tests.wire.made import RawClient, Served, error_of, until

QUIT, INIT_DB, QUERY, FIELD_LIST, STATISTICS, KILL, DEBUG, PING = 1, 2, 3, 4, 9, 12, 13, 14
STMT_EXECUTE, STMT_CLOSE, SET_OPTION, RESET = 0x17, 0x19, 0x1B, 0x1F
OLD = packets.DEPRECATE_EOF


def connect(served: Served, **given: object) -> pymysql.connections.Connection:
    given = {"user": "anna", "password": "secret", **given}
    return pymysql.connect(host="127.0.0.1", port=served.port, **given)


def stalled(served: Served) -> bool:
    """Whether no block was asked for during a fifth of a second."""
    before = served.record.blocks
    time.sleep(0.2)
    return served.record.blocks == before


def test_rows_and_descriptions(served: Served) -> None:
    with connect(served) as connection:
        cursor = connection.cursor()
        cursor.execute("echo grün")
        assert cursor.fetchall() == (("grün",),)
        assert cursor.description[0][:2] == ("text", 253)
        cursor.execute("count 0")
        assert cursor.fetchall() == () and cursor.description[0][0] == "n"
        cursor.execute("count 2500")
        assert [int(row[0]) for row in cursor.fetchall()] == list(range(2500))
        assert cursor._result.warning_count == 3


def test_done(served: Served) -> None:
    with connect(served) as connection:
        cursor = connection.cursor()
        assert cursor.execute("anything") == 300
        assert cursor.lastrowid == 70000
        assert cursor._result.warning_count == 1


def test_errors_leave_the_connection_usable(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with connect(served) as connection:
        cursor = connection.cursor()
        for sql, code in (("wrong ü", 1064), ("", 1065), ("  \n ", 1065), ("no-rows-fail", 1969), ("two", 1064)):
            with pytest.raises(pymysql.err.MySQLError) as caught:
                cursor.execute(sql)
            assert caught.value.args[0] == code
        with caplog.at_level(logging.ERROR), pytest.raises(pymysql.err.MySQLError) as caught:
            cursor.execute("bug")
        assert caught.value.args == (1105, "qproxy internal error; see the log")
        assert "a secret of the house" in caplog.text
        cursor.execute("echo still")
        assert cursor.fetchall() == (("still",),)


def test_error_in_the_middle_of_rows(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.command(QUERY, b"break-off")
    answer = raw.rows()
    assert answer[-2] == b"\x011"
    assert error_of(answer[-1]) == (1969, "out of time")
    assert raw.ask(PING)[0] == 0


def test_several_statements(served: Served) -> None:
    with connect(served, client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS) as connection:
        cursor = connection.cursor()
        cursor.execute("two")
        assert cursor.fetchall() == (("1",),)
        assert cursor.nextset() and cursor.rowcount == 2
        assert not cursor.nextset()


def test_set_option(served: Served) -> None:
    raw = RawClient(served.port).login()
    assert raw.ask(SET_OPTION, b"\x01\0")[0] == 0xFE
    raw.command(QUERY, b"two")
    assert error_of(raw.read())[0] == 1064
    assert raw.ask(SET_OPTION, b"\x00\0")[0] == 0xFE
    raw.command(QUERY, b"two")
    assert raw.rows()[-1][0] == 0xFE
    assert raw.read()[0] == 0
    assert error_of(raw.ask(SET_OPTION, b"\x02\0"))[0] == 1047


@pytest.mark.parametrize("deprecate", [True, False])
def test_deprecate_eof_both_ways(served: Served, deprecate: bool) -> None:
    raw = RawClient(served.port)
    raw.capabilities = raw.capabilities | OLD if deprecate else raw.capabilities & ~OLD
    raw.login()
    raw.command(QUERY, b"echo x")
    answer = raw.rows()
    last = b"\xfe\0\0\x02\0\0\0" if deprecate else b"\xfe\0\0\x02\0"
    assert [answer[0], answer[-2], answer[-1]] == [b"\x01", b"\x01x", last]
    assert len(answer) == (4 if deprecate else 5)
    assert deprecate or answer[2] == b"\xfe\0\0\x02\0"
    raw.command(QUERY, b"count 0")
    assert raw.rows()[-1][-4:] == (b"\x02\0\x03\0" if deprecate else b"\x03\0\x02\0")


@pytest.mark.parametrize("deprecate", [True, False])
def test_field_list_has_a_packet_for_each_column(served: Served, deprecate: bool) -> None:
    raw = RawClient(served.port)
    raw.capabilities = raw.capabilities | OLD if deprecate else raw.capabilities & ~OLD
    raw.login()
    raw.command(FIELD_LIST, b"Star\0r%")
    first, second, last = raw.read(), raw.read(), raw.read()
    assert b"\x02id\x02id" in first and first[-1] == 0xFB
    assert b"\x02ra\x02ra" in second and second[-1] == 0xFB
    assert last[0] == 0xFE
    assert served.record.wildcards == ["r%"]
    assert error_of(raw.ask(FIELD_LIST, b"Nothing\0"))[0] == 1146


def test_small_commands(served: Served) -> None:
    raw = RawClient(served.port).login()
    assert raw.ask(PING) == b"\0\0\0\x02\0\0\0"
    assert raw.ask(STATISTICS) == b"Uptime: 1"
    assert raw.ask(DEBUG)[0] == 0xFE
    assert raw.ask(INIT_DB, b"sky")[0] == 0
    assert raw.ask(RESET)[0] == 0
    assert served.record.used == ["sky", "-"]
    assert error_of(raw.ask(INIT_DB, b"nowhere"))[0] == 1049
    assert error_of(raw.ask(0x63))[0] == 1047
    assert error_of(raw.ask(7, b"\x01"))[0] == 1047
    assert error_of(raw.ask(STMT_EXECUTE, bytes(9)))[0] == 1243
    raw.command(STMT_CLOSE, bytes(4))
    assert raw.ask(PING)[0] == 0
    raw.command(QUIT)
    assert raw.closed()


def test_empty_packet_and_short_arguments(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.sequence = 0
    raw.send(b"")
    assert error_of(raw.read())[0] == 1047
    assert error_of(raw.ask(KILL, b"\x01"))[0] == 1835
    assert error_of(raw.ask(SET_OPTION))[0] == 1835
    assert error_of(raw.ask(INIT_DB, b"sky\xff"))[0] == 1300
    assert raw.ask(PING)[0] == 0


def test_query_attributes_are_taken_off(served: Served) -> None:
    raw = RawClient(served.port)
    raw.capabilities |= packets.QUERY_ATTRIBUTES
    raw.login()
    raw.command(QUERY, b"\x01\x01\x00\x01\xfe\x00\x05trace\x02abecho x")
    assert raw.rows()[-2] == b"\x01x"
    assert served.record.queries == ["echo x"]


def test_command_byte_by_byte_and_two_at_once(served: Served) -> None:
    raw = RawClient(served.port).login()
    for byte in frame(b"\x03echo slow"):
        raw.sock.sendall(bytes((byte,)))
    raw.sequence = 1
    assert raw.rows()[-2] == b"\x04slow"
    raw.sock.sendall(frame(b"\x03echo one") + frame(b"\x0e"))
    raw.sequence = 1
    assert raw.rows()[-2] == b"\x03one"
    raw.sequence = 1
    assert raw.read()[0] == 0


@pytest.mark.parametrize("size", [0xFFFFFF - 8, 0xFFFFFF - 7, 20_000_000])
def test_statement_of_sixteen_megabytes_and_more(served: Served, size: int) -> None:
    with connect(served, max_allowed_packet=1 << 26) as connection:
        cursor = connection.cursor()
        cursor.execute("length " + "x" * size)
        assert cursor.fetchall() == ((str(size),),)


def test_statement_over_the_limit(kind: str) -> None:
    with Served(limits=Limits(max_packet=100_000), loop=new_loop(kind)) as served:
        raw = RawClient(served.port).login()
        raw.command(QUERY, b"length " + b"x" * (100_000 - 8))
        assert raw.rows()[-2] == b"\x0599992"
        raw.sock.sendall((100_001).to_bytes(3, "little") + b"\0")
        raw.sequence = 1
        assert error_of(raw.read())[0] == 1153
        assert raw.closed()


@pytest.mark.parametrize("size", [0xFFFFFF - 20, 0xFFFFFF - 8, 33_554_430 - 8, 40_000_000])
def test_row_of_sixteen_megabytes_and_more(served: Served, size: int) -> None:
    with connect(served) as connection:
        cursor = connection.cursor()
        cursor.execute(f"fat {size}")
        (fat, end), second = cursor.fetchall()
        assert (len(fat), end, second) == (size, "end", ("y", None))
        cursor.execute("echo after")
        assert cursor.fetchall() == (("after",),)


def test_row_over_the_limit(kind: str) -> None:
    with Served(limits=Limits(max_packet=100_000), loop=new_loop(kind)) as served:
        raw = RawClient(served.port).login()
        raw.command(QUERY, b"fat 99990")
        assert len(raw.rows()) == 6
        for size in (99_997, 40_000_000):
            raw.command(QUERY, b"fat %d" % size)
            assert error_of(raw.rows()[-1])[0] == 1153
        assert raw.ask(PING)[0] == 0


def test_wrong_sequence_of_a_command_closes(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.sock.sendall(frame(b"\x03echo x", 3))
    raw.sequence = 4
    assert error_of(raw.read())[0] == 1156
    assert raw.closed()
    assert served.record.queries == []


def test_client_that_does_not_read_holds_the_rows_back(served: Served) -> None:
    raw = RawClient(served.port, receive_buffer=64 * 1024).login()
    raw.command(QUERY, b"flood 1000000000")
    until(lambda: served.record.blocks)
    until(lambda: stalled(served))
    (connection,) = served.server.connections
    assert served.call(lambda: connection.buffered) < 1 << 20
    assert served.record.blocks < 400
    raw.close()
    until(lambda: not served.server.connections)
    assert served.record.blocks < 400


def test_tls_holds_the_rows_back_too(served_tls: Served) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    raw = RawClient(served_tls.port, receive_buffer=64 * 1024)
    nonce = raw.greeting()
    raw.capabilities |= packets.SSL
    raw.send(struct.pack("<IIB23x", raw.capabilities, 1 << 24, 45))
    raw.sock = context.wrap_socket(raw.sock)
    raw.send(raw.response("anna", native_response("secret", nonce)))
    assert raw.read()[0] == 0
    raw.command(QUERY, b"flood 1000000000")
    until(lambda: served_tls.record.blocks and stalled(served_tls))
    (connection,) = served_tls.server.connections
    assert served_tls.call(lambda: connection.buffered) < 1 << 20
    assert served_tls.record.blocks < 400
    raw.close()
    until(lambda: not served_tls.server.connections)


def test_client_that_reads_gets_every_row(served: Served) -> None:
    with connect(served, cursorclass=pymysql.cursors.SSCursor) as connection:
        cursor = connection.cursor()
        cursor.execute("flood 40000000")
        assert sum(len(row[0]) for row in cursor) == served.record.blocks * 65536
        assert served.record.blocks == 40_000_000 // 65544


def test_client_that_never_reads_is_let_go(kind: str) -> None:
    with Served(limits=Limits(write_timeout=0.3), loop=new_loop(kind)) as served:
        raw = RawClient(served.port, receive_buffer=64 * 1024).login()
        raw.command(QUERY, b"flood 1000000000")
        until(lambda: served.record.closed == 1)
        raw.close()


def test_client_that_sends_ahead_is_held_back(served: Served) -> None:
    raw = RawClient(served.port).login()
    raw.command(QUERY, b"hang")
    until(lambda: served.record.queries == ["hang"])
    raw.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        raw.sock.sendall(frame(b"\x03echo " + b"x" * 100_000) * 1000)
    (connection,) = served.server.connections
    assert served.call(lambda: connection.buffered) < 1 << 20
    served.call(connection.kill)


@pytest.mark.parametrize("query", ["hang", "hang-in-rows"])
def test_hang_up_stops_the_query(served: Served, query: str) -> None:
    raw = RawClient(served.port).login()
    raw.command(QUERY, query.encode())
    until(lambda: served.record.queries == [query])
    raw.close()
    until(lambda: served.record.stopped == 1)
    until(lambda: served.record.closed == 1)
    assert served.record.cancelled == 1


def test_idle_timeout(kind: str) -> None:
    with Served(limits=Limits(idle_timeout=0.2), loop=new_loop(kind)) as served:
        raw = RawClient(served.port).login()
        raw.sock.sendall(b"\x05\0")
        assert raw.closed()
        until(lambda: served.record.closed == 1)


@pytest.mark.parametrize("query", ["hang", "hang-in-rows"])
def test_killed_query_answers_1317_and_the_connection_stays(served: Served, query: str) -> None:
    raw = RawClient(served.port).login()
    raw.command(QUERY, query.encode())
    until(lambda: served.record.queries == [query])
    assert served.call(lambda: served.server.kill(raw.connection_id, True))
    assert error_of(raw.rows()[-1]) == (1317, "Query execution was interrupted")
    assert (served.record.stopped, served.record.cancelled) == (1, 1)
    assert raw.ask(PING)[0] == 0


def test_kill_query_leaves_an_idle_connection(served: Served) -> None:
    raw = RawClient(served.port).login()
    for _ in range(3):
        assert served.call(lambda: served.server.kill(raw.connection_id, True))
    assert not served.call(lambda: served.server.kill(999, True))
    raw.command(QUERY, b"echo here")
    assert raw.rows()[-2] == b"\x04here"


def test_killed_while_the_client_does_not_read(served: Served) -> None:
    raw = RawClient(served.port, receive_buffer=64 * 1024).login()
    raw.command(QUERY, b"flood 1000000000")
    until(lambda: served.record.blocks > 10)
    served.call(lambda: served.server.kill(raw.connection_id, True))
    assert error_of(raw.rows()[-1])[0] == 1317
    assert raw.ask(PING)[0] == 0


def test_killed_inside_a_large_block_keeps_the_packets_whole(served: Served) -> None:
    raw = RawClient(served.port, receive_buffer=64 * 1024).login()
    raw.command(QUERY, b"fat 40000000")
    (connection,) = served.server.connections
    until(lambda: served.call(lambda: connection.buffered) > 0)
    served.call(lambda: served.server.kill(raw.connection_id, True))
    answer = raw.rows()
    assert len(answer[3]) > 40_000_000
    assert error_of(answer[-1])[0] == 1317
    assert raw.ask(PING)[0] == 0


def test_process_kill(served: Served) -> None:
    killer, victim, idle = (RawClient(served.port).login() for _ in range(3))
    victim.command(QUERY, b"hang")
    until(lambda: served.record.queries == ["hang"])
    for target in (victim, idle):
        assert killer.ask(KILL, target.connection_id.to_bytes(4, "little"))[0] == 0
    assert error_of(victim.read())[0] == 1317
    assert victim.closed() and idle.closed()
    assert error_of(killer.ask(KILL, b"\xff\xff\0\0"))[0] == 1094
    killer.command(QUERY, b"kill %d" % killer.connection_id)
    assert error_of(killer.read())[0] in (1317,)
    assert killer.closed()


def test_many_kills_at_any_moment_keep_the_packets_in_step(served: Served) -> None:
    raw = RawClient(served.port).login()
    over = threading.Event()

    def shoot() -> None:
        while not over.is_set():
            served.call(lambda: served.server.kill(raw.connection_id, True))

    shooter = threading.Thread(target=shoot)
    shooter.start()
    try:
        for i in range(300):
            raw.command(QUERY, b"count 3000" if i % 2 else b"anything")
            answer = raw.rows()
            if answer[-1][0] == 0xFF:
                assert error_of(answer[-1])[0] == 1317
    finally:
        over.set()
        shooter.join()
    assert raw.ask(PING)[0] == 0


def test_mariadb_client(served: Served) -> None:
    """The command-line client, which fetches the columns of all tables when it changes the database."""
    words = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{served.port}", "-uanna", "-psecret", "-vvv", "sky"]
    told = subprocess.run(
        words, input="echo grün;\nanything;\ncount 3;\nuse sky;\n", capture_output=True, text=True, timeout=30
    )
    assert told.returncode == 0, told.stderr
    for expected in ("grün", "Query OK, 300 rows affected, 1 warning", "3 rows in set, 3 warnings", "done"):
        assert expected in told.stdout
    wrong = subprocess.run([*words, "-e", "wrong"], capture_output=True, text=True, timeout=30)
    assert "ERROR 1064 (42000) at line 1: not understood:" in wrong.stderr
