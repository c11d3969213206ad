"""Plans of single queries: coverage, statements, merge, or the exact refusal."""

from __future__ import annotations

import numpy as np
import pytest

from qproxy.errors import SQLError
from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import Final, KeyKind, Lookup, Ordered, Plan, Relay, SortKey
from qproxy.planner.planner import Analysis, analyze, make_plan
from qproxy.sky.coverage import Coverage
from tests.harness.catalogs import CHUNKS, catalog

SKY = catalog()


def variable(name: str) -> str:
    if name != "version_comment":
        raise SQLError(1193, f"Unknown system variable '{name}'")
    return "qproxy"


SESSION = SessionValues("sky", "me@here", 7, "10.11", variable)


def analysed(sql: str) -> Analysis:
    return analyze(sql, SKY, SESSION)


def planned(sql: str, places: tuple[tuple[int, int], ...] = ((36, 1), (37, 2))) -> Plan:
    analysis = analysed(sql)
    return make_plan(analysis, {lookup: Coverage.of_places(places) for lookup in analysis.lookups})


def test_rows_are_relayed_where_nothing_merges_them() -> None:
    plan = planned("SELECT ra, mag FROM Star WHERE mag < 5 LIMIT 3, 10")
    assert plan.merge == Relay(limit=10, offset=3)
    assert plan.limit == 13
    assert plan.partial == (
        "SELECT `Star`.`ra`, `Star`.`mag` FROM `sky__g1`.`§0§Star§` AS `Star` WHERE `Star`.`mag` < 5 LIMIT 13"
    )
    assert plan.combined is None
    assert np.array_equal(plan.chunks, CHUNKS)


def test_aggregates_are_taken_twice() -> None:
    plan = planned("SELECT name, COUNT(*), AVG(mag) + 1 FROM Star GROUP BY name HAVING COUNT(*) > 2 ORDER BY 2 DESC")
    assert isinstance(plan.merge, Final)
    assert "COUNT(*) AS `p1`, SUM(`Star`.`mag`) AS `p2`, COUNT(`Star`.`mag`) AS `p3`" in plan.partial
    assert plan.combined is not None
    assert plan.partial in plan.combined
    assert plan.combined.startswith("SELECT `p0` AS `p0`, SUM(`p1`) AS `p1`, SUM(`p2`) AS `p2`, SUM(`p3`) AS `p3`")
    assert plan.merge.statement == (
        "SELECT `p0`, CAST(COALESCE(SUM(`p1`), 0) AS SIGNED), (SUM(`p2`) / SUM(`p3`)) + 1 FROM `§merge§` "
        "GROUP BY `p0` HAVING CAST(COALESCE(SUM(`p1`), 0) AS SIGNED) > 2 "
        "ORDER BY CAST(COALESCE(SUM(`p1`), 0) AS SIGNED) DESC"
    )


def test_a_float_travels_as_double_and_keeps_its_type() -> None:
    plan = planned("SELECT DISTINCT mag FROM Star")
    assert isinstance(plan.merge, Final)
    assert "(`Star`.`mag` + 0e0) AS `p0`" in plan.partial
    assert "SELECT DISTINCT `Star`.`mag` AS `p0`" in plan.merge.columns


def test_order_and_limit_are_pushed_down() -> None:
    plan = planned("SELECT starId FROM Star ORDER BY decl DESC LIMIT 5 OFFSET 2")
    assert plan.partial.endswith("ORDER BY `Star`.`decl` DESC LIMIT 7")
    assert plan.combined is not None
    assert plan.combined.endswith("ORDER BY `k0` DESC LIMIT 7")
    assert plan.merge == Ordered((SortKey(KeyKind.REAL, True),), 5, 2)


