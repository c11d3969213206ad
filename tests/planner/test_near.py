"""Plans of near-neighbour joins: which tables a chunk's statement reads, whose chunks are read, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qproxy.catalog.model import Catalog, TableKind
from qproxy.errors import SQLError
from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import Plan
from qproxy.planner.planner import Analysis, analyze, make_plan
from qproxy.sky.coverage import Coverage
from tests.harness.catalogs import CHUNKS, catalog, columns

SESSION = SessionValues("sky", "me@here", 7, "10.11", lambda name: None)


def analysed(sql: str, sky: Catalog | None = None) -> Analysis:
    return analyze(sql, sky or catalog(), SESSION)


def planned(sql: str, sky: Catalog | None = None) -> Plan:
    analysis = analysed(sql, sky)
    return make_plan(analysis, {lookup: Coverage.of_places([(36, 1)]) for lookup in analysis.lookups})


def near(one: str, other: str, radius: str) -> str:
    return f"scisql_angSep({one}.ra, {one}.decl, {other}.ra, {other}.decl) < {radius}"


def reads(plan: Plan) -> list[tuple[str, bool]]:
    """The chunk tables of a plan, and whether each must have rows."""
    return [(slot.marker, slot.required) for slot in plan.slots]


def anchor(plan: Plan) -> str:
    """The marker of the one table whose rows are those of the chunk alone."""
    return next(slot.marker for slot in plan.slots if slot.required)


def refused(sql: str, sky: Catalog | None = None) -> str:
    with pytest.raises(SQLError) as caught:
        analysed(sql, sky)
    assert caught.value.code == 1235
    return str(caught.value)


def test_one_side_reads_the_chunk_and_the_other_its_overlap_too() -> None:
    plan = planned(f"SELECT a.starId, b.mag FROM Star a, Star b WHERE {near('a', 'b', '0.01')}")
    assert reads(plan) == [("§0§Star§", True), ("§1§Star§", False), ("§1§StarFullOverlap§", False)]
    assert "`§0§Star§` AS `a` STRAIGHT_JOIN (SELECT 0 AS `qproxy_row`" in plan.partial
    assert "`qproxy_neighbour` = 1) AS `b` ON `b`.`qproxy_cell` = CAST(" in plan.partial
    # The condition itself decides.
    assert plan.partial.split(" WHERE ")[-1].endswith("< 0.01")
    assert plan.chunks.tolist() == list(CHUNKS)


def test_only_columns_that_are_used_are_put_together() -> None:
    plan = planned(f"SELECT a.name FROM Star a JOIN Star b ON {near('a', 'b', '0.01')} AND b.MAG < 9")
    assert plan.partial.count("SELECT `mag`, `ra`, `decl`, CAST(") == 2
    assert "`starId`" not in plan.partial


@pytest.mark.parametrize(
    "condition",
    [
        "scisql_angSep(a.ra, a.decl, b.ra, b.decl) <= 0.01667",
        "0.01667 > SCISQL_ANGSEP(b.ra, b.decl, a.ra, a.decl)",
        "(0.005 * 2 >= scisql_angSep(a.RA, a.decl, b.ra, b.Decl))",
        "scisql_angSep(a.ra, a.decl, b.ra, b.decl) BETWEEN 0.001 AND 0.01",
        "scisql_angSep_0_3_11(a.ra, a.decl, b.ra, b.decl) < 0.01",
    ],
)
def test_ways_to_say_near(condition: str) -> None:
    plan = planned(f"SELECT COUNT(*) FROM Star a JOIN Ref b ON {condition}")
    assert any(slot.overlap for slot in plan.slots)


@pytest.mark.parametrize(
    "condition",
    [
        "scisql_angSep(a.ra, a.decl, b.ra, b.decl) > 0.01",
        "scisql_angSep(a.ra, a.decl, b.ra, b.decl) = 0.01",
        "scisql_angSep(a.ra, a.decl, b.ra, b.decl) <> 0.01",
        "scisql_angSep(a.decl, a.ra, b.ra, b.decl) < 0.01",
        "scisql_angSep(a.ra, b.decl, b.ra, a.decl) < 0.01",
        "scisql_angSep(a.ra, a.decl, b.ra, b.decl) < b.refId",
        "NOT scisql_angSep(a.ra, a.decl, b.ra, b.decl) < 0.01",
        "(scisql_angSep(a.ra, a.decl, b.ra, b.decl) < 0.01 OR b.refId = 1)",
    ],
)
def test_what_does_not_bring_near(condition: str) -> None:
    analysis = analysed(f"SELECT COUNT(*) FROM Star a JOIN Ref b ON {condition}")
    assert not any(slot.overlap for slot in analysis.query.slots)
    assert analysis.stages


def test_a_left_join_keeps_its_side_and_finds_the_other() -> None:
    plan = planned(f"SELECT a.starId, b.refId FROM Star a LEFT JOIN Ref b ON {near('a', 'b', '0.01')}")
    assert anchor(plan) == "§0§Star§"
    assert "LEFT JOIN ((SELECT 0 AS `qproxy_row`" in plan.partial
    turned = planned(f"SELECT a.starId, b.refId FROM Star a RIGHT JOIN Ref b ON {near('a', 'b', '0.01')}")
    assert anchor(turned) == "§1§Ref§"
    assert "`§1§Ref§` AS `b` LEFT JOIN ((SELECT 0 AS `qproxy_row`" in turned.partial


def test_radii_of_a_chain_add_up() -> None:
    chain = "SELECT COUNT(*) FROM Star a, Star b, Star c WHERE "
    plan = planned(chain + f"{near('a', 'b', '0.007')} AND {near('b', 'c', '0.012')}")
    assert anchor(plan) == "§1§Star§"
    assert "0.01667 degrees" in refused(chain + f"{near('a', 'b', '0.012')} AND {near('b', 'c', '0.02')}")
    longer = "SELECT COUNT(*) FROM Star a, Star b, Star c, Star d WHERE "
    told = refused(longer + f"{near('a', 'b', '0.009')} AND {near('b', 'c', '0.009')} AND {near('c', 'd', '0.009')}")
    assert "further away than the overlap of the chunks, 0.01667 degrees" in told


def test_a_radius_beyond_the_overlap_is_refused_unless_one_side_can_be_read_first() -> None:
    join = f"SELECT COUNT(*) FROM Star a JOIN Star b ON {near('a', 'b', '0.5')}"
    assert "within 0.5 degrees: the overlap of their chunks is 0.01667 degrees" in refused(join)
    analysis = analysed(f"{join} WHERE a.starId = 7")
    assert [stage.table for stage in analysis.stages]
    assert not any(slot.overlap for slot in analysis.query.slots)


def test_conditions_on_the_other_side_do_not_narrow_the_chunks() -> None:
    join = f"SELECT COUNT(*) FROM Star a LEFT JOIN Star b ON {near('a', 'b', '0.01')} WHERE "
    for condition in ("scisql_s2PtInCircle(b.ra, b.decl, 180, 89, 0.1) = 1", "b.starId = 8", "b.decl > 80"):
        assert planned(join + condition).chunks.tolist() == list(CHUNKS)
        assert planned(f"{join}{condition} AND a.starId = 7").chunks.tolist() == [36]


def test_the_side_that_is_restricted_is_the_anchor() -> None:
    join = f"SELECT COUNT(*) FROM Star a JOIN Star b ON {near('a', 'b', '0.01')} WHERE "
    assert anchor(planned(join + "a.starId = 7")) == "§0§Star§"
    assert anchor(planned(join + "b.starId = 7")) == "§1§Star§"
    assert anchor(planned(join + "scisql_s2PtInCircle(b.ra, b.decl, 5, -89, 0.1) = 1")) == "§1§Star§"


def test_children_lie_with_the_anchor() -> None:
    join = f"SELECT COUNT(*) FROM Star a JOIN Star b ON {near('a', 'b', '0.01')} JOIN Source s ON s.starId = "
    assert anchor(planned(join + "a.starId")) == "§0§Star§"
    assert anchor(planned(join + "b.starId")) == "§1§Star§"
    # Those of the other side lie elsewhere: they are read first.
    both = analysed(join + "a.starId JOIN Visit v ON v.starId = b.starId")
    assert len(both.stages) == 1


def test_columns_that_a_union_changes_are_the_anchors_or_refused() -> None:
    sky = catalog()
    star = replace(
        sky.databases["sky"].tables["Star"],
        columns=columns("starId bigint(20)", "ra double", "decl double", "mag float", "class enum('b','a')"),
    )
    tables = dict(sky.databases["sky"].tables) | {"Star": star}
    sky = replace(sky, databases={"sky": replace(sky.databases["sky"], tables=tables)})
    join = f"FROM Star a JOIN Star b ON {near('a', 'b', '0.01')}"
    assert anchor(planned(f"SELECT b.class {join}", sky)) == "§1§Star§"
    assert "'b.class' of the type ENUM" in refused(f"SELECT a.class, b.class {join}", sky)


def test_directors_of_other_families_and_children_are_not_found_by_separation() -> None:
    sky = catalog()
    database = sky.databases["sky"]
    other = replace(database, name="far", physical="far__g1", family=replace(database.family, stripes=19))
    far = {name: replace(t, database="far") for name, t in database.tables.items() if t.kind is TableKind.DIRECTOR}
    sky = replace(sky, databases={"sky": database, "far": replace(other, tables=far)})
    analysis = analysed(f"SELECT COUNT(*) FROM Star a JOIN far.Star b ON {near('a', 'b', '0.01')}", sky)
    assert not any(slot.overlap for slot in analysis.query.slots)
    child = analysed(f"SELECT COUNT(*) FROM Star a JOIN Source b ON {near('a', 'b', '0.01')}")
    assert not any(slot.overlap for slot in child.query.slots)
