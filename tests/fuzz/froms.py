"""FROM clauses that are answered: single tables and the joins that stay within a chunk."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.fuzz.nodes import Node
from tests.fuzz.tables import FILTER, FORCED, MATCH, NOTHING, OBJECT, REFERENCE, SOURCE, Table


@dataclass(frozen=True)
class From:
    """A FROM clause.

    Attributes:
        tables: alias and table of each reference, in order.
        first: the first reference as written.
        joins: each further one as written, its condition included.
        where: conditions that tie comma joins together.
        area: references whose positions an area may name; the first one is what an areaspec restricts.
    """

    tables: tuple[tuple[str, Table], ...]
    first: str
    joins: tuple[str, ...] = ()
    where: tuple[Node, ...] = ()
    area: tuple[str, ...] = ()


def draw(rng: random.Random) -> From:
    """Some FROM clause."""
    way = rng.random()
    if way < 0.4:
        return _single(rng)
    if way < 0.75:
        return _pair(rng)
    return _three(rng)


def _named(rng: random.Random, table: Table, alias: str) -> str:
    name = table.name
    if name.startswith("sky.") and rng.random() < 0.7:
        name = name.removeprefix("sky.")
    return f"{name} {'AS ' if rng.random() < 0.3 else ''}{alias}"


def _single(rng: random.Random) -> From:
    table = rng.choice(
        (OBJECT, OBJECT, OBJECT, OBJECT, SOURCE, SOURCE, SOURCE, REFERENCE, MATCH, MATCH, FORCED, FILTER, NOTHING)
    )
    alias = rng.choice(("t", "o", table.name.split(".")[1]))
    written = table.name.removeprefix("sky.") if alias == table.name.split(".")[1] else _named(rng, table, alias)
    return From(((alias, table),), written, area=(alias,) if table.position else ())


#: Pairs of tables, the column that ties them, and whether the first may be kept whole by an outer join.
_PAIRS = (
    (OBJECT, SOURCE, "objectId"),
    (OBJECT, SOURCE, "objectId"),
    (SOURCE, OBJECT, "objectId"),
    (OBJECT, FORCED, "objectId"),
    (FORCED, OBJECT, "objectId"),
    (SOURCE, FORCED, "objectId"),
    (FORCED, SOURCE, "objectId"),
    (OBJECT, MATCH, "objectId"),
    (MATCH, OBJECT, "objectId"),
    (REFERENCE, MATCH, "refObjectId"),
    (MATCH, REFERENCE, "refObjectId"),
    (SOURCE, FILTER, "filterId"),
    (OBJECT, OBJECT, "objectId"),
    (FORCED, FORCED, "objectId"),
    (MATCH, SOURCE, "objectId"),
    (SOURCE, MATCH, "objectId"),
    (MATCH, FORCED, "objectId"),
)


def _pair(rng: random.Random) -> From:
    left, right, key = rng.choice(_PAIRS)
    first, joins, where = _tied(rng, "a", left, "b", right, key)
    return From((("a", left), ("b", right)), first, joins, where, _positions((("a", left), ("b", right))))


def _tied(
    rng: random.Random, a: str, left: Table, b: str, right: Table, key: str
) -> tuple[str, tuple[str, ...], tuple[Node, ...]]:
    first, second = _named(rng, left, a), _named(rng, right, b)
    one, other = rng.sample((f"{a}.{key}", f"{b}.{key}"), 2)
    how = rng.random()
    if how < 0.3:
        return (
            first,
            (f"{rng.choice(('JOIN', 'INNER JOIN', 'JOIN', 'STRAIGHT_JOIN'))} {second} ON {one} = {other}",),
            (),
        )
    if how < 0.5:
        more = rng.choice(_EXTRA).format(b, right.columns[-1].name) if rng.random() < 0.4 else ""
        return first, (f"LEFT {rng.choice(('', 'OUTER '))}JOIN {second} ON {one} = {other}{more}",), ()
    if how < 0.65:
        return first, (f"{rng.choice(('JOIN', 'LEFT JOIN', 'JOIN', 'RIGHT JOIN'))} {second} USING ({key})",), ()
    if how < 0.75:
        if left is right or {left.name, right.name} == {"sky.Source", "extra.Forced"}:
            return first, (f"JOIN {second} USING ({key})",), ()
        return first, (f"NATURAL {rng.choice(('JOIN', 'LEFT JOIN', 'JOIN'))} {second}",), ()
    if how < 0.82:
        return first, (f"RIGHT JOIN {second} ON {one} = {other}",), ()
    return first, (rng.choice((f", {second}", f"CROSS JOIN {second}")),), (Node(f"{one} = {other}"),)


_EXTRA = (
    " AND {0}.{1} IS NOT NULL",
    " AND {0}.{1} > 1",
    " AND {0}.{1} IS NULL",
    " AND ({0}.{1} < 3 OR {0}.{1} IS NULL)",
)


def _positions(tables: tuple[tuple[str, Table], ...]) -> tuple[str, ...]:
    """Aliases with a position, the one that an areaspec means first."""
    placed = [(alias, table) for alias, table in tables if table.position]
    placed.sort(key=lambda pair: pair[1] not in (OBJECT, REFERENCE, NOTHING))
    return tuple(alias for alias, _ in placed)


def _three(rng: random.Random) -> From:
    kind = rng.choice(("JOIN", "LEFT JOIN", "JOIN"))
    last = rng.choice(("JOIN", "LEFT JOIN"))
    chains = (
        ((OBJECT, SOURCE, FILTER), "b.objectId = a.objectId", "c.filterId = b.filterId"),
        ((OBJECT, SOURCE, FORCED), "b.objectId = a.objectId", "c.objectId = a.objectId"),
        ((OBJECT, FORCED, SOURCE), "b.objectId = a.objectId", "c.objectId = b.objectId"),
        ((OBJECT, MATCH, SOURCE), "b.objectId = a.objectId", "a.objectId = c.objectId"),
        ((SOURCE, OBJECT, FILTER), "b.objectId = a.objectId", "c.filterId = a.filterId"),
        ((SOURCE, FILTER, OBJECT), "b.filterId = a.filterId", "c.objectId = a.objectId"),
        ((FORCED, OBJECT, MATCH), "b.objectId = a.objectId", "c.objectId = b.objectId"),
        ((OBJECT, FORCED, FILTER), "b.objectId = a.objectId", "c.filterName = b.band"),
        ((OBJECT, OBJECT, MATCH), "b.objectId = a.objectId", "c.objectId = b.objectId"),
    )
    tables, first, second = rng.choice(chains)
    named = tuple(zip("abc", tables, strict=True))
    written = [_named(rng, table, alias) for alias, table in named]
    if rng.random() < 0.25:
        return From(
            named, written[0], (f", {written[1]}", f", {written[2]}"), (Node(first), Node(second)), _positions(named)
        )
    joins = (f"{kind} {written[1]} ON {first}", f"{last} {written[2]} ON {second}")
    return From(named, written[0], joins, (), _positions(named))
