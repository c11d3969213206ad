"""sciSQL functions evaluated by MariaDB and DuckDB, against formulas of unit vectors and logarithms in numpy."""

import math
from contextlib import closing

import duckdb
import numpy as np
import pyarrow
import pytest
import sqlglot
from sqlglot import exp

from qproxy.errors import SQLError
from qproxy.sky.arithmetic import constant
from qproxy.sky.functions import expand, inside, region_of
from qproxy.sky.regions import Box, Circle, Ellipse, Polygon
from tests.harness.mariadbd import running_server
from tests.sky.skyfields import centre, points_for, regions, uniform

# Degrees. Nearer to an edge than this, rounding may decide.
UNSURE = 1e-7


class MariaDB:
    """One connection to a private server, with tables of doubles made on the way."""

    dialect = "mysql"

    def __init__(self, connection):
        self.connection = connection

    def rows(self, text, columns=None):
        with self.connection.cursor() as cursor:
            if columns:
                names = list(columns)
                cursor.execute("DROP TABLE IF EXISTS t")
                cursor.execute(f"CREATE TABLE t (i INT, {', '.join(f'{n} DOUBLE' for n in names)})")
                values = [
                    [i, *(None if v is None else float(v) for v in row)]
                    for i, row in enumerate(zip(*columns.values(), strict=True))
                ]
                marks = ", ".join(["%s"] * (len(names) + 1))
                cursor.executemany(f"INSERT INTO t VALUES ({marks})", values)
            cursor.execute(text)
            return [row[0] if len(row) == 1 else row for row in cursor.fetchall()]


class DuckDB:
    """An engine in memory."""

    dialect = "duckdb"

    def __init__(self, connection):
        self.connection = connection

    def rows(self, text, columns=None):
        if columns:
            floats = {n: [None if v is None else float(v) for v in values] for n, values in columns.items()}
            count = len(next(iter(floats.values())))
            self.connection.register("t", pyarrow.table({"i": range(count), **floats}))
        found = self.connection.execute(text).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]


@pytest.fixture(scope="module")
def mariadb():
    with running_server() as server, closing(server.connect()) as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE sky")
            cursor.execute("USE sky")
        yield MariaDB(connection)


@pytest.fixture(scope="module")
def embedded():
    with duckdb.connect() as connection:
        yield DuckDB(connection)


@pytest.fixture(params=["mariadb", "embedded"])
def engine(request):
    return request.getfixturevalue(request.param)


def expanded(call: str) -> exp.Expression:
    return expand(sqlglot.parse_one(f"SELECT {call}", dialect="mysql").selects[0])


def evaluate(engine, call: str, **columns):
    """Values of a sciSQL call for rows of doubles, or for no table at all."""
    text = expanded(call).sql(engine.dialect)
    if not columns:
        return engine.rows(f"SELECT {text}")[0]
    return engine.rows(f"SELECT {text} FROM t ORDER BY i", columns)


def unit(lon, lat):
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def separation(lon1, lat1, lon2, lat2):
    """Degrees, by cross and dot product."""
    a, b = unit(lon1, lat1), unit(lon2, lat2)
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))


def depth(region, lon, lat):
    """How far inside a region each point is, roughly in degrees: negative outside."""
    lon, lat = np.asarray(lon), np.asarray(lat)
    match region:
        case Circle():
            return region.radius - separation(lon, lat, region.lon, region.lat)
        case Box():
            across = np.minimum(lat - region.lat_min, region.lat_max - lat)
            if region.lon_max - region.lon_min >= 360:
                return across
            west, east, here = region.lon_min % 360, region.lon_max % 360, lon % 360
            along = np.minimum(here - west, east - here)
            if west > east:
                along = np.maximum(here - west, east - here)
            return np.minimum(along, across)
        case Ellipse():
            middle = unit(region.lon, region.lat)
            turn = math.radians(region.lon)
            east = np.array([-math.sin(turn), math.cos(turn), 0])
            north = np.cross(middle, east)
            point = unit(lon, lat)
            angle = math.radians(region.position_angle)
            along = point @ (math.cos(angle) * north + math.sin(angle) * east)
            across = point @ (math.cos(angle) * east - math.sin(angle) * north)
            a, b = (math.radians(max(x, 1e-12) / 3600) for x in (region.semi_major_arcsec, region.semi_minor_arcsec))
            value = np.hypot(along / a, across / b)
            # The distance to the edge is at least this, as the steepest direction is that of the minor axis.
            return np.degrees(np.where(point @ middle > 0, 1 - value, -1.0) * b)
        case Polygon():
            corners = unit(*np.array(region.vertices).T)
            edges = np.cross(corners, np.roll(corners, -1, axis=0))
            edges *= np.sign(np.sum(edges @ corners.T))
            size = np.linalg.norm(edges, axis=1, keepdims=True)
            return np.degrees(np.min(unit(lon, lat) @ (edges / size).T, axis=1))


