"""Functions of HTM ids and of binary polygons, evaluated by engines."""

import struct

import numpy as np
import pytest
import sqlglot

from qproxy.sky import htm
from qproxy.sky.blobs import blob, is_null
from qproxy.sky.functions import expand
from qproxy.sky.regions import Circle
from tests.sky.evaluation import evaluate, expanded
from tests.sky.geometry import UNSURE, depth
from tests.sky.skyfields import points_for, regions

SQUARE = "0, 0, 10, 0, 10, 10, 0, 10"


def nested(outer: str, inner: str, *more: str):
    """A call with another one, expanded first, in the place of ``{}``."""
    call = sqlglot.parse_one(f"SELECT {outer}", dialect="mysql").selects[0]
    call.find(sqlglot.exp.Placeholder).replace(expanded(inner))
    return expand(call)


def test_ids_of_constants(engine):
    assert evaluate(engine, "scisql_s2HtmId(10.5, '-20', 24)") == htm.id_of(10.5, -20, 24)
    assert evaluate(engine, "scisql_s2HtmId(-(10) + 370, 90, 0)") == htm.id_of(0, 90, 0)


@pytest.mark.parametrize(
    "arguments", ["NULL, 0, 3", "0, NULL, 3", "0, 0, NULL", "0, 91, 3", "0, -90.1, 3", "0, 0, -1", "0, 0, 25"]
)
def test_ids_without_a_value(engine, arguments):
    assert evaluate(engine, f"scisql_s2HtmId({arguments})") is None


def test_levels(engine):
    ids, levels = [None, 0, 7, 16, 31, 2**52, -8, 9e18], [None] * 8
    for level in range(25):
        first, last = htm.bounds(level)
        ids += [first, last]
        levels += [level, level]
    assert evaluate(engine, "scisql_s2HtmLevel(id)", id=ids) == levels


@pytest.mark.parametrize("kind", ["BIGINT", "BIGINT UNSIGNED", "DECIMAL(20,0)", "VARCHAR(20)"])
def test_levels_of_any_type(mariadb, kind):
    text = expanded("scisql_s2HtmLevel(id)").sql("mysql")
    first, last = htm.bounds(24)
    with mariadb.connection.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE TABLE ids (id {kind})")
        cursor.execute(f"INSERT INTO ids VALUES ({first - 1}), ({first}), ({last}), ({last + 1}), (NULL)")
    assert mariadb.rows(f"SELECT {text} FROM ids") == [None, 24, 24, None, None]


def test_integers_are_of_type_bigint(mariadb):
    for call in ("scisql_s2HtmId(1, 2, 0)", "scisql_s2HtmId(1, 2, NULL)", "scisql_s2HtmLevel(8)"):
        with mariadb.connection.cursor() as cursor:
            cursor.execute(f"SELECT {expanded(call).sql('mysql')}")
            assert cursor.description[0][1] == 8


def test_polygon_from_its_binary_form(engine):
    for region in regions(60, seed=5):
        if not hasattr(region, "vertices"):
            continue
        lon, lat = points_for(region, 60, 3)
        vertices = ", ".join(repr(float(c)) for v in region.vertices for c in v)
        text = nested("scisql_s2PtInCPoly(lon, lat, ?)", f"scisql_s2CPolyToBin({vertices})").sql(engine.dialect)
        found = np.array(engine.rows(f"SELECT {text} FROM t ORDER BY i", {"lon": lon, "lat": lat}))
        away = depth(region, lon, lat)
        sure = np.abs(away) > UNSURE
        assert sure.sum() > 20
        assert found[sure].tolist() == (away[sure] > 0).astype(int).tolist(), region


def test_binary_form(mariadb):
    value = blob(expanded(f"scisql_s2CPolyToBin({SQUARE})"))
    assert value is not None
    assert mariadb.rows(f"SELECT {expanded(f'scisql_s2CPolyToBin({SQUARE})').sql('mysql')}") == [value]
    assert len(value) == 24 * 5
    numbers = struct.unpack("<15d", value)
    assert numbers[2] == pytest.approx(2 * np.sin(np.radians(10)))
    assert np.array(numbers[3:6]) == pytest.approx([0, 0, np.sin(np.radians(10))])


