"""Conditions on positions as regions of the sky: areaspecs, sciSQL functions, and bounds of the position columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlglot import exp

from qproxy.catalog.model import TableKind
from qproxy.errors import SQLError
from qproxy.planner.bounds import UNBOUNDED, Interval, bare, comparisons, hull, number
from qproxy.planner.query import Query, Source
from qproxy.planner.ties import source_of
from qproxy.sky import arithmetic
from qproxy.sky.coverage import NOTHING, Coverage
from qproxy.sky.functions import REGION_FUNCTIONS, region_of
from qproxy.sky.regions import Box, Circle, Region

AREASPEC = "qserv_areaspec_"
_SHAPES = frozenset(REGION_FUNCTIONS.values())
_SEPARATION = "scisql_angsep"
#: Types whose values compare with numbers as numbers do. Not YEAR, for which 70 is 1970.
_NUMBERS = frozenset(
    ("double", "float", "decimal", "real", "numeric", "tinyint", "smallint", "mediumint", "int", "integer", "bigint")
)


@dataclass(frozen=True)
class Bounds:
    """Values that a row's own position columns can have, as they are stored; degrees."""

    lon: Interval = UNBOUNDED
    lat: Interval = UNBOUNDED

    def __and__(self, other: Bounds) -> Bounds:
        return Bounds(self.lon & other.lon, self.lat & other.lat)

    @property
    def region(self) -> Region | None:
        """The patch of sky, None for none at all.

        A longitude lies where it is modulo 360, so a range of them is an arc; 350 itself is not between -20 and 0.
        """
        if self.lon.empty or self.lat.empty:
            return None
        lat_min, lat_max = max(self.lat.low, -90.0), min(self.lat.high, 90.0)
        if self.lon.high - self.lon.low >= 360:
            return Box(0.0, lat_min, 360.0, lat_max)
        return Box(self.lon.low, lat_min, self.lon.high, lat_max)


def areaspec(expression: exp.Expr) -> exp.Anonymous | None:
    """The call of ``qserv_areaspec_*`` that an expression is, with or without ``= 1``."""
    call = _truth_of(expression)
    return call if call is not None and str(call.this).lower().startswith(AREASPEC) else None


def areaspec_region(call: exp.Anonymous) -> Region:
    """The region of an areaspec.

    Raises:
        SQLError: 1305 for an unknown shape, 1210 for arguments that are no constant numbers.
    """
    name = str(call.this)
    shape = name.lower().removeprefix(AREASPEC)
    if shape not in _SHAPES:
        raise SQLError(1305, f"FUNCTION {name} does not exist; there are {AREASPEC}box, circle, ellipse and poly")
    return region_of(shape, [_constant(a, name) for a in call.expressions])


def _constant(expression: exp.Expr, name: str) -> float:
    value = number(expression)
    if value is None:
        raise SQLError(
            1210, f"Incorrect arguments to {name}: '{expression.sql(dialect='mysql')}' is not a constant number"
        )
    return value


def name_areas(query: Query) -> Query:
    """The query with its areaspecs as calls that name the columns which they speak of.

    Raises:
        SQLError: as `areaspec_region` and `areaspec_source`.
    """
    if (
        query.simple
        or query.where is None
        or not any(str(c.this).lower().startswith(AREASPEC) for c in query.where.find_all(exp.Anonymous))
    ):
        return query
    where = exp.Paren(this=query.where.copy())
    waiting: list[exp.Expr] = [where.this]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Paren | exp.And | exp.Or):
            waiting += [node.args[key] for key in ("this", "expression") if isinstance(node.args.get(key), exp.Expr)]
            continue
        call = areaspec(node)
        if call is not None:
            node.replace(_named(call, query))
    return replace(query, where=where.this.pop())


def _named(call: exp.Anonymous, query: Query) -> exp.Expr:
    """An areaspec as the function of its shape on the columns that it speaks of."""
    areaspec_region(call)
    name = str(call.this)
    table = areaspec_source(query, name)
    assert table.table.lon is not None and table.table.lat is not None
    shape = name.lower().removeprefix(AREASPEC)
    function = next(f for f, s in REGION_FUNCTIONS.items() if s == shape)
    position = [table.column(table.table.lon), table.column(table.table.lat)]
    inside = exp.Anonymous(this=function, expressions=[*position, *(a.copy() for a in call.expressions)])
    return exp.EQ(this=inside, expression=exp.Literal.number(1))


def areaspec_source(query: Query, name: str) -> Source:
    """The table that an areaspec speaks of: the first director in FROM, else the first table with a position."""
    positioned = [s for s in query.partitioned if s.table.lon and s.table.lat]
    directors = [s for s in positioned if s.table.kind is TableKind.DIRECTOR]
    if not positioned:
        raise SQLError(1210, f"Incorrect arguments to {name}: no table in FROM is partitioned by a position")
    return (directors or positioned)[0]


