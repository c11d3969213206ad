"""The grid on which positions closer than a radius find each other, as SQL arithmetic.

Rows of the grid are bands of latitude, twice the radius high; each is cut into whole columns, wide enough that a
circle of the radius around any of its points spans no more than half of one column to each side. What lies within
the radius of a position is then in the four cells around the nearest corner: two rows, two columns in each. Columns
are counted modulo their number, so that the circle closes at longitude 0, and there are never fewer than two: near
a pole the two together are the whole band, and no cell is ever met twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlglot import exp

from qproxy.sky import arithmetic as sql

E = exp.Expression

#: The four cells around a corner: steps of row and column.
CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))

# Degrees. Cells for smaller radii would hold single points, and their numbers outgrow a double.
_SMALLEST = 1e-4
# Cells are larger by this part than they would have to be: far more than rounding in 64 bits can move a position
# against the edge of a cell of the smallest size, for longitudes up to a million degrees.
_ROOM = 1e-5
# Cell numbers are row * _STEP + column; 180 / _SMALLEST columns at most.
_STEP = 1e7


@dataclass(frozen=True)
class Grid:
    """The grid for one radius.

    Attributes:
        radius: degrees, 0 or more.
    """

    radius: float

    @property
    def height(self) -> float:
        """Of a row, degrees."""
        return 2 * max(self.radius, _SMALLEST) * (1 + _ROOM)

    def cell(self, lon: E, lat: E) -> E:
        """The number of the cell that holds a position.

        Args:
            lon, lat: numeric expressions in degrees; any longitude counts as what it is modulo 360.

        Returns:
            An integer expression, NULL where the position is.
        """
        row = exp.Floor(this=self._rows(lat))
        columns = self._columns(row)
        column = sql.add(exp.Floor(this=_turned(lon, columns)), sql.number(1))
        return _number(row.copy(), column, columns.copy())

    def near(self, lon: E, lat: E, row: E, column: E) -> E:
        """The number of one of the four cells in which everything within the radius of a position lies.

        Args:
            lon, lat: as for :meth:`cell`.
            row, column: steps from the first of the four cells, 0 or 1: see `CORNERS`.
        """
        first = exp.Floor(this=sql.sub(self._rows(lat), sql.number(0.5)))
        here = sql.add(first, row.copy())
        columns = self._columns(here)
        middle = sql.add(_turned(lon, columns), sql.number(0.5))
        return _number(here.copy(), sql.add(exp.Floor(this=middle), column.copy()), columns.copy())

    def _rows(self, lat: E) -> E:
        return sql.mul(lat.copy(), sql.number(1 / self.height))

    def _columns(self, row: E) -> E:
        """How many columns a row has.

        A point within r of one at latitude p is no more than r / cos(|p| + r) away in longitude.
        Source: tan a = sin r / sqrt(cos(p - r) cos(p + r)), of which this is an upper bound while |p| + r < 90.
        """
        # The row's farther edge plus the radius, which is less than half a row.
        beyond = sql.add(sql.number(1), exp.Abs(this=sql.add(row.copy(), sql.number(0.5))))
        shrink = sql.cos(sql.mul(sql.number(math.radians(self.height)), beyond))
        most = sql.mul(sql.number(360 / self.height), shrink)
        return exp.Greatest(this=sql.number(2), expressions=[exp.Floor(this=most)], ignore_nulls=False)


def _turned(lon: E, columns: E) -> E:
    """A longitude in columns, not below 0; counted modulo their number."""
    positive = sql.add(exp.Mod(this=sql.operand(lon.copy()), expression=sql.number(360)), sql.number(360))
    return sql.mul(sql.mul(positive, sql.number(1 / 360)), columns.copy())


def _number(row: E, column: E, columns: E) -> E:
    within = exp.Mod(this=sql.operand(column), expression=columns)
    return exp.Cast(this=sql.add(sql.mul(row, sql.number(_STEP)), sql.operand(within)), to=exp.DataType.build("BIGINT"))
