"""Regions of the sky, and the chunks that can hold a row inside them.

The row predicate of a region is evaluated in double arithmetic by the engine of a worker, so a row may pass
although it lies outside by a rounding error. Every coverage is therefore that of a slightly larger region.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from lsst import sphgeom

from qproxy.sky.chunker import chunker
from qproxy.sky.coverage import EVERYTHING, NOTHING, Coverage

Vector = tuple[float, float, float]

#: Degrees by which coverages are wider than their regions.
MARGIN = 1e-8
_POLYGON_MARGIN = 1e-7
# Small circles that leave out less than this round their antipode are not told from the whole sphere:
# there the cosine of the radius no longer resolves angles.
_WHOLE_SPHERE = 179.9
# With more chunks than this, sub-chunks would lengthen statements without saving much.
_MAX_CHUNKS_IN_DETAIL = 16


@dataclass(frozen=True)
class Circle:
    """All points within ``radius`` of (lon, lat); degrees."""

    lon: float
    lat: float
    radius: float

    def coverage(self, stripes: int, sub_stripes: int) -> Coverage:
        """The places of the family that can hold a row inside."""
        if self.radius >= _WHOLE_SPHERE:
            return EVERYTHING
        angle = sphgeom.Angle.fromDegrees(self.radius + MARGIN)
        return _coverage(sphgeom.Circle(_vector(self.lon, self.lat), angle), stripes, sub_stripes)


@dataclass(frozen=True)
class Box:
    """All points between two longitudes, eastwards, and two latitudes; degrees, edges included.

    Longitudes are reduced to [0, 360), so 360 means 0, unless they span 360 degrees or more, which means all.
    """

    lon_min: float
    lat_min: float
    lon_max: float
    lat_max: float

    @property
    def all_longitudes(self) -> bool:
        """Whether it goes round the sphere."""
        return self.lon_max - self.lon_min >= 360

    @property
    def longitudes(self) -> tuple[float, float]:
        """West and east edge in [0, 360); the first is the larger where it crosses longitude 0."""
        return reduced(self.lon_min), reduced(self.lon_max)

    def coverage(self, stripes: int, sub_stripes: int) -> Coverage:
        """The places of the family that can hold a row inside."""
        if self.lat_min > self.lat_max:
            return NOTHING
        if self.all_longitudes and self.lat_min <= -90 and self.lat_max >= 90:
            return EVERYTHING
        west, east = self.longitudes
        if self.all_longitudes or (east - west) % 360 + 4 * MARGIN >= 360:
            lon = sphgeom.NormalizedAngleInterval.full()
        else:
            lon = sphgeom.NormalizedAngleInterval.fromDegrees(reduced(west - MARGIN), reduced(east + MARGIN))
        lat = sphgeom.AngleInterval.fromDegrees(max(self.lat_min - MARGIN, -90.0), min(self.lat_max + MARGIN, 90.0))
        return _coverage(sphgeom.Box(lon, lat), stripes, sub_stripes)


@dataclass(frozen=True)
class Ellipse:
    """The points whose orthographic projection about (lon, lat) lies in an ellipse.

    Attributes:
        lon, lat: centre, degrees.
        semi_major_arcsec, semi_minor_arcsec: semi-axes, arc seconds.
        position_angle: of the major axis, degrees east of north.
    """

    lon: float
    lat: float
    semi_major_arcsec: float
    semi_minor_arcsec: float
    position_angle: float

    @property
    def reach(self) -> float:
        """Largest distance of a point inside from the centre, degrees."""
        return math.degrees(math.asin(min(1.0, math.radians(self.semi_major_arcsec / 3600))))

    def coverage(self, stripes: int, sub_stripes: int) -> Coverage:
        """The places of the family that can hold a row inside: those of the circle round it."""
        return Circle(self.lon, self.lat, self.reach).coverage(stripes, sub_stripes)


@dataclass(frozen=True)
class Polygon:
    """A convex polygon of great circles.

    Attributes:
        vertices: (lon, lat) in degrees, in either direction round it; three or more, all in one hemisphere.
    """

    vertices: tuple[tuple[float, float], ...]

    @property
    def normals(self) -> tuple[Vector, ...]:
        """One vector an edge: points inside have no negative product with any of them.

        Source: (a - b) x (a + b) is twice a x b, and keeps its digits where the vertices are close.
        """
        points = [unit_vector(lon, lat) for lon, lat in self.vertices]
        edges = [_edge_normal(a, b) for a, b in pairwise([*points, points[0]])]
        turn = sum(_dot(n, p) for n in edges for p in points)
        return tuple((-x, -y, -z) for x, y, z in edges) if turn < 0 else tuple(edges)

    @property
    def is_convex(self) -> bool:
        """Whether it has an area, fits into a hemisphere, and has no dent."""
        points = [unit_vector(lon, lat) for lon, lat in self.vertices]
        products = [_dot(n, p) for n in self.normals for p in points]
        if min(products) < -1e-14 or max(products) <= 1e-18:
            return False
        return self._hull(0.0) is not None

    @property
    def latitudes(self) -> tuple[float, float]:
        """Lowest and highest latitude, degrees, a little widened."""
        hull = self._hull(_POLYGON_MARGIN)
        if hull is None:
            return -90.0, 90.0
        lat = hull.getBoundingBox().getLat()
        return max(-90.0, lat.getA().asDegrees() - MARGIN), min(90.0, lat.getB().asDegrees() + MARGIN)

    def coverage(self, stripes: int, sub_stripes: int) -> Coverage:
        """The places of the family that can hold a row inside."""
        hull = self._hull(_POLYGON_MARGIN)
        return EVERYTHING if hull is None else _coverage(hull, stripes, sub_stripes)

    def _hull(self, margin: float) -> Any:
        """The convex hull of small squares round the vertices; None where no hemisphere holds it."""
        try:
            return sphgeom.ConvexPolygon([point for v in self.vertices for point in _square(*v, margin)])
        except (RuntimeError, ValueError):
            return None


Region = Circle | Box | Ellipse | Polygon


def reduced(lon: float) -> float:
    """A longitude in [0, 360)."""
    lon = lon % 360.0
    return 0.0 if lon >= 360.0 else lon


def unit_vector(lon: float, lat: float) -> Vector:
    """The unit vector of a position in degrees."""
    x, y = math.radians(lon), math.radians(lat)
    return math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y)


def _vector(lon: float, lat: float) -> Any:
    return sphgeom.UnitVector3d(sphgeom.LonLat.fromDegrees(reduced(lon), lat))


def _square(lon: float, lat: float, margin: float) -> Iterator[Any]:
    """Unit vectors of the corners of a square round a position; of the position itself without margin."""
    x, y, z = unit_vector(lon, lat)
    if not margin:
        yield sphgeom.UnitVector3d(x, y, z)
        return
    size, angle = math.radians(margin), math.radians(lon)
    east = (-math.sin(angle), math.cos(angle), 0.0)
    north = (-z * math.cos(angle), -z * math.sin(angle), math.cos(math.radians(lat)))
    for e in (-size, size):
        for n in (-size, size):
            yield sphgeom.UnitVector3d(*(p + e * a + n * b for p, a, b in zip((x, y, z), east, north, strict=True)))


def _edge_normal(a: Vector, b: Vector) -> Vector:
    (dx, dy, dz), (sx, sy, sz) = (
        (a[0] - b[0], a[1] - b[1], a[2] - b[2]),
        (a[0] + b[0], a[1] + b[1], a[2] + b[2]),
    )
    return (dy * sz - dz * sy) / 2, (dz * sx - dx * sz) / 2, (dx * sy - dy * sx) / 2


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@lru_cache(maxsize=64)
def _library(stripes: int, sub_stripes: int) -> Any:
    return sphgeom.Chunker(stripes, sub_stripes)


def _coverage(region: Any, stripes: int, sub_stripes: int) -> Coverage:
    library = _library(stripes, sub_stripes)
    chunks = library.getChunksIntersecting(region)
    if len(chunks) > _MAX_CHUNKS_IN_DETAIL:
        return Coverage.of_chunks(chunks)
    whole, part = [], {}
    for chunk, subs in library.getSubChunksIntersecting(region):
        if len(subs) < chunker(stripes, sub_stripes).count_sub_chunks(chunk):
            part[chunk] = subs
        else:
            whole.append(chunk)
    return Coverage.of_parts(whole, part)
