"""Random statements: a SELECT, a union of some, with or without common table expressions before it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.fuzz.froms import From, draw
from tests.fuzz.nodes import Node
from tests.fuzz.query import Compound, Item, Query, Ref, Select, With
from tests.fuzz.scene import Scene
from tests.fuzz.selects import Selects
from tests.fuzz.tables import EXACT, Column, Schema, Table

_UNIONS = ("UNION", "UNION ALL", "UNION ALL", "UNION DISTINCT", "INTERSECT", "EXCEPT")

#: Levels that queries nest at most, with how often each is allowed.
_DEPTHS = (0, 0, 0, 1, 1, 2, 2, 3)


@dataclass(frozen=True)
class Made:
    """A statement.

    Attributes:
        features: names of what stands in it.
    """

    query: Query
    features: frozenset[str] = frozenset()


def make(seed: int, number: int, schema: Schema) -> Made:
    """The statement of a seed and a number: the same whenever it is asked for.

    Args:
        schema: tables that it may name.
    """
    rng = random.Random(f"{seed}:{number}")
    features: set[str] = set()
    scene = Scene(rng, schema, features, itertools.count(), named, rng.choice(_DEPTHS))
    way = rng.random()
    query: Query
    if way < 0.02:
        query = _without_tables(scene)
    elif way < 0.09 and scene.depth:
        query = _compound(scene)
    elif way < 0.2 and scene.depth:
        query = _with(scene)
    else:
        query = Selects(scene).any()
    return Made(query, frozenset(features or {"plain"}))


def named(scene: Scene) -> tuple[Query, Table]:
    """A query whose columns have names, as a table."""
    if scene.depth > 0 and scene.chance(0.2):
        return _named_compound(scene)
    source = _small(scene)
    selects = Selects(scene, source, unnamed=False)
    way = scene.rng.random()
    if way < 0.45:
        return _named_rows(scene, selects)
    if way < 0.8:
        select = selects.groups(keyed=True)
        keys = tuple(i.alias for i in select.items if any(i.node == g.node for g in select.groups))
        return select, _table(select.items, keys)
    select = selects.distinct()
    return select, _table(select.items, tuple(i.alias for i in select.items))


def _small(scene: Scene) -> From:
    source = draw(scene, simple=scene.chance(0.7))
    return source if not source.wide else draw(replace(scene, depth=0), simple=True)


def _named_rows(scene: Scene, selects: Selects) -> tuple[Select, Table]:
    """Rows with the columns that tell them apart and tie them, under names of their own or those of the tables."""
    select = selects.rows()
    ids = selects.source.ids
    items = list(select.items)
    known: list[str] = []
    ties: list[tuple[str, str]] = []
    for alias, table in selects.source.tables:
        for name in dict.fromkeys((*table.ids, *(n for _, n in table.ties))):
            if any(i.alias == name for i in items):
                continue
            item = Item(Node(f"{alias}.{name}", kind=table.column(name).kind), name)
            items.append(item)
            ties += [(director, name) for director, its in table.ties if its == name]
            if name in table.ids:
                known.append(name)
    complete = ids is not None and len(known) == len(ids)
    made = replace(select, items=tuple(items))
    return made, replace(_table(made.items, tuple(known) if complete else ()), ties=tuple(ties))


def _table(items: Sequence[Item], ids: tuple[str, ...]) -> Table:
    columns = tuple(Column(i.alias, i.node.kind or "dec", ("1", "0"), messy=not i.node.exact) for i in items)
    return Table("", columns, ids, rows=100)


def _named_compound(scene: Scene) -> tuple[Compound, Table]:
    compound, kinds = _arms(scene)
    names = [scene.new("u") for _ in kinds]
    words, first, enclosed = compound.arms[0]
    assert isinstance(first, Select)
    items = tuple(Item(i.node, n) for i, n in zip(first.items, names, strict=True))
    compound = replace(compound, arms=((words, replace(first, items=items), enclosed), *compound.arms[1:]))
    columns = tuple(Column(n, k, ("1", "0")) for n, k in zip(names, kinds, strict=True))
    return compound, Table("", columns, rows=200)


def _arms(scene: Scene) -> tuple[Compound, list[str]]:
    """Two or three SELECTs of like columns."""
    rng = scene.rng
    sources = [_small(scene.within()) for _ in range(rng.choice((2, 2, 2, 3)))]
    draws = [Selects(scene.within(), source) for source in sources]
    common = set(draws[0].exact_kinds()).intersection(*(d.exact_kinds() for d in draws[1:])) or {"int"}
    kinds = [rng.choice(sorted(common)) for _ in range(rng.randint(1, 3))]
    operators = [rng.choice(_UNIONS) for _ in draws[1:]]
    if all(o == "UNION ALL" for o in operators) and rng.random() < 0.5:
        kinds = [rng.choice(("int", "dec", "text", "dbl", "time", "bool", "big", "date")) for _ in kinds]
    arms: list[tuple[str, Query, bool]] = []
    for words, one in zip(("", *operators), draws, strict=True):
        # Which of equal texts DISTINCT keeps is open.
        by_rows = rng.random() < 0.8 or not EXACT.issuperset(kinds)
        select = one.rows(kinds) if by_rows else one.distinct(kinds)
        if not select.total or select.limit is None or rng.random() < 0.5:
            select = replace(select, orders=(), total=False, limit=None, offset=0)
        # LIMIT and ORDER BY of an arm stand in parentheses.
        arms.append((words, select, bool(select.orders) or rng.random() < 0.2))
        if words.startswith(("INTERSECT", "EXCEPT")):
            scene.note(words)
    scene.note("UNION")
    return Compound(tuple(arms)), kinds


def _compound(scene: Scene) -> Compound:
    rng = scene.rng
    compound, kinds = _arms(scene)
    if rng.random() < 0.15 and len(compound.arms) == 3:
        scene.note("union in parentheses")
        (_, first, _), second, third = compound.arms
        inner = Compound((("", second[1], second[2]), third))
        compound = Compound((("", first, False), (second[0], inner, True)))
    if rng.random() < 0.5:
        orders = list(range(1, len(kinds) + 1))
        rng.shuffle(orders)
        total = all(k in EXACT for k in kinds)
        limit = rng.choice((None, 1, 5, 20)) if total else None
        offset = rng.choice((0, 0, 3)) if limit else 0
        signed = tuple(o * rng.choice((1, 1, -1)) for o in orders)
        compound = replace(compound, orders=signed, total=total, limit=limit, offset=offset)
    return compound


def _with(scene: Scene) -> With:
    rng = scene.rng
    scene.note("cte")
    tables: list[tuple[str, Query]] = []
    known: list[Table] = []
    recursive = rng.random() < 0.15
    if recursive:
        scene.note("recursive cte")
        name = scene.new("r")
        query, table = _recursive(scene, name)
        tables.append((table.name, query))
        known.append(replace(table, name=name))
    for _ in range(rng.choice((1, 1, 2)) - recursive):
        name = scene.new("w")
        query, table = named(replace(scene.within(), tables=tuple(known)))
        tables.append((name, query))
        known.append(replace(table, name=name))
    inner = replace(scene.within(), tables=tuple(known))
    first = rng.choice(known)
    alias = scene.new("t")
    source = From(Ref(first.name, alias), ((alias, first),)) if rng.random() < 0.4 else draw(inner)
    body = Selects(inner, source).any()
    return With(tuple(tables), body, recursive)


def _recursive(scene: Scene, name: str) -> tuple[Query, Table]:
    """A short recursion: numbers, or steps through a small table."""
    rng = scene.rng
    count = rng.choice((3, 5, 12))
    column = Column("n", "int", ("1", "3"))
    regular = [t for t in scene.schema.regular if t.columns[0].kind == "int"]
    if not regular or rng.random() < 0.5:
        first = Select((Item(Node("1"), "n"),))
        step = Select((Item(Node("n + 1")),), Ref(name, ""), (Node(f"n < {count}"),))
    else:
        table = rng.choice(regular)
        key = table.columns[0].name
        first = Select((Item(Node(key), "n"),), Ref(table.name, ""), (Node(f"{key} = 1"),))
        step = Select((Item(Node(f"s.{key}")),), Ref(f"{name} JOIN {table.name} s ON s.{key} = {name}.n + 1", ""))
    words = rng.choice(("UNION ALL", "UNION"))
    query = Compound((("", first, False), (words, step, False)))
    return query, Table(name, (column,), ("n",) if words == "UNION" else (), rows=count)


def _without_tables(scene: Scene) -> Select:
    """A SELECT without FROM."""
    scene.note("without FROM")
    literal = Column("1", "int", ("1", "2"))
    only = From(Ref("", ""), (("", Table("", (literal,), rows=1)),))
    selects = Selects(replace(scene, depth=0), only)
    selects.expressions.columns = [("1", literal), ("'ab'", Column("'ab'", "text", ("'a'",))), ("2.50", literal)]
    items = tuple(Item(selects.expressions.any(2), f"c{n}") for n in range(scene.rng.randint(1, 4)))
    return Select(items)
