"""Sub-chunk predicates: statements with and without, and when there are none."""

from __future__ import annotations

from qproxy.dispatch.fragments import Statements
from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import SUB_CHUNK_LIST, Final, Plan
from qproxy.planner.planner import analyze, make_plan
from qproxy.sky.coverage import Coverage
from tests.harness.catalogs import catalog

SKY = catalog()
SESSION = SessionValues("sky", "me@here", 7, "10.11", lambda name: None)
AREA = "qserv_areaspec_circle(10.3, 0.5, 0.2)"


def planned(sql: str) -> Plan:
    analysis = analyze(sql, SKY, SESSION)
    return make_plan(analysis, {lookup: Coverage.of_chunks([324, 325]) for lookup in analysis.lookups})


def statement(sql: str, chunk: int) -> str:
    return Statements(planned(sql), str).batch((chunk,))


def test_a_chunk_that_is_covered_in_part_reads_its_sub_chunks() -> None:
    plan = planned(f"SELECT ra FROM Star WHERE {AREA}")
    wanted = plan.coverage.sub_chunks(324)
    assert wanted
    read = statement(f"SELECT ra FROM Star WHERE {AREA}", 324)
    assert read.endswith(f" AND `Star`.`subChunkId` IN ({', '.join(map(str, sorted(wanted)))})")
    assert "subChunkId" not in plan.partial
    assert SUB_CHUNK_LIST not in plan.shape


def test_a_chunk_that_is_covered_whole_reads_all_its_rows() -> None:
    sql = f"SELECT ra FROM Star WHERE {AREA} OR (ra BETWEEN 10.29 AND 21 AND decl BETWEEN -1 AND 11)"
    plan = planned(sql)
    assert plan.coverage.sub_chunks(325) is None
    assert "subChunkId" in statement(sql, 324)
    assert statement(sql, 325) == plan.partial.replace("§0§Star§", "Star_325")


def test_aggregates_are_combined_over_both_kinds() -> None:
    sql = f"SELECT AVG(mag) FROM Star WHERE {AREA} OR (ra BETWEEN 10.29 AND 21 AND decl BETWEEN -1 AND 11)"
    plan = planned(sql)
    batch = Statements(plan, str).batch((324, 325))
    assert batch.count("subChunkId") == 1
    assert batch.count("UNION ALL") == 1
    assert plan.combined is not None
    assert plan.combined.count(plan.partial) == 1
    assert isinstance(plan.merge, Final)
    assert "subChunkId" not in plan.merge.columns


def test_the_director_of_the_area_alone_is_narrowed() -> None:
    read = statement(f"SELECT o.flux FROM Source o JOIN Star s ON s.starId = o.starId WHERE {AREA}", 324)
    assert read.count("subChunkId") == 1
    assert "`s`.`subChunkId`" in read


def test_an_area_on_either_of_two_tables_narrows_none() -> None:
    sql = (
        "SELECT a.ra FROM Star a JOIN Star b ON a.starId = b.starId "
        "WHERE (a.ra = 10.2 AND a.decl = 0.5) OR (b.ra = 10.4 AND b.decl = 0.5)"
    )
    assert planned(sql).narrowed is None
    assert planned(sql).chunks.tolist() == [324, 325]


def test_ids_narrow_no_sub_chunks() -> None:
    assert planned("SELECT ra FROM Star WHERE starId = 5").narrowed is None
    assert planned("SELECT flux FROM Source WHERE starId = 5").narrowed is None


def test_a_query_with_the_number_that_stands_for_the_list() -> None:
    plan = planned(f"SELECT ra FROM Star WHERE {AREA} AND mag <> {SUB_CHUNK_LIST}")
    assert plan.narrowed is None
    assert plan.partial.endswith(f"<> {SUB_CHUNK_LIST}")


def test_engines_that_read_all_chunks_at_once_take_no_list() -> None:
    plan = planned(f"SELECT ra FROM Star WHERE {AREA}")
    assert "subChunkId" not in Statements(plan, str, lambda template: True).batch((324, 325))
