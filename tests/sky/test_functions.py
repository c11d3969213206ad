"""sciSQL functions evaluated by MariaDB and DuckDB: values, NULLs and ranges, and calls that are refused."""

import numpy as np
import pytest
import sqlglot
from sqlglot import exp

from qproxy.errors import SQLError
from qproxy.sky.functions import expand
from tests.sky.evaluation import arguments_of, call_of, evaluate, expanded
from tests.sky.geometry import UNSURE, depth, separation, unit
from tests.sky.skyfields import points_for, regions, uniform


def test_shapes_from_columns_agree_with_constant_shapes(engine):
    for region in regions(40, seed=78):
        _, values = arguments_of(region)
        lon, lat = points_for(region, 60, 3)
        if len(values) > 12:
            continue
        columns = {f"a{i}": [v] * len(lon) for i, v in enumerate(values)}
        general = np.array(evaluate(engine, call_of(region, list(columns)), lon=lon, lat=lat, **columns))
        fixed = np.array(engine.rows(f"SELECT {expanded(call_of(region)).sql(engine.dialect)} FROM t ORDER BY i"))
        sure = np.abs(depth(region, lon, lat)) > UNSURE
        assert general[sure].tolist() == fixed[sure].tolist(), region


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("scisql_s2PtInBox(lon, lat, 0, 0, 10, 10)", [1, 0, 0, None, None]),
        ("scisql_s2PtInCircle(lon, lat, 5, 5, 1)", [1, 0, 0, None, None]),
        ("scisql_s2PtInCircle(lon, lat, 5, 5, -1)", [None, 0, 0, None, None]),
        ("scisql_s2PtInCircle(lon, lat, 5, 95, 1)", [None, 0, 0, None, None]),
        ("scisql_s2PtInCircle(lon, lat, NULL, 5, 1)", [0, 0, 0, 0, 0]),
        ("scisql_s2PtInCircle(lon, lat, a, b, 180)", [0, 0, 0, 0, 0]),
        ("scisql_s2PtInBox(lon, lat, 0, 10, 10, 0)", [0, 0, 0, None, None]),
        ("scisql_s2PtInBox(lon, lat, 5, 0, -5, 10)", [None, 0, 0, None, None]),
        ("scisql_s2PtInBox(lon, lat, 400, 0, 370, 10)", [None, 0, 0, None, None]),
        ("scisql_s2PtInBox(lon, lat, 350, 0, 20, 10)", [1, 0, 0, None, None]),
        ("scisql_s2PtInEllipse(lon, lat, 5, 5, 40000, 1, 0)", [None, 0, 0, None, None]),
        ("scisql_s2PtInEllipse(lon, lat, 5, 5, 10, 1, 0)", [1, 0, 0, None, None]),
        ("scisql_s2PtInEllipse(lon, lat, 5, 5, 10, 20, 0)", [None, 0, 0, None, None]),
        ("scisql_s2PtInCPoly(lon, lat, 0, 0, 10, 0, 5, 10)", [1, 0, 0, None, None]),
        ("scisql_s2PtInCPoly(lon, lat, 0, 0, 10, 0, 5, NULL)", [0, 0, 0, 0, 0]),
        ("scisql_s2PtInCPoly(lon, lat, b, 0, 10, 0, 5, 10)", [1, 0, 0, None, None]),
        ("scisql_s2PtInCPoly(lon, lat, b, 0, 10, 0, 5, 0)", [None, 0, 0, None, None]),
        ("scisql_s2PtInCPoly(lon, lat, b, 0, 10, 0, 5, 91)", [None, 0, 0, None, None]),
        ("scisql_s2PtInCPoly(lon, lat, b, 0, 181, 0, 5, 10)", [None, 0, 0, None, None]),
        ("scisql_s2PtInCPoly(lon, lat, b, 0, 10, 0, 9, 5, 5, 10)", [1, 0, 0, None, None]),
        ("scisql_s2PtInCPoly(lon, lat, b, 0, 10, 0, 8, 5, 10, 10, 0, 10)", [None, 0, 0, None, None]),
        ("scisql_s2PtInCPoly(lon, lat, NULL)", [0, 0, 0, 0, 0]),
        ("scisql_s2PtInCPoly(lon, lat, x'00')", [None, 0, 0, None, None]),
    ],
)
def test_nulls_and_ranges(engine, call, expected):
    columns = {"lon": [5, None, 5, 5, 5], "lat": [5, 5, None, 91, -90.99], "a": [None] * 5, "b": [1] * 5}
    assert evaluate(engine, call, **columns) == expected


def test_region_values_are_integers(mariadb):
    text = expanded("scisql_s2PtInBox(lon, lat, 0, 0, 10, 10)").sql("mysql")
    assert mariadb.rows(f"SELECT {text} FROM t ORDER BY i", {"lon": [5.0, 20.0], "lat": [5.0, 5.0]}) == [1, 0]
    assert all(isinstance(v, int) for v in mariadb.rows(f"SELECT {text} FROM t"))


