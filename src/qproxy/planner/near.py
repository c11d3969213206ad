"""Near-neighbour joins: which directors meet by their separation, and how FROM finds them inside a chunk.

A separation below a radius ties two directors of a family: where one row lies in a chunk, the other lies there too or
in the chunk's overlap, as long as the radius is not larger. One of the directors so tied is the anchor, whose rows are
those of the chunk alone, so that every pair is found once; the others read the chunk and its overlap. In a chain the
radii add up: each director must lie within the overlap of the anchor.
"""

from __future__ import annotations

import heapq
import itertools
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from qproxy.catalog.model import Column, Table, TableKind
from qproxy.catalog.naming import overlap_name
from qproxy.errors import unsupported
from qproxy.planner import render
from qproxy.planner.bounds import comparisons
from qproxy.planner.joins import family, groups
from qproxy.planner.neighbours import changed_by_union, corners, meeting, surroundings
from qproxy.planner.query import From, Join, Query, Source, Text, leaves
from qproxy.planner.ties import conjuncts
from qproxy.sky.grid import Grid

_SEPARATION = re.compile(r"scisql_angsep(_\d+_\d+_\d+)?", re.IGNORECASE)
# Degrees: a pair is stored in the overlap although its separation, computed with rounding, is larger by this.
_SLACK = 5e-13
_INNER = ("", "STRAIGHT")

#: What it costs to read a source: whether all its rows are read, and about how many stored rows.
Cost = Callable[[Source], tuple[bool, float]]


@dataclass(frozen=True)
class Tie:
    """Two directors whose rows are no further apart than a radius.

    Attributes:
        one, other: aliases.
        radius: degrees.
        brought: alias of the one that an outer join brings in, whose ON says so; None where all rows obey it.
    """

    one: str
    other: str
    radius: float
    brought: str | None


@dataclass(frozen=True)
class Reached:
    """A director that is found by its separation from another one.

    Attributes:
        parent: alias of the other one.
        radius: from it, degrees.
        distance: largest distance from the anchor, degrees.
    """

    alias: str
    parent: str
    radius: float
    distance: float


def join_near(query: Query, cost: Cost) -> tuple[Query, str | None]:
    """The query with its near-neighbour joins as joins inside a chunk.

    Args:
        query: names resolved, functions not yet expanded.
        cost: tells the cheaper anchor.

    Returns:
        The query, and the alias of the anchor: its chunks are those to be read. None where there is no such join.

    Raises:
        SQLError: 1235 for a radius beyond the overlap, and for columns that such a join would change.
    """
    ties = [] if query.simple else list(_ties(query))
    if not ties:
        return query, None
    _check_radii(query, ties, cost)
    found = _best(query, ties, cost)
    if found is None:
        return query, None
    anchor, reached = found
    return _rewritten(query, reached), anchor


def _ties(query: Query) -> Iterator[Tie]:
    """All ties by separation that hold in one family."""
    for condition, brought in _conditions(query):
        for bounded in comparisons(condition):
            reals = replace(bounded, low=None).reals
            if bounded.high is None or bounded.high is bounded.low or reals is None or reals.high < 0:
                continue
            pair = _pair(bounded.operand, query)
            if pair is not None and (brought is None or brought in (pair[0].alias, pair[1].alias)):
                yield Tie(pair[0].alias, pair[1].alias, reals.high, brought)


def _conditions(query: Query) -> Iterator[tuple[exp.Expr, str | None]]:
    """Conditions that all rows obey, and those of outer joins that bring in one table."""
    for condition in conjuncts(query.where):
        yield condition, None
    if query.from_ is not None:
        yield from _of_joins(query.from_)


def _of_joins(part: From) -> Iterator[tuple[exp.Expr, str | None]]:
    if isinstance(part, str):
        return
    if part.kind in _INNER:
        yield from ((condition, None) for condition in conjuncts(part.on))
        yield from _of_joins(part.left)
        yield from _of_joins(part.right)
        return
    kept, filled = _sides(part)
    if isinstance(filled, str):
        yield from ((condition, filled) for condition in conjuncts(part.on))
    yield from _of_joins(kept)


def _sides(join: Join) -> tuple[From, From]:
    """The sides of an outer join: the one that keeps its rows, and the one that may be filled with NULLs."""
    return (join.right, join.left) if join.kind == "RIGHT" else (join.left, join.right)


def _pair(operand: exp.Expr, query: Query) -> tuple[Source, Source] | None:
    """The two directors of one family whose separation an operand is."""
    if not isinstance(operand, exp.Anonymous) or len(operand.expressions) != 4:
        return None
    if not _SEPARATION.fullmatch(str(operand.this)):
        return None
    lon1, lat1, lon2, lat2 = operand.expressions
    one, other = _positioned(lon1, lat1, query), _positioned(lon2, lat2, query)
    if one is None or other is None or one is other or family(one) != family(other):
        return None
    return one, other


