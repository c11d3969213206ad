"""From the arguments of an area restrictor to its region, with an error for a person where they are wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qproxy.errors import SQLError
from qproxy.sky.regions import Box, Circle, Ellipse, Polygon, Region

_ARGUMENTS = {
    "box": "lon_min, lat_min, lon_max, lat_max in degrees",
    "circle": "lon, lat, radius in degrees",
    "ellipse": "lon, lat in degrees, semi-major and semi-minor axis in arc seconds, position angle in degrees",
    "poly": "lon, lat in degrees of three or more vertices",
}
_COUNTS = {"box": 4, "circle": 3, "ellipse": 5}

#: Longest semi-major axis of an ellipse, arc seconds.
MAX_SEMI_MAJOR = 36_000.0


def region_of(shape: str, constants: Sequence[float], function: str | None = None) -> Region:
    """The region of an area restrictor.

    Args:
        shape: ``box``, ``circle``, ``ellipse`` or ``poly``.
        constants: its arguments, as in ``qserv_areaspec_<shape>``.
        function: the name that errors give, ``qserv_areaspec_<shape>`` by default.

    Raises:
        SQLError: 1582 for a wrong number of arguments, 1210 for values that make no region.
    """
    name = function or f"qserv_areaspec_{shape}"
    values = tuple(float(c) for c in constants)
    wanted = _COUNTS.get(shape)
    if len(values) != wanted if wanted else len(values) < 6 or len(values) % 2:
        raise SQLError(
            1582,
            f"Incorrect parameter count in the call to native function '{name}': {len(values)} given,"
            f" it takes {_ARGUMENTS[shape]}",
        )
    reason = next((f"{v} is not a finite number" for v in values if not math.isfinite(v)), None)
    if reason is None:
        region, reason = _CHECKS[shape](values)
        if reason is None:
            return region
    raise SQLError(1210, f"Incorrect arguments to {name}: {reason}; it takes {_ARGUMENTS[shape]}")


def _box(values: tuple[float, ...]) -> tuple[Region, str | None]:
    lon_min, lat_min, lon_max, lat_max = values
    reason = _bad_latitude(lat_min, lat_max)
    if lon_max < lon_min and (lon_max < 0 or lon_min > 360):
        reason = f"longitudes from {lon_min:g} to {lon_max:g} are neither ascending nor within 0 to 360"
    return Box(lon_min, lat_min, lon_max, lat_max), reason


def _circle(values: tuple[float, ...]) -> tuple[Region, str | None]:
    lon, lat, radius = values
    reason = _bad_latitude(lat)
    if not 0 <= radius <= 180:
        reason = f"radius {radius:g} is not between 0 and 180"
    return Circle(lon, lat, radius), reason


def _ellipse(values: tuple[float, ...]) -> tuple[Region, str | None]:
    lon, lat, major, minor, angle = values
    reason = _bad_latitude(lat)
    if minor < 0:
        reason = f"semi-minor axis {minor:g} is negative"
    elif minor > major:
        reason = f"semi-minor axis {minor:g} is longer than semi-major axis {major:g}"
    elif major > MAX_SEMI_MAJOR:
        reason = f"semi-major axis {major:g} is longer than {MAX_SEMI_MAJOR:g}"
    return Ellipse(lon, lat, major, minor, angle), reason


def _poly(values: tuple[float, ...]) -> tuple[Region, str | None]:
    given = list(zip(values[::2], values[1::2], strict=True))
    # A repeated vertex, as of polygons closed by their first one, is no edge.
    vertices = [v for i, v in enumerate(given) if v != given[i - 1]]
    polygon = Polygon(tuple(vertices))
    reason = _bad_latitude(*values[1::2])
    if reason is None and len(vertices) < 3:
        reason = "fewer than three different vertices"
    if reason is None and not polygon.is_convex:
        reason = "the polygon is not convex, has no area or does not fit into a hemisphere"
    return polygon, reason


def _bad_latitude(*latitudes: float) -> str | None:
    return next((f"latitude {v:g} is not between -90 and 90" for v in latitudes if not -90 <= v <= 90), None)


_CHECKS = {"box": _box, "circle": _circle, "ellipse": _ellipse, "poly": _poly}
