"""What is remembered of statements: never anything but what reading them again would tell."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from qproxy.backends.base import SessionSettings
from qproxy.catalog.model import Catalog
from qproxy.errors import SQLError
from qproxy.planner.constants import SessionValues
from qproxy.planner.patterns import cut
from qproxy.planner.planner import Analysis, analyze
from qproxy.planner.render import sql as rendered
from qproxy.session.context import visible
from qproxy.session.known import LONGEST, Known, Recent
from qproxy.wire.columns import ColumnDef
from tests.plans.catalogue import SESSION, SKY, step_of
from tests.plans.files import TOPICS, load

#: Integers that a statement may get: such as mean something elsewhere, and those at the ends of types.
INTEGERS = ("0", "1", "2", "5", "36", "100", "1234567", "4294967296", "9223372036854775807")
POINT = "SELECT ra, decl FROM Star WHERE starId = 7"
GOLDEN = [entry["query"] for topic in TOPICS for entry in load(topic)["entries"]]
MADE = [
    "SELECT ra FROM Star WHERE starId = 7 AND starId = 7",
    "SELECT ra FROM Star WHERE starId BETWEEN 7 AND 9 AND mag > 3 LIMIT 2",
    "SELECT ra FROM Star WHERE starId IN (7, 8, 9) OR NOT starId > 5",
    "SELECT ra FROM Star WHERE ra BETWEEN 10 AND 20 AND decl > -5",
    "SELECT ra FROM Star WHERE 7 = starId AND 1 = 1",
    "SELECT ra FROM Star WHERE starId <=> 7 AND name = 'x 5' /* 3 */",
    "SELECT ra, 5 FROM Star WHERE starId = 7 ORDER BY 1 LIMIT 3, 4",
    "SELECT s.ra, o.flux FROM Star s JOIN Source o ON o.starId = s.starId WHERE s.starId = 7 AND o.starId = 7",
    "SELECT s.ra, o.flux FROM Star s LEFT JOIN Source o ON o.starId = s.starId WHERE o.sourceId = 7 AND s.mag < 9",
    "SELECT s.ra, r.ra FROM Star s, Ref r WHERE s.starId = 7 AND r.refId = 7",
    "SELECT s.ra, r.ra FROM Star s JOIN Ref r ON r.ra = s.ra WHERE s.starId IN (7, 8) AND r.refId > 9",
    "SELECT a.ra, b.ra FROM Star a, Star b WHERE a.starId = 7 AND b.starId = 8",
    "SELECT m.separation FROM StarRef m JOIN Star s ON s.starId = m.starId WHERE m.starId = 7 AND m.refId = 8",
    "SELECT COUNT(*), MAX(mag) FROM Star WHERE starId > 7 AND mag < 12",
    "SELECT name, mag FROM Star WHERE mag > 7 AND starId = 9 GROUP BY name, mag HAVING mag > 8 ORDER BY mag LIMIT 5",
    "SELECT DISTINCT name FROM Star WHERE starId - 7 = 9 AND mag * 2 > -3",
    "SELECT b.name FROM Band b WHERE b.bandId = 3",
]


class Remembering:
    """A memory of a catalogue that can be replaced."""

    def __init__(self, catalog: Catalog = SKY, most: int = 64 << 20) -> None:
        self.catalog = catalog
        self.known = Known(lambda: self.catalog, most)

    def __call__(self, sql: str, session: SessionValues = SESSION, catalog: Catalog | None = None) -> Analysis:
        return self.known.analysis(sql, catalog or self.catalog, session)


def told(make: Callable[[str], Analysis], sql: str) -> Any:
    """All that is made of a statement, or its error."""
    try:
        found = make(sql)
        return found.shape, found.names, found.lookups, found.total, found.variables, str(step_of(found))
    except SQLError as error:
        return error.code, error.message


def anew(sql: str) -> Analysis:
    return analyze(sql, SKY, SESSION)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements that were read from their text."""
    found: list[str] = []

    def reading(name: str) -> Callable[..., Any]:
        module = __import__("qproxy.session.known", fromlist=[name])
        original = getattr(module, name)

        def read(sql: str, catalog: Catalog, session: SessionValues) -> Any:
            found.append(sql)
            return original(sql, catalog, session)

        return read

    for name in ("analyze", "understood"):
        monkeypatch.setattr(f"qproxy.session.known.{name}", reading(name))
    return found