def _positioned(lon: exp.Expr, lat: exp.Expr, query: Query) -> Source | None:
    """The director, read from its own tables, whose position two expressions are."""
    if not isinstance(lon, exp.Column) or not isinstance(lat, exp.Column) or lon.table != lat.table:
        return None
    source = next((s for s in query.sources if s.alias == lon.table), None)
    if source is None or source.slot is None or source.table.kind is not TableKind.DIRECTOR:
        return None
    names = (source.table.lon or "").lower(), (source.table.lat or "").lower()
    return source if names == (lon.name.lower(), lat.name.lower()) else None


def _check_radii(query: Query, ties: Sequence[Tie], cost: Cost) -> None:
    """Refuse a radius beyond the overlap, unless one side is restricted: it can be read first."""
    for tie in ties:
        sides = query.source(tie.one), query.source(tie.other)
        overlap = _overlap(sides[0])
        if tie.radius > overlap + _SLACK and all(cost(s)[0] for s in sides):
            raise unsupported(
                f"the join of '{tie.one}' and '{tie.other}' within {tie.radius:g} degrees: the overlap of "
                f"their chunks is {overlap!r} degrees, which is the largest separation that works; lower it, or "
                "restrict one of them by area or id, so that it is read first"
            )


def _overlap(source: Source) -> float:
    found = family(source)
    return found.overlap if found is not None else 0.0


def _best(query: Query, ties: Sequence[Tie], cost: Cost) -> tuple[str, tuple[Reached, ...]] | None:
    """The anchor from which most directors are reached, and of several such the one that is cheapest to read.

    Raises:
        SQLError: 1235 where every anchor is too far from some director that is tied to it.
    """
    together = {s.alias: {o.alias for o in group} for group in groups(query) for s in group}
    assert query.from_ is not None
    before = dict(_before(query.from_))
    aliases = list(dict.fromkeys(itertools.chain.from_iterable((t.one, t.other) for t in ties)))
    options = []
    for number, anchor in enumerate(aliases):
        source = query.source(anchor)
        if source.nullable:
            continue
        usable = [t for t in ties if t.radius <= _overlap(source) + _SLACK]
        everywhere = _from(anchor, together[anchor], usable, before, math.inf)
        reached = _from(anchor, together[anchor], usable, before, _overlap(source) + _SLACK)
        others = [r.alias for r in reached]
        left_behind = sum(len(together[a] - {a}) for a in others)
        changed = sum(1 for a in others for _ in _changed(query, query.source(a)))
        price = (-len(reached), changed, left_behind, cost(source), number)
        options.append((price, anchor, reached, {r.alias for r in everywhere} - set(others)))
    if not options:
        return None
    _, anchor, reached, missing = min(options, key=lambda option: option[0])
    if missing:
        _refuse_chain(query, anchor, missing)
    return (anchor, reached) if reached else None


def _before(part: From) -> Iterator[tuple[str, frozenset[str]]]:
    """For each table that FROM may read behind others, aliases of those others."""
    if isinstance(part, str):
        return
    if part.kind in _INNER:
        around = frozenset(leaves(part))
        for operand in _flat(part)[0]:
            if isinstance(operand, str):
                yield operand, around
            else:
                yield from _before(operand)
        return
    kept, filled = _sides(part)
    if isinstance(filled, str):
        yield filled, frozenset(leaves(kept))
    yield from _before(kept)


def _refuse_chain(query: Query, anchor: str, missing: Collection[str]) -> None:
    overlap = _overlap(query.source(anchor))
    raise unsupported(
        f"joining '{min(missing)}' by its separation: whichever table of the chain is taken for its middle, another "
        f"one may be further away than the overlap of the chunks, {overlap!r} degrees; lower the separations so that "
        "those between the middle and each end together are no larger"
    )


def _from(
    anchor: str, start: Collection[str], ties: Sequence[Tie], before: Mapping[str, Collection[str]], most: float
) -> tuple[Reached, ...]:
    """The directors within a distance of an anchor, in an order in which each comes behind its parent.

    Args:
        start: aliases whose rows lie with the anchor's.
        before: the tables behind which each can be read.
        most: degrees.

    Source: Dijkstra's algorithm.
    """
    reached: dict[str, Reached] = {}
    waiting = [(0.0, n, alias, alias, 0.0) for n, alias in enumerate(sorted({anchor, *start}))]
    ticks = itertools.count(len(waiting))
    done: set[str] = set()
    while waiting:
        distance, _, alias, parent, radius = heapq.heappop(waiting)
        if alias in done:
            continue
        done.add(alias)
        if parent != alias:
            reached[alias] = Reached(alias, parent, radius, distance)
        for tie in ties:
            if alias not in (tie.one, tie.other):
                continue
            other = tie.other if tie.one == alias else tie.one
            # An outer join's table is found from the others, never these from it.
            usable = tie.brought in (None, other) and alias in before.get(other, ())
            if usable and other not in done and distance + tie.radius <= most:
                heapq.heappush(waiting, (distance + tie.radius, next(ticks), other, alias, tie.radius))
    return tuple(reached.values())


