"""sciSQL's tests whether a point is in a region, as plain SQL: 1 or 0, for constant regions and for any other.

A NULL argument gives 0; a value outside its range, or vertices that make no convex polygon, give NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, pairwise

from sqlglot import exp

from qproxy.errors import SQLError, unsupported
from qproxy.sky import arithmetic as sql
from qproxy.sky.blobs import blob, is_null
from qproxy.sky.polygons import normals_of
from qproxy.sky.predicates import half_spaces, haversine, inside, longitude
from qproxy.sky.shapes import MAX_SEMI_MAJOR, region_of

E = exp.Expression
Build = Callable[..., E]

# As `Polygon.is_convex` has them: how far a vertex may be outside an edge, and what is no area.
_DENT = 1e-14
_FLAT = 1e-18
# The squared sine of half the angle between two vertices, from which on no great circle is told between them.
_OPPOSITE = 1 - 1e-15
# Every vertex is compared with every edge: beyond this the expression would be long and slow to write.
_MOST_VARIABLE_VERTICES = 6


def _answer(nulls: Sequence[E], out_of_range: E | None, hit: E, hit_first: bool) -> E:
    """1 or 0 by a condition; 0 for a NULL argument, then NULL for one out of range."""
    whens = [(sql.any_null(*nulls), sql.whole(0))]
    if out_of_range is not None:
        whens.append((out_of_range, exp.Null()))
    # Where the condition itself settles both, only the rows that it rejects pay for asking why.
    whens.insert(0 if hit_first else len(whens), (hit, sql.whole(1)))
    return sql.case(*whens, default=sql.whole(0))


def _off_sphere(*latitudes: E) -> E:
    return sql.either(*(sql.not_(sql.between(lat.copy(), -90, 90)) for lat in latitudes))


def _constants(arguments: Sequence[E]) -> list[float] | None:
    values = [sql.constant(a) for a in arguments]
    known = [v for v in values if v is not None]
    return known if len(known) == len(values) else None


def _point_in(shape: str, name: str, lon: E, lat: E, arguments: Sequence[E], general: Build) -> E:
    """The function of a shape: short where its arguments are constants that make a region."""
    constants = _constants(arguments)
    if constants is None:
        return general(lon, lat, *arguments)
    try:
        region = region_of(shape, constants, name)
    except SQLError as error:
        if error.code != 1210:
            raise
        return sql.case((sql.any_null(lon, lat), sql.whole(0)))
    return _answer([lon, lat], _off_sphere(lat), inside(region, lon, lat), hit_first=True)


def in_box(lon: E, lat: E, *arguments: E) -> E:
    """Whether (lon, lat) is between two longitudes, eastwards, and two latitudes."""
    return _point_in("box", "scisql_s2PtInBox", lon, lat, arguments, _in_any_box)


def _in_any_box(lon: E, lat: E, lon_min: E, lat_min: E, lon_max: E, lat_max: E) -> E:
    descending = sql.less(lon_max.copy(), lon_min.copy())
    beyond = sql.either(sql.less(lon_max.copy(), sql.number(0)), sql.less(sql.number(360), lon_min.copy()))
    here, west, east = longitude(lon), longitude(lon_min), longitude(lon_max)
    after, before = sql.less_or_equal(west, here), sql.less_or_equal(here.copy(), east)
    around = sql.less_or_equal(sql.number(360), sql.sub(lon_max.copy(), lon_min.copy()))
    within = sql.either(
        around,
        sql.both(sql.less_or_equal(west.copy(), east.copy()), after, before),
        sql.both(sql.less(east.copy(), west.copy()), sql.either(after.copy(), before.copy())),
    )
    hit = sql.both(sql.less_or_equal(lat_min.copy(), lat.copy()), sql.less_or_equal(lat.copy(), lat_max.copy()), within)
    wrong = sql.either(_off_sphere(lat, lat_min, lat_max), sql.both(descending, beyond))
    return _answer([lon, lat, lon_min, lat_min, lon_max, lat_max], wrong, hit, hit_first=False)


def in_circle(lon: E, lat: E, *arguments: E) -> E:
    """Whether (lon, lat) is within a radius of a centre."""
    return _point_in("circle", "scisql_s2PtInCircle", lon, lat, arguments, _in_any_circle)


def _in_any_circle(lon: E, lat: E, centre_lon: E, centre_lat: E, radius: E) -> E:
    separation = haversine(lon, lat, centre_lon, centre_lat)
    hit = sql.both(
        sql.less_or_equal(exp.Abs(this=sql.sub(lat.copy(), centre_lat.copy())), radius.copy()),
        sql.either(
            sql.less_or_equal(separation, sql.half_sine_squared(radius.copy(), sql.number(0))),
            exp.EQ(this=sql.operand(radius.copy()), expression=sql.number(180)),
        ),
    )
    wrong = sql.either(_off_sphere(lat, centre_lat), sql.not_(sql.between(radius.copy(), 0, 180)))
    return _answer([lon, lat, centre_lon, centre_lat, radius], wrong, hit, hit_first=False)


def in_ellipse(lon: E, lat: E, *arguments: E) -> E:
    """Whether (lon, lat) is in an ellipse, axes in arc seconds."""
    return _point_in("ellipse", "scisql_s2PtInEllipse", lon, lat, arguments, _in_any_ellipse)


def _in_any_ellipse(lon: E, lat: E, centre_lon: E, centre_lat: E, major: E, minor: E, angle: E) -> E:
    turn = sql.radians(sql.sub(lon.copy(), centre_lon.copy()))
    theta, phi, phi0 = sql.radians(angle.copy()), sql.radians(lat.copy()), sql.radians(centre_lat.copy())
    east = sql.mul(sql.cos(phi), sql.sin(turn))
    flat = sql.mul(sql.cos(phi.copy()), sql.cos(turn.copy()))
    north = sql.sub(sql.mul(sql.cos(phi0), sql.sin(phi.copy())), sql.mul(sql.sin(phi0.copy()), flat))
    near_side = sql.add(sql.mul(sql.sin(phi0.copy()), sql.sin(phi.copy())), sql.mul(sql.cos(phi0.copy()), flat.copy()))
    along = sql.add(sql.mul(sql.cos(theta), north), sql.mul(sql.sin(theta.copy()), east))
    across = sql.sub(sql.mul(sql.cos(theta.copy()), east.copy()), sql.mul(sql.sin(theta.copy()), north.copy()))
    axes = [sql.radians(sql.div(axis.copy(), sql.number(3600))) for axis in (major, minor)]
    squares = [sql.square(sql.div(offset, axis)) for offset, axis in zip((along, across), axes, strict=True)]
    hit = sql.both(
        sql.less(sql.number(0), near_side),
        sql.less_or_equal(sql.add(squares[0], squares[1]), sql.number(1)),
    )
    wrong = sql.either(
        _off_sphere(lat, centre_lat),
        sql.less(minor.copy(), sql.number(0)),
        sql.less(major.copy(), minor.copy()),
        sql.less(sql.number(MAX_SEMI_MAJOR), major.copy()),
    )
    return _answer([lon, lat, centre_lon, centre_lat, major, minor, angle], wrong, hit, hit_first=False)


def in_polygon(lon: E, lat: E, *arguments: E) -> E:
    """Whether (lon, lat) is in a convex polygon, given by its vertices or in binary form."""
    if len(arguments) != 1:
        return _point_in("poly", "scisql_s2PtInCPoly", lon, lat, arguments, _in_any_polygon)
    polygon = arguments[0]
    if is_null(polygon):
        return sql.whole(0)
    value = blob(polygon)
    if value is None:
        raise unsupported(
            "the function scisql_s2PtInCPoly with a binary polygon that is no constant; give its vertices"
        )
    normals = normals_of(value)
    if normals is None:
        return sql.case((sql.any_null(lon, lat), sql.whole(0)))
    return _answer([lon, lat], _off_sphere(lat), half_spaces(normals, lon, lat), hit_first=True)


def _in_any_polygon(lon: E, lat: E, *arguments: E) -> E:
    """A polygon whose vertices are expressions: what `Polygon.is_convex` does with numbers, as SQL."""
    vertices = list(zip(arguments[::2], arguments[1::2], strict=True))
    if len(vertices) > _MOST_VARIABLE_VERTICES:
        raise unsupported(
            f"the function scisql_s2PtInCPoly with more than {_MOST_VARIABLE_VERTICES} vertices that are not "
            "constants; write numbers, or fewer vertices"
        )
    edges = list(pairwise([*vertices, vertices[0]]))
    count = len(vertices)
    # A vertex and an edge; three neighbours are one such pair seen from either end.
    threes = {
        min((m, n, (n + 1) % count), (n, (n + 1) % count, m), ((n + 1) % count, m, n))
        for n in range(count)
        for m in range(count)
        if m not in (n, (n + 1) % count)
    }
    # Positive where the vertex is to the left of the edge, seen from outside the sphere.
    sides = [_side(*(vertices[v] for v in three)) for three in sorted(threes)]
    least, greatest = sides[0], sides[0].copy()
    if len(sides) > 1:
        least = exp.Least(this=sides[0], expressions=sides[1:], ignore_nulls=False)
        copies = [s.copy() for s in sides]
        greatest = exp.Greatest(this=copies[0], expressions=copies[1:], ignore_nulls=False)
    left = sql.both(sql.less_or_equal(sql.number(-_DENT), least), sql.less(sql.number(_FLAT), greatest))
    right = sql.both(sql.less_or_equal(greatest.copy(), sql.number(_DENT)), sql.less(least.copy(), sql.number(-_FLAT)))
    ours = [_side((lon, lat), *edge) for edge in edges]
    zero = sql.number(0)
    opposite = [sql.less(sql.number(_OPPOSITE), haversine(*a, *b)) for a, b in combinations(vertices, 2)]
    return sql.case(
        (sql.any_null(lon, lat, *arguments), sql.whole(0)),
        (sql.either(_off_sphere(lat, *arguments[1::2]), *opposite), exp.Null()),
        (left, _truth(sql.both(*(sql.less_or_equal(zero.copy(), s) for s in ours)))),
        (right, _truth(sql.both(*(sql.less_or_equal(s.copy(), zero.copy()) for s in ours)))),
    )


def _truth(condition: E) -> E:
    return sql.case((condition, sql.whole(1)), default=sql.whole(0))


def _side(point: tuple[E, E], one: tuple[E, E], other: tuple[E, E]) -> E:
    """The product of a point with the normal of the edge between two others, all on the unit sphere.

    Source: p . (a x b) in longitudes and latitudes; the differences of longitudes keep its digits for small polygons.
    """
    terms = []
    for p, a, b in ((point, one, other), (one, other, point), (other, point, one)):
        height = sql.sin(sql.radians(p[1].copy()))
        flat = sql.mul(sql.cos(sql.radians(a[1].copy())), sql.cos(sql.radians(b[1].copy())))
        turn = sql.sin(sql.radians(sql.sub(b[0].copy(), a[0].copy())))
        terms.append(sql.mul(sql.mul(height, flat), turn))
    return sql.add(sql.add(terms[0], terms[1]), terms[2])
