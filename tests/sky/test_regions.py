"""Coverage of regions: never without the chunk of a row that the row predicate lets through."""

import time

import duckdb
import numpy as np
import pyarrow
import pytest
from sqlglot import exp

from qproxy.sky.chunker import Chunker
from qproxy.sky.coverage import EVERYTHING, NOTHING
from qproxy.sky.predicates import inside
from qproxy.sky.regions import Box, Circle, Ellipse, Polygon
from tests.sky.skyfields import points_for, regions, uniform

FAMILIES = [(18, 10), (85, 12), (340, 3), (1, 1), (3, 1)]


def rows_inside(region, lon, lat):
    """Which rows an engine lets through the row predicate."""
    condition = inside(region, exp.column("lon"), exp.column("lat")).sql("duckdb")
    table = pyarrow.table({"lon": np.asarray(lon, float), "lat": np.asarray(lat, float)})
    with duckdb.connect() as engine:
        engine.register("points", table)
        found = engine.execute(f"SELECT coalesce({condition}, false) AS hit FROM points").fetchnumpy()
    return found["hit"].astype(bool)


@pytest.mark.parametrize("seed", range(6))
def test_coverage_is_never_narrower_than_the_row_predicate(seed):
    hits = 0
    for number, region in enumerate(regions(60, seed)):
        lon, lat = points_for(region, 150, number)
        everywhere = uniform(100, number)
        lon, lat = np.concatenate([lon, everywhere[0]]), np.concatenate([lat, everywhere[1]])
        hit = rows_inside(region, lon, lat)
        hits += int(hit.sum())
        for family in FAMILIES:
            coverage = region.coverage(*family)
            chunks, subs = Chunker(*family).locate(lon[hit], lat[hit])
            for chunk, sub, x, y in zip(chunks.tolist(), subs.tolist(), lon[hit], lat[hit], strict=True):
                allowed = coverage.sub_chunks(chunk)
                assert allowed is None or sub in allowed, (region, family, x, y)
    assert hits > 3000


def test_small_regions_cover_little():
    for family in FAMILIES[:3]:
        everywhere = Chunker(*family).all_chunks()
        for region in (
            Circle(123.4, 45.6, 0.01),
            Box(123.4, 45.6, 123.41, 45.61),
            Ellipse(123.4, 45.6, 30, 10, 45),
            Polygon(((123.4, 45.6), (123.41, 45.6), (123.4, 45.61))),
        ):
            coverage = region.coverage(*family)
            assert len(coverage.chunks(everywhere)) <= 4
            assert coverage.has_sub_chunks


def test_many_chunks_come_without_sub_chunks():
    coverage = Circle(10, 20, 30).coverage(85, 12)
    assert not coverage.has_sub_chunks
    assert len(coverage.chunks(Chunker(85, 12).all_chunks())) > 16


def test_a_chunk_wholly_inside_has_no_sub_chunk_list():
    coverage = Circle(15, 15, 20).coverage(18, 10) | Box(10, 10, 20, 20).coverage(18, 10)
    assert coverage.sub_chunks(int(Chunker(18, 10).locate(15, 15)[0][0])) is None


def test_everything_and_nothing():
    assert Circle(1, 2, 180).coverage(18, 10) is EVERYTHING
    assert Box(0, -90, 360, 90).coverage(18, 10) is EVERYTHING
    assert Box(10, 20, 30, 10).coverage(18, 10) is NOTHING


def test_the_east_edge_360_means_0():
    chunker = Chunker(18, 10)
    coverage = Box(355, 1, 360, 2).coverage(18, 10)
    for lon in (355.0, 357.0, 359.9999, 360.0, 0.0):
        chunk, sub = (int(a[0]) for a in chunker.locate(lon, 1.5))
        allowed = coverage.sub_chunks(chunk)
        assert allowed is None or sub in allowed
    chunk, sub = (int(a[0]) for a in chunker.locate(5, 1.5))
    assert sub not in (coverage.sub_chunks(chunk) or {sub})
    assert rows_inside(Box(355, 1, 360, 2), [355, 357, 360, 0, 0.1, 354.9, -5, 715], [1.5] * 8).tolist() == [
        True, True, True, True, False, False, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES[:3])
def test_small_cones_are_cheap(family):
    Circle(10, 20, 0.05).coverage(*family)
    best = 1.0
    for _ in range(20):
        start = time.perf_counter()
        Circle(10.5, 20.5, 0.05).coverage(*family)
        best = min(best, time.perf_counter() - start)
    assert best < 0.0002


@pytest.mark.parametrize(
    ("vertices", "convex"),
    [
        (((0, 0), (10, 0), (10, 10), (0, 10)), True),
        (((0, 10), (10, 10), (10, 0), (0, 0)), True),
        (((0, 0), (5, 0), (10, 0), (10, 10)), True),
        (((0, 0), (10, 0), (1, 1), (0, 10)), False),
        (((0, 0), (10, 10), (10, 0), (0, 10)), False),
        (((0, 0), (10, 0), (20, 0)), False),
        (((0, 0), (0, 0), (10, 0)), False),
        (((0, 80), (120, 80), (240, 80)), True),
        (((350, -10), (10, -10), (10, 10), (350, 10)), True),
        (((0, 0), (1e-5, 0), (0, 1e-5)), True),
        (((0, -10), (120, -10), (240, -10)), True),
    ],
)
def test_convexity(vertices, convex):
    assert Polygon(vertices).is_convex is convex


def test_a_polygon_round_the_pole_holds_the_pole():
    polygon = Polygon(((0, 80), (120, 80), (240, 80)))
    assert polygon.latitudes[1] == 90
    assert rows_inside(polygon, [0, 77, 60, 60], [90, 90, 79, 86]).tolist() == [True, True, False, True]
