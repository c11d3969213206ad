"""Prepared statements of a whole proxy beside a plain server with the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from qproxy.wire.columns import ColumnDef, ColumnType
from qproxy.wire.prepared import LAST_ROW_SENT
from tests.harness import data
from tests.harness.files import Striping
from tests.harness.oracle import running_oracle
from tests.harness.systems import clustered, embedded
from tests.wire.prepared_client import Bound, Failure, PreparedClient, double, integer, text


@dataclass
class Both:
    """A client of the plain server, and one of the proxy."""

    plain: PreparedClient
    proxy: PreparedClient


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int, int]]:
    """The plain server, a cluster, and the embedded engine."""
    catalogue = data.make()
    striping = Striping(6, 3)
    with (
        running_oracle(catalogue) as oracle,
        clustered(catalogue, striping) as cluster,
        embedded(catalogue, striping) as engine,
    ):
        yield oracle.port, cluster, engine


@pytest.fixture
def both(ports: tuple[int, int, int]) -> Iterator[Both]:
    pair = Both(PreparedClient(ports[0], database="sky"), PreparedClient(ports[1], database="sky"))
    yield pair
    pair.plain.close()
    pair.proxy.close()


@pytest.fixture
def engine(ports: tuple[int, int, int]) -> Iterator[PreparedClient]:
    client = PreparedClient(ports[2], database="sky")
    yield client
    client.close()


_ID = 433000017
_ALL = (
    "objectId, ra_PS, iFlux_PS, mag, nObs, flagBits, htmId, isStar, firstDate, lastSeen, code, name,"
    " payload, bits, class"
)
QUERIES: list[tuple[str, tuple[Bound, ...]]] = [
    ("SELECT ?, ? + 1, (?), CONCAT(?, 'x') AS c", (integer(5), integer(6), integer(7), text("g'rün\\ \"?"))),
    (f"SELECT {_ALL} FROM Object WHERE objectId = ?", (integer(_ID),)),
    (f"SELECT {_ALL} FROM Object WHERE objectId = ?", (double(_ID),)),
    (f"SELECT {_ALL} FROM Object ORDER BY objectId LIMIT ?", (integer(50),)),
    ("SELECT * FROM Object WHERE objectId IN (?, ?) ORDER BY objectId", (integer(_ID), integer(-8))),
    ("SELECT iFlux_PS FROM Object WHERE nObs > ? ORDER BY objectId", (integer(100),)),
    (
        "SELECT class, COUNT(*), MAX(iFlux_PS) FROM Object GROUP BY class HAVING COUNT(*) > ? ORDER BY ?",
        (integer(3),) * 2,
    ),
    ("SELECT COUNT(*) FROM Object WHERE name = ? OR name IS NULL", (text("Vega"),)),
    ("SELECT COUNT(*) FROM Object WHERE name = ?", (text("x' OR 1=1 -- "),)),
    ("SELECT PI(), objectId FROM Object WHERE objectId > ?", (integer(433000500),)),
    ("SELECT 5 - ?", (integer(10, ColumnType.TINY, True),)),
    ("SELECT SUM(nObs) + ?, AVG(mag) FROM Object", (integer(1),)),
    ("SHOW TABLES", ()),
    ("SHOW TABLES WHERE LENGTH(Tables_in_sky) > ? AND Tables_in_sky LIKE ?", (integer(6), text("%e%"))),
    ("SELECT '?', `name` FROM Object /* ? */ WHERE objectId = ? -- ?", (integer(_ID),)),
]


def _told(columns: list[ColumnDef]) -> list[tuple[object, ...]]:
    return [(c.name, c.type, c.charset, c.flags & 32, c.decimals) for c in columns]


@pytest.mark.parametrize(("sql", "bound"), QUERIES, ids=[q[0][:60] for q in QUERIES])
def test_same_rows_and_columns(sql: str, bound: tuple[Bound, ...], both: Both) -> None:
    wanted, got = _outcome(both.plain, sql, bound), _outcome(both.proxy, sql, bound)
    assert got == wanted


def _outcome(client: PreparedClient, sql: str, bound: tuple[Bound, ...]) -> object:
    taken = client.prepare(sql)
    try:
        result = client.execute(taken.number, *bound)
    except Failure as failure:
        return failure.code
    return len(taken.parameters), _told(taken.columns), _told(result.columns), sorted(result.packets)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT nope FROM Object WHERE ? = 1",
        "SELECT 1 FROM Nowhere WHERE ? = 1",
        "SELECT DATE ?",
        "SELECT a ? FROM Object",
        "SELECT ? FROM WHERE",
        "SHOW TABLES LIKE ?",
        "",
        "SELECT 1; SELECT 2",
        "PREPARE a FROM 'SELECT 1'",
        "EXECUTE a",
    ],
)
def test_refused_when_prepared(sql: str, both: Both) -> None:
    codes = []
    for client in (both.plain, both.proxy):
        with pytest.raises(Failure) as caught:
            client.prepare(sql)
        codes.append(caught.value.code)
    assert codes[0] == codes[1]


def test_writes_are_refused_when_prepared(both: Both) -> None:
    with pytest.raises(Failure) as caught:
        both.proxy.prepare("INSERT INTO Object (objectId) VALUES (?)")
    assert caught.value.code == 1290


def test_statements_without_rows(both: Both) -> None:
    proxy = both.proxy
    for sql, bound in (("SET @a = ?", (integer(-7),)), ("COMMIT", ()), ("USE sky", ())):
        taken = proxy.prepare(sql)
        assert not taken.columns
        assert not proxy.execute(taken.number, *bound).columns
    assert proxy.query("SELECT @a")[2] == b"\x02-7"


def test_areas_take_placeholders(both: Both) -> None:
    proxy = both.proxy
    plain = proxy.query("SELECT COUNT(*) FROM Object WHERE qserv_areaspec_box(0, -30, 200, 45)")[2]
    taken = proxy.prepare("SELECT COUNT(*) FROM Object WHERE qserv_areaspec_box(?, ?, ?, ?)")
    assert [c.name for c in taken.columns] == ["COUNT(*)"]
    bound = (double(0), double(-30), integer(200), double(45.0))
    assert proxy.execute(taken.number, *bound).rows == [[plain[1:]]]
    assert plain[1:] != b"0"


def test_executed_again_with_other_values(both: Both) -> None:
    sql = "SELECT objectId, iFlux_PS FROM Object WHERE nObs > ? ORDER BY objectId LIMIT ?"
    for first, second in (((100, 5), (190, 50)), ((0, 0), (50, 2000))):
        answers = []
        for client in (both.plain, both.proxy):
            number = client.prepare(sql).number
            client.execute(number, integer(first[0]), integer(first[1]))
            answers.append(client.execute(number, integer(second[0]), integer(second[1]), types=False).packets)
        assert answers[0] == answers[1]


def test_cursor_gives_every_row(both: Both) -> None:
    sql = "SELECT objectId, name, iFlux_PS FROM Object ORDER BY objectId"
    found = []
    for client in (both.plain, both.proxy):
        number = client.prepare(sql).number
        opened = client.execute(number, cursor=True)
        rows: list[bytes] = []
        while True:
            part = client.fetch(number, 333, opened.columns)
            rows += part.packets
            client.query("SELECT 1")
            if part.status & LAST_ROW_SENT:
                break
        found.append(rows)
    assert found[0] == found[1] and len(found[0]) == 3000


def test_embedded_engine(engine: PreparedClient, both: Both) -> None:
    for sql, bound in QUERIES[1:7]:
        assert sorted(engine.run(sql, *bound).packets) == sorted(both.plain.run(sql, *bound).packets), sql


def test_prepared_by_sql(both: Both) -> None:
    statements = [
        "SET @id = 433000017, @t = 'g''rün'",
        "PREPARE s FROM 'SELECT objectId, ? AS t FROM Object WHERE objectId = ?'",
        "EXECUTE s USING @t, @id",
        "EXECUTE S USING 5, 433000017",
        "SET @q = 'SELECT COUNT(*) FROM Object WHERE nObs > ? LIMIT ?'",
        "PREPARE s FROM @q",
        "EXECUTE s USING 100, 1",
        "EXECUTE IMMEDIATE 'SELECT ? + 1' USING 41",
    ]
    for sql in statements:
        assert _texts(both.proxy, sql) == _texts(both.plain, sql), sql
    for sql, code in (
        ("EXECUTE s USING 1", 1210),
        ("EXECUTE nobody", 1243),
        ("PREPARE s FROM 'SELEC'", 1064),
        ("EXECUTE s USING 1, 1", 1243),
        ("DEALLOCATE PREPARE s", 1243),
    ):
        codes = []
        for client in (both.plain, both.proxy):
            with pytest.raises(Failure) as caught:
                client.query(sql)
            codes.append(caught.value.code)
        assert codes == [code, code], sql
    for client in (both.plain, both.proxy):
        client.query("PREPARE a FROM 'SELECT 1'")
        client.query("DROP PREPARE a")


def _texts(client: PreparedClient, sql: str) -> list[bytes]:
    answer = client.query(sql)
    return answer[1 + answer[0][0] : -1]


def test_placeholders_belong_to_prepared_statements(both: Both) -> None:
    for client in (both.plain, both.proxy):
        with pytest.raises(Failure) as caught:
            client.query("SELECT ? + 1")
        assert caught.value.code == 1064
