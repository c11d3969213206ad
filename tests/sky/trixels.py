"""HTM written from its definition: eight roots, and four children to every triangle."""

import numpy as np

X, Y, Z = np.eye(3)
#: Roots 8 to 15.
ROOTS = [
    (X, -Z, Y), (Y, -Z, -X), (-X, -Z, -Y), (-Y, -Z, X),
    (X, Z, -Y), (-Y, Z, -X), (-X, Z, Y), (Y, Z, X),
]  # fmt: skip


def _middle(a, b):
    total = a + b
    return total / np.linalg.norm(total)


def _margin(corners, point):
    """How far a point is inside a triangle, radians; negative outside."""
    normals = [np.cross(a, b) for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)]
    return min(n @ point / np.linalg.norm(n) for n in normals)


def trixel(point, level):
    """The id of the triangle that holds a point, and how far the point keeps from edges on the way down."""
    margins = [_margin(r, point) for r in ROOTS]
    found = int(np.argmax(margins))
    corners, margin, number = ROOTS[found], margins[found], 8 + found
    for _ in range(level):
        a, b, c = corners
        p, q, r = _middle(b, c), _middle(a, c), _middle(a, b)
        children = [(a, r, q), (b, p, r), (c, q, p), (p, q, r)]
        margins = [_margin(t, point) for t in children]
        found = int(np.argmax(margins))
        corners, margin, number = children[found], min(margin, margins[found]), 4 * number + found
    return number, margin
