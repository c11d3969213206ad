"""The hash join over a grid finds on MariaDB what comparing all pairs finds."""

from collections import Counter
from contextlib import closing

import numpy as np
import pytest
from sqlglot import exp, parse_one

from qproxy.catalog.model import Column
from qproxy.catalog.naming import CELL_COLUMN, NEIGHBOUR_COLUMN
from qproxy.planner.neighbours import changed_by_union, corners, meeting, surroundings
from qproxy.sky.functions import expand
from qproxy.sky.grid import Grid
from tests.harness.mariadbd import running_server
from tests.sky.skyfields import around, uniform

COLUMNS = "id BIGINT NOT NULL, lon DOUBLE NULL, lat DOUBLE NULL, note VARCHAR(20)"
EVERYTHING = (
    f"(SELECT id, lon, lat FROM T_1 UNION ALL SELECT id, lon, lat FROM TFullOverlap_1 WHERE {NEIGHBOUR_COLUMN} = 1) b"
)


@pytest.fixture(scope="module")
def cursor():
    with running_server() as server, closing(server.connect()) as connection, connection.cursor() as found:
        found.execute("CREATE DATABASE near")
        found.execute("USE near")
        yield found


def separation():
    call = parse_one("SELECT scisql_angSep(a.lon, a.lat, b.lon, b.lat)", dialect="mysql").selects[0]
    return expand(call).sql("mysql")


def fill(cursor, own, foreign):
    """One chunk: its rows, and in its overlap the foreign rows with copies that do not count."""
    cursor.execute("DROP TABLE IF EXISTS T_1, TFullOverlap_1")
    cursor.execute(f"CREATE TABLE T_1 ({COLUMNS}) ENGINE=Aria TRANSACTIONAL=0")
    cursor.execute(
        f"CREATE TABLE TFullOverlap_1 ({COLUMNS}, {NEIGHBOUR_COLUMN} INT NOT NULL) ENGINE=Aria TRANSACTIONAL=0"
    )
    cursor.executemany("INSERT INTO T_1 VALUES (%s, %s, %s, 'own')", own)
    cursor.executemany("INSERT INTO TFullOverlap_1 VALUES (%s, %s, %s, 'foreign', 1)", foreign)
    cursor.executemany("INSERT INTO TFullOverlap_1 VALUES (%s, %s, %s, 'copy', 0)", [*own, *foreign])


def joined(radius, left=False):
    """The FROM clause of the join, and its cell condition."""
    grid = Grid(radius)
    a = [exp.column(name, table="a") for name in ("lon", "lat")]
    other = surroundings(
        exp.to_table("T_1"), exp.to_table("TFullOverlap_1"), ("id", "lon", "lat", "note"), "lon", "lat", grid
    ).sql("mysql")
    other = f"({other}) b"
    corner, tie = f"({corners().sql('mysql')}) d", meeting(grid, *a, "d", "b").sql("mysql")
    if left:
        return f"T_1 a LEFT JOIN ({corner} STRAIGHT_JOIN {other}) ON {tie} AND {separation()} < {radius!r}"
    return f"T_1 a STRAIGHT_JOIN {corner} STRAIGHT_JOIN {other} ON {tie}"


def rows_of(lon, lat, first=0):
    return [(first + i, float(x), float(y)) for i, (x, y) in enumerate(zip(lon, lat, strict=True))]


def pairs(cursor, radius, operator):
    condition = f"{separation()} {operator} {radius!r}"
    cursor.execute(f"SELECT a.id, b.id FROM {joined(radius)} WHERE {condition}")
    found = Counter(cursor.fetchall())
    cursor.execute(f"SELECT a.id, b.id FROM T_1 a JOIN {EVERYTHING} WHERE {condition}")
    return found, Counter(cursor.fetchall())


