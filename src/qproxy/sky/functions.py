"""sciSQL functions as plain SQL expressions, so that workers need no plugin.

Rules of all of them: angles in degrees; a NULL argument gives 0 for ``scisql_s2PtIn*`` and NULL for the others;
values outside a function's range give NULL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from sqlglot import exp

from qproxy.errors import SQLError, unsupported
from qproxy.sky import arithmetic as sql
from qproxy.sky import photometry as mags
from qproxy.sky.predicates import haversine, inside, longitude
from qproxy.sky.shapes import MAX_SEMI_MAJOR, region_of

__all__ = ["REGION_FUNCTIONS", "expand", "inside", "region_of"]

E = exp.Expression
Build = Callable[..., E]

#: Version of sciSQL whose functions these are.
SCISQL_VERSION = "0.3.11"

#: Functions that test whether a point is in a region, lower case, and the shape of each.
REGION_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "scisql_s2ptinbox": "box",
        "scisql_s2ptincircle": "circle",
        "scisql_s2ptinellipse": "ellipse",
        "scisql_s2ptincpoly": "poly",
    }
)

_MAX_VERTICES = 20
_NAME = re.compile(r"(scisql_\w+?)(?:_\d+_\d+_\d+)?", re.IGNORECASE)
_NOT_YET = (
    "median",
    "percentile",
    "s2CPolyToBin",
    "s2HtmId",
    "s2HtmLevel",
    "s2CircleHtmRanges",
    "s2CPolyHtmRanges",
    "extractInt64",
    "raiseError",
)


def expand(call: exp.Anonymous) -> E | None:
    """What stands in for a call of a sciSQL function.

    Args:
        call: any call by name; names count whatever their case, with or without a version as in
            ``scisql_angSep_0_3_11``.

    Returns:
        A new expression, or None where the name is not one of sciSQL's.

    Raises:
        SQLError: 1582 for a wrong number of arguments, 1235 for functions that plain SQL cannot express,
            1305 for names that sciSQL does not have.
    """
    found = _NAME.fullmatch(call.name)
    if not found:
        return None
    short = found[1][len("scisql_") :].lower()
    if short not in _FUNCTIONS:
        for name in _NOT_YET:
            if short == name.lower():
                raise unsupported(f"the function scisql_{name}")
        raise SQLError(1305, f"FUNCTION {call.name} does not exist")
    name, counts, build = _FUNCTIONS[short]
    arguments = list(call.expressions)
    if len(arguments) not in counts:
        raise SQLError(1582, f"Incorrect parameter count in the call to native function 'scisql_{name}'")
    return build(*(_as_double(a) for a in arguments))


def _as_double(argument: E) -> E:
    value = sql.constant(argument)
    return argument if value is None else sql.number(value)


def _separation(*a: E) -> E:
    if len(a) == 4:
        chord = haversine(*a)
        value = sql.constant(chord)
        if value is not None:
            return sql.number(math.degrees(2 * math.asin(math.sqrt(min(1.0, value)))))
        # Rounding can take antipodes above 1, where an arc sine is NULL.
        half = sql.sqrt(exp.Least(this=sql.number(1), expressions=[chord], ignore_nulls=False))
        return sql.degrees(sql.mul(sql.number(2), exp.Asin(this=half)))
    x1, y1, z1, x2, y2, z2 = a
    crosses = [_cross(y1, z1, y2, z2), _cross(z1, x1, z2, x2), _cross(x1, y1, x2, y2)]
    squares = [sql.square(c) for c in crosses]
    sine = sql.sqrt(sql.add(sql.add(squares[0], squares[1]), squares[2]))
    products = [sql.mul(p.copy(), q.copy()) for p, q in ((x1, x2), (y1, y2), (z1, z2))]
    cosine = sql.add(sql.add(products[0], products[1]), products[2])
    return sql.degrees(exp.Atan2(this=sine, expression=cosine))


def _cross(a: E, b: E, c: E, d: E) -> E:
    return sql.sub(sql.mul(a.copy(), d.copy()), sql.mul(b.copy(), c.copy()))


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


def _in_box(lon: E, lat: E, *arguments: E) -> E:
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


def _in_circle(lon: E, lat: E, *arguments: E) -> E:
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


def _in_ellipse(lon: E, lat: E, *arguments: E) -> E:
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


def _in_polygon(lon: E, lat: E, *arguments: E) -> E:
    if len(arguments) == 1:
        raise unsupported("the function scisql_s2PtInCPoly with a binary polygon; give its vertices")
    return _point_in("poly", "scisql_s2PtInCPoly", lon, lat, arguments, _in_any_polygon)


def _in_any_polygon(*_: E) -> E:
    raise unsupported("the function scisql_s2PtInCPoly with vertices that are not constants")


def _version() -> E:
    return exp.Literal.string(SCISQL_VERSION)


def _table() -> Mapping[str, tuple[str, Sequence[int], Build]]:
    ab, nano = mags.AB_ZERO_POINT, mags.NANOJANSKY_ZERO_POINT
    functions: list[tuple[str, Sequence[int], Build]] = [
        ("angSep", (4, 6), _separation),
        ("s2PtInBox", (6,), _in_box),
        ("s2PtInCircle", (5,), _in_circle),
        ("s2PtInEllipse", (7,), _in_ellipse),
        ("s2PtInCPoly", (3, *range(8, 2 * _MAX_VERTICES + 3, 2)), _in_polygon),
        ("fluxToAbMag", (1,), lambda f: mags.magnitude(f, ab)),
        ("fluxToAbMagSigma", (2,), mags.magnitude_sigma),
        ("abMagToFlux", (1,), lambda m: mags.flux(m, ab)),
        ("abMagToFluxSigma", (2,), lambda m, s: mags.flux_sigma(m, s, ab)),
        ("nanojanskyToAbMag", (1,), lambda f: mags.magnitude(f, nano)),
        ("nanojanskyToAbMagSigma", (2,), mags.magnitude_sigma),
        ("abMagToNanojansky", (1,), lambda m: mags.flux(m, nano)),
        ("abMagToNanojanskySigma", (2,), lambda m, s: mags.flux_sigma(m, s, nano)),
        ("dnToAbMag", (2,), mags.counts_to_magnitude),
        ("dnToAbMagSigma", (4,), mags.counts_to_magnitude_sigma),
        ("abMagToDn", (2,), mags.magnitude_to_counts),
        ("abMagToDnSigma", (4,), mags.magnitude_to_counts_sigma),
        ("dnToFlux", (2,), mags.counts_to_flux),
        ("dnToFluxSigma", (4,), mags.counts_to_flux_sigma),
        ("fluxToDn", (2,), mags.flux_to_counts),
        ("fluxToDnSigma", (4,), mags.flux_to_counts_sigma),
        ("getVersion", (0,), _version),
    ]
    return MappingProxyType({name.lower(): (name, counts, build) for name, counts, build in functions})


_FUNCTIONS = _table()
