"""Statements on real MariaDB servers: rows as they are, connections in step, nothing left running."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from qproxy.backends.base import DEFAULT_SETTINGS, SessionSettings
from qproxy.backends.mariadb import MariaDBBackend
from qproxy.catalog.model import Worker
from qproxy.errors import QproxyError, SQLError, WorkerError
from qproxy.wire.rowblock import decode_rows, encode_rows
from tests.harness.faults import FaultProxy
from tests.harness.mariadbd import Server, running_server, start, temporary_directory

SECONDS = 10.0

TYPES = """
CREATE TABLE typed (
  id INT PRIMARY KEY, tiny TINYINT, small SMALLINT UNSIGNED, medium MEDIUMINT(8) ZEROFILL, big BIGINT UNSIGNED,
  exact DECIMAL(30,10), wide DECIMAL(65,0), single FLOAT, twice DOUBLE, few BIT(3), many BIT(64), day DATE,
  moment DATETIME(6), span TIME(6), stamp TIMESTAMP(3) NULL, year YEAR, fixed CHAR(10), text VARCHAR(200),
  latin VARCHAR(200) CHARACTER SET latin1, greek CHAR(20) CHARACTER SET greek, long_text LONGTEXT,
  raw BINARY(6), bytes VARBINARY(300), blobs BLOB, word ENUM('a','b''c','d"e'), words SET('x','y','z'),
  place POINT, doc JSON, address INET6, uid UUID
) CHARACTER SET utf8mb4
"""
NASTY = "back\\\\slash \\'quote\\' \"double\" nul\\0 tab\\t line\\n %_ 星 🚀"
ROWS = (
    "(1, -128, 65535, 42, 18446744073709551615, 12345678901234567890.0123456789, REPEAT('9', 65), 1.5, 0.1, b'101',"
    " 0xFFFFFFFFFFFFFFFE, '2024-02-29', '2024-02-29 23:59:59.999999', '-838:59:59.999999', '2038-01-01 00:00:00.123',"
    f" 2155, 'pad', '{NASTY}', 'façade ÿ', 'Ωμέγα', REPEAT('long ', 60000), 'ab\\0', @all, REPEAT(@all, 10), 'b''c',"
    " 'x,z', POINT(1, -2), '{\"a\": [1, \"ü\"]}', '::1', '123e4567-e89b-12d3-a456-426655440000')",
    "(2" + ", NULL" * 29 + ")",
    "(3, 0, 0, 0, 0, 0, 0, -0.0, 1e-300, b'0', 0, '0000-00-00', '0000-00-00 00:00:00', '00:00:00',"
    " '0000-00-00 00:00:00', 0, '', '', '', '', '', '', '', '', 'a', '', POINT(0, 0), '[]', '::',"
    " '00000000-0000-0000-0000-000000000000')",
    "(4, 127, 1, 99999999, 9223372036854775808, -0.0000000001, -1, 3.4e38, 1.7976931348623157e308, b'111', 1,"
    " '9999-12-31', '1000-01-01', '838:59:59', '1971-01-01 12:00:00', 1901, '  x', 'trailing  ', 'a', 'b', 'c',"
    " x'FFFE00', x'00FF', x'5C27', 'd\"e', 'x,y,z', POINT(1e308, 5e-324), 'null', 'ffff::', UUID())",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server("--max-allowed-packet=64M") as one:
        one.script(["CREATE DATABASE t", "CREATE DATABASE big"])
        with closing(one.connect("t")) as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_mode=''")
            cursor.execute(TYPES)
            every = bytes(range(256)).hex()
            cursor.execute(f"SET @all = x'{every}'")
            for row in ROWS:
                cursor.execute(f"INSERT INTO typed VALUES {row}")
        yield one


def worker_of(server: Server, port: int | None = None) -> Worker:
    if port is None:
        return Worker("w0", user=server.user, socket=str(server.socket))
    return Worker("w0", user=server.user, host="127.0.0.1", port=port)


@asynccontextmanager
async def backend_on(
    server: Server, port: int | None = None, connections: int = 8, connect_timeout: float = 5.0
) -> AsyncIterator[MariaDBBackend]:
    backend = MariaDBBackend(worker_of(server, port), connections, connect_timeout)
    try:
        yield backend
    finally:
        await backend.close()


@pytest.fixture
async def backend(server: Server) -> AsyncIterator[MariaDBBackend]:
    async with backend_on(server) as one:
        yield one


async def rows_of(
    backend: MariaDBBackend, sql: str, settings: SessionSettings | None = None
) -> list[list[bytes | None]]:
    found: list[list[bytes | None]] = []
    async with backend.query(sql, settings or SessionSettings()) as stream:
        async for block in stream:
            found += decode_rows(block)
    return found


def plainly(server: Server, sql: str) -> list[list[bytes | None]]:
    """What a plain client gets, nothing converted."""
    with closing(server.connect("t", use_unicode=False, conv={})) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return [list(row) for row in cursor.fetchall()]


def statements_on(server: Server, text: str) -> int:
    """How many statements that hold a text run on the server."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE %s AND ID <> CONNECTION_ID()",
            (f"%{text}%",),
        )
        return int(cursor.fetchone()[0])