def test_order_of_text_is_left_to_an_engine() -> None:
    plan = planned("SELECT starId FROM Star ORDER BY name DESC LIMIT 5 OFFSET 2")
    assert plan.combined is not None
    assert plan.combined.endswith("ORDER BY `p1` DESC LIMIT 7")
    assert isinstance(plan.merge, Final)
    assert plan.merge.statement == "SELECT `p0` FROM `§merge§` ORDER BY `p1` DESC LIMIT 5 OFFSET 2"


def test_one_chunk_needs_no_merge() -> None:
    plan = planned("SELECT COUNT(DISTINCT name) FROM Star WHERE starId = 5", places=((36, 1),))
    assert plan.merge == Relay()
    assert plan.chunks.tolist() == [36]
    assert "COUNT(DISTINCT `Star`.`name`)" in plan.partial


def test_what_has_no_merge_rule_is_gathered() -> None:
    plan = planned("SELECT COUNT(DISTINCT name), STD(mag) FROM Star")
    assert isinstance(plan.merge, Final)
    assert not plan.merge.bounded
    assert plan.partial.startswith("SELECT `Star`.`name` AS `p0`, (`Star`.`mag` + 0e0) AS `p1` FROM")


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("starId = 5", {5}),
        ("5 = starId", {5}),
        ("(starId IN (1, -2, 3))", {1, -2, 3}),
    ],
)
def test_ids_are_looked_up(condition: str, ids: set[int]) -> None:
    assert analysed(f"SELECT ra FROM Star WHERE {condition}").lookups == {Lookup(("sky", "Star"), frozenset(ids))}


def test_ids_of_a_child_with_orphans_are_looked_up_in_both_indexes() -> None:
    found = analysed("SELECT mjd FROM Visit WHERE starId = 5").lookups
    assert found == {Lookup(("sky", "Star"), frozenset((5,)), ("sky", "Visit"))}


@pytest.mark.parametrize(
    "condition",
    [
        "starId <> 5",
        "NOT starId = 5",
        "starId NOT IN (1, 2)",
        "starId = 5 OR mag < 3",
        "starId = '5'",
        "starId = 5.5",
        "starId = 5 + 0 * mag",
        "scisql_s2PtInCircle(ra, decl, 10, 20, 1) = 0",
        "NOT scisql_s2PtInCircle(ra, decl, 10, 20, 1)",
        "scisql_s2PtInCircle(decl, ra, 10, 20, 1) = 1",
        "scisql_s2PtInCircle(ra, decl, 10, 20, mag) = 1",
    ],
)
def test_what_is_not_understood_never_narrows(condition: str) -> None:
    plan = planned(f"SELECT ra FROM Star WHERE {condition}")
    assert plan.coverage.is_everything


def test_and_intersects_and_or_unites() -> None:
    both = analysed("SELECT ra FROM Star WHERE starId IN (1) AND starId IN (2)")
    one, two = Lookup(("sky", "Star"), frozenset((1,))), Lookup(("sky", "Star"), frozenset((2,)))
    found = {one: Coverage.of_places([(36, 1)]), two: Coverage.of_places([(37, 1)])}
    assert make_plan(both, found).chunks.tolist() == []
    either = analysed("SELECT ra FROM Star WHERE starId IN (1) OR starId IN (2)")
    together = Lookup(("sky", "Star"), frozenset((1, 2)))
    assert make_plan(either, {together: Coverage.of_places([(36, 1), (37, 1)])}).chunks.tolist() == [36, 37]
    with_area = analysed("SELECT ra FROM Star WHERE starId IN (1) OR qserv_areaspec_box(0, 5, 350, 15)")
    assert make_plan(with_area, {one: Coverage.of_places([(36, 1)])}).chunks.tolist() == [36, 324, 325, 326, 360]


def test_long_chains_as_programs_write_them() -> None:
    (lookup,) = analysed("SELECT ra FROM Star WHERE " + " OR ".join(f"starId = {n}" for n in range(3000))).lookups
    assert lookup.ids == frozenset(range(3000))
    conditions = " AND ".join(f"starId <> {n}" for n in range(3000))
    plan = planned(f"SELECT ra FROM Star WHERE {conditions} AND qserv_areaspec_circle(10, 10, 1)")
    assert 0 < len(plan.chunks) < len(CHUNKS)
    assert plan.partial.count("<>") == 3000
    assert "areaspec" not in plan.partial


