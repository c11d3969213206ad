"""Calls of sciSQL functions evaluated by an engine."""

import sqlglot
from sqlglot import exp

from qproxy.sky.functions import expand
from qproxy.sky.regions import Box, Circle, Ellipse, Polygon


def expanded(call: str) -> exp.Expression:
    return expand(sqlglot.parse_one(f"SELECT {call}", dialect="mysql").selects[0])


def evaluate(engine, call: str, **columns):
    """Values of a sciSQL call for rows of doubles, or for no table at all."""
    text = expanded(call).sql(engine.dialect)
    if not columns:
        return engine.rows(f"SELECT {text}")[0]
    return engine.rows(f"SELECT {text} FROM t ORDER BY i", columns)


def arguments_of(region):
    match region:
        case Circle():
            return "Circle", [region.lon, region.lat, region.radius]
        case Box():
            return "Box", [region.lon_min, region.lat_min, region.lon_max, region.lat_max]
        case Ellipse():
            return "Ellipse", [
                region.lon,
                region.lat,
                region.semi_major_arcsec,
                region.semi_minor_arcsec,
                region.position_angle,
            ]
        case Polygon():
            return "CPoly", [c for v in region.vertices for c in v]


def call_of(region, arguments=None):
    name, values = arguments_of(region)
    return f"scisql_s2PtIn{name}(lon, lat, {', '.join(arguments or [repr(float(v)) for v in values])})"