def connections_on(server: Server) -> int:
    """How many connections the server has over its socket, our own look aside."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST "
            "WHERE USER = %s AND HOST = 'localhost' AND ID <> CONNECTION_ID()",
            (server.user,),
        )
        return int(cursor.fetchone()[0])


async def until(condition: Callable[[], bool], seconds: float = SECONDS) -> float:
    """Wait for a condition; returns the seconds that it took."""
    began = time.monotonic()
    while not await asyncio.to_thread(condition):
        assert time.monotonic() - began < seconds, "it did not come to pass in time"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def test_every_type_comes_through_as_a_plain_client_gets_it(server: Server, backend: MariaDBBackend) -> None:
    sql = "SELECT * FROM t.typed ORDER BY id"
    rows = await rows_of(backend, sql)
    assert rows == plainly(server, sql)
    assert len(rows) == len(ROWS)
    assert rows[1][1:] == [None] * 29


async def test_an_empty_answer_has_its_columns(backend: MariaDBBackend) -> None:
    async with backend.query("SELECT id, latin FROM t.typed WHERE id < 0") as stream:
        assert [c.name for c in stream.columns] == ["id", "latin"]
        assert [b async for b in stream] == []


@pytest.mark.parametrize("size", [(1 << 24) - 6, (1 << 24) - 5, (1 << 24) - 4, (1 << 24) + 100, 1 << 25])
async def test_rows_of_16_mb_and_more(backend: MariaDBBackend, size: int) -> None:
    rows = await rows_of(backend, f"SELECT 1, REPEAT('x', {size}) UNION ALL SELECT 2, 'y' UNION ALL SELECT 3, NULL")
    assert [(r[0], len(r[1] or b"")) for r in rows] == [(b"1", size), (b"2", 1), (b"3", 0)]
    assert rows[0][1] == b"x" * size


async def test_a_refused_statement_leaves_the_connection_in_use(server: Server) -> None:
    async with backend_on(server, connections=1) as backend:
        thread = await rows_of(backend, "SELECT CONNECTION_ID()")
        with pytest.raises(SQLError) as refused:
            await rows_of(backend, "SELECT nothing FROM t.typed")
        assert (refused.value.code, refused.value.sqlstate) == (1054, "42S22")
        assert await rows_of(backend, "SELECT CONNECTION_ID()") == thread


async def test_an_error_in_the_middle_of_rows(server: Server) -> None:
    async with backend_on(server, connections=1) as backend:
        sql = "SELECT seq, (SELECT IF(s.seq = 90000, (SELECT 1 UNION SELECT 2), 1)) FROM seq_1_to_100000 s"
        seen = 0
        with pytest.raises(SQLError) as refused:
            async with backend.query(
                "SET STATEMENT sql_mode='' FOR " + sql.replace("FROM seq", "FROM t.seq")
            ) as stream:
                async for block in stream:
                    seen += block.rows
        assert refused.value.code == 1242
        assert 0 < seen < 90000
        assert await rows_of(backend, "SELECT 1") == [[b"1"]]


async def test_a_lacking_table_is_the_workers_fault(backend: MariaDBBackend) -> None:
    with pytest.raises(WorkerError, match="worker 'w0': lacks a table that it should hold"):
        await rows_of(backend, "SELECT 1 FROM t.typed_77")


async def test_a_consumer_that_stops_reading_stops_the_worker(server: Server) -> None:
    async with FaultProxy(server.port) as proxy, backend_on(server, proxy.port) as backend:
        sql = "SELECT seq, REPEAT('x', 1000) FROM big.seq_1_to_100000"
        async with backend.query(sql) as stream:
            blocks = stream.__aiter__()
            rows = (await anext(blocks)).rows
            before = -1
            while proxy.delivered != before:
                before = proxy.delivered
                await asyncio.sleep(0.3)
            # What the buffers of three sockets hold, of 100 MB.
            assert proxy.delivered < 24 << 20
            async for block in blocks:
                rows += block.rows
        assert rows == 100000


async def test_leaving_early_stops_the_statement_and_drops_the_connection(server: Server) -> None:
    async with backend_on(server, connections=2) as backend:
        sql = "SELECT seq, REPEAT('x', 1000) AS early_{} FROM big.seq_1_to_10000000"
        (thread,) = await rows_of(backend, "SELECT CONNECTION_ID()")
        async with backend.query(sql.format(1)) as stream:
            async for _ in stream:
                break
        assert await until(lambda: statements_on(server, "early_1") == 0) < 1

        with pytest.raises(ZeroDivisionError):
            async with backend.query(sql.format(2)) as stream:
                await anext(stream.__aiter__())
                raise ZeroDivisionError
        assert await until(lambda: statements_on(server, "early_2") == 0) < 1

        # One that gives no rows for a long time, cancelled.
        task = asyncio.create_task(rows_of(backend, "SELECT SUM(SQRT(seq)) AS early_3 FROM big.seq_1_to_10000000000"))
        await until(lambda: statements_on(server, "early_3") == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await until(lambda: statements_on(server, "early_3") == 0) < 1
        assert thread not in await rows_of(backend, "SELECT ID FROM information_schema.PROCESSLIST")


async def test_two_hundred_early_exits_leave_every_connection_in_step(server: Server) -> None:
    dice = random.Random(7)

    async def client(backend: MariaDBBackend, number: int) -> None:
        size = dice.choice((1, 10, 5000, 200_000))
        sql = f"SELECT seq, {number}, REPEAT('x', 50) AS exits FROM big.seq_1_to_{size}"
        way = dice.choice(("break", "cancel", "throw", "all"))
        wanted = dice.randrange(1, 4)

        async def read() -> None:
            async with backend.query(sql) as stream:
                blocks = 0
                async for block in stream:
                    assert {row[1] for row in decode_rows(block)} == {b"%d" % number}
                    blocks += 1
                    if way == "break" and blocks == wanted:
                        return
                    if way == "throw" and blocks == wanted:
                        raise ZeroDivisionError

        task = asyncio.create_task(read())
        if way == "cancel":
            await asyncio.sleep(dice.random() * 0.02)
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert way in ("cancel", "throw") or task.exception() is None
        assert await rows_of(backend, f"SELECT {number}") == [[b"%d" % number]]

    async with backend_on(server, connections=4) as backend:
        for first in range(0, 200, 5):
            await asyncio.gather(*(client(backend, n) for n in range(first, first + 5)))
        assert await until(lambda: statements_on(server, "exits") == 0) < 1
        assert connections_on(server) <= 8
    await until(lambda: connections_on(server) == 0)


async def test_cuts_at_any_byte_are_an_error_of_the_worker(server: Server) -> None:
    dice = random.Random(3)
    async with FaultProxy(server.port) as proxy, backend_on(server, proxy.port) as backend:
        sql = "SELECT seq, 'some text' FROM big.seq_1_to_3000"
        whole = await rows_of(backend, sql)
        began = proxy.delivered
        await rows_of(backend, sql)
        size = proxy.delivered - began
        answers = failures = 0
        for _ in range(100):
            proxy.cut_after(dice.randrange(1, size + 1500))
            try:
                rows = await rows_of(backend, sql)
            except QproxyError as error:
                assert isinstance(error, WorkerError), error
                assert "127.0.0.1" not in str(error)
                failures += 1
            else:
                assert rows == whole
                answers += 1
        assert failures > 50
        assert answers


async def test_a_pooled_connection_that_the_worker_closed_is_replaced(server: Server) -> None:
    async with backend_on(server, connections=4) as backend:
        for _ in range(20):
            threads = await asyncio.gather(*(rows_of(backend, "SELECT CONNECTION_ID(), SLEEP(0.01)") for _ in range(4)))
            server.script([f"KILL {int(rows[0][0] or 0)}" for rows in threads])
            # At once, before the loop has seen the end of the connection.
            assert await rows_of(backend, "SELECT 1") == [[b"1"]]
            await backend.execute("DO 1")


async def test_a_worker_that_restarts_is_used_again() -> None:
    with temporary_directory() as directory:
        server = start(directory / "s")
        try:
            async with backend_on(server) as backend:
                await asyncio.gather(*(rows_of(backend, "SELECT SLEEP(0.01)") for _ in range(4)))
                running = asyncio.create_task(rows_of(backend, "SELECT SUM(SQRT(seq)) FROM mysql.seq_1_to_10000000000"))
                await until(lambda: statements_on(server, "SQRT") == 1)
                server.kill()
                with pytest.raises(WorkerError, match=r"connection lost|cannot be reached"):
                    await running
                with pytest.raises(WorkerError, match="worker 'w0': cannot be reached"):
                    await rows_of(backend, "SELECT 1")
                server = start(directory / "s", port=server.port)
                assert await rows_of(backend, "SELECT 1") == [[b"1"]]
                async with (
                    backend.scratch("m", "SELECT 1 AS a LIMIT 0", SessionSettings()) as scratch,
                    scratch.query("SELECT COUNT(*) FROM m") as stream,
                ):
                    assert [list(decode_rows(b)) async for b in stream] == [[[b"0"]]]
        finally:
            server.stop()


async def test_a_stalled_worker_is_given_up_in_time(server: Server) -> None:
    async with FaultProxy(server.port) as proxy, backend_on(server, proxy.port, connect_timeout=0.5) as backend:
        proxy.stall()
        began = time.monotonic()
        with pytest.raises(WorkerError, match=r"does not answer within 0\.5 s"):
            await rows_of(backend, "SELECT 1")
        assert time.monotonic() - began < 2
        proxy.resume()
        assert await rows_of(backend, "SELECT 1") == [[b"1"]]
        proxy.stall()
        hanging = asyncio.create_task(rows_of(backend, "SELECT 2"))
        await asyncio.wait([hanging], timeout=0.2)
        began = time.monotonic()
        hanging.cancel()
        await asyncio.wait([hanging])
        assert time.monotonic() - began < 0.2
        proxy.resume()
        assert await rows_of(backend, "SELECT 3") == [[b"3"]]


async def test_a_refused_login_says_so_without_names(server: Server) -> None:
    backend = MariaDBBackend(Worker("w0", user="nobody_here", password="secret", socket=str(server.socket)))
    with pytest.raises(WorkerError) as refused:
        await rows_of(backend, "SELECT 1")
    assert str(refused.value) == "worker 'w0': refuses the proxy's login"
    await backend.close()


async def test_group_concat_of_two_clients_never_mixes(server: Server) -> None:
    sql = "SELECT GROUP_CONCAT(n) FROM (SELECT 11 AS n UNION ALL SELECT 22 UNION ALL SELECT 33) AS t"
    async with backend_on(server, connections=1) as backend:
        for _ in range(3):
            assert await rows_of(backend, sql, SessionSettings(group_concat=5)) == [[b"11,22"]]
            assert await rows_of(backend, sql) == [[b"11,22,33"]]


async def test_a_connection_that_has_the_settings_is_taken_first(server: Server) -> None:
    async with backend_on(server) as backend:
        zones = [SessionSettings(time_zone=zone) for zone in ("+01:00", "+02:00", "+03:00")]
        sql = "SELECT CONNECTION_ID(), SLEEP(0.2)"
        at_once = await asyncio.gather(*(rows_of(backend, sql, zone) for zone in zones))
        threads = [row[0] for (row,) in at_once]
        assert len(set(threads)) == 3
        for zone, thread in [*zip(zones, threads, strict=True)] * 2:
            ((own,),) = await rows_of(backend, "SELECT CONNECTION_ID()", zone)
            assert own == thread


async def test_settings_of_two_clients_never_mix(server: Server) -> None:
    sql = (
        "SELECT @@time_zone, @@sql_mode, @@collation_connection, @@character_set_results, "
        "FROM_UNIXTIME(0), HEX('ü'), 'ü'"
    )
    one = SessionSettings("ANSI_QUOTES,NO_BACKSLASH_ESCAPES", "+05:00", "latin1_swedish_ci", "latin1")
    two = SessionSettings(None, "-03:00", "utf8mb4_bin", None)
    default = SessionSettings()
    async with backend_on(server, connections=2) as backend:

        async def client(settings: SessionSettings, expected: list[Any]) -> None:
            for _ in range(50):
                (row,) = await rows_of(backend, sql, settings)
                assert row[0] == expected[0]
                assert (row[1] or b"").startswith(expected[1])
                assert row[2:] == expected[2:]

        utf8 = "ü".encode()
        await asyncio.gather(
            client(
                one,
                [b"+05:00", b"ANSI_QUOTES", b"latin1_swedish_ci", b"latin1", b"1970-01-01 05:00:00", b"FC", b"\xfc"],
            ),
            client(
                two,
                [b"-03:00", b"STRICT_TRANS", b"utf8mb4_bin", None, b"1969-12-31 21:00:00", b"C3BC", utf8],
            ),
            client(
                default,
                [b"+00:00", b"STRICT_TRANS", b"utf8mb4_general_ci", b"utf8mb4", b"1970-01-01 00:00:00", b"C3BC", utf8],
            ),
        )
        # A setting that the worker refuses spoils nothing.
        with pytest.raises(SQLError):
            await rows_of(backend, "SELECT 1", SessionSettings("ANSI_QUOTES", "Nowhere/Nowhere"))
        assert (await rows_of(backend, "SELECT @@sql_mode LIKE '%ANSI%'"))[0] == [b"0"]


MODES = (
    SessionSettings(),
    SessionSettings("NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PIPES_AS_CONCAT", "+05:00", "latin1_swedish_ci", "utf8mb4"),
    SessionSettings("TRADITIONAL,PAD_CHAR_TO_FULL_LENGTH", "-01:00", "utf8mb4_bin", "utf8mb4"),
    SessionSettings("", None, "greek_general_ci", "utf8mb4"),
)


@pytest.mark.parametrize("settings", MODES, ids=range(4))
async def test_every_type_comes_back_from_a_scratch_table(backend: MariaDBBackend, settings: SessionSettings) -> None:
    sql = "SELECT * FROM t.typed ORDER BY id"
    expected = await rows_of(backend, sql, settings)
    async with backend.scratch("merged", "SELECT * FROM t.typed LIMIT 0", settings) as scratch:
        async with backend.query(sql, settings) as stream:
            columns = tuple(stream.columns)
            async for block in stream:
                await scratch.append(block)
        async with scratch.query("SELECT * FROM merged ORDER BY id") as stream:
            found = [row async for block in stream for row in decode_rows(block)]
            assert [(c.name, c.type, c.length, c.charset) for c in stream.columns] == [
                (c.name, c.type, c.length, c.charset) for c in columns
            ]
    assert found == expected


async def test_scratch_tables_are_dropped_always(server: Server) -> None:
    async with backend_on(server, connections=2) as backend:
        rows = "SELECT seq, REPEAT('x', 100) AS t FROM big.seq_1_to_20000"

        async def merge(number: int, way: str) -> None:
            async with backend.scratch(f"m{number}", rows + " LIMIT 0", SessionSettings()) as scratch:
                async with backend.query(rows) as stream:
                    async for block in stream:
                        await scratch.append(block)
                        if way == "raise":
                            raise ZeroDivisionError
                if way == "refused":
                    async with scratch.query("SELECT nothing FROM m0"):
                        pass
                async with scratch.query(f"SELECT a.t FROM m{number} a JOIN m{number} b") as stream:
                    async for _ in stream:
                        if way == "leave":
                            return
                        break

        # More merges at once than there are connections for them.
        for turn in range(5):
            await asyncio.gather(
                *(merge(n, way) for n, way in enumerate(("raise", "refused", "leave", "break") * 2)),
                return_exceptions=True,
            )
            assert await rows_of(backend, f"SELECT {turn}") == [[b"%d" % turn]]
        assert await rows_of(backend, "SHOW TABLES FROM qproxy_scratch") == []
        found = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_TYPE = 'TEMPORARY'"
        counts = await asyncio.gather(*(rows_of(backend, found) for _ in range(2)))
        assert counts == [[[b"0"]]] * 2
    await until(lambda: connections_on(server) == 0)


async def test_a_value_that_would_change_in_the_scratch_table_is_an_error(backend: MariaDBBackend) -> None:
    for settings in MODES:
        with pytest.raises(SQLError) as refused:
            async with (
                backend.scratch("m", "SELECT CAST('a' AS CHAR(1)) AS c LIMIT 0", settings) as scratch,
                backend.query("SELECT 'a' UNION ALL SELECT 'too long'") as stream,
            ):
                async for block in stream:
                    await scratch.append(block)
                async with scratch.query("SELECT c FROM m"):
                    pass
        assert refused.value.code == 1235
        assert "Data too long for column 'c'" in refused.value.message


async def test_rows_wait_until_there_are_enough_to_load(backend: MariaDBBackend) -> None:
    async def loads() -> int:
        return int((await rows_of(backend, "SHOW GLOBAL STATUS LIKE 'Com_load'"))[0][1] or 0)

    before = await loads()
    async with backend.scratch("m", "SELECT 1 AS n, 'abc' AS t LIMIT 0", DEFAULT_SETTINGS) as scratch:
        for first in range(0, 2000, 40):
            await scratch.append(
                encode_rows([(b"%d" % n, b"t\\" if n == 7 else b"t") for n in range(first, first + 40)])
            )
        assert await loads() == before
        async with scratch.query("SELECT COUNT(*), SUM(n), SUM(t = 't') FROM m") as stream:
            found = [row async for block in stream for row in decode_rows(block)]
        assert found == [[b"2000", b"1999000", b"1999"]]
        # What is in the table does not come again.
        async with scratch.query("SELECT COUNT(*) FROM m") as stream:
            assert [row async for block in stream for row in decode_rows(block)] == [[b"2000"]]
    assert await loads() == before + 1


async def test_close_leaves_no_connection_behind(server: Server) -> None:
    backend = MariaDBBackend(worker_of(server))
    await asyncio.gather(*(rows_of(backend, "SELECT SLEEP(0.01)") for _ in range(5)))
    running = asyncio.create_task(rows_of(backend, "SELECT SUM(SQRT(seq)) AS closing FROM big.seq_1_to_10000000000"))
    await until(lambda: statements_on(server, "closing") == 1)
    await backend.close()
    with pytest.raises(WorkerError):
        await running
    with pytest.raises(WorkerError, match="given up"):
        await rows_of(backend, "SELECT 1")


async def test_loading_counts_and_refuses(server: Server, backend: MariaDBBackend, tmp_path: Path) -> None:
    await backend.execute("CREATE OR REPLACE TABLE t.loaded (a TINYINT, b VARCHAR(5))")
    file = tmp_path / "rows.tsv"
    file.write_text("1\tone\n2\t\\N\n")
    assert await backend.load("t", "loaded", ["a", "b"], file, "utf8mb4") == 2
    file.write_text("300\tone\n")
    with pytest.raises(SQLError, match=r"t\.loaded"):
        await backend.load("t", "loaded", ["a", "b"], file, "utf8mb4")
    with pytest.raises(WorkerError, match="lacks a table"):
        await backend.load("t", "missing", ["a"], file, "utf8mb4")