@pytest.mark.parametrize("operator", ["<", "<="])
@pytest.mark.parametrize("radius", [0.0, 0.003, 0.02, 1.5, 10.0])
@pytest.mark.parametrize(
    "centre",
    [(0.0, 0.0), (359.999, -44.5), (17.0, 89.9), (200.0, -90.0), (0.0, 75.0)],
    ids=["equator", "seam", "north pole", "south pole", "far north"],
)
def test_pairs_are_those_of_a_plain_join(cursor, centre, radius, operator):
    random = np.random.default_rng(4)
    size = 12 * max(radius, 0.001)
    distances = np.minimum(size * np.sqrt(random.uniform(0, 1, 400)), 179.0)
    lon, lat = around(*centre, distances, 8)
    # Some positions are there twice, some just a radius apart, some with other turns of longitude.
    twins = around(float(lon[0]), float(lat[0]), np.full(20, radius), 9)
    lon, lat = np.concatenate([lon, lon[:20], twins[0]]), np.concatenate([lat, lat[:20], twins[1]])
    lon = lon + random.choice([0, 0, 0, -360, 360], len(lon))
    fill(cursor, rows_of(lon[::2], lat[::2]), rows_of(lon[1::2], lat[1::2], 1000))
    found, expected = pairs(cursor, radius, operator)
    assert found == expected
    # More pairs than rows: stars with themselves, twins and true neighbours.
    assert len(found) > len(lon) / 2 or radius == 0


def test_rows_that_share_an_id_and_lie_in_one_place_each_count(cursor):
    fill(cursor, [(1, 10.0, 10.0), (1, 10.0, 10.0)], [(1, 10.0, 10.001), (1, 10.0, 10.001)])
    found, expected = pairs(cursor, 0.01, "<")
    assert found == expected == Counter({(1, 1): 8})


def test_rows_without_a_position_have_no_neighbours_and_a_left_join_keeps_them(cursor):
    lon, lat = uniform(300, 2)
    own = [*rows_of(lon, lat), (900, None, 1.0), (901, 1.0, None)]
    fill(cursor, own, [(902, None, None), *rows_of(lon[:5], lat[:5], 2000)])
    cursor.execute(f"SELECT a.id, b.id FROM {joined(2.0, left=True)}")
    found = Counter(cursor.fetchall())
    cursor.execute(f"SELECT a.id, b.id FROM T_1 a LEFT JOIN {EVERYTHING} ON {separation()} < 2.0")
    assert found == Counter(cursor.fetchall())
    assert found[(900, None)] == found[(901, None)] == 1
    assert found[(0, 2000)] == 1


@pytest.mark.parametrize("left", [False, True])
def test_partners_are_looked_up_by_a_key(cursor, left):
    lon, lat = uniform(2_000, 6)
    fill(cursor, rows_of(lon, lat), [])
    condition = "" if left else f" WHERE {separation()} < 0.01"
    cursor.execute(f"EXPLAIN SELECT a.id, b.id FROM {joined(0.01, left)}{condition}")
    order = [row[2:6] for row in cursor.fetchall() if row[1] == "PRIMARY"]
    assert order[0][0] == "a"
    assert order[2][1] == "ref" and order[2][3] == "key0"


def test_the_tables_keep_what_columns_are(cursor):
    fill(cursor, [(1, 10.0, 10.0)], [])
    cursor.execute(f"CREATE OR REPLACE TABLE copied AS SELECT b.* FROM {joined(0.01)}")
    cursor.execute("DESCRIBE copied")
    types = {row[0]: row[1] for row in cursor.fetchall()}
    assert types.pop(CELL_COLUMN).startswith("bigint")
    assert types == {"id": "bigint(20)", "lon": "double", "lat": "double", "note": "varchar(20)"}


@pytest.mark.parametrize(
    ("type_", "changed"),
    [
        ("enum('z','a')", True),
        ("set('z','a')", True),
        ("int(6) unsigned zerofill", True),
        ("int(10) unsigned", False),
        ("char(5)", False),
        ("bit(9)", False),
        ("year(4)", False),
        ("decimal(10,2)", False),
        ("timestamp(6)", False),
        ("float", False),
    ],
)
def test_columns_that_a_union_changes(cursor, type_, changed):
    column = Column("c", type_, type_)
    assert changed_by_union(column) is changed
    cursor.execute(f"CREATE OR REPLACE TABLE typed (c {type_} NULL)")
    cursor.execute(
        "CREATE OR REPLACE TABLE again AS SELECT * FROM (SELECT c FROM typed UNION ALL SELECT c FROM typed) b"
    )
    found = []
    for table in ("typed", "again"):
        cursor.execute(f"DESCRIBE {table}")
        found.append(cursor.fetchone()[1])
    assert (found[0] != found[1]) is changed