def lon_lat_of(region):
    return points_for(region, 60, 3)


def arguments_of(region):
    match region:
        case Circle():
            return "Circle", [region.lon, region.lat, region.radius]
        case Box():
            return "Box", [region.lon_min, region.lat_min, region.lon_max, region.lat_max]
        case Ellipse():
            return "Ellipse", [
                region.lon,
                region.lat,
                region.semi_major_arcsec,
                region.semi_minor_arcsec,
                region.position_angle,
            ]
        case Polygon():
            return "CPoly", [c for v in region.vertices for c in v]


def call_of(region, arguments=None):
    name, values = arguments_of(region)
    return f"scisql_s2PtIn{name}(lon, lat, {', '.join(arguments or [repr(float(v)) for v in values])})"


def test_points_in_regions(engine):
    """Constant shapes: the value, and the row predicate, agree with geometry wherever rounding cannot decide."""
    hits = 0
    for region in regions(60, seed=77):
        lon, lat = lon_lat_of(region)
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


def test_shapes_from_columns_agree_with_constant_shapes(engine):
    for region in regions(40, seed=78):
        name, values = arguments_of(region)
        if name == "CPoly":
            continue
        lon, lat = lon_lat_of(region)
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


K = 2.5 / math.log(10)
F0 = 10 ** (-0.4 * 48.6)


@pytest.mark.parametrize(
    ("call", "formula"),
    [
        ("scisql_fluxToAbMag(a)", lambda a, b, c, d: -2.5 * math.log10(a) - 48.6),
        ("scisql_fluxToAbMagSigma(a, b)", lambda a, b, c, d: K * b / a),
        ("scisql_abMagToFlux(c)", lambda a, b, c, d: 10 ** (-0.4 * (c + 48.6))),
        ("scisql_abMagToFluxSigma(c, b)", lambda a, b, c, d: b / K * 10 ** (-0.4 * (c + 48.6))),
        ("scisql_nanojanskyToAbMag(a)", lambda a, b, c, d: -2.5 * math.log10(a) + 31.4),
        ("scisql_nanojanskyToAbMagSigma(a, b)", lambda a, b, c, d: K * b / a),
        ("scisql_abMagToNanojansky(c)", lambda a, b, c, d: 10 ** (0.4 * (31.4 - c))),
        ("scisql_abMagToNanojanskySigma(c, b)", lambda a, b, c, d: b / K * 10 ** (0.4 * (31.4 - c))),
        ("scisql_dnToAbMag(a, d)", lambda a, b, c, d: -2.5 * math.log10(a / d)),
        ("scisql_dnToAbMagSigma(a, b, d, c)", lambda a, b, c, d: K * math.hypot(b / a, c / d)),
        ("scisql_abMagToDn(c, d)", lambda a, b, c, d: d * 10 ** (-0.4 * c)),
        ("scisql_abMagToDnSigma(c, b, d, a)", lambda a, b, c, d: d * 10 ** (-0.4 * c) * math.hypot(b / K, a / d)),
        ("scisql_dnToFlux(a, d)", lambda a, b, c, d: a / d * F0),
        ("scisql_dnToFluxSigma(a, b, d, c)", lambda a, b, c, d: a / d * F0 * math.hypot(b / a, c / d)),
        ("scisql_fluxToDn(a, d)", lambda a, b, c, d: a * d / F0),
        ("scisql_fluxToDnSigma(a, b, d, c)", lambda a, b, c, d: a * d / F0 * math.hypot(b / a, c / d)),
    ],
)
def test_photometry(engine, call, formula):
    random = np.random.default_rng(3)
    a, b, c, d = (random.uniform(1, 100, 50) for _ in range(4))
    found = evaluate(engine, call, a=a, b=b, c=c, d=d)
    expected = [formula(*row) for row in zip(a, b, c, d, strict=True)]
    assert found == pytest.approx(expected, rel=1e-12)
    assert evaluate(engine, call, a=[None], b=[None], c=[None], d=[None]) == [None]


def test_photometry_without_a_value(engine):
    assert evaluate(engine, "scisql_fluxToAbMag(a)", a=[0, -1, 1e-300]) == [None, None, pytest.approx(701.4)]
    assert evaluate(engine, "scisql_nanojanskyToAbMag(-5)") is None
    assert evaluate(engine, "scisql_nanojanskyToAbMagSigma(a, 1)", a=[0]) == [None]
    assert evaluate(engine, "scisql_abMagToNanojansky(a)", a=[-1e6, 1e6]) == [None, 0]
    assert evaluate(engine, "scisql_dnToAbMag(a, 0)", a=[1]) == [None]