def test_an_area_covers_few_chunks_and_restricts_rows() -> None:
    plan = planned("SELECT ra FROM Star WHERE qserv_areaspec_circle(5, 0.5, 0.1)")
    assert set(plan.chunks.tolist()) <= {324, 325, 326}
    assert "WHERE" in plan.partial
    assert "areaspec" not in plan.partial


def test_an_area_of_a_child_alone_reads_every_chunk() -> None:
    # A child lies with its director, which may stand on the other side of the area's edge.
    assert planned("SELECT flux FROM Source WHERE qserv_areaspec_circle(5, 0.5, 0.1)").coverage.is_everything


def test_an_outer_join_reads_chunks_that_only_its_kept_side_has() -> None:
    plan = planned("SELECT s.starId, o.flux FROM Star s LEFT JOIN Source o ON s.starId = o.starId")
    assert np.array_equal(plan.chunks, CHUNKS)
    assert [s.required for s in plan.slots] == [True, False]
    inner = planned("SELECT s.starId, o.flux FROM Star s JOIN Source o ON s.starId = o.starId")
    assert np.array_equal(inner.chunks, CHUNKS[:4])


def test_pairs_are_counted_once() -> None:
    assert (
        "(`StarRef`.`flags` <> 2 OR `StarRef`.`starId` IS NULL)"
        in planned("SELECT COUNT(separation) FROM StarRef").partial
    )
    by_second = planned("SELECT COUNT(*) FROM StarRef m JOIN Ref r ON m.refId = r.refId").partial
    assert "(`m`.`flags` <> 1 OR `m`.`refId` IS NULL)" in by_second
    outer = planned("SELECT COUNT(*) FROM Star s LEFT JOIN StarRef m ON s.starId = m.starId").partial
    assert "ON `s`.`starId` = `m`.`starId` AND (`m`.`flags` <> 2" in outer


def test_session_values_are_the_same_on_every_worker() -> None:
    plan = planned("SELECT DATABASE(), @@version_comment, CONNECTION_ID(), ra FROM Star")
    assert plan.partial.startswith("SELECT 'sky', 'qproxy', 7, `Star`.`ra`")
    assert plan.names[:2] == ("DATABASE()", "@@version_comment")