@pytest.mark.parametrize("sql", [*GOLDEN, *MADE])
def test_a_statement_means_the_same_each_time(sql: str) -> None:
    remembering = Remembering()
    wanted = told(anew, sql)
    for _ in range(4):
        assert told(remembering, sql) == wanted


@pytest.mark.parametrize("sql", [*GOLDEN, *MADE])
def test_statements_that_differ_in_their_integers_mean_what_they_say(sql: str) -> None:
    remembering = Remembering()
    numbers = random.Random(len(sql))
    parts = cut(sql)
    told(remembering, sql)
    told(remembering, sql)
    for _ in range(6):
        integers = [*(numbers.choice((*INTEGERS, i)) for i in parts.integers), ""]
        other = "".join(a + b for a, b in zip(parts.pieces, integers, strict=True))
        assert told(remembering, other) == told(anew, other), other


def test_a_point_query_is_read_twice_and_then_once_more(reads: list[str]) -> None:
    remembering = Remembering()
    for starid in range(1, 9):
        analysis = remembering(f"SELECT ra, decl FROM Star WHERE starId = {starid}")
        (lookup,) = analysis.lookups
        assert lookup.ids == {starid}
    assert len(reads) == 2
    for _ in range(4):
        remembering("SELECT scisql_angSep(ra, decl, 1, 2) FROM Star")
    assert len(reads) == 4


def test_what_an_answer_depends_on_tells_statements_apart() -> None:
    remembering = Remembering()
    for _ in range(4):
        assert remembering("SELECT 1 FROM Star LIMIT 5").query.limit == 5
        assert remembering("SELECT 1 FROM Star LIMIT 6").query.limit == 6
        assert remembering("SELECT 1 FROM Star").query.limit is None
        assert remembering("SELECT 1 FROM Star", replace(SESSION, select_limit=3)).query.limit == 3
        assert remembering("SELECT 1 FROM Star WHERE starId = 1", replace(SESSION, select_limit=4)).query.limit == 4
        assert remembering("SELECT 1 FROM Star WHERE starId = 2").query.limit is None
        with pytest.raises(SQLError) as refused:
            remembering("SELECT 1 FROM Star", replace(SESSION, database=None))
        assert refused.value.code == 1046
        with pytest.raises(SQLError) as refused:
            remembering("SELECT 1 FROM Star", replace(SESSION, database="deep"))
        assert refused.value.code == 1146


@pytest.mark.parametrize("sql", ["SELECT NOW() FROM Star", "SELECT ra FROM Star WHERE mag < UNIX_TIMESTAMP() - 7"])
def test_time_goes_on(sql: str, reads: list[str]) -> None:
    remembering = Remembering()
    found = set()
    for minute in range(5):
        analysis = remembering(sql, replace(SESSION, now=datetime(2026, 1, 2, 3, minute)))
        assert not analysis.constant
        found.add("".join(rendered(e) for e in analysis.query.expressions()))
    assert len(found) == len(reads) == 5


def test_variables_are_taken_each_time() -> None:
    remembering = Remembering()
    for travel in (False, True):
        for value in range(5):
            session = replace(SESSION, user_variables={"x": value}, variables_travel=travel, variable=lambda n: 7)
            one = remembering("SELECT ra FROM Star WHERE starId = @x", session)
            assert not one.constant
            assert one.variables == ({"x"} if travel else set())
            assert travel or [lookup.ids for lookup in one.lookups] == [{value}]
            assert not remembering("SELECT @@port FROM Star", session).constant


def test_scratch_tables_are_those_of_one_statement() -> None:
    remembering = Remembering()
    sql = "SELECT s.ra, r.ra FROM Star s JOIN Ref r ON r.ra = s.ra WHERE s.starId = 7"
    tables = [remembering(sql, replace(SESSION, statement=f"s{n}")).stages[0].table for n in range(5)]
    assert tables == [f"`qproxy_scratch`.`qs{n}_0`" for n in range(5)]
    assert not remembering(sql).constant


