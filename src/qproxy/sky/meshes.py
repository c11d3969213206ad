"""sciSQL's polygons in binary form and its HTM functions: constants are computed here and become literals.

A NULL argument, and a value outside its range, give NULL.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlglot import exp

from qproxy.errors import SQLError, unsupported
from qproxy.sky import arithmetic as sql
from qproxy.sky import htm
from qproxy.sky.blobs import binary, blob, is_null
from qproxy.sky.polygons import corners_of, normals_of, packed
from qproxy.sky.regions import Circle, Polygon
from qproxy.sky.shapes import region_of

E = exp.Expression

_BYTES = 8
# Integers up to here are doubles too.
_EXACT = 1 << 53


def polygon_to_binary(*vertices: E) -> E:
    """The binary form of a convex polygon."""
    values = _constants("s2CPolyToBin", vertices)
    if values is None:
        return _no_bytes()
    try:
        region = region_of("poly", values, "scisql_s2CPolyToBin")
    except SQLError as error:
        if error.code != 1210:
            raise
        return _no_bytes()
    assert isinstance(region, Polygon)
    return binary(packed(region))


def htm_id(lon: E, lat: E, level: E) -> E:
    """The id of the HTM triangle that holds a position."""
    values = _constants("s2HtmId", (lon, lat, level))
    if values is None or not -90 <= values[1] <= 90 or not 0 <= _whole(values[2]) <= htm.MAX_LEVEL:
        return _long(exp.Null())
    return _long(sql.number(htm.id_of(values[0], values[1], _whole(values[2]))))


def htm_level(id_: E) -> E:
    """The level of an HTM id."""
    levels = [
        (sql.between(id_.copy(), *map(float, htm.bounds(level))), sql.number(level))
        for level in range(htm.MAX_LEVEL + 1)
    ]
    return _long(sql.case(*levels))


def circle_ranges(lon: E, lat: E, radius: E, level: E, most: E) -> E:
    """Ranges of HTM ids that cover a circle."""
    values = _constants("s2CircleHtmRanges", (lon, lat, radius, level, most))
    if values is None or not -90 <= values[1] <= 90 or not 0 <= values[2] <= 180:
        return _no_bytes()
    if not 0 <= _whole(values[3]) <= htm.MAX_LEVEL:
        return _no_bytes()
    found = htm.circle_ranges(Circle(*values[:3]), _whole(values[3]), _whole(values[4]))
    return _ranges("s2CircleHtmRanges", found)


def polygon_ranges(polygon: E, level: E, most: E) -> E:
    """Ranges of HTM ids that cover a polygon in binary form."""
    values = _constants("s2CPolyHtmRanges", (level, most))
    if values is None or is_null(polygon):
        return _no_bytes()
    value = blob(polygon)
    if value is None:
        raise _not_constant("s2CPolyHtmRanges")
    normals = normals_of(value)
    if normals is None or not 0 <= _whole(values[0]) <= htm.MAX_LEVEL:
        return _no_bytes()
    try:
        found = htm.polygon_ranges(corners_of(normals), _whole(values[0]), _whole(values[1]))
    except ValueError:
        return _no_bytes()
    return _ranges("s2CPolyHtmRanges", found)


def integer_at(value: E, index: E) -> E:
    """The 64 bit integer of that number, from 0, in a binary string."""
    if is_null(value) or is_null(index):
        return _long(exp.Null())
    known, place = blob(value), sql.constant(index)
    if known is not None and place is not None:
        found = htm.integer_at(known, _whole(place))
        if found is None or abs(found) <= _EXACT:
            return _long(exp.Null() if found is None else sql.number(found))
        if found > 0:
            return sql.whole(found)
        # The lowest integer has no literal of its own: its digits alone are an unsigned number.
        above = exp.Neg(this=sql.whole(-(found + 1)))
        return exp.Paren(this=exp.Sub(this=above, expression=sql.whole(1)))
    # Positions in SUBSTR are counted from 1; where it gives fewer than eight bytes there is no such integer.
    start = sql.add(sql.mul(exp.Paren(this=_signed(index)), sql.whole(_BYTES)), sql.whole(1))
    if place is not None:
        start = sql.whole(_whole(place) * _BYTES + 1)
    piece = _function("SUBSTR", exp.Cast(this=value.copy(), to=exp.DataType.build("BINARY")), start, sql.whole(_BYTES))
    there = exp.EQ(this=_function("LENGTH", piece), expression=sql.whole(_BYTES))
    first = sql.less(sql.number(0), start.copy())
    return sql.case((sql.both(first, there), _signed(_conv(piece.copy()))))


def raise_error(message: E) -> E:
    """Never a value.

    Raises:
        SQLError: 1123 with the message, as the server reports a function that refuses to begin; 1235 where it is no
            string.
    """
    if not isinstance(message, exp.Literal) or not message.is_string:
        raise unsupported("the function scisql_raiseError with a message that is no string in quotes; write one")
    raise SQLError(1123, f"Can't initialize function 'scisql_raiseError'; {message.name}")


def _constants(name: str, arguments: Sequence[E]) -> list[float] | None:
    """Values of arguments that must be constants; None where one is NULL."""
    if any(is_null(a) for a in arguments):
        return None
    values = [sql.constant(a) for a in arguments]
    known = [v for v in values if v is not None]
    if len(known) < len(values):
        raise _not_constant(name)
    return known


def _not_constant(name: str) -> SQLError:
    return unsupported(
        f"the function scisql_{name} with arguments that are not constants: no SQL of the server computes it; store its"
        " values as a column when loading"
    )


def _ranges(name: str, found: bytes | None) -> E:
    if found is None:
        raise unsupported(
            f"the function scisql_{name} with more than {htm.MAX_RANGES} ranges; give a coarser level, or"
            f" {htm.MAX_RANGES} or less as maxRanges"
        )
    return binary(found)


def _whole(value: float) -> int:
    return math.floor(value + 0.5)


def _long(value: E) -> E:
    """A BIGINT whatever the digits of the value: casts of doubles are."""
    return _signed(sql.add(value, sql.number(0)) if isinstance(value, exp.Null) else value)


def _signed(value: E) -> E:
    return exp.Cast(this=value.copy(), to=exp.DataType(this=exp.DataType.Type.BIGINT))


def _no_bytes() -> E:
    return exp.Cast(this=exp.Null(), to=exp.DataType.build("BINARY"))


def _conv(piece: E) -> E:
    """Little-endian bytes as the digits of a signed number."""
    digits = _function("HEX", _function("REVERSE", piece))
    return _function("CONV", digits, sql.whole(16), exp.Neg(this=sql.whole(10)))


def _function(name: str, *arguments: E) -> E:
    return exp.Anonymous(this=name, expressions=list(arguments))
