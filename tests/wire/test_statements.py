"""COM_STMT_* over a real socket: answers, cursors, long data and errors."""

from __future__ import annotations

import struct

import pytest

from qproxy.wire import packets, statements
from qproxy.wire.columns import ColumnType
from qproxy.wire.limits import Limits
from qproxy.wire.prepared import CURSOR_EXISTS, LAST_ROW_SENT
from tests.wire.conftest import new_loop
from tests.wire.made import RawClient, Served, until
from tests.wire.prepared_client import EXECUTE, FETCH, Failure, PreparedClient, Result, integer, text

AUTOCOMMIT = 2


def client(served: Served, **given: bool) -> PreparedClient:
    return PreparedClient(served.port, "open", **given)


def numbers(result: Result) -> list[int]:
    return [int(row[0] or b"-1") for row in result.rows]


@pytest.mark.parametrize("deprecate_eof", [True, False])
def test_rows(served: Served, deprecate_eof: bool) -> None:
    one = client(served, deprecate_eof=deprecate_eof)
    taken = one.prepare("count 2500 ? ?")
    assert [p.name for p in taken.parameters] == ["?", "?"] and len(taken.columns) == 1
    result = one.execute(taken.number, integer(7), text("x"))
    assert numbers(result) == list(range(2500))
    assert [p.data for p in served.record.parameters[-1]] == [struct.pack("<q", 7), b"x"]
    assert result.status == AUTOCOMMIT
    assert not one.execute(one.prepare("done").number).columns
    assert one.ask(14)[0] == 0


def test_types_are_kept_for_the_next_execution(served: Served) -> None:
    one = client(served)
    number = one.prepare("count 1 ?").number
    with pytest.raises(Failure, match="mysqld_stmt_execute") as caught:
        one.execute(number, integer(1), types=False)
    assert caught.value.code == 1210
    one.execute(number, integer(-2, ColumnType.SHORT))
    one.execute(number, integer(-3, ColumnType.SHORT), types=False)
    assert served.record.parameters[-1][0].data == struct.pack("<h", -3)
    one.execute(number, (ColumnType.SHORT, None), types=False)
    assert served.record.parameters[-1][0].data is None


def test_unknown_statements_and_wrong_parameters(served: Served) -> None:
    one = client(served)
    for command, name in ((EXECUTE, "execute"), (FETCH, "fetch"), (0x1A, "reset")):
        with pytest.raises(Failure) as caught:
            one.ok(one.ask(command, struct.pack("<IBI", 99, 0, 1)))
        assert (caught.value.code, caught.value.text) == (
            1243,
            f"Unknown prepared statement handler (99) given to mysqld_stmt_{name}",
        )
    number = one.prepare("count 1 ? ?").number
    for bound in ([], [integer(1)], [integer(1), (245, b"\x00")], [integer(1), text("x"), integer(2)][:1]):
        with pytest.raises(Failure) as caught:
            one.execute(number, *bound)
        assert caught.value.code == 1210
    with pytest.raises(Failure) as caught:
        one.ok(one.ask(EXECUTE, b"\x01"))
    assert caught.value.code == 1835
    with pytest.raises(Failure) as caught:
        one.prepare("wrong")
    assert caught.value.code == 1064
    one.close_statement(number)
    one.close_statement(number)
    with pytest.raises(Failure) as caught:
        one.execute(number, integer(1), integer(2))
    assert caught.value.code == 1243


def test_cursor_loses_no_row(served: Served) -> None:
    one = client(served)
    number = one.prepare("count 2500").number
    opened = one.execute(number, cursor=True)
    assert opened.status == AUTOCOMMIT | CURSOR_EXISTS
    found: list[int] = []
    for size in (1, 1, 998, 1, 499, 1000):
        part = one.fetch(number, size, opened.columns)
        assert len(part.packets) == size and part.status & CURSOR_EXISTS and not part.status & LAST_ROW_SENT
        found += numbers(part)
        assert one.query("echo x")[2] == b"\x01x"
    assert found == list(range(2500))
    last = one.fetch(number, 5, opened.columns)
    assert not last.packets and last.status & LAST_ROW_SENT and not last.status & CURSOR_EXISTS
    with pytest.raises(Failure) as caught:
        one.fetch(number, 5, opened.columns)
    assert (caught.value.code, caught.value.text) == (1421, f"The statement ({number}) has no open cursor.")
    assert served.record.ended == 1


def test_cursor_reads_no_further_than_it_is_asked(served: Served) -> None:
    one = client(served)
    number = one.prepare(f"flood {1 << 30}").number
    opened = one.execute(number, cursor=True)
    one.fetch(number, 3, opened.columns)
    assert served.record.blocks == 3
    one.reset(number)
    until(lambda: served.record.ended == 1)
    with pytest.raises(Failure) as caught:
        one.fetch(number, 1, opened.columns)
    assert caught.value.code == 1421


