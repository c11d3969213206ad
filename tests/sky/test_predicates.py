"""Row predicates evaluated by MariaDB and DuckDB, against geometry by unit vectors."""

import numpy as np
from sqlglot import exp

from qproxy.sky.predicates import inside
from qproxy.sky.regions import Box, Circle, Ellipse
from tests.sky.evaluation import call_of, evaluate
from tests.sky.geometry import UNSURE, depth
from tests.sky.skyfields import points_for, regions, uniform


def test_points_in_regions(engine):
    """Constant shapes: the value, and the row predicate, agree with geometry wherever rounding cannot decide."""
    hits = 0
    for region in regions(60, seed=77):
        lon, lat = points_for(region, 60, 3)
        inner = depth(region, lon, lat)
        value = np.array(evaluate(engine, call_of(region), lon=lon, lat=lat))
        condition = inside(region, exp.column("lon"), exp.column("lat")).sql(engine.dialect)
        chosen = np.zeros(len(lon), bool)
        chosen[[int(i) for i in engine.rows(f"SELECT i FROM t WHERE {condition}")]] = True
        assert chosen.tolist() == (value == 1).tolist(), region
        sure = np.abs(inner) > UNSURE
        assert (value[sure] == (inner[sure] > 0)).all(), (region, lon[sure], lat[sure])
        hits += int((inner[sure] > 0).sum())
    assert hits > 1000


def test_an_index_on_latitude_serves(mariadb):
    lon, lat = uniform(5000, 9)
    mariadb.rows("SELECT 1", {"lon": lon, "lat": lat})
    mariadb.rows("CREATE INDEX by_lat ON t (lat)")
    for region in (Circle(10, 20, 0.1), Box(10, 20, 11, 20.1), Ellipse(10, 20, 100, 50, 3)):
        condition = inside(region, exp.column("lon"), exp.column("lat")).sql("mysql")
        assert "by_lat" in mariadb.rows(f"EXPLAIN SELECT * FROM t WHERE {condition}")[0]
