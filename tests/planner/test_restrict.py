"""Coverage of conditions: MariaDB says which rows satisfy them, and none of these lies outside.

Rows crowd where the sphere is awkward: at the poles, at longitude 0 and its multiples of 360, on the borders of chunks;
their longitudes are stored as written, also outside [0, 360).
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from qproxy.catalog.model import Catalog, ChunkRows, Database, Family, Table
from qproxy.planner.bind import bind
from qproxy.planner.constants import SessionValues
from qproxy.planner.parse import parse
from qproxy.planner.plan import IdRange, Lookup, Plan, Template
from qproxy.planner.planner import analyze, make_plan
from qproxy.planner.query import Query
from qproxy.planner.restrict import laters, lookups, narrowed, resolve, restrict, settle
from qproxy.sky.chunker import Chunker
from qproxy.sky.coverage import EVERYTHING, Coverage
from tests.harness import catalogs
from tests.harness.mariadbd import Server, running_server

FAMILIES = (Family(18, 10, 0.01), Family(85, 12, 0.01), Family(1, 1, 0.01), Family(3, 1, 0.01))
SESSION = SessionValues("sky", "me@here", 7, "10.11", lambda name: None)
ROWS = 4000
SEED = 6


def positions(rng: random.Random) -> list[tuple[float, float]]:
    """Longitudes as stored, and latitudes, degrees."""
    places = [(lon, lat) for lon in (-360.0, -1e-9, 0.0, 359.9999999999, 360.0, 725.0) for lat in (-90.0, 0.0, 90.0)]
    places += [(rng.uniform(0, 360), rng.choice((-1, 1)) * (90 - 10 ** rng.uniform(-9, 0.5))) for _ in range(400)]
    places += [(rng.choice((-360, 0, 360, 720)) + rng.gauss(0, 1), rng.uniform(-90, 90)) for _ in range(600)]
    places += [(rng.randrange(-36, 80) * 10.0, rng.randrange(-9, 10) * 10.0) for _ in range(300)]
    while len(places) < ROWS:
        places.append((rng.uniform(-400, 800), float(np.degrees(np.arcsin(rng.uniform(-1, 1))))))
    return places


class Sky:
    """Random rows on a plain server, and catalogues that say they lie in chunks."""

    def __init__(self, server: Server) -> None:
        rng = random.Random(SEED)
        self.places = positions(rng)
        self.ids = rng.sample(range(-500, 20_000), len(self.places))
        self.catalogs: dict[Family, Catalog] = {}
        self.located: dict[Family, list[tuple[int, int]]] = {}
        lon, lat = np.array([p[0] for p in self.places]), np.array([p[1] for p in self.places])
        for family in FAMILIES:
            chunks, subs = Chunker(family.stripes, family.sub_stripes).locate(lon, lat)
            self.located[family] = list(zip(chunks.tolist(), subs.tolist(), strict=True))
            self.catalogs[family] = self._catalog(family)
        server.script(["CREATE DATABASE sky__g1"])
        self.connection = server.connect("sky__g1")
        with self.connection.cursor() as cursor:
            cursor.execute("CREATE TABLE rows_ (n INT, starId BIGINT, ra DOUBLE, decl DOUBLE, mag FLOAT)")
            rows = [(n, i, x, y, n % 7) for n, (i, (x, y)) in enumerate(zip(self.ids, self.places, strict=True))]
            cursor.executemany("INSERT INTO rows_ VALUES (%s, %s, %s, %s, %s)", rows)

    def _catalog(self, family: Family) -> Catalog:
        sky = catalogs.catalog()
        chunks = np.unique(np.array([c for c, _ in self.located[family]], np.int32))
        held = ChunkRows(chunks, np.full(len(chunks), 9, np.int64), np.ones(len(chunks), np.bool_))
        star: Table = sky.databases["sky"].tables["Star"]
        star = replace(star, columns=(*star.columns, *catalogs.columns("n int(11)")), chunk_rows=held)
        return replace(sky, databases={"sky": Database("sky", "sky__g1", family, {"Star": star})})

    def plan(self, family: Family, condition: str) -> Plan:
        """The plan of a query on the rows, its ids looked up among them."""
        analysis = analyze(f"SELECT n FROM Star WHERE {condition}", self.catalogs[family], SESSION)
        return make_plan(analysis, {lookup: self.of_ids(family, lookup) for lookup in analysis.lookups})

    def of_ids(self, family: Family, lookup: Lookup) -> Coverage:
        wanted = lookup.ids.holds if isinstance(lookup.ids, IdRange) else frozenset[Any](lookup.ids).__contains__
        return Coverage.of_places(p for i, p in zip(self.ids, self.located[family], strict=True) if wanted(i))

    def hits(self, plan: Plan) -> list[int]:
        """Numbers of the rows that satisfy the condition of a plan."""
        statement = Template.cut(plan.partial, plan.slots).fill(["rows_"])
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return [row[0] for row in cursor.fetchall()]

    def outside(self, family: Family, plan: Plan, hits: list[int]) -> list[tuple[float, float]]:
        """Positions of hits that lie outside the coverage of a plan."""
        lost = []
        for row in hits:
            chunk, sub = self.located[family][row]
            allowed = plan.coverage.sub_chunks(chunk)
            if allowed is not None and sub not in allowed:
                lost.append(self.places[row])
        return lost


@pytest.fixture(scope="module")
def sky() -> Iterator[Sky]:
    with running_server() as server:
        made = Sky(server)
        with closing(made.connection):
            yield made


def condition(rng: random.Random, sky: Sky, depth: int = 0) -> str:
    """A random condition, half of them about a patch of sky that has rows."""
    kind = rng.randrange(12 if depth < 3 else 8)
    if kind >= 10:
        return f"({condition(rng, sky, depth + 1)} OR {condition(rng, sky, depth + 1)})"
    if kind >= 8:
        return f"({condition(rng, sky, depth + 1)} AND {condition(rng, sky, depth + 1)})"
    row = rng.randrange(ROWS)
    lon, lat = sky.places[row]
    if kind <= 2:
        return _of_position(rng, lon, lat)
    if kind == 3:
        return _of_separation(rng, lon, lat)
    if kind == 4:
        lon, lat = lon % 360, max(-87.0, min(87.0, lat))
        return f"scisql_s2PtInBox(ra, decl, {lon - 3!r}, {lat - 3!r}, {lon + 3!r}, {lat + 3!r}) = 1"
    if kind == 5:
        return rng.choice(
            ("NOT ra > 5", "mag = 3", "ra + 0 < 3", "decl <> 0", "scisql_s2PtInCircle(ra, decl, 3, 3, 9) = 0")
        )
    some = sky.ids[row]
    return rng.choice(
        (
            f"starId = {some}",
            f"starId IN ({some}, {rng.choice(sky.ids)}, NULL)",
            f"starId BETWEEN {some} AND {some} + {rng.choice((0, 5, 3000))}",
            f"{some} < starId",
            f"starId <= {rng.randrange(-500, -300)}",
            f"(starId > {some} AND starId < {some + 40})",
            f"starId <=> {some}",
        )
    )


def _of_position(rng: random.Random, lon: float, lat: float) -> str:
    """Bounds of the position columns round a position."""
    size = 10 ** rng.uniform(-6, 2)
    low, high = lat - size * rng.random(), lat + size * rng.random()
    west, east = lon - size * rng.random(), lon + size * rng.random()
    lats = rng.choice(
        (f"decl BETWEEN {low!r} AND {high!r}", f"decl >= {low!r}", f"{high!r} > decl", f"decl = {lat!r}", "mag < 9")
    )
    lons = rng.choice(
        (
            f"ra BETWEEN {west!r} AND {east!r}",
            f"(ra > {west!r} AND ra <= {east!r})",
            f"({west!r} <= ra AND {east!r} >= ra)",
            f"ra = {lon!r}",
            f"ra < {east!r}",
            f"ra BETWEEN {west!r} - 1/3 AND {east!r} + 2 * 0.5",
            f"ra IN ({lon!r}, {east!r})",
            "ra BETWEEN -10 AND 10",
            "mag < 9",
        )
    )
    parts = [lats, lons]
    rng.shuffle(parts)
    return " AND ".join(parts)


def _of_separation(rng: random.Random, lon: float, lat: float) -> str:
    limit = rng.choice(("1/3600", "0.5", "10", "180", "5 - 3", "0", repr(10 ** rng.uniform(-6, 2.2))))
    point, columns = f"{lon!r}, {lat!r}", "ra, decl"
    call = f"scisql_angSep({', '.join(rng.choice(((point, columns), (columns, point))))})"
    return rng.choice((f"{call} < {limit}", f"{call} <= {limit}", f"{limit} > {call}", f"{call} BETWEEN 0 AND {limit}"))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f"{f.stripes}x{f.sub_stripes}")
def test_no_row_that_satisfies_a_condition_lies_outside(sky: Sky, family: Family) -> None:
    rng = random.Random(f"{SEED} {family.stripes}")
    found = narrow = 0
    for _ in range(250):
        written = condition(rng, sky)
        plan = sky.plan(family, written)
        hits = sky.hits(plan)
        assert sky.outside(family, plan, hits) == [], written
        found += bool(hits)
        narrow += not plan.coverage.is_everything
    assert found > 150
    assert narrow > 100


@pytest.mark.parametrize(
    ("written", "chunks"),
    [
        ("ra BETWEEN 5 AND 6 AND decl BETWEEN 0.5 AND 1", {(5.5, 0.7)}),
        ("decl > 0.5 AND ra > 5 AND ra < 6 AND 1 > decl", {(5.5, 0.7)}),
        ("(ra BETWEEN 5 AND 6 AND decl BETWEEN 0.5 AND 1) OR (ra = 200 AND decl = 1)", {(5.5, 0.7), (200, 1)}),
        ("ra BETWEEN -5 AND -4 AND decl BETWEEN 0.5 AND 1", {(355.5, 0.7)}),
        ("ra BETWEEN 725 AND 726 AND decl BETWEEN 0.5 AND 1", {(5.5, 0.7)}),
        ("ra BETWEEN 6 AND 5", set()),
        ("decl > 91", set()),
        ("scisql_angSep(ra, decl, 15, 0.7) < 0.1", {(15, 0.7)}),
        ("1/10 >= scisql_angSep(15, 0.7, ra, decl)", {(15, 0.7)}),
        ("scisql_angSep(ra, decl, 15, 0.7) < -1", set()),
        ("(ra) = 15 AND (decl) = 0.7e0", {(15, 0.7)}),
        ("ra IN (15, 16) AND decl IN (0.5, 0.7)", {(15, 0.7)}),
        ("ra = 15 AND ra = 16", set()),
        ("decl BETWEEN 0.5 AND 1 AND ra = 15 AND scisql_s2PtInCircle(ra, decl, 195, 0, 9)", set()),
    ],
)
def test_what_covers_little(sky: Sky, written: str, chunks: set[tuple[float, float]]) -> None:
    family = FAMILIES[0]
    wanted = {int(Chunker(18, 10).locate(lon, lat)[0][0]) for lon, lat in chunks}
    everywhere = Chunker(18, 10).all_chunks()
    assert set(sky.plan(family, written).coverage.chunks(everywhere).tolist()) == wanted


@pytest.mark.parametrize(
    "written",
    [
        "NOT ra BETWEEN 5 AND 6",
        "ra BETWEEN '5' AND '6'",
        "ra BETWEEN 5 AND NULL",
        "ra NOT BETWEEN 5 AND 6",
        "ra <> 5",
        "ra > 5 OR mag = 3",
        "ra BETWEEN 5 AND 6 OR NOT decl BETWEEN 5 AND 6",
        "ra > 5",
        "ra = mag",
        "ra + 0 BETWEEN 5 AND 6",
        "decl IN (5, mag)",
        "decl = TRUE",
        "decl = 0x05",
        "(ra BETWEEN 5 AND 6) = 0",
        "scisql_angSep(ra, decl, 5, 6) > 1",
        "scisql_angSep(decl, ra, 5, 6) < 1",
        "scisql_angSep(ra, decl, 5, mag) < 1",
        "scisql_angSep(ra, decl, 5, 95) < 1",
        "scisql_angSep(ra, decl, 5, 6) < mag",
        "scisql_angSep(ra, decl, 5, 1, 2, 3) < 1",
        "NOT scisql_angSep(ra, decl, 5, 6) < 1",
        "starId BETWEEN 5 AND 'a'",
        "starId > 5.5",
        "starId = 5 - 1.0",
        "starId IN (5, mag)",
        "starId NOT BETWEEN 5 AND 6",
        "5 BETWEEN ra AND decl",
    ],
)
def test_what_restricts_nothing(sky: Sky, written: str) -> None:
    assert sky.plan(FAMILIES[0], written).coverage.is_everything


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("starId BETWEEN 5 AND 9", {frozenset((5, 6, 7, 8, 9))}),
        ("starId >= 5 AND 7 > starId", {frozenset((5, 6, 7))}),
        ("starId BETWEEN 5 AND 50000", {IdRange(5, 50000)}),
        ("starId > 5", {IdRange(5, None)}),
        ("starId < -5", {IdRange(None, -5)}),
        ("starId > 5 AND starId > 7 AND starId < 70000", {IdRange(7, 70000)}),
        ("starId IN (1, 2, 3) AND starId IN (2, 3, 4) AND starId > 2", {frozenset((2, 3))}),
        ("starId = 5 AND starId = 6", set()),
        ("starId BETWEEN 9 AND 5", set()),
        ("starId = 5 OR starId IN (6, 7) OR starId BETWEEN 8 AND 9", {frozenset((5, 6, 7, 8, 9))}),
        ("starId = 2 * 3 - 1", {frozenset((5,))}),
        ("starId <=> 5", {frozenset((5,))}),
        ("starId IN (NULL, 5)", {frozenset((5,))}),
        ("starId = 5 OR starId > 7", {frozenset((5,)), IdRange(7, None)}),
    ],
)
def test_ids_that_are_looked_up(sky: Sky, written: str, asked: set[object]) -> None:
    analysis = analyze(f"SELECT ra FROM Star WHERE {written}", sky.catalogs[FAMILIES[0]], SESSION)
    assert {lookup.ids for lookup in analysis.lookups} == asked


BOX = "ra BETWEEN 5 AND 6 AND decl BETWEEN 0.5 AND 1"


def bound(sky: Sky, sql: str) -> Query:
    return bind(parse(sql), sky.catalogs[FAMILIES[0]], "sky")


def test_rows_from_another_chunks_overlap_restrict_nothing(sky: Sky) -> None:
    query = bound(sky, f"SELECT ra FROM Star WHERE {BOX} AND starId = 5 AND scisql_angSep(ra, decl, 5, 1) < 1")
    assert restrict(query, straying={"Star"}) == EVERYTHING
    assert not resolve(restrict(query), {}).is_everything


def test_ids_that_are_known_later(sky: Sky) -> None:
    query = bound(sky, f"SELECT ra FROM Star WHERE (starId = 900 OR starId IN (901)) AND {BOX}")
    restriction = restrict(query, later=lambda value: f"q{value.name}" if value.name.startswith("90") else None)
    assert {later.key for later in laters(restriction)} == {"q900", "q901"}
    assert lookups(restriction) == frozenset()
    settled = settle(restriction, {"q900": [5, None, 6], "q901": []})
    (lookup,) = lookups(settled)
    assert lookup == Lookup(("sky", "Star"), frozenset((5, 6)))
    far, near = Coverage.of_chunks([360]), Coverage.of_chunks([324, 360])
    assert resolve(settled, {lookup: far}).is_nothing
    assert resolve(settled, {lookup: near}) == Coverage.of_chunks([324])
    # Not known, of another type, or too many: the box alone is left.
    for values in ({}, {"q900": [5.5], "q901": []}, {"q900": range(200_000), "q901": []}):
        assert resolve(settle(restriction, values), {}) == resolve(restriction, {}) == Coverage.of_chunks([324])


def test_null_safe_equality_with_what_is_known_later_restricts_nothing(sky: Sky) -> None:
    query = bound(sky, "SELECT ra FROM Star WHERE starId <=> '900'")
    assert restrict(query, later=lambda value: "q") == EVERYTHING


def test_conditions_on_two_tables_meet_by_chunks_alone(sky: Sky) -> None:
    query = bound(
        sky,
        "SELECT a.ra FROM Star a JOIN Star b ON a.starId = b.starId "
        "WHERE a.ra = 5 AND a.decl = 0.5 AND b.ra = 9 AND b.decl = 9",
    )
    restriction = restrict(query)
    first = narrowed(restriction, query)
    assert first is query.sources[0]
    places = Chunker(18, 10).locate(5, 0.5)
    chunk, sub = int(places[0][0]), int(places[1][0])
    assert resolve(restriction, {}) == Coverage.of_chunks([chunk])
    assert resolve(restriction, {}, first) == Coverage.of_places([(chunk, sub)])


def test_many_patches_are_planned_fast(sky: Sky) -> None:
    cones = " OR ".join(f"scisql_angSep(ra, decl, {n / 6}, {n / 40 - 30}) < 0.01" for n in range(2000))
    query = bound(sky, f"SELECT ra FROM Star WHERE {cones}")
    began = time.perf_counter()
    assert not resolve(restrict(query), {}).is_everything
    assert time.perf_counter() - began < 1