def test_quotients_of_integers_keep_their_digits(mariadb):
    text = expanded("scisql_nanojanskyToAbMagSigma(3, 1)").sql("mysql")
    assert mariadb.rows(f"SELECT {text}") == [pytest.approx(K / 3, rel=1e-14)]
    for call in ("scisql_dnToFlux(n, m)", "scisql_dnToAbMagSigma(n, n, m, n)"):
        text = expanded(call).sql("mysql")
        assert mariadb.rows(f"SELECT {text} FROM (SELECT 1 AS n, 3 AS m) AS t") == [
            pytest.approx(F0 / 3 if "Flux" in call else K * math.hypot(1, 1 / 3), rel=1e-14)
        ]


def test_an_index_on_latitude_serves(mariadb):
    lon, lat = uniform(5000, 9)
    mariadb.rows("SELECT 1", {"lon": lon, "lat": lat})
    mariadb.rows("CREATE INDEX by_lat ON t (lat)")
    for region in (Circle(10, 20, 0.1), Box(10, 20, 11, 20.1), Ellipse(10, 20, 100, 50, 3)):
        condition = inside(region, exp.column("lon"), exp.column("lat")).sql("mysql")
        assert "by_lat" in mariadb.rows(f"EXPLAIN SELECT * FROM t WHERE {condition}")[0]


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
        ("scisql_s2HtmId(1, 2, 3)", 1235, "scisql_s2HtmId"),
        ("scisql_s2PtInCPoly(1, 2, a)", 1235, "binary polygon"),
        ("scisql_s2PtInCPoly(1, 2, a, 0, 1, 1, 2, 0)", 1235, "not constants"),
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


@pytest.mark.parametrize(
    ("shape", "constants", "code", "text"),
    [
        ("circle", [1, 2], 1582, "'qserv_areaspec_circle': 2 given, it takes lon, lat, radius"),
        ("box", [1, 2, 3], 1582, "qserv_areaspec_box"),
        ("ellipse", [1, 2, 3], 1582, "qserv_areaspec_ellipse"),
        ("poly", [0, 0, 1, 1], 1582, "three or more vertices"),
        ("poly", [0, 0, 1, 1, 2, 2, 3], 1582, "qserv_areaspec_poly"),
        ("circle", [1, 91, 1], 1210, "Incorrect arguments to qserv_areaspec_circle: latitude 91"),
        ("circle", [1, 9, -1], 1210, "radius -1"),
        ("circle", [1, 9, 181], 1210, "radius 181"),
        ("circle", [math.inf, 9, 1], 1210, "not a finite number"),
        ("box", [0, -91, 1, 0], 1210, "latitude -91"),
        ("box", [5, 0, -5, 1], 1210, "neither ascending nor within"),
        ("ellipse", [1, 2, 10, 20, 0], 1210, "longer than semi-major"),
        ("ellipse", [1, 2, 40000, 20, 0], 1210, "longer than 36000"),
        ("ellipse", [1, 2, 10, -1, 0], 1210, "negative"),
        ("poly", [0, 0, 10, 0, 1, 1, 0, 10], 1210, "not convex"),
        ("poly", [0, 0, 0, 0, 1, 1], 1210, "fewer than three different"),
        ("poly", [0, 0, 5, 0, 10, 0], 1210, "no area"),
        ("poly", [0, 0, 5, 99, 10, 0], 1210, "latitude 99"),
    ],
)
def test_regions_that_are_refused(shape, constants, code, text):
    with pytest.raises(SQLError, match=text) as refused:
        region_of(shape, constants)
    assert refused.value.code == code


def test_regions_from_constants():
    assert region_of("circle", [1, 2, 3]) == Circle(1, 2, 3)
    assert region_of("box", [350, 2, 10, 4]) == Box(350, 2, 10, 4)
    assert region_of("ellipse", [1, 2, 30, 4, 5]) == Ellipse(1, 2, 30, 4, 5)
    closed = region_of("poly", [0, 0, 10, 0, 10, 10, 0, 0])
    assert closed == Polygon(((0, 0), (10, 0), (10, 10))) or len(closed.vertices) == 3
    assert centre(closed)[2] > 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("-1.5", -1.5),
        ("(2 + 3) * 4 / -8", -2.5),
        ("'10.25'", 10.25),
        ("1e400", None),
        ("1 / 0", None),
        ("a", None),
        ("'x'", None),
        ("NULL", None),
        ("RAND()", None),
    ],
)
def test_constants(text, value):
    assert constant(sqlglot.parse_one(text, dialect="mysql")) == value