def test_separation(engine):
    lon1, lat1 = uniform(300, 1)
    lon2, lat2 = uniform(300, 2)
    lon2[:100], lat2[:100] = lon1[:100] + 1e-7, np.clip(lat1[:100] + 1e-7, -90, 90)
    lon2[100:110], lat2[100:110] = lon1[100:110] + 180, -lat1[100:110]
    lon2[110:120], lat2[110:120] = lon1[110:120], lat1[110:120]
    expected = separation(lon1, lat1, lon2, lat2)
    found = evaluate(engine, "scisql_angSep(a, b, c, d)", a=lon1, b=lat1, c=lon2, d=lat2)
    assert np.array(found, float) == pytest.approx(expected, rel=1e-8, abs=3e-6)
    assert found[110:120] == [0.0] * 10
    p, q = unit(lon1, lat1), 3 * unit(lon2, lat2)
    columns = dict(zip("uvwxyz", [*p.T, *q.T], strict=True))
    found = evaluate(engine, "scisql_angSep(u, v, w, x, y, z)", **columns)
    assert np.array(found, float) == pytest.approx(expected, rel=1e-7, abs=1e-7)


def test_separation_of_constants_is_exact_enough(engine):
    assert evaluate(engine, "scisql_angSep(0, 0, 0, 90)") == pytest.approx(90, rel=1e-15)
    assert evaluate(engine, "scisql_angSep(10.5, -20, '10.5', -20.001)") == pytest.approx(0.001, rel=1e-10)
    assert evaluate(engine, "scisql_angSep(1, 2, NULL, 4)") is None
    assert evaluate(engine, "scisql_angSep(a, 0, 0, 90)", a=[None]) == [None]
    assert isinstance(expanded("scisql_angSep(1, 2, 3, 4)"), exp.Literal)


def test_arguments_keep_their_precedence(engine):
    found = evaluate(engine, "scisql_angSep(a, b - 1, a, b - (c - 2))", a=[10], b=[20], c=[4])
    assert found == pytest.approx([1.0], rel=1e-12)
    found = evaluate(engine, "scisql_s2PtInBox(a, CASE WHEN b > 1 THEN -b ELSE b END, 0, -30, 20, 0)", a=[10], b=[20])
    assert found == [1]


def test_version():
    assert expanded("scisql_getVersion()").this == "0.3.11"


@pytest.mark.parametrize(
    ("call", "code", "text"),
    [
        ("scisql_angsep(1, 2)", 1582, "Incorrect parameter count in the call to native function 'scisql_angSep'"),
        ("scisql_angSep(1, 2, 3, 4, 5)", 1582, "scisql_angSep"),
        ("scisql_s2PtInBox(1, 2, 3)", 1582, "scisql_s2PtInBox"),
        ("scisql_s2PtInCPoly(1, 2, 3, 4, 5, 6, 7)", 1582, "scisql_s2PtInCPoly"),
        ("scisql_getVersion(1)", 1582, "scisql_getVersion"),
        ("scisql_MEDIAN(a)", 1235, "scisql_median"),
        ("scisql_percentile(a, 50)", 1235, "scisql_percentile"),
        ("scisql_s2HtmId(a, 2, 3)", 1235, "scisql_s2HtmId with arguments that are not constants"),
        ("scisql_s2HtmId(1, 2)", 1582, "scisql_s2HtmId"),
        ("scisql_s2PtInCPoly(1, 2, a)", 1235, "binary polygon"),
        (f"scisql_s2PtInCPoly(1, 2, a{', 1' * 13})", 1235, "more than 6 vertices that are not constants"),
        ("scisql_s2CPolyToBin(0, 0, 1, 0, 1, a)", 1235, "scisql_s2CPolyToBin with arguments that are not constants"),
        ("scisql_s2CPolyToBin(0, 0, 1, 0)", 1582, "scisql_s2CPolyToBin"),
        ("scisql_s2CircleHtmRanges(0, 0, 1, 20, 0)", 1235, "more than 4096 ranges"),
        ("scisql_s2CircleHtmRanges(0, 0, a, 20, 0)", 1235, "scisql_s2CircleHtmRanges"),
        ("scisql_s2CPolyHtmRanges(a, 20, 0)", 1235, "scisql_s2CPolyHtmRanges"),
        ("scisql_raiseError('no such field')", 1123, "Can't initialize function 'scisql_raiseError'; no such field"),
        ("scisql_raiseError(a)", 1235, "scisql_raiseError"),
        ("scisql_nonsense(1)", 1305, "FUNCTION scisql_nonsense does not exist"),
    ],
)
def test_calls_that_are_refused(call, code, text):
    with pytest.raises(SQLError, match=text.replace("(", r"\(")) as refused:
        expanded(call)
    assert refused.value.code == code


@pytest.mark.parametrize("call", ["angSep(1, 2, 3, 4)", "my_scisql_angSep(1)", "foo(1)"])
def test_other_functions_are_left_alone(call):
    assert expanded(call) is None


def test_names_count_whatever_their_case_and_version():
    plain = expanded("scisql_angSep(a, b, c, d)")
    assert expanded("SCISQL_ANGSEP(a, b, c, d)") == plain
    assert expanded("scisql_angSep_0_3_11(a, b, c, d)") == plain


def test_the_call_itself_is_left_as_it_was():
    call = sqlglot.parse_one("SELECT scisql_s2PtInCircle(o.ra, o.decl, 1, 2, o.r)", dialect="mysql").selects[0]
    before = call.sql("mysql")
    expand(call)
    assert call.sql("mysql") == before
    assert all(argument.parent is call for argument in call.expressions)