@pytest.mark.parametrize(
    "vertices", ["0, 0, 1, 0, 2, 0", "0, 0, 1, 0, 0, NULL", "0, 0, 1, 91, 2, 2", "0, 0, 8, 0, 1, 1, 0, 8"]
)
def test_binary_form_of_no_polygon(engine, vertices):
    binary = f"scisql_s2CPolyToBin({vertices})"
    assert is_null(expanded(binary))
    assert evaluate(engine, binary) is None
    assert engine.rows(f"SELECT {nested('scisql_s2PtInCPoly(1, 1, ?)', binary).sql(engine.dialect)}") == [0]
    assert is_null(nested("scisql_s2CPolyHtmRanges(?, 5, 0)", binary))


def test_ranges_of_a_circle(mariadb):
    wanted = htm.circle_ranges(Circle(10, 10, 1), 8, 0)
    text = expanded("scisql_s2CircleHtmRanges(10, 10, 1, 8, 0)").sql("mysql")
    assert mariadb.rows(f"SELECT {text}, LENGTH({text})") == [(wanted, len(wanted))]


@pytest.mark.parametrize(
    "arguments",
    ["NULL, 0, 1, 5, 0", "0, 91, 1, 5, 0", "0, 0, -1, 5, 0", "0, 0, 181, 5, 0", "0, 0, 1, 25, 0", "0, 0, 1, 5, NULL"],
)
def test_ranges_without_a_value(arguments):
    assert is_null(expanded(f"scisql_s2CircleHtmRanges({arguments})"))


def test_ranges_of_a_polygon():
    made = nested("scisql_s2CPolyHtmRanges(?, 6, 20)", f"scisql_s2CPolyToBin({SQUARE})")
    value = blob(made)
    assert value is not None
    assert 0 < len(value) <= 20 * 16
    for call in ("(x'00', 6, 20)", "(NULL, 6, 20)"):
        assert is_null(expanded(f"scisql_s2CPolyHtmRanges{call}"))
    assert is_null(nested("scisql_s2CPolyHtmRanges(?, 25, 20)", f"scisql_s2CPolyToBin({SQUARE})"))


INTEGERS = [0, 1, -1, 2**62, -(2**63), 2**63 - 1, 16_302_352, 2**53 + 1, -(2**53) - 1]


def test_integers_of_a_constant(mariadb):
    packed = struct.pack(f"<{len(INTEGERS)}q", *INTEGERS).hex()
    for index, value in enumerate(INTEGERS):
        text = expanded(f"scisql_extractInt64(x'{packed}', {index})").sql("mysql")
        assert mariadb.rows(f"SELECT {text}") == [value]
    for index in ("-1", str(len(INTEGERS)), "NULL"):
        assert evaluate(mariadb, f"scisql_extractInt64(x'{packed}', {index})") is None
    assert evaluate(mariadb, "scisql_extractInt64(NULL, 0)") is None


def test_integers_of_columns(mariadb):
    packed = struct.pack(f"<{len(INTEGERS)}q", *INTEGERS)
    with mariadb.connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE TABLE blobs (i INT, b BLOB)")
        rows = [(i, packed) for i in range(-2, len(INTEGERS) + 2)]
        cursor.executemany("INSERT INTO blobs VALUES (%s, %s)", [*rows, (0, None), (None, packed), (0, b"1234567")])
    wanted = [None, None, *INTEGERS, None, None, None, None, None]
    text = expanded("scisql_extractInt64(b, i)").sql("mysql")
    assert mariadb.rows(f"SELECT {text} FROM blobs") == wanted
    text = expanded("scisql_extractInt64(b, 3)").sql("mysql")
    assert mariadb.rows(f"SELECT DISTINCT {text} FROM blobs WHERE LENGTH(b) > 10") == [2**62]
    text = expanded(f"scisql_extractInt64(x'{packed.hex()}', i - 1)").sql("mysql")
    assert mariadb.rows(f"SELECT {text} FROM blobs WHERE i = 4 AND b IS NOT NULL") == [2**62]
