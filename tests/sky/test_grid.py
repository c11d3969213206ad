"""Everything within the radius of a position lies in four different cells, wherever on the sphere."""

import numpy as np
import pytest
from sqlglot import exp

from qproxy.sky.grid import CORNERS, Grid
from tests.sky.skyfields import around, uniform

RADII = (0.0, 1e-7, 1e-4, 0.003, 0.0166, 0.25, 1.0, 4.3, 10.0)
CENTRES = (
    (0.0, 0.0),
    (359.9999999, 45.0),
    (0.0, -89.9999),
    (123.0, 89.99),
    (10.0, 90.0),
    (360.0, -90.0),
    (180.0, 84.9),
    (-0.0001, 60.0),
    (721.5, -33.0),
)


def column(name):
    return exp.column(name)


def cells(engine, grid, lon, lat):
    text = grid.cell(column("lon"), column("lat")).sql(engine.dialect)
    return engine.rows(f"SELECT {text} FROM t ORDER BY i", {"lon": lon, "lat": lat})


def near(engine, grid, lon, lat):
    texts = [
        grid.near(column("lon"), column("lat"), exp.Literal.number(row), exp.Literal.number(step)).sql(engine.dialect)
        for row, step in CORNERS
    ]
    return engine.rows(f"SELECT {', '.join(texts)} FROM t ORDER BY i", {"lon": lon, "lat": lat})


def positions(radius, grid):
    """Positions everywhere and in awkward places, each with one as far away as the radius or a little nearer."""
    random = np.random.default_rng(11)
    lon, lat = uniform(150, 3)
    rows = np.arange(-40, 40) * grid.height
    rows = rows[np.abs(rows) <= 90]
    lon = np.concatenate([lon, random.uniform(-720, 720, 40), [c[0] for c in CENTRES], np.zeros(len(rows))])
    lat = np.concatenate([lat, random.uniform(-90, 90, 40), [c[1] for c in CENTRES], rows])
    lons, lats = [lon], [lat]
    for share in (1.0, 0.999999, float(random.uniform(0, 1))):
        found = [around(x, y, np.array([radius * share]), i) for i, (x, y) in enumerate(zip(lon, lat, strict=True))]
        other = np.concatenate([f[0] for f in found])
        # A longitude counts as what it is modulo 360.
        lons.append(other + random.choice([0, 0, -360, 360, 720], len(other)))
        lats.append(np.concatenate([f[1] for f in found]))
    return np.tile(lon, 3), np.tile(lat, 3), np.concatenate(lons[1:]), np.concatenate(lats[1:])


@pytest.mark.parametrize("radius", RADII)
def test_what_is_within_the_radius_is_in_one_of_four_different_cells(engine, radius):
    grid = Grid(radius)
    lon, lat, other_lon, other_lat = positions(radius, grid)
    four = near(engine, grid, lon, lat)
    assert all(len(set(cells)) == 4 for cells in four)
    for where, probed in zip(cells(engine, grid, other_lon, other_lat), four, strict=True):
        assert where in probed


def test_a_grid_is_no_coarser_than_it_must_be(engine):
    grid = Grid(0.003)
    lon, lat = uniform(2_000, 5)
    keep = np.abs(lat) < 60
    lon, lat = lon[keep], lat[keep]
    # Four radii away in longitude or latitude nothing can share one of the four cells.
    for far_lon, far_lat in ((lon + 0.0121 / np.cos(np.radians(lat)) * 1.01, lat), (lon, lat + 0.0121)):
        probed = near(engine, grid, lon, lat)
        found = cells(engine, grid, far_lon, far_lat)
        assert not any(where in four for where, four in zip(found, probed, strict=True))


def test_no_position_no_cell(engine):
    grid = Grid(1.0)
    assert cells(engine, grid, [None, 1.0], [1.0, None]) == [None, None]
    assert near(engine, grid, [None, 1.0], [1.0, None]) == [(None,) * 4] * 2


def test_cell_numbers_of_the_smallest_cells_are_exact(engine):
    # Each number is a whole number below 2**53, so that row and column can be told from it.
    grid = Grid(0.0)
    lon, lat = uniform(500, 9)
    lon, lat = np.concatenate([lon, [359.9999999] * 2]), np.concatenate([lat, [-90.0, 90.0]])
    numbers = np.array(cells(engine, grid, lon, lat), dtype=np.int64)
    assert np.abs(numbers).max() < 2**53
    rows = np.floor(lat / grid.height)
    assert np.array_equal(np.floor_divide(numbers, 10**7), rows.astype(np.int64))
