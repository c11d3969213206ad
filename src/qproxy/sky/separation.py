"""The angle between two directions as plain SQL."""

from __future__ import annotations

import math

from sqlglot import exp

from qproxy.sky import arithmetic as sql
from qproxy.sky.predicates import haversine

E = exp.Expression


def separation(*a: E) -> E:
    """The angle between two positions in degrees, or between two vectors of any length, in degrees."""
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