def test_another_catalogue_is_another_meaning(reads: list[str]) -> None:
    remembering = Remembering()
    for _ in range(4):
        remembering(POINT)
        remembering("SELECT * FROM Star")
    before = remembering("SELECT * FROM Star").names
    sky = SKY.databases["sky"]
    star = sky.tables["Star"]
    star = replace(star, columns=star.columns[:3])
    changed = replace(sky, physical="sky__g2", tables={**sky.tables, "Star": star})
    following = replace(SKY, version=2, databases={**SKY.databases, "sky": changed})
    earlier = remembering.catalog

    remembering.known.forget()
    remembering.catalog = following
    # A query that began before the change goes on with what it knew, and leaves nothing behind.
    count = len(reads)
    for _ in range(4):
        assert remembering("SELECT * FROM Star", catalog=earlier).names == before
    assert len(reads) == count + 4
    for _ in range(4):
        assert remembering("SELECT * FROM Star").names == before[:3]
        assert "sky__g2" in remembering(POINT).shape


def test_what_is_forgotten_holds_no_catalogue() -> None:
    import gc
    from weakref import ref

    remembering = Remembering(replace(SKY))
    held = ref(remembering.catalog)
    for _ in range(4):
        for sql in (POINT, "SELECT ABS(ra) FROM Star"):
            remembering.known.keep_columns(remembering(sql), SessionSettings(), [ColumnDef("a", 8)])
    remembering.known.forget()
    remembering.catalog = SKY
    gc.collect()
    assert held() is None


def test_nobody_learns_of_databases_of_others() -> None:
    remembering = Remembering()
    part = visible(SKY, lambda database: database == "sky")
    sql = "SELECT z FROM deep.Galaxy WHERE galaxyId = 7"
    for _ in range(4):
        assert remembering(sql).names == ("z",)
        with pytest.raises(SQLError) as refused:
            remembering(sql, catalog=part)
        assert refused.value.code in (1049, 1146)
        assert remembering(POINT, catalog=part).query.catalog.whole is SKY


def test_long_statements_are_not_remembered(reads: list[str]) -> None:
    remembering = Remembering()
    sql = f"{POINT} /* {'x' * LONGEST} */"
    for _ in range(4):
        remembering(sql)
    assert len(reads) == 4


def test_columns() -> None:
    known = Remembering()
    settings = SessionSettings()
    columns = [ColumnDef("ra", 5), ColumnDef("decl", 5)]
    analysis = known(POINT)
    assert known.known.columns(analysis, settings) is None
    known.known.keep_columns(analysis, settings, columns)

    def same(sql: str, given: SessionSettings = settings) -> bool:
        return known.known.columns(known(sql), given) is not None

    assert same(POINT)
    assert same("SELECT ra, decl FROM Star WHERE starId = 8")
    assert not same("SELECT ra, decl AS d FROM Star WHERE starId = 8")
    assert not same("SELECT decl, ra FROM Star WHERE starId = 8")
    assert not same(POINT, replace(settings, sql_mode="ANSI"))
    assert not same(POINT, replace(settings, collation="utf8mb4_bin"))
    assert not same(POINT, replace(settings, results_charset="latin1"))
    assert not same(POINT, replace(settings, time_zone="+02:00"))
    assert same(POINT, replace(settings, binary=()))
    known.known.forget()
    assert not same(POINT)


def test_columns_of_what_is_not_constant_are_asked_each_time() -> None:
    known = Remembering()
    for sql in ("SELECT NOW()", "SELECT @faint FROM Star"):
        analysis = known(sql)
        known.known.keep_columns(analysis, SessionSettings(), [ColumnDef("a", 8)])
        assert known.known.columns(analysis, SessionSettings()) is None


def test_memory_is_bounded(reads: list[str]) -> None:
    remembering = Remembering(most=100_000)
    for number in range(200):
        for _ in range(3):
            remembering(f"SELECT ra AS n{number} FROM Star WHERE starId = 7")
    parts: Sequence[Recent[Any, Any]] = (remembering.known._forms, remembering.known._meanings)
    assert all(0 < len(part) < 100 for part in parts)
    count = len(reads)
    remembering("SELECT ra AS n199 FROM Star WHERE starId = 7")
    assert len(reads) == count
    remembering("SELECT ra AS n0 FROM Star WHERE starId = 7")
    assert len(reads) == count + 1


def test_recent() -> None:
    recent: Recent[str, int] = Recent(10)
    recent.put("a", 1, 4)
    recent.put("b", 2, 4)
    assert recent.get("a") == 1
    recent.put("c", 3, 4)
    assert [recent.get(k) for k in "abc"] == [1, None, 3]
    recent.put("a", 5, 7)
    assert [recent.get(k) for k in "abc"] == [5, None, None]
    recent.put("d", 6, 11)
    assert len(recent) == 0
    recent.put("a", 7, 1)
    recent.clear()
    assert recent.get("a") is None
