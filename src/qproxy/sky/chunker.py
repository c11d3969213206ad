"""Chunks and sub-chunks of points, whole arrays at a time, numbered as ``lsst.sphgeom.Chunker`` numbers them.

The library finds the chunks of a region but not those of a point. Here the same arithmetic (radians, its
segment formula, its order of operations) runs over numpy arrays, so that both agree on every point.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qproxy.errors import ConfigError

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

#: Largest overlap that any family may have, degrees.
MAX_OVERLAP = 10.0

# Blocks of this many rows keep every intermediate array in the processor's cache.
_BLOCK = 16_384
# Radians. Pairs exactly one overlap apart must meet although their separation is computed with rounding.
_SLACK = 2e-14
_ARC_SECOND = math.pi / 180 / 3600
_MAX_STRIPES = 32_000  # chunk ids, up to 2 * stripes**2, are 32-bit integers


def segments(lat_min: float, lat_max: float, width: float) -> int:
    """How many equal longitude ranges a latitude band is cut into, as in sphgeom's ``Chunker``.

    Args:
        lat_min, lat_max: the band, radians.
        width: angular separation, radians, that points one segment apart keep at least.
    """
    if width > math.pi:
        return 1
    lat = max(abs(lat_min), abs(lat_max))
    if lat > 0.5 * math.pi - 4.85e-6:
        return 1
    sin_lat, cos_lat = math.sin(lat), math.cos(lat)
    x = math.cos(width) - sin_lat * sin_lat
    u = cos_lat * cos_lat
    y = math.sqrt(abs(u * u - x * x))
    return math.floor(2 * math.pi / abs(math.atan2(y, x)))


def max_alpha(radius: float, lat: float) -> float:
    """Largest longitude difference, radians, between a point at ``lat`` and one within ``radius`` of it.

    Args:
        radius, lat: radians. Beyond the last arc second before a pole every longitude is within reach.

    Source: atan(sin r / sqrt(|cos(lat - r) cos(lat + r)|)), the tangent meridian of a small circle.
    """
    if radius == 0.0:
        return 0.0
    lat = abs(lat)
    if lat + radius > 0.5 * math.pi - _ARC_SECOND:
        return math.pi
    return math.atan(math.sin(radius) / math.sqrt(abs(math.cos(lat - radius) * math.cos(lat + radius))))


class Chunker:
    """The cutting of the sphere of one family.

    Args:
        stripes: number of latitude stripes.
        sub_stripes: sub-stripes per stripe.

    Raises:
        ConfigError: where a number is below 1 or too large for 32-bit chunk ids.
    """

    def __init__(self, stripes: int, sub_stripes: int) -> None:
        for name, value in (("stripes", stripes), ("sub_stripes", sub_stripes)):
            if not 1 <= value <= _MAX_STRIPES:
                raise ConfigError(f"{name} must be from 1 to {_MAX_STRIPES}, not {value}")
        self.stripes = stripes
        self.sub_stripes = sub_stripes
        self._height = math.pi / (stripes * sub_stripes)
        self._last = stripes * sub_stripes - 1
        height = math.pi / stripes
        half = 0.5 * math.pi
        chunks = [segments(s * height - half, (s + 1) * height - half, height) for s in range(stripes)]
        subs = [
            segments(s * self._height - half, (s + 1) * self._height - half, self._height) // chunks[s // sub_stripes]
            for s in range(self._last + 1)
        ]
        #: Sub-chunks of the sub-stripe that has most in a chunk; the step of sub-chunk ids from one
        #: sub-stripe to the next.
        self.max_sub_chunks = max(subs)
        # One entry a sub-stripe.
        self._chunk_count = np.repeat(np.array(chunks, np.int32), sub_stripes)
        self._sub_count = np.array(subs, np.int32)
        self._chunk_width = 2 * math.pi / self._chunk_count
        self._sub_width = 2 * math.pi / (self._chunk_count * self._sub_count)
        number = np.arange(self._last + 1, dtype=np.int32)
        self._chunk_base = number // sub_stripes * (2 * stripes)
        self._sub_base = number % sub_stripes * self.max_sub_chunks

    def __repr__(self) -> str:
        return f"Chunker({self.stripes}, {self.sub_stripes})"

    @property
    def sub_stripe_height(self) -> float:
        """Degrees of latitude."""
        return 180 / (self.stripes * self.sub_stripes)

    def all_chunks(self) -> Int32s:
        """Ids of all chunks, ascending."""
        first = slice(None, None, self.sub_stripes)
        counts = self._chunk_count[first]
        start = np.repeat(self._chunk_base[first] - np.cumsum(counts) + counts, counts)
        return (start + np.arange(len(start))).astype(np.int32)

    def sub_chunks(self, chunk: int) -> Int32s:
        """Ids of all sub-chunks of a chunk, ascending.

        Raises:
            ValueError: where there is no such chunk.
        """
        stripe = self._stripe(chunk)
        rows = range(stripe * self.sub_stripes, (stripe + 1) * self.sub_stripes)
        return np.concatenate([self._sub_base[s] + np.arange(self._sub_count[s], dtype=np.int32) for s in rows]).astype(
            np.int32
        )

    def count_sub_chunks(self, chunk: int) -> int:
        """How many sub-chunks a chunk has.

        Raises:
            ValueError: where there is no such chunk.
        """
        first = self._stripe(chunk) * self.sub_stripes
        return int(self._sub_count[first : first + self.sub_stripes].sum())

    def bounds(self, chunk: int) -> tuple[float, float, float, float]:
        """Edges of a chunk in degrees: lon_min, lat_min, lon_max, lat_max.

        Raises:
            ValueError: where there is no such chunk.
        """
        stripe = self._stripe(chunk)
        count = int(self._chunk_count[stripe * self.sub_stripes])
        column = chunk - stripe * 2 * self.stripes
        return (
            360 * column / count,
            180 * stripe / self.stripes - 90,
            360 * (column + 1) / count,
            180 * (stripe + 1) / self.stripes - 90,
        )

    def locate(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Int32s, Int32s]:
        """The chunk and sub-chunk of each point.

        Args:
            lon: degrees, any finite value.
            lat: degrees, -90 to 90.

        Returns:
            Chunk ids and sub-chunk ids.

        Raises:
            ValueError: where a longitude is not finite or a latitude is out of range.
        """
        lons, lats = _checked(lon, lat)
        chunks = np.empty(len(lons), np.int32)
        sub_chunks = np.empty(len(lons), np.int32)
        for start in range(0, len(lons), _BLOCK):
            part = slice(start, start + _BLOCK)
            row, chunk, sub = self._places(_radians(lons[part]), np.radians(lats[part]))
            np.add(self._chunk_base.take(row), chunk, out=chunks[part])
            np.add(self._sub_base.take(row), sub, out=sub_chunks[part])
        return chunks, sub_chunks

    def overlap(self, lon: npt.ArrayLike, lat: npt.ArrayLike, overlap_deg: float) -> tuple[Int64s, Int32s, Int32s]:
        """The places, besides its own, that keep a copy of each point because it is near their edge.

        A point within the overlap of the edge to the sub-stripe below, or above, goes to every sub-chunk
        there whose longitude range, widened, contains it; one within the widened overlap of the left or
        right edge of its own sub-chunk goes to that neighbour. Copies between sub-chunks of one chunk are
        among them.

        Args:
            lon, lat: degrees, as for :meth:`locate`.
            overlap_deg: degrees; see :meth:`check_overlap`.

        Returns:
            For each copy the index of its row in the input, ascending, and the chunk and sub-chunk that
            receive it.

        Raises:
            ValueError: where a longitude is not finite or a latitude is out of range.
            ConfigError: where the family cannot have that overlap.
        """
        self.check_overlap(overlap_deg)
        lons, lats = _checked(lon, lat)
        if overlap_deg == 0.0:
            return np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32)
        radius = math.radians(overlap_deg)
        widening = self._widening(radius)
        parts = []
        for start in range(0, len(lons), _BLOCK):
            part = slice(start, start + _BLOCK)
            parts.append(self._copies(_radians(lons[part]), np.radians(lats[part]), radius, widening, start))
        rows, targets, columns = (
            np.concatenate([p[i] for p in parts]) if parts else np.empty(0, np.int64) for i in range(3)
        )
        subs = self._sub_count.take(targets)
        chunk = self._chunk_base.take(targets) + columns // subs
        sub = self._sub_base.take(targets) + columns % subs
        return rows, chunk.astype(np.int32), sub.astype(np.int32)

    def check_overlap(self, overlap: float) -> None:
        """Refuse an overlap that reaches further than the neighbouring sub-chunks.

        Args:
            overlap: degrees.

        Raises:
            ConfigError: which limit is broken, and the largest overlap that works.
        """
        if not overlap >= 0:
            raise ConfigError(f"overlap must be 0 degrees or more, not {overlap}")
        height, width = self.sub_stripe_height, self._widest()
        if overlap <= min(MAX_OVERLAP, height, width):
            return
        if overlap > MAX_OVERLAP:
            broken = f"more than the {MAX_OVERLAP:g} degrees that any family may have"
        elif overlap > height:
            broken = f"more than the height of a sub-stripe ({height:g} degrees)"
        else:
            broken = "more than the width of the narrowest sub-chunk"
        largest = math.floor(min(MAX_OVERLAP, height, width) * 1e6) / 1e6
        raise ConfigError(
            f"overlap of {overlap:g} degrees is {broken}; with {self.stripes} stripes of {self.sub_stripes}"
            f" sub-stripes the largest that works is {largest:.6f}: lower the overlap or cut the sky less finely"
        )

    def _stripe(self, chunk: int) -> int:
        stripe, column = divmod(chunk, 2 * self.stripes)
        if not 0 <= stripe < self.stripes or column >= self._chunk_count[stripe * self.sub_stripes]:
            raise ValueError(f"no chunk {chunk} in {self!r}")
        return stripe

    def _places(self, lon: Doubles, lat: Doubles) -> tuple[Int32s, Int32s, Int32s]:
        """Sub-stripe, chunk within the stripe, and sub-chunk within chunk and sub-stripe; radians in."""
        row = ((lat + 0.5 * math.pi) / self._height).astype(np.int32)
        np.minimum(row, self._last, out=row)
        chunk = (lon / self._chunk_width.take(row)).astype(np.int32)
        np.minimum(chunk, self._chunk_count.take(row) - 1, out=chunk)
        subs = self._sub_count.take(row)
        sub = (lon / self._sub_width.take(row)).astype(np.int32)
        # Next to a chunk's edge both divisions round on their own; the chunk decides.
        sub -= chunk * subs
        np.minimum(sub, subs - 1, out=sub)
        np.maximum(sub, 0, out=sub)
        return row, chunk, sub

    def _max_lat(self) -> Doubles:
        """Latitude of the edge nearer to a pole, radians, for each sub-stripe."""
        edges = np.abs(np.arange(self._last + 2) * self._height - 0.5 * math.pi)
        larger: Doubles = np.maximum(edges[:-1], edges[1:])
        return larger

    def _widening(self, radius: float) -> Doubles:
        """By how much longitude ranges are widened, radians, for each sub-stripe."""
        return np.array([max_alpha(radius, lat) for lat in self._max_lat().tolist()]) + _SLACK

    def _widest(self) -> float:
        """The overlap, degrees, at which some widening becomes as wide as its sub-chunk.

        Source: max_alpha solved for the radius, sin r = sin(width) cos(lat).
        """
        lat = self._max_lat()
        reach = np.arcsin(np.clip(np.sin(np.minimum(self._sub_width, 0.5 * math.pi)) * np.cos(lat), 0, 1))
        reach = np.minimum(reach, 0.5 * math.pi - _ARC_SECOND - lat)
        # One sub-chunk round the sphere has no sides; the sides of two meet at any widening.
        reach[self._chunk_count * self._sub_count <= 2] = math.pi
        return max(0.0, math.degrees(float(reach.min())))

    def _copies(
        self, lon: Doubles, lat: Doubles, radius: float, widening: Doubles, start: int
    ) -> tuple[Int64s, Int64s, Int64s]:
        """Row, receiving sub-stripe and sub-chunk in the sub-stripe of each copy, by row; radians in."""
        row, chunk, sub = self._places(lon, lat)
        column = chunk * self._sub_count.take(row) + sub
        low = row * self._height - 0.5 * math.pi
        below = np.flatnonzero((row > 0) & (lat - low <= radius + _SLACK))
        above = np.flatnonzero((row < self._last) & (low + self._height - lat <= radius + _SLACK))
        found = [
            (below, *self._spread(lon[below], row[below] - 1, widening)),
            (above, *self._spread(lon[above], row[above] + 1, widening)),
        ]
        around = (self._chunk_count * self._sub_count).take(row)
        width, alpha = self._sub_width.take(row), widening.take(row)
        left = (around > 1) & (lon - column * width <= alpha)
        # Where two sub-chunks go round, the neighbour on the left is that on the right: one copy.
        right = (around > 1) & ((column + 1) * width - lon <= alpha) & ~(left & (around == 2))
        sides = [(np.flatnonzero(left), -1), (np.flatnonzero(right), 1)]
        rows = [np.repeat(points, counts) for points, counts, _, _ in found] + [points for points, _ in sides]
        targets = [t for _, _, t, _ in found] + [row[points] for points, _ in sides]
        columns = [c for _, _, _, c in found] + [(column[points] + step) % around[points] for points, step in sides]
        where = np.concatenate(rows)
        order = np.argsort(where, kind="stable")
        return (
            where[order] + np.int64(start),
            np.concatenate(targets)[order].astype(np.int64),
            np.concatenate(columns)[order].astype(np.int64),
        )

    def _spread(self, lon: Doubles, target: Int32s, widening: Doubles) -> tuple[Int64s, Int32s, Int64s]:
        """Copies of points to the sub-chunks of a neighbouring sub-stripe: how many each, and where."""
        width, alpha = self._sub_width.take(target), widening.take(target)
        around = (self._chunk_count * self._sub_count).take(target)
        first = np.floor((lon - alpha) / width).astype(np.int64)
        last = np.floor((lon + alpha) / width).astype(np.int64)
        counts = np.minimum(last - first + 1, around)
        step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        column = (np.repeat(first, counts) + step) % np.repeat(around, counts)
        return counts, np.repeat(target, counts), column


@lru_cache(maxsize=64)
def chunker(stripes: int, sub_stripes: int) -> Chunker:
    """The chunker of a family, made once."""
    return Chunker(stripes, sub_stripes)


def _checked(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Doubles, Doubles]:
    lons = np.atleast_1d(np.asarray(lon, np.float64))
    lats = np.atleast_1d(np.asarray(lat, np.float64))
    if lons.shape != lats.shape or lons.ndim != 1:
        raise ValueError(f"longitudes and latitudes must be arrays of one length, not {lons.shape} and {lats.shape}")
    if len(lons):
        # Minimum and maximum carry a NaN through, and comparisons with it are false.
        if not (lats.min() >= -90 and lats.max() <= 90):
            raise ValueError("a latitude is not between -90 and 90 degrees")
        if not (math.isfinite(lons.min()) and math.isfinite(lons.max())):
            raise ValueError("a longitude is not finite")
    return lons, lats


def _radians(lon: Doubles) -> Doubles:
    """Longitudes reduced to [0, 360) degrees, in radians."""
    if len(lon) and (lon.min() < 0 or lon.max() >= 360):
        lon = np.mod(lon, 360.0)
        # A tiny negative value comes out as 360 itself, by rounding.
        lon[lon >= 360.0] = 0.0
    return np.radians(lon)
