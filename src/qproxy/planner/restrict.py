"""Pass 5, restrict: sky and id predicates become coverage. Wider than needed is allowed, narrower never.

AND intersects, OR unites; NOT, ``= 0`` and everything else that is not understood restricts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from qproxy.catalog.model import TableKind
from qproxy.errors import SQLError, unsupported
from qproxy.planner.plan import Lookup
from qproxy.planner.query import Query, Source
from qproxy.sky.coverage import EVERYTHING, Coverage
from qproxy.sky.functions import region_of
from qproxy.sky.regions import Region

AREASPEC = "qserv_areaspec_"
S2PTIN = {
    "scisql_s2ptinbox": "box",
    "scisql_s2ptincircle": "circle",
    "scisql_s2ptinellipse": "ellipse",
    "scisql_s2ptincpoly": "poly",
}


@dataclass(frozen=True)
class Both:
    """Rows that satisfy all parts."""

    parts: tuple[Restriction, ...]


@dataclass(frozen=True)
class Either:
    """Rows that satisfy some part."""

    parts: tuple[Restriction, ...]


Restriction = Coverage | Lookup | Both | Either


def restrict(query: Query) -> Restriction:
    """What the conditions of a query say of the chunks that can hold an answer."""
    parts = [_of(c, query) for c in conjuncts(query.where)]
    for source in query.sources:
        if not source.nullable:
            parts += [_of(c, query) for c in conjuncts(source.on)]
    parts = [p for p in parts if p is not EVERYTHING]
    return Both(tuple(parts)) if parts else EVERYTHING


def lookups(restriction: Restriction) -> frozenset[Lookup]:
    """All look-ups in a restriction."""
    if isinstance(restriction, Lookup):
        return frozenset((restriction,))
    if isinstance(restriction, Both | Either):
        return frozenset().union(*(lookups(p) for p in restriction.parts))
    return frozenset()


def resolve(restriction: Restriction, found: Mapping[Lookup, Coverage]) -> Coverage:
    """The coverage of a restriction, once its look-ups have been answered."""
    if isinstance(restriction, Lookup):
        return found[restriction]
    if isinstance(restriction, Both | Either):
        parts = [resolve(p, found) for p in restriction.parts]
        result = parts[0]
        for part in parts[1:]:
            result = result & part if isinstance(restriction, Both) else result | part
        return result
    return restriction


def conjuncts(condition: exp.Expr | None) -> list[exp.Expr]:
    """The parts of a condition that must all hold."""
    return [] if condition is None else _operands(condition, exp.And)


def _operands(condition: exp.Expr, operator: type[exp.Connector]) -> list[exp.Expr]:
    """What a chain of one operator connects; programs write chains too long for recursion."""
    parts: list[exp.Expr] = []
    waiting = [condition]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Paren):
            waiting.append(node.this)
        elif isinstance(node, operator):
            waiting += [node.expression, node.this]
        else:
            parts.append(node)
    return parts


def number(expression: exp.Expr) -> float | None:
    """The value of a constant number, or None for anything else."""
    if isinstance(expression, exp.Paren):
        return number(expression.this)
    if isinstance(expression, exp.Neg):
        value = number(expression.this)
        return None if value is None else -value
    if isinstance(expression, exp.Literal) and not expression.is_string:
        return float(expression.name)
    if isinstance(expression, exp.Add | exp.Sub | exp.Mul | exp.Div):
        left, right = number(expression.this), number(expression.expression)
        if left is None or right is None or (isinstance(expression, exp.Div) and right == 0):
            return None
        if isinstance(expression, exp.Add):
            return left + right
        if isinstance(expression, exp.Sub):
            return left - right
        return left * right if isinstance(expression, exp.Mul) else left / right
    return None


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
    if shape not in S2PTIN.values():
        raise SQLError(1305, f"FUNCTION {name} does not exist; there are {AREASPEC}box, circle, ellipse and poly")
    return region_of(shape, [_constant(a, name) for a in call.expressions])


def _constant(expression: exp.Expr, name: str) -> float:
    value = number(expression)
    if value is None:
        raise SQLError(
            1210, f"Incorrect arguments to {name}: '{expression.sql(dialect='mysql')}' is not a constant number"
        )
    return value


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
    shape = S2PTIN.get(str(call.this).lower()) if call is not None else None
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


def _of(condition: exp.Expr, query: Query) -> Restriction:
    if isinstance(condition, exp.Paren):
        return _of(condition.this, query)
    if isinstance(condition, exp.And):
        return Both(tuple(_of(c, query) for c in conjuncts(condition)))
    if isinstance(condition, exp.Or):
        return _either([_of(c, query) for c in _operands(condition, exp.Or)])
    call = areaspec(condition)
    if call is not None:
        return _of_areaspec(call, query)
    inside = pt_in(condition)
    if inside is not None:
        lon, lat, region = inside
        source = _source_of(lon, query)
        if source is not None and source.table.kind is TableKind.DIRECTOR and _is_position(source, lon, lat):
            return _covering(region, source)
        return EVERYTHING
    return _of_ids(condition, query)


def _either(parts: Sequence[Restriction]) -> Restriction:
    """Rows that satisfy some part; ids of one index are looked up together."""
    if EVERYTHING in parts:
        return EVERYTHING
    ids: dict[tuple[tuple[str, str], tuple[str, str] | None], set[int | str]] = {}
    for part in parts:
        if isinstance(part, Lookup):
            ids.setdefault((part.director, part.child), set()).update(part.ids)
    together = [Lookup(director, frozenset(found), child) for (director, child), found in ids.items()]  # type: ignore[arg-type]
    return Either((*together, *(p for p in parts if not isinstance(p, Lookup))))


def _of_areaspec(call: exp.Anonymous, query: Query) -> Restriction:
    source = areaspec_source(query, str(call.this))
    region = areaspec_region(call)
    # A child lies with its director, which may be on the other side of the region's edge.
    return _covering(region, source) if source.table.kind is TableKind.DIRECTOR else EVERYTHING


def _covering(region: Region, source: Source) -> Coverage:
    family = source.database.family
    return region.coverage(family.stripes, family.sub_stripes)


def _source_of(column: exp.Expr, query: Query) -> Source | None:
    return query.source(column.table) if isinstance(column, exp.Column) else None


def _is_position(source: Source, lon: exp.Expr, lat: exp.Expr) -> bool:
    table = source.table
    return (
        isinstance(lon, exp.Column)
        and isinstance(lat, exp.Column)
        and lat.table == lon.table
        and table.lon is not None
        and table.lat is not None
        and lon.name.lower() == table.lon.lower()
        and lat.name.lower() == table.lat.lower()
    )


def _of_ids(condition: exp.Expr, query: Query) -> Restriction:
    if isinstance(condition, exp.EQ):
        pairs = ((condition.this, [condition.expression]), (condition.expression, [condition.this]))
    elif isinstance(condition, exp.In) and condition.expressions and not condition.args.get("query"):
        pairs = ((condition.this, condition.expressions),)  # type: ignore[assignment]
    else:
        return EVERYTHING
    for column, values in pairs:
        if isinstance(column, exp.Column):
            found = _lookup(query.source(column.table), column.name, values, query)
            if found is not None:
                return found
    return EVERYTHING


def _lookup(source: Source, column: str, values: list[exp.Expr], query: Query) -> Lookup | None:
    key = director_key(source, column)
    if key is None or (source.table.kind is TableKind.MATCH and key[1] != match_side(query, source)):
        return None
    director = key[0]
    table = query.catalog.table(*director)
    index = table.index if table is not None else None
    if index is None:
        return None
    ids = [_id(v, index.integer) for v in values]
    if any(i is None for i in ids):
        return None
    orphaned = source.table.kind is TableKind.CHILD and source.table.orphans
    return Lookup(director, frozenset(ids), (source.database.name, source.table.name) if orphaned else None)  # type: ignore[arg-type]


def _id(expression: exp.Expr, integer: bool) -> int | str | None:
    sign = 1
    while isinstance(expression, exp.Paren | exp.Neg):
        sign = -sign if isinstance(expression, exp.Neg) else sign
        expression = expression.this
    if not isinstance(expression, exp.Literal) or expression.is_string == integer:
        return None
    if not integer:
        return expression.name if sign == 1 else None
    return sign * int(expression.name) if expression.name.isdigit() else None


def director_key(source: Source, column: str) -> tuple[tuple[str, str], int] | None:
    """The director whose ids a column holds, and for match tables the side (0 or 1); None for other columns."""
    table = source.table
    name = column.lower()
    own = (table.database, table.name)
    if table.kind is TableKind.DIRECTOR and table.id and name == table.id.lower():
        return own, 0
    if table.kind is TableKind.CHILD and table.director and table.director_id and name == table.director_id.lower():
        return table.director, 0
    if table.kind is TableKind.MATCH and table.directors and table.director_ids:
        for side in (0, 1):
            if name == table.director_ids[side].lower():
                return table.directors[side], side
    return None


def match_side(query: Query, source: Source) -> int:
    """Which copy of a pair that is stored twice a query reads: by the side on which it is joined or restricted.

    Raises:
        SQLError: 1235 where both sides are joined.
    """
    joined = {side for side in (0, 1) if _joined_on(query, source, side)}
    if len(joined) > 1:
        raise unsupported(f"joining both sides of the match table '{source.alias}' in one query yet")
    if joined:
        return joined.pop()
    restricted = {side for side in (0, 1) if _restricted_on(query, source, side)}
    return 1 if restricted == {1} else 0


def _joined_on(query: Query, source: Source, side: int) -> bool:
    return any(edge[0] is source and edge[1] == side for edge in edges(query)) or any(
        edge[2] is source and edge[3] == side for edge in edges(query)
    )


def _restricted_on(query: Query, source: Source, side: int) -> bool:
    for condition in conjuncts(query.where):
        if isinstance(condition, exp.EQ | exp.In):
            for column in (condition.this, condition.args.get("expression")):
                if isinstance(column, exp.Column) and column.table == source.alias:
                    key = director_key(source, column.name)
                    if key is not None and key[1] == side:
                        return True
    return False


Edge = tuple[Source, int, Source, int]


def edges(query: Query) -> list[Edge]:
    """Pairs of partitioned sources (with match sides) that an equality of director ids ties into one chunk."""
    return [edge for edge, _ in tied(query)]


def tied(query: Query) -> list[tuple[Edge, Source | None]]:
    """The edges of a query, each with the source of the outer join whose ON says it; None where all rows obey it."""
    found: list[tuple[Edge, Source | None]] = []
    conditions: list[tuple[exp.Expr, Source | None]] = [(c, None) for c in conjuncts(query.where)]
    for source in query.sources:
        # What an outer join's ON says of other tables than its own restricts nothing of them.
        conditions += [(c, source if source.nullable else None) for c in conjuncts(source.on)]
    for condition, outer in conditions:
        if not isinstance(condition, exp.EQ):
            continue
        left, right = condition.this, condition.expression
        if not (isinstance(left, exp.Column) and isinstance(right, exp.Column)) or left.table == right.table:
            continue
        one, other = query.source(left.table), query.source(right.table)
        if outer is not None and outer is not one and outer is not other:
            continue
        a, b = director_key(one, left.name), director_key(other, right.name)
        if a is not None and b is not None and a[0] == b[0]:
            found.append(((one, a[1], other, b[1]), outer))
    return found
