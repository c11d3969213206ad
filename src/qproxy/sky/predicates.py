"""Row predicates of regions: true exactly where the sciSQL function of the region would give 1.

Each begins with a range of latitudes, so that an index on the latitude column can serve and most rows are
settled without trigonometry. Constants are folded, and the rest is plain SQL of MariaDB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlglot import exp

from qproxy.sky import arithmetic as sql
from qproxy.sky.regions import Box, Circle, Ellipse, Polygon, Region, Vector

E = exp.Expression

# Degrees. Keeps the latitude range from deciding what the exact test after it should.
_SLACK = 1e-10
# Arc seconds. Shorter axes are taken as this long, so that nothing divides by zero or overflows.
_SHORTEST_AXIS = 1e-12
# At larger latitudes no point within an ellipse's reach (10.1 degrees) is in its antipode's latitude range.
_ANTIPODE_LATITUDE = 12.0


def inside(region: Region, lon: E, lat: E) -> E:
    """The condition that a row lies in a region.

    Args:
        region: the region.
        lon, lat: expressions in degrees, as a rule columns; they are copied. Any longitude counts as what
            it is modulo 360.

    Returns:
        An expression that is true for rows inside, edges included, and false or NULL for all others.
    """
    match region:
        case Circle():
            return _in_circle(region, lon, lat)
        case Box():
            return _in_box(region, lon, lat)
        case Ellipse():
            return _in_ellipse(region, lon, lat)
        case Polygon():
            return _in_polygon(region, lon, lat)


def half_spaces(normals: Sequence[Vector], lon: E, lat: E) -> E:
    """The condition that a position in degrees has no negative product with any of some vectors."""
    conditions = []
    for x, y, z in normals:
        # n . p >= 0 divided by cos(lat): two functions an edge instead of four.
        lean = math.hypot(x, y)
        side = sql.mul(
            sql.number(lean),
            sql.cos(sql.radians(sql.sub(lon.copy(), sql.number(math.degrees(math.atan2(y, x)))))),
        )
        height = sql.mul(sql.number(z), sql.tan(sql.radians(lat.copy())))
        conditions.append(sql.less_or_equal(sql.number(0), sql.add(side, height)))
    return sql.both(*conditions)


def haversine(lon1: E, lat1: E, lon2: E, lat2: E) -> E:
    """The squared sine of half the separation of two positions in degrees.

    Source: the haversine formula, which keeps its digits at small separations.
    """
    lats = sql.half_sine_squared(lat1.copy(), lat2.copy())
    lons = sql.half_sine_squared(lon1.copy(), lon2.copy())
    shrink = sql.mul(sql.cos(sql.radians(lat1.copy())), sql.cos(sql.radians(lat2.copy())))
    return sql.add(lats, sql.mul(shrink, lons))


def longitude(lon: E) -> E:
    """A longitude reduced to [0, 360)."""
    turns = exp.Floor(this=sql.div(lon.copy(), sql.number(360)))
    return sql.sub(lon.copy(), sql.mul(sql.number(360), turns))


def _latitudes(lat: E, low: float, high: float) -> E:
    return sql.between(lat.copy(), max(low, -90.0), min(high, 90.0))


def _known(node: E) -> E:
    return sql.not_(sql.is_null(node.copy()))


def _in_circle(circle: Circle, lon: E, lat: E) -> E:
    reach = circle.radius + _SLACK
    near = _latitudes(lat, circle.lat - reach, circle.lat + reach)
    if circle.radius >= 180:
        return sql.both(near, _known(lon))
    separation = haversine(lon, lat, sql.number(circle.lon), sql.number(circle.lat))
    limit = math.sin(math.radians(circle.radius) / 2) ** 2
    return sql.both(near, sql.less_or_equal(separation, sql.number(limit)))


def _in_box(box: Box, lon: E, lat: E) -> E:
    if box.lat_min > box.lat_max:
        return exp.false()
    near = _latitudes(lat, box.lat_min, box.lat_max)
    if box.all_longitudes:
        return sql.both(near, _known(lon))
    west, east = box.longitudes
    # As a rule catalogues keep to [0, 360]: only what is outside pays for being reduced.
    outside = sql.either(sql.less(lon.copy(), sql.number(0)), sql.less_or_equal(sql.number(360), lon.copy()))
    lon_reduced = longitude(lon)
    if west <= east:
        within = sql.between(lon.copy(), west, east)
        wrapped = sql.between(lon_reduced, west, east)
    else:
        within = sql.either(sql.between(lon.copy(), 0, east), sql.between(lon.copy(), west, 360))
        wrapped = sql.either(
            sql.less_or_equal(lon_reduced, sql.number(east)),
            sql.less_or_equal(sql.number(west), lon_reduced.copy()),
        )
    return sql.both(near, sql.either(within, sql.both(outside, wrapped)))


def _in_ellipse(ellipse: Ellipse, lon: E, lat: E) -> E:
    reach = ellipse.reach + _SLACK
    conditions = [_latitudes(lat, ellipse.lat - reach, ellipse.lat + reach)]
    angle = math.radians(ellipse.position_angle)
    major, minor = (
        math.radians(max(axis, _SHORTEST_AXIS) / 3600)
        for axis in (ellipse.semi_major_arcsec, ellipse.semi_minor_arcsec)
    )
    sin_lat, cos_lat = math.sin(math.radians(ellipse.lat)), math.cos(math.radians(ellipse.lat))
    turn = sql.radians(sql.sub(lon.copy(), sql.number(ellipse.lon)))

    def axis(north: float, east: float) -> E:
        """north * N + east * E, of the projected offsets N and E from the centre."""
        flat = sql.add(
            sql.mul(sql.number(-north * sin_lat), sql.cos(turn.copy())),
            sql.mul(sql.number(east), sql.sin(turn.copy())),
        )
        return sql.add(
            sql.mul(sql.number(north * cos_lat), sql.sin(sql.radians(lat.copy()))),
            sql.mul(sql.cos(sql.radians(lat.copy())), flat),
        )

    along = axis(math.cos(angle) / major, math.sin(angle) / major)
    across = axis(-math.sin(angle) / minor, math.cos(angle) / minor)
    conditions.append(sql.less_or_equal(sql.add(sql.square(along), sql.square(across)), sql.number(1)))
    if abs(ellipse.lat) < _ANTIPODE_LATITUDE:
        # The projection cannot tell the two sides of the sphere apart.
        conditions.append(sql.less(sql.number(0), sql.cos(turn)))
    return sql.both(*conditions)


def _in_polygon(polygon: Polygon, lon: E, lat: E) -> E:
    return sql.both(_latitudes(lat, *polygon.latitudes), half_spaces(polygon.normals, lon, lat))
