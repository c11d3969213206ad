"""The binary form of convex polygons: how sciSQL hands a polygon from one function to another.

Source: sciSQL, ``s2CPolyToBin``: little-endian doubles, three for the sum of the vertices and three for the inner
normal of each edge, 24 * (N + 1) bytes for N vertices. A point is inside where no product with a normal is negative.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from itertools import pairwise

from qproxy.sky.regions import Polygon, Vector, unit_vector

#: Vertices that a polygon may have.
FEWEST_VERTICES = 3
MOST_VERTICES = 20

_VECTOR = 24
# Two edges whose normals enclose less than this, radians, lie on one great circle: no vertex is between them.
_STRAIGHT = 1e-12


def packed(polygon: Polygon) -> bytes:
    """A polygon as sciSQL's binary string."""
    points = [unit_vector(lon, lat) for lon, lat in polygon.vertices]
    total = [sum(p[i] for p in points) for i in range(3)]
    values = [*total, *(c for normal in polygon.normals for c in normal)]
    return struct.pack(f"<{len(values)}d", *values)


def normals_of(value: bytes) -> tuple[Vector, ...] | None:
    """Inner normals of the edges of a polygon in binary form; None for bytes that are none."""
    count, rest = divmod(len(value), _VECTOR)
    if rest or not FEWEST_VERTICES <= count - 1 <= MOST_VERTICES:
        return None
    numbers = struct.unpack(f"<{3 * count}d", value)
    if not all(map(math.isfinite, numbers)):
        return None
    vectors = [(numbers[i], numbers[i + 1], numbers[i + 2]) for i in range(0, len(numbers), 3)]
    return tuple(vectors[1:])


def corners_of(normals: Sequence[Vector]) -> list[Vector]:
    """Unit vectors of the vertices of a polygon, where its edges meet.

    Args:
        normals: inner normals of its edges, in their order round it; of any length.
    """
    found = []
    sign = _turn(normals)
    for one, other in pairwise([normals[-1], *normals]):
        cross = (
            one[1] * other[2] - one[2] * other[1],
            one[2] * other[0] - one[0] * other[2],
            one[0] * other[1] - one[1] * other[0],
        )
        size = math.hypot(*cross)
        if size > _STRAIGHT * math.hypot(*one) * math.hypot(*other):
            found.append((sign * cross[0] / size, sign * cross[1] / size, sign * cross[2] / size))
    return found


def _turn(normals: Sequence[Vector]) -> float:
    """1 where the edges go round anticlockwise, so that a vertex is the product of the edges before and behind it."""
    (a, b, c), *rest = ([v / (math.hypot(*n) or 1.0) for v in n] for n in normals)
    total = 0.0
    for x, y in pairwise(rest):
        cross = (x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0])
        total += a * cross[0] + b * cross[1] + c * cross[2]
    return -1.0 if total < 0 else 1.0
