"""Pass 7, restrict: sky and id predicates become coverage. Wider than needed is allowed, narrower never.

AND intersects, OR unites; NOT, ``= 0`` and everything else that is not understood restricts nothing.

Rows of several tables that meet lie in one chunk, not in one sub-chunk: what conditions on different tables say is
intersected by chunks alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from qproxy.planner.areas import AREASPEC as AREASPEC
from qproxy.planner.areas import Bounds, bounds_of, coverage, covered
from qproxy.planner.areas import areaspec as areaspec
from qproxy.planner.areas import areaspec_region as areaspec_region
from qproxy.planner.areas import areaspec_source as areaspec_source
from qproxy.planner.areas import pt_in as pt_in
from qproxy.planner.bounds import number as number
from qproxy.planner.ids import Ids, KeyOf, Later, ids_of
from qproxy.planner.plan import Lookup
from qproxy.planner.query import Query, Source
from qproxy.planner.ties import conjuncts as conjuncts
from qproxy.planner.ties import director_key as director_key
from qproxy.planner.ties import edges as edges
from qproxy.planner.ties import match_side as match_side
from qproxy.planner.ties import operands
from qproxy.planner.ties import tied as tied
from qproxy.sky.coverage import EVERYTHING, NOTHING, Coverage


@dataclass(frozen=True)
class Area:
    """Rows for which the row of one director lies in some places.

    Attributes:
        source: number of the director, which tells it from all other tables of a statement.
    """

    source: int
    places: Coverage


@dataclass(frozen=True)
class Both:
    """Rows that satisfy all parts."""

    parts: tuple[Restriction, ...]


@dataclass(frozen=True)
class Either:
    """Rows that satisfy some part."""

    parts: tuple[Restriction, ...]


Restriction = Coverage | Area | Lookup | Later | Both | Either


def restrict(query: Query, straying: Collection[str] = (), later: KeyOf = lambda expression: None) -> Restriction:
    """What the conditions of a query say of the chunks that can hold an answer.

    Args:
        query: the ON of a source that is not nullable holds for every row of the query.
        straying: aliases whose rows may come from another chunk's overlap; what is said of them restricts nothing.
        later: the key of an expression whose value is known only when the query runs: what stands behind ``=``, or
            alone in IN.

    Raises:
        SQLError: 1305, 1582 or 1210 for an areaspec that is none.
    """
    conditions = conjuncts(query.where)
    for source in query.sources:
        if not source.nullable:
            conditions += conjuncts(source.on)
    return _Reader(query, frozenset(straying), later).both(conditions)


def lookups(restriction: Restriction) -> frozenset[Lookup]:
    """All look-ups in a restriction."""
    return frozenset(leaf for leaf in _leaves(restriction) if isinstance(leaf, Lookup))


def laters(restriction: Restriction) -> frozenset[Later]:
    """All ids in a restriction that are known only when the query runs."""
    return frozenset(leaf for leaf in _leaves(restriction) if isinstance(leaf, Later))


def settle(restriction: Restriction, values: Mapping[str, Iterable[object]]) -> Restriction:
    """The restriction with look-ups in the place of ids that are known now.

    Args:
        values: by the key of `Later`; None stands for NULL. A key without values restricts nothing.
    """
    if isinstance(restriction, Later):
        found = restriction.lookup(values[restriction.key]) if restriction.key in values else None
        return EVERYTHING if found is None else found
    if isinstance(restriction, Both):
        return _both([settle(part, values) for part in restriction.parts])
    if isinstance(restriction, Either):
        return _either([settle(part, values) for part in restriction.parts])
    return restriction


def resolve(restriction: Restriction, found: Mapping[Lookup, Coverage], source: Source | None = None) -> Coverage:
    """The chunks of a restriction, once its look-ups have been answered.

    Args:
        source: the director whose sub-chunks are told, as `narrowed` gives it; without one every chunk is whole.
    """
    chunks, areas = _resolved(restriction, found)
    return chunks & areas[source.number] if source is not None and source.number in areas else chunks


def narrowed(restriction: Restriction, query: Query) -> Source | None:
    """The first table of a query whose rows all lie in areas; None for none."""
    told = _told(restriction)
    return next((s for s in query.sources if s.number in told), None)


def _told(restriction: Restriction) -> frozenset[int]:
    """Directors of which `_resolved` tells places."""
    if isinstance(restriction, Area):
        return frozenset((restriction.source,))
    if isinstance(restriction, Both):
        return frozenset[int]().union(*(_told(part) for part in restriction.parts))
    if isinstance(restriction, Either):
        return frozenset.intersection(*(_told(part) for part in restriction.parts))
    return frozenset()


def _leaves(restriction: Restriction) -> Iterable[Restriction]:
    if isinstance(restriction, Both | Either):
        for part in restriction.parts:
            yield from _leaves(part)
    else:
        yield restriction


def _resolved(restriction: Restriction, found: Mapping[Lookup, Coverage]) -> tuple[Coverage, dict[int, Coverage]]:
    """Whole chunks that can hold an answer; and places in which the rows of single directors lie in every answer."""
    if isinstance(restriction, Area):
        return restriction.places.whole, {restriction.source: restriction.places}
    if isinstance(restriction, Lookup):
        # Rows with an id need not share the sub-chunk of their director: ids restrict chunks.
        return found.get(restriction, EVERYTHING).whole, {}
    if isinstance(restriction, Later):
        return EVERYTHING, {}
    if isinstance(restriction, Coverage):
        return restriction.whole, {}
    parts = [_resolved(part, found) for part in restriction.parts]
    if isinstance(restriction, Either):
        shared = frozenset.intersection(*(frozenset(areas) for _, areas in parts))
        united = {source: Coverage.united(areas[source] for _, areas in parts) for source in shared}
        return Coverage.united(chunks for chunks, _ in parts), united
    common = EVERYTHING
    both: dict[int, Coverage] = {}
    for chunks, areas in parts:
        common = common & chunks
        for source, places in areas.items():
            both[source] = both[source] & places if source in both else places
    for places in both.values():
        common = common & places.whole
    return common, both


@dataclass(frozen=True)
class _Reader:
    """Reads the conditions of one query."""

    query: Query
    straying: frozenset[str]
    later: KeyOf

    def both(self, conditions: Sequence[exp.Expr]) -> Restriction:
        """What conditions say that all hold; those on one table's position, or ids, are taken together."""
        parts: list[Restriction] = []
        bounds: dict[str, tuple[Source, Bounds]] = {}
        ids: dict[tuple[str, str], Ids] = {}
        for condition in conditions:
            if isinstance(condition, exp.Or):
                parts.append(_either([self.both(conjuncts(c)) for c in operands(condition, exp.Or)]))
                continue
            area = covered(condition, self.query)
            if area is not None:
                if area[0].alias not in self.straying:
                    parts.append(Area(area[0].number, area[1]))
                continue
            bound = bounds_of(condition, self.query)
            if bound is not None:
                source, told = bound
                bounds[source.alias] = source, told & bounds[source.alias][1] if source.alias in bounds else told
                continue
            found = ids_of(condition, self.query, self.later)
            if found is None or found.column[0] in self.straying:
                continue
            if isinstance(found.ids, Later):
                parts.append(found.ids)
            else:
                ids[found.column] = ids[found.column] & found.ids if found.column in ids else found.ids
        for alias, (source, told) in bounds.items():
            if alias not in self.straying:
                parts.append(Area(source.number, coverage(told.region, source)))
        parts += [told.lookup or NOTHING for told in ids.values()]
        return _both(parts)


def _both(parts: Sequence[Restriction]) -> Restriction:
    telling = [p for p in parts if not _everything(p)]
    if len(telling) < 2:
        return telling[0] if telling else EVERYTHING
    return Both(tuple(telling))


def _either(parts: Sequence[Restriction]) -> Restriction:
    """Rows that satisfy some part; ids of one index are looked up together."""
    if any(_everything(p) for p in parts):
        return EVERYTHING
    ids: dict[tuple[tuple[str, str], tuple[str, str] | None], set[int | str]] = {}
    others: list[Restriction] = []
    for part in parts:
        if isinstance(part, Lookup) and isinstance(part.ids, frozenset):
            ids.setdefault((part.director, part.child), set()).update(part.ids)
        else:
            others.append(part)
    together = [Lookup(director, frozenset(found), child) for (director, child), found in ids.items()]  # type: ignore[arg-type]
    united = [*together, *others]
    if not united:
        return NOTHING
    return united[0] if len(united) == 1 else Either(tuple(united))


def _everything(restriction: Restriction) -> bool:
    places = restriction.places if isinstance(restriction, Area) else restriction
    return isinstance(places, Coverage) and places.is_everything
