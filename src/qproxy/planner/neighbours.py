"""Near neighbours inside one chunk, as one statement: a hash join over the cells of a grid.

``FROM T_<chunk> a, T b WHERE scisql_angSep(a.lon, a.lat, b.lon, b.lat) < r`` pairs the rows of a chunk with the rows
of the same chunk and of its overlap. Comparing all of them is hopeless; so the rows on the side of ``b`` go into a
derived table with the number of their cell, on which MariaDB builds a hash key by itself, and each row of ``a`` looks
into the four cells that can hold its partners:

    T_<chunk> a STRAIGHT_JOIN (four corners) d STRAIGHT_JOIN (rows with their cells) b ON b.cell = <cell of a and d>

The grid only preselects: the condition of the query stays where it is and decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from qproxy.catalog.model import Column
from qproxy.catalog.naming import CELL_COLUMN, NEIGHBOUR_COLUMN
from qproxy.sky import arithmetic as sql
from qproxy.sky.grid import CORNERS, Grid

_ROW, _COLUMN = "qproxy_row", "qproxy_column"


def corners() -> exp.Query:
    """The query with the steps to the four cells around a corner, for a derived table."""
    arms = [
        exp.select(
            exp.alias_(sql.whole(row), _ROW, quoted=True),
            exp.alias_(sql.whole(column), _COLUMN, quoted=True),
        )
        for row, column in CORNERS
    ]
    return _united(arms)


def surroundings(
    chunk: exp.Table, overlap: exp.Table, columns: Sequence[str], lon: str, lat: str, grid: Grid
) -> exp.Query:
    """The query of the rows of a chunk and its neighbours' rows within the overlap, each with its cell.

    It stands in FROM as a derived table.

    Args:
        chunk, overlap: the chunk table and its overlap table.
        columns: those that the query uses; the fewer, the faster, and rows that outgrow the server's temporary
            tables in memory go to a file.
        lon, lat: names of the position columns.
        grid: for the radius of the join.
    """
    arms = []
    for table in (chunk, overlap):
        items = [exp.column(name, quoted=True) for name in columns]
        cell = grid.cell(exp.column(lon, quoted=True), exp.column(lat, quoted=True))
        arms.append(exp.select(*items, exp.alias_(cell, CELL_COLUMN, quoted=True), copy=False).from_(table.copy()))
    marked = exp.EQ(this=exp.column(NEIGHBOUR_COLUMN, quoted=True), expression=sql.whole(1))
    arms[1] = arms[1].where(marked, copy=False)
    return _united(arms)


def meeting(grid: Grid, lon: exp.Expression, lat: exp.Expression, corner: str, neighbour: str) -> exp.EQ:
    """The condition that ties a row to the rows of its surroundings that can be within the radius.

    Args:
        grid: as for `surroundings`.
        lon, lat: position of the row, expressions of its columns.
        corner: alias of its `corners`.
        neighbour: alias of its `surroundings`.

    Returns:
        A condition that no pair fulfils with more than one corner.
    """
    row, column = (exp.column(name, table=corner, quoted=True) for name in (_ROW, _COLUMN))
    return exp.EQ(
        this=exp.column(CELL_COLUMN, table=neighbour, quoted=True), expression=grid.near(lon, lat, row, column)
    )


def changed_by_union(column: Column) -> bool:
    """Whether a column loses something in `surroundings`.

    A UNION makes texts of ENUM and SET, which sort and compare otherwise, and forgets ZEROFILL (seen on MariaDB 10.11
    by comparing the declared types of 47 columns before and after).
    """
    return column.base_type in ("enum", "set") or "zerofill" in column.type.lower()


def _united(arms: Sequence[exp.Select]) -> exp.Query:
    result: exp.Query = arms[0]
    for arm in arms[1:]:
        result = exp.Union(this=result, expression=arm, distinct=False)
    return result
