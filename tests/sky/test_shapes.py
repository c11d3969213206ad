"""Arguments of area restrictors: the regions they make, and the errors for those that make none."""

import math

import pytest

from qproxy.errors import SQLError
from qproxy.sky.regions import Box, Circle, Ellipse, Polygon
from qproxy.sky.shapes import region_of
from tests.sky.skyfields import centre


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