def _used(query: Query, source: Source) -> list[str]:
    """Columns of a source that the query names."""
    found: dict[str, str] = {}
    for expression in query.expressions():
        for column in expression.find_all(exp.Column):
            if column.table == source.alias:
                found.setdefault(column.name.lower(), column.name)
    return list(found.values())


def _changed(query: Query, source: Source) -> Iterator[Column]:
    for name in _used(query, source):
        column = source.table.column(name)
        if column is not None and changed_by_union(column):
            yield column


def _rewritten(query: Query, reached: Sequence[Reached]) -> Query:
    """The query with other sources and another FROM."""
    assert query.from_ is not None
    sources = {s.alias: s for s in query.sources}
    ways: dict[str, _Way] = {}
    for found in reached:
        source = sources[found.alias]
        for column in _changed(query, source):
            raise unsupported(
                f"the column '{source.alias}.{column.name}' of the type {column.base_type.upper()} in a join by "
                "separation: rows of a chunk and of its overlap are put together, which would change its values; "
                "join without it, and look it up by id"
            )
        grid = Grid(found.radius)
        corner = Source(
            f"§c{source.number}§",
            -1 - source.number,
            Table("", "corners", TableKind.REGULAR, ()),
            text=Text(render.sql(corners())),
        )
        parent = sources[found.parent]
        assert parent.table.lon is not None and parent.table.lat is not None
        lon, lat = parent.column(parent.table.lon), parent.column(parent.table.lat)
        ways[found.alias] = _Way(found.parent, corner.alias, meeting(grid, lon, lat, corner.alias, source.alias))
        sources[found.alias] = _neighbours(query, source, grid)
        sources[corner.alias] = corner
    return replace(query, sources=tuple(sources.values()), from_=_rejoined(query.from_, ways))


def _neighbours(query: Query, source: Source, grid: Grid) -> Source:
    """A director read from a chunk and its overlap."""
    table, slot = source.table, source.slot
    assert slot is not None and table.lon is not None and table.lat is not None
    marker = f"§{source.number}§{overlap_name(table.name)}§"
    slots = (slot.optional(), replace(slot, marker=marker, required=False, overlap=True))
    used = _used(query, source)
    chunk, overlap = (exp.table_(s.marker, db=s.physical, quoted=True) for s in slots)
    rows = surroundings(chunk, overlap, used, table.lon, table.lat, grid)
    # Of no kind whose rows lie in chunks: nothing that is said of its rows tells of the chunks to be read.
    table = replace(table, kind=TableKind.REGULAR)
    return replace(source, table=table, database=None, text=Text(render.sql(rows), slots))


@dataclass(frozen=True)
class _Way:
    """How FROM finds a director.

    Attributes:
        parent: alias of the table from which it is found.
        corner: alias of the four corners.
        condition: on their cells.
    """

    parent: str
    corner: str
    condition: exp.Expr


def _rejoined(part: From, ways: Mapping[str, _Way]) -> From:
    """FROM in an order in which every director that is found by its separation stands behind its parent."""
    if isinstance(part, str) or not any(alias in ways for alias in leaves(part)):
        return part
    if part.kind in _INNER:
        return _inner(part, ways)
    kept, filled = _sides(part)
    way = ways.get(filled) if isinstance(filled, str) else None
    if way is None:
        left, right = (_rejoined(side, ways) for side in (part.left, part.right))
        return replace(part, left=left, right=right)
    return Join(
        _rejoined(kept, ways),
        Join(way.corner, filled, "STRAIGHT"),
        "LEFT",
        exp.and_(way.condition, part.on, copy=False),
    )


def _inner(part: Join, ways: Mapping[str, _Way]) -> From:
    """Inner joins anew; their conditions hold wherever they stand."""
    operands, conditions = _flat(part)
    waiting = [o for o in operands if isinstance(o, str) and o in ways]
    parts = [_rejoined(o, ways) for o in operands if o not in waiting]
    while waiting:
        alias = next(a for a in waiting if any(ways[a].parent in leaves(p) for p in parts))
        waiting.remove(alias)
        way = ways[alias]
        at = next(n for n, p in enumerate(parts) if way.parent in leaves(p))
        parts[at] = Join(Join(parts[at], way.corner, "STRAIGHT"), alias, "STRAIGHT", way.condition)
    whole = parts[0]
    for other in parts[1:]:
        whole = Join(whole, other)
    assert isinstance(whole, Join)
    return replace(whole, on=exp.and_(whole.on, *conditions, copy=False)) if conditions else whole


def _flat(part: From) -> tuple[list[From], list[exp.Expr]]:
    """The operands of inner joins, and all their conditions."""
    if isinstance(part, str) or part.kind not in _INNER:
        return [part], []
    left, right = _flat(part.left), _flat(part.right)
    return [*left[0], *right[0]], [*left[1], *right[1], *([part.on] if part.on is not None else [])]