@pytest.mark.parametrize("how", ["close", "execute", "reset connection", "hang up"])
def test_cursor_ends_with(served: Served, how: str) -> None:
    one = client(served)
    number = one.prepare("count 2500").number
    one.fetch(number, 1, one.execute(number, cursor=True).columns)
    if how == "close":
        one.close_statement(number)
    elif how == "execute":
        assert len(one.execute(number).packets) == 2500
    elif how == "reset connection":
        one.ok(one.ask(0x1F))
        with pytest.raises(Failure) as caught:
            one.execute(number)
        assert caught.value.code == 1243
    else:
        one.close()
    until(lambda: served.record.ended == (2 if how == "execute" else 1))


def test_killed_fetch_closes_the_cursor(served: Served) -> None:
    one = client(served)
    number = one.prepare("hang-in-rows").number
    opened = one.execute(number, cursor=True)
    one.command(FETCH, struct.pack("<II", number, 10))
    until(lambda: served.call(lambda: any(c.busy for c in served.server.connections)))
    assert served.call(lambda: served.server.kill(one.connection_id, True))
    assert one.read()[:1] == b"\x00"
    with pytest.raises(Failure) as caught:
        one.ok(one.read())
    assert caught.value.code == 1317
    with pytest.raises(Failure) as caught:
        one.fetch(number, 1, opened.columns)
    assert caught.value.code == 1421
    assert served.record.stopped == 1


def test_long_data(served: Served) -> None:
    one = client(served)
    number = one.prepare("count 1 ? ?").number
    for piece in (b"ab", b"", b"cd"):
        one.long_data(number, 1, piece)
    one.long_data(99, 0, b"for nobody")
    one.execute(number, integer(5), (ColumnType.BLOB, b""))
    assert [p.data for p in served.record.parameters[-1]] == [struct.pack("<q", 5), b"abcd"]
    one.execute(number, integer(5), text("new"))
    assert served.record.parameters[-1][1].data == b"new"
    one.long_data(number, 1, b"gone")
    one.reset(number)
    one.execute(number, integer(5), text("x"))
    assert served.record.parameters[-1][1].data == b"x"
    one.long_data(number, 7, b"nowhere")
    for _ in range(2):
        with pytest.raises(Failure, match="mysqld_stmt_send_long_data") as caught:
            one.execute(number, integer(5), text("x"))
        assert caught.value.code == 1210
    one.reset(number)
    one.execute(number, integer(5), text("x"))
    one.long_data(number, 0, b"1")
    with pytest.raises(Failure) as caught:
        one.execute(number, (ColumnType.LONGLONG, b""), text("x"))
    assert caught.value.code == 1210


def test_bounds(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MAX_STATEMENTS", 3)
    with Served(limits=Limits(max_packet=1000), loop=new_loop(kind)) as served:
        one = client(served)
        taken = [one.prepare("count 1 ?").number for _ in range(3)]
        with pytest.raises(Failure) as caught:
            one.prepare("count 1")
        assert caught.value.code == 1461
        for number in taken[1:]:
            one.close_statement(number)
        one.prepare("count 1" + " " * 900)
        with pytest.raises(Failure) as caught:
            one.prepare("count 1" + " " * 900)
        assert caught.value.code == 1461
        for _ in range(2):
            one.long_data(taken[0], 0, b"x" * 600)
        with pytest.raises(Failure, match="longer") as caught:
            one.execute(taken[0], text(""))
        assert caught.value.code == 1105


def test_attributes_stand_behind_the_parameters(served: Served) -> None:
    one = RawClient(served.port)
    one.capabilities |= packets.QUERY_ATTRIBUTES
    one.login("open", "")
    head = one.ask(0x16, b"count 1 ?")
    number = struct.unpack_from("<I", head, 1)[0]
    one.read(), one.read()
    named = struct.pack("<H", 254) + b"\x00" + struct.pack("<H", 254) + b"\x04name"
    one.command(EXECUTE, struct.pack("<IBI", number, 8, 1) + b"\x02\x00\x01" + named + b"\x01v" + b"\x05trace")
    assert len(one.rows()) == 4
    assert [p.data for p in served.record.parameters[-1]] == [b"v"]
    # The count may be there without its flag, or not at all.
    for given in (b"\x01", b""):
        body = given + b"\x00\x01" + struct.pack("<H", 254) + b"\x00\x01w"
        one.command(EXECUTE, struct.pack("<IBI", number, 0, 1) + body)
        assert len(one.rows()) == 4
        assert [p.data for p in served.record.parameters[-1]] == [b"w"]


def test_the_statement_prepared_last(served: Served) -> None:
    """Clients send a statement and its execution at once."""
    one = client(served)
    one.prepare("count 7")
    assert numbers(one.execute(statements.LAST_PREPARED)) == list(range(7))
    with pytest.raises(Failure):
        one.prepare("wrong")
    with pytest.raises(Failure) as caught:
        one.execute(statements.LAST_PREPARED)
    assert caught.value.code == 1243
    one.prepare("count 3")
    one.close_statement(statements.LAST_PREPARED)
    with pytest.raises(Failure) as caught:
        one.execute(statements.LAST_PREPARED)
    assert caught.value.code == 1243
