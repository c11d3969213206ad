"""Ids of triangles and ranges of them, against HTM written from its definition."""

import math
import struct

import numpy as np
import pytest
from lsst import sphgeom

from qproxy.sky import htm
from qproxy.sky.polygons import corners_of, normals_of, packed
from qproxy.sky.regions import Circle, Polygon
from tests.sky.geometry import separation, unit
from tests.sky.skyfields import uniform
from tests.sky.trixels import trixel

HEXAGON = tuple((40 + 6 * math.cos(a), 50 + 3 * math.sin(a)) for a in np.radians(np.arange(0, 360, 60)))


def pairs(value):
    numbers = struct.unpack(f"<{len(value) // 8}q", value)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_ids_are_those_of_the_definition():
    lons, lats = uniform(300, 5)
    points = unit(lons, lats)
    checked = 0
    for n, (lon, lat, point) in enumerate(zip(lons.tolist(), lats.tolist(), points, strict=True)):
        level = n % (htm.MAX_LEVEL + 1)
        number, margin = trixel(point, level)
        if margin > 1e-13:
            assert htm.id_of(lon, lat, level) == number
            checked += 1
    assert checked > 290


def test_roots():
    south, north = [45, 135, 225, 315], [315, 225, 135, 45]
    assert [htm.id_of(lon, -45, 0) for lon in south] == [8, 9, 10, 11]
    assert [htm.id_of(lon, 45, 0) for lon in north] == [12, 13, 14, 15]
    assert [htm.id_of(lon - 360, 45, 0) for lon in north] == [12, 13, 14, 15]


def test_bounds():
    assert htm.bounds(0) == (8, 15)
    assert htm.bounds(1) == (32, 63)
    assert htm.bounds(24) == (2**51, 2**52 - 1)


@pytest.mark.parametrize("most", [0, -1, 4, 10, 1000])
@pytest.mark.parametrize(("lon", "lat", "radius"), [(10, 10, 2), (0, 90, 1), (200, -89.5, 3), (359.9, 0, 0.01)])
def test_ranges_cover_a_circle(lon, lat, radius, most):
    level = 9
    found = pairs(htm.circle_ranges(Circle(lon, lat, radius), level, most))
    assert found == sorted(found)
    assert all(a <= b < c for (a, b), (c, _) in zip(found, [*found[1:], (1 << 62, 0)], strict=True))
    assert htm.bounds(level)[0] <= found[0][0]
    assert found[-1][1] <= htm.bounds(level)[1]
    if most > 0:
        assert len(found) <= most
    random = np.random.default_rng(4)
    away = radius * np.sqrt(random.random(400))
    lats = np.clip(lat + away * np.cos(angles := random.uniform(0, 2 * np.pi, 400)), -90, 90)
    lons = lon + away * np.sin(angles) / np.maximum(np.cos(np.radians(lats)), 0.01)
    inside = separation(lons, lats, lon, lat) <= radius
    assert inside.sum() > 30
    for x, y in zip(lons[inside].tolist(), lats[inside].tolist(), strict=True):
        assert any(a <= htm.id_of(x, y, level) <= b for a, b in found)


def test_ranges_are_no_wider_than_they_need_to_be():
    centre = unit(np.array([10.0]), np.array([10.0]))[0]
    farthest = 0.0
    for first, last in pairs(htm.circle_ranges(Circle(10, 10, 1), 12, 0)):
        for number in range(first, last + 1, 5):
            point = sphgeom.HtmPixelization.triangle(number).getCentroid()
            farthest = max(farthest, math.degrees(math.acos(centre @ [point.x(), point.y(), point.z()])))
    assert 0.99 < farthest < 1 + 90 / 2**12


def test_whole_sky_is_one_range():
    assert pairs(htm.circle_ranges(Circle(0, 0, 180), 24, 0)) == [htm.bounds(24)]


def test_too_many_ranges():
    assert htm.circle_ranges(Circle(10, 10, 1), 24, 0) is None
    assert htm.circle_ranges(Circle(10, 10, 1), 24, htm.MAX_RANGES + 1) is None
    assert len(pairs(htm.circle_ranges(Circle(10, 10, 1), 24, htm.MAX_RANGES))) <= htm.MAX_RANGES


@pytest.mark.parametrize("vertices", [HEXAGON, HEXAGON[::-1], ((358, -1), (2, -1), (2, 1), (358, 1))])
def test_ranges_cover_a_polygon_in_binary_form(vertices):
    value = packed(Polygon(vertices))
    assert len(value) == 24 * (len(vertices) + 1)
    normals = normals_of(value)
    assert normals == Polygon(vertices).normals
    corners = np.array(corners_of(normals))
    expected = unit(np.array([v[0] for v in vertices]), np.array([v[1] for v in vertices]))
    assert np.abs(corners - expected).max() < 1e-13
    found = pairs(htm.polygon_ranges(corners_of(normals), 10, 0))
    area = sum(b - a + 1 for a, b in found)
    assert 0 < area < 0.01 * (8 << 20)
    random = np.random.default_rng(9)
    weights = random.dirichlet(np.ones(len(vertices)), 200)
    for x, y, z in (weights @ expected).tolist():
        lon, lat = math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))
        assert any(a <= htm.id_of(lon, lat, 10) <= b for a, b in found)


def test_vertices_on_an_edge_are_none():
    polygon = Polygon(((0, 0), (5, 0), (10, 0), (10, 10)))
    assert len(corners_of(polygon.normals)) == 3


@pytest.mark.parametrize(
    "value",
    [b"", b"x" * 24, b"x" * 96 + b"y", struct.pack("<72d", *[1.0] * 72), struct.pack("<12d", *[math.nan] * 12)],
)
def test_bytes_that_are_no_polygon(value):
    assert normals_of(value) is None


def test_integers_in_bytes():
    value = struct.pack("<3q", 5, -1, 2**62)
    assert [htm.integer_at(value, i) for i in range(-1, 4)] == [None, 5, -1, 2**62, None]
    assert htm.integer_at(value[:-1], 2) is None