def pt_in(expression: exp.Expr) -> tuple[exp.Expr, exp.Expr, Region] | None:
    """Longitude, latitude and region of a ``scisql_s2PtIn*`` of a constant region, where it is asked to be 1."""
    call = _truth_of(expression)
    shape = REGION_FUNCTIONS.get(str(call.this).lower()) if call is not None else None
    if call is None or shape is None or len(call.expressions) < 3:
        return None
    values = [number(a) for a in call.expressions[2:]]
    if any(v is None for v in values):
        return None
    try:
        region = region_of(shape, [v for v in values if v is not None])
    except SQLError:
        return None  # not a region: the function itself decides whether that is an error or NULL
    return call.expressions[0], call.expressions[1], region


def _truth_of(expression: exp.Expr) -> exp.Anonymous | None:
    """The function call in ``f(...)``, ``f(...) = 1`` and ``1 = f(...)``."""
    if isinstance(expression, exp.Paren):
        return _truth_of(expression.this)
    if isinstance(expression, exp.Anonymous):
        return expression
    if isinstance(expression, exp.EQ):
        for call, one in ((expression.this, expression.expression), (expression.expression, expression.this)):
            if isinstance(call, exp.Anonymous) and isinstance(one, exp.Literal) and one.name == "1":
                return call
    return None


def covered(condition: exp.Expr, query: Query) -> tuple[Source, Coverage] | None:
    """A director, and the places in which its rows lie where a condition holds; None for conditions of other kinds.

    Raises:
        SQLError: as `areaspec_region` and `areaspec_source`.
    """
    if query.simple:
        return None
    call = areaspec(condition)
    if call is not None:
        source = areaspec_source(query, str(call.this))
        region = areaspec_region(call)
        # A child lies with its director, which may be on the other side of the region's edge.
        return (source, coverage(region, source)) if source.table.kind is TableKind.DIRECTOR else None
    inside = pt_in(condition)
    if inside is not None:
        lon, lat, region = inside
        owner = _positioned(lon, lat, query)
        return None if owner is None else (owner, coverage(region, owner))
    return _close(condition, query)


def coverage(region: Region | None, source: Source) -> Coverage:
    """The places of a region, None for no region, in the family of a table."""
    assert source.database is not None
    family = source.database.family
    return NOTHING if region is None else region.coverage(family.stripes, family.sub_stripes)


def _close(condition: exp.Expr, query: Query) -> tuple[Source, Coverage] | None:
    """A separation from a constant point that has an upper bound."""
    for bounded in comparisons(condition):
        call = bounded.operand
        if bounded.high is None or not isinstance(call, exp.Anonymous) or len(call.expressions) != 4:
            continue
        if str(call.this).lower() != _SEPARATION:
            continue
        reals = replace(bounded, low=None).reals
        for lon, lat, *point in (call.expressions, [*call.expressions[2:], *call.expressions[:2]]):
            source = _positioned(lon, lat, query)
            # As the expanded function reads its arguments.
            centre = [arithmetic.constant(value) for value in point]
            if source is None or reals is None or centre[0] is None or centre[1] is None or abs(centre[1]) > 90:
                continue
            return source, coverage(Circle(centre[0], centre[1], reals.high) if reals.high >= 0 else None, source)
    return None


def _positioned(lon: exp.Expr, lat: exp.Expr, query: Query) -> Source | None:
    """The director whose own position two expressions are."""
    source = source_of(lon, query)
    if source is None or source is not source_of(lat, query) or source.table.kind is not TableKind.DIRECTOR:
        return None
    table = source.table
    if table.lon is None or table.lat is None:
        return None
    named = lon.name.lower() == table.lon.lower() and lat.name.lower() == table.lat.lower()
    return source if named else None


def bounds_of(condition: exp.Expr, query: Query) -> tuple[Source, Bounds] | None:
    """What a comparison, or IN, says of a director's own position columns; None where it says nothing."""
    if isinstance(condition, exp.In):
        column = _position_column(bare(condition.this), query)
        reals = hull(condition.expressions) if column is not None and condition.args.get("query") is None else None
        return None if column is None or reals is None else (column[0], column[1](reals))
    for bounded in comparisons(condition):
        column = _position_column(bounded.operand, query)
        reals = bounded.reals if column is not None else None
        if column is not None and reals is not None:
            return column[0], column[1](reals)
    return None


def _position_column(operand: exp.Expr, query: Query) -> tuple[Source, Callable[[Interval], Bounds]] | None:
    """The director whose longitude or latitude an operand is, and what makes its bounds of numbers."""
    source = source_of(operand, query)
    if source is None or source.table.kind is not TableKind.DIRECTOR:
        return None
    table, name = source.table, operand.name.lower()
    if table.lon is None or table.lat is None or name not in (table.lon.lower(), table.lat.lower()):
        return None
    column = table.column(name)
    if column is None or column.base_type not in _NUMBERS:
        return None
    if name == table.lon.lower():
        return source, lambda reals: Bounds(lon=reals)
    return (source, lambda reals: Bounds(lat=reals)) if name == table.lat.lower() else None
