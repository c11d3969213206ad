"""Hierarchical triangular mesh: ids of triangles, and the ranges of ids that cover a region.

Source: Kunszt, Szalay, Thakar: "The Hierarchical Triangular Mesh" (2001); the numbering is that of sphgeom and sciSQL:
8 to 11 for the southern roots, 12 to 15 for the northern ones, and two bits more a level.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from lsst import sphgeom

from qproxy.sky.regions import Circle, Vector, reduced

#: The finest level.
MAX_LEVEL = sphgeom.HtmPixelization.MAX_LEVEL
#: More ranges than this are not listed: they would be part of every statement.
MAX_RANGES = 4_096

_PAIR = struct.Struct("<qq")
_INTEGER = struct.Struct("<q")
_ROOT_SIDE = 90.0


def id_of(lon: float, lat: float, level: int) -> int:
    """The id of the triangle that holds a position.

    Args:
        lon, lat: degrees, the latitude within -90 to 90.
        level: 0 to `MAX_LEVEL`.
    """
    found: int = _mesh(level).index(sphgeom.UnitVector3d(sphgeom.LonLat.fromDegrees(reduced(lon), lat)))
    return found


def bounds(level: int) -> tuple[int, int]:
    """First and last id of a level."""
    return 8 << 2 * level, (16 << 2 * level) - 1


def circle_ranges(circle: Circle, level: int, most: int) -> bytes | None:
    """Ranges of ids that cover a circle.

    Args:
        most: how many ranges there may be; 0 or less for any number. Where more would be needed, coarser triangles
            are taken.

    Returns:
        Pairs of first and last id as little-endian 64 bit integers; None where there would be more than `MAX_RANGES`.
    """
    angle = sphgeom.Angle.fromDegrees(circle.radius)
    centre = sphgeom.UnitVector3d(sphgeom.LonLat.fromDegrees(reduced(circle.lon), circle.lat))
    round_ = 360.0 * math.sin(math.radians(circle.radius))
    return _ranges(sphgeom.Circle(centre, angle), round_, level, most)


def polygon_ranges(corners: Sequence[Vector], level: int, most: int) -> bytes | None:
    """Ranges of ids that cover a convex polygon, as of `circle_ranges`.

    Args:
        corners: unit vectors of its vertices.

    Raises:
        ValueError: they make no convex polygon.
    """
    try:
        polygon = sphgeom.ConvexPolygon([sphgeom.UnitVector3d(*c) for c in corners])
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    points = polygon.getVertices()
    cosines = [a.dot(b) for a, b in zip(points, [*points[1:], points[0]], strict=True)]
    round_ = sum(math.degrees(math.acos(max(-1.0, min(1.0, c)))) for c in cosines)
    return _ranges(polygon, round_, level, most)


def integer_at(value: bytes, index: int) -> int | None:
    """The 64 bit integer of that number, counted from 0, in a binary string; None beyond its ends."""
    if not 0 <= index < len(value) // _INTEGER.size:
        return None
    found: int = _INTEGER.unpack_from(value, index * _INTEGER.size)[0]
    return found


def _ranges(region: Any, round_: float, level: int, most: int) -> bytes | None:
    # Ranges end where the edge of the region passes, about once in the length of a triangle's side.
    if not 0 < most <= MAX_RANGES and round_ / _ROOT_SIDE * 2.0**level > MAX_RANGES:
        return None
    ranges = _mesh(level).envelope(region, most if 0 < most <= MAX_RANGES else 0)
    return b"".join(_PAIR.pack(first, end - 1) for first, end in ranges)


@lru_cache(maxsize=MAX_LEVEL + 1)
def _mesh(level: int) -> Any:
    return sphgeom.HtmPixelization(level)