@pytest.mark.parametrize(
    ("sql", "code", "text"),
    [
        ("SELECT a FROM nowhere.T", 1049, "Unknown database 'nowhere'"),
        ("SELECT a FROM Nope", 1146, "Table 'sky.Nope' doesn't exist"),
        ("SELECT nope FROM Star", 1054, "Unknown column 'nope' in 'SELECT'"),
        ("SELECT s.nope FROM Star s", 1054, "Unknown column 's.nope' in 'SELECT'"),
        ("SELECT chunkId FROM Star", 1054, "Unknown column 'chunkId' in 'SELECT'"),
        ("SELECT ra FROM Star WHERE nope = 1", 1054, "'WHERE'"),
        ("SELECT ra FROM Star ORDER BY 7", 1054, "Unknown column '7' in 'ORDER BY'"),
        ("SELECT ra FROM Star GROUP BY nope", 1054, "'GROUP BY'"),
        ("SELECT ra FROM Star HAVING mag > 1", 1054, "'HAVING'"),
        ("SELECT ra FROM Star a, Ref b WHERE a.starId = b.refId", 1052, "Column 'ra' in SELECT is ambiguous"),
        ("SELECT 1 FROM Star, Star", 1066, "Not unique table/alias: 'Star'"),
        ("SELECT x.* FROM Star", 1051, "Unknown table 'x'"),
        ("SELECT *", 1096, "No tables used"),
        ("SELECT ra FROM Star WHERE COUNT(*) > 1", 1111, "Invalid use of group function"),
        ("SELECT nope(ra) FROM Star", 1305, "FUNCTION nope does not exist"),
        ("SELECT SLEEP(1)", 1235, "SLEEP()"),
        ("SELECT LOAD_FILE('/etc/passwd')", 1235, "LOAD_FILE()"),
        ("SELECT GET_LOCK('a', 1) FROM Star", 1235, "GET_LOCK()"),
        ("SELECT ra FROM Star FOR UPDATE", 1235, "FOR UPDATE"),
        ("SELECT @@nope", 1193, "Unknown system variable 'nope'"),
        ("SELECT @a := 1", 1235, "assignments"),
        ("SELECT 1 FROM Band b, Star s JOIN Visit v ON v.visitId = b.bandId", 1054, "Unknown column 'b.bandId'"),
        ("SELECT name FROM Band b, Star JOIN Visit USING (starId)", 1052, "Column 'name' in SELECT is ambiguous"),
        ("SELECT 1 FROM Band b, Star JOIN Visit USING (bandId)", 1054, "Unknown column 'bandId' in 'FROM'"),
        ("TABLE Star", 1235, "the statement TABLE Star"),
        ("SELECT starId FROM Star AS s(a)", 1235, "AS s(a)"),
        ("SELECT starId FROM other.sky.Star", 1235, "other.sky.Star"),
        ("SELECT starId FROM Star FOR SYSTEM_TIME AS OF '2020-01-01'", 1235, "this in FROM"),
        ("SELECT RAND() AS r FROM Star HAVING r < 0.5", 1235, "HAVING on RAND()"),
        ("SELECT '§0§Star§' FROM Star", 1235, "the text §0§"),
        ("SELECT COUNT(*), _utf8'\\§merge§' FROM Star", 1235, "the text §merge§"),
        ("SELECT 1 FROM Band WHERE qserv_areaspec_box(0, 0, 1, 1)", 1210, "qserv_areaspec_box"),
        ("SELECT ra FROM Star WHERE qserv_areaspec_box(0, 0, 1)", 1582, "qserv_areaspec_box"),
        ("SELECT ra FROM Star WHERE qserv_areaspec_circle(0, 0, mag)", 1210, "not a constant number"),
        ("SELECT ra FROM Star WHERE qserv_areaspec_hull(0, 0, 1)", 1305, "qserv_areaspec_hull"),
    ],
)
def test_refusals(sql: str, code: int, text: str) -> None:
    with pytest.raises(SQLError) as refused:
        planned(sql)
    assert (refused.value.code, text in refused.value.message) == (code, True), refused.value.message


@pytest.mark.parametrize(
    "from_",
    [
        "Star a LEFT JOIN Source c USING (starId) LEFT JOIN Visit v ON v.starId = c.starId AND v.starId = a.starId",
        "Star a LEFT JOIN Star b ON b.mag = a.mag LEFT JOIN Source c ON c.starId = a.starId WHERE c.starId = b.starId",
        "Star a JOIN Star b LEFT JOIN Source c ON c.starId = b.starId AND c.starId = a.starId WHERE a.starId=b.starId",
    ],
)
def test_joins_that_stay_within_a_chunk(from_: str) -> None:
    assert len(planned(f"SELECT a.starId FROM {from_}").slots) == 3


def test_no_database_selected() -> None:
    with pytest.raises(SQLError) as refused:
        analyze("SELECT ra FROM Star", SKY, SessionValues(None, "me@here", 1, "10.11", variable))
    assert refused.value.code == 1046


def test_first_rows_of_distinct_values_are_passed_over_in_the_proxy() -> None:
    plan = planned("SELECT DISTINCT bandId FROM Band LIMIT 3 OFFSET 2")
    assert plan.partial.endswith("LIMIT 5")
    assert plan.merge == Relay(3, 2)
