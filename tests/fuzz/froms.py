"""Random FROM clauses: tables, queries and common table expressions, and trees of joins of them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from tests.fuzz.draws import Written
from tests.fuzz.nodes import Node
from tests.fuzz.query import Join, Ref
from tests.fuzz.scene import Scene
from tests.fuzz.tables import Column, Table

#: Pairs of rows beyond which a join that nothing ties is not drawn.
PAIRS = 50_000


@dataclass(frozen=True)
class From:
    """A FROM clause.

    Attributes:
        tables: alias and table of each reference, in order.
        where: conditions that tie comma joins together.
        area: references whose positions an area may name; the first one is what an areaspec restricts.
        wide: whether many rows of one side meet many of another.
    """

    tree: Ref | Join
    tables: tuple[tuple[str, Table], ...]
    where: tuple[Node, ...] = ()
    area: tuple[str, ...] = ()
    wide: bool = False

    def columns(self, bare: bool = False) -> list[Written]:
        """All columns as a query may write them."""
        return [(c.name if bare else f"{a}.{c.name}", c) for a, t in self.tables for c in t.columns]

    @property
    def ids(self) -> list[str] | None:
        """Columns that tell all rows apart; None where there are none."""
        if not all(table.ids for _, table in self.tables):
            return None
        return [f"{alias}.{name}" for alias, table in self.tables for name in table.ids]


def draw(scene: Scene, simple: bool = False) -> From:
    """Some FROM clause.

    Args:
        simple: one table, or two that are tied.
    """
    way = scene.rng.random()
    if simple:
        return _single(scene) if way < 0.8 else _chain(scene, 2)
    if way < 0.34:
        return _single(scene)
    if way < 0.62:
        return _chain(scene, 2)
    if way < 0.79:
        return _chain(scene, scene.rng.choice((3, 3, 3, 4, 5)))
    return _neighbours(scene) if way < 0.81 else _foreign(scene)


def _base(scene: Scene) -> Table:
    weights = {"director": 4, "child": 4, "match": 3, "regular": 2}
    tables = scene.schema.tables
    weight = [weights[t.kind] if t.rows else 1 for t in tables]
    weight[0] += 5
    return scene.rng.choices(tables, weight)[0]


def _reference(scene: Scene, table: Table, alias: str) -> tuple[Ref, Table]:
    """A table in FROM, or now and then a query or a common table expression in its place."""
    rng = scene.rng
    if scene.tables and rng.random() < 0.5:
        chosen = rng.choice(scene.tables)
        scene.note("cte used")
        return Ref(chosen.name, alias, _as(rng)), chosen
    if scene.depth > 0 and rng.random() < 0.12:
        scene.note("derived table")
        query, derived = scene.derived(scene.within())
        return Ref(query, alias, _as(rng)), derived
    return _named(scene, table, alias), table


def _as(rng: random.Random) -> str:
    return rng.choice((" ", " ", " AS "))


def _named(scene: Scene, table: Table, alias: str) -> Ref:
    name = table.name
    if name.startswith(f"{scene.schema.database}.") and scene.chance(0.7):
        name = name.split(".")[1]
    return Ref(name, alias, _as(scene.rng))


def _single(scene: Scene) -> From:
    table = _base(scene)
    own = table.name.split(".")[1]
    alias = scene.rng.choice((scene.new("t"), scene.new("t"), own))
    if alias == own:
        short = table.name.startswith(f"{scene.schema.database}.")
        return From(Ref(own if short else table.name, ""), ((alias, table),), area=_positions(((alias, table),)))
    reference, table = _reference(scene, table, alias)
    return From(reference, ((alias, table),), area=_positions(((alias, table),)))


def _positions(tables: tuple[tuple[str, Table], ...]) -> tuple[str, ...]:
    """Aliases with a position, the one that an areaspec means first."""
    placed = [(alias, table) for alias, table in tables if table.position]
    placed.sort(key=lambda pair: pair[1].kind != "director")
    return tuple(alias for alias, _ in placed)


def _chain(scene: Scene, count: int) -> From:
    """Tables that are tied by ids of directors, or to a small table."""
    rng = scene.rng
    alias = scene.new("t")
    reference, table = _reference(scene, _base(scene), alias)
    found = From(reference, ((alias, table),))
    for _ in range(count - 1):
        found = _joined(scene, found)
    scene.note("join" if count == 2 else "join of 3 or more")
    if isinstance(found.tree, Join) and rng.random() < 0.12 and count > 2:
        scene.note("join in parentheses")
        found = _enclosed(scene, found)
    return replace(found, area=_positions(found.tables))


def _joined(scene: Scene, found: From) -> From:
    """One table more, tied to one of those that are there."""
    rng = scene.rng
    options = [
        (left, mine, table, theirs)
        for left, there in found.tables
        for table in scene.schema.tables
        for mine, theirs in _pairs(there, table)
    ]
    if not options:
        return _loose(scene, found, rng.choice(scene.schema.regular))
    left, mine, table, theirs = rng.choice(options)
    alias = scene.new("t")
    reference, actual = _reference(scene, table, alias)
    if actual is not table:
        common = [c.name for c in actual.columns if c.name == theirs]
        if not common:
            return _loose(scene, found, actual, reference, alias)
    one, other = rng.sample((f"{left}.{mine}", f"{alias}.{theirs}"), 2)
    return _tied(scene, found, (reference, alias, actual), f"{one} = {other}", mine == theirs)


def _pairs(one: Table, other: Table) -> list[tuple[str, str]]:
    """Columns that tie two tables."""
    pairs = [(a, b) for director, a in one.ties for its, b in other.ties if director == its]
    if "regular" in (one.kind, other.kind):
        names = {c.name for c in one.columns}
        pairs += [(c.name, c.name) for c in other.columns if c.name in names and c.kind in ("int", "word")][:1]
    return pairs


def _tied(scene: Scene, found: From, new: tuple[Ref, str, Table], condition: str, same: bool) -> From:
    rng = scene.rng
    reference, alias, table = new
    tables = (*found.tables, (alias, table))
    name = condition.split(" = ")[0].split(".")[1]
    how = rng.random()
    if how < 0.12 and same and not _listed(found.tree) and _once(found.tables, name):
        using = [name]
        using += [
            c.name for c in table.columns if c.name != name and _once(found.tables, c.name) and rng.random() < 0.3
        ]
        scene.note("USING", *(["USING of several"] if len(using) > 1 else []))
        words = rng.choice((" JOIN ", " LEFT JOIN ", " JOIN ", " RIGHT JOIN "))
        return From(Join(found.tree, reference, words, using=tuple(using)), tables, found.where)
    if how < 0.18 and len(found.tables) == 1 and same:
        scene.note("NATURAL")
        words = rng.choice((" NATURAL JOIN ", " NATURAL LEFT JOIN ", " NATURAL RIGHT JOIN "))
        return From(Join(found.tree, reference, words), tables, found.where)
    listed = _listed(found.tree)
    if how < 0.3 or listed:
        # What stands before a comma is not seen by an ON behind it.
        words = ", " if listed else rng.choice((", ", " CROSS JOIN ", " JOIN "))
        return From(Join(found.tree, reference, words), tables, (*found.where, Node(condition)))
    words = rng.choices(
        (" JOIN ", " INNER JOIN ", " STRAIGHT_JOIN ", " LEFT JOIN ", " LEFT OUTER JOIN ", " RIGHT JOIN "),
        (30, 8, 8, 22, 6, 10),
    )[0]
    for word in ("LEFT", "RIGHT", "STRAIGHT"):
        if word in words:
            scene.note(f"{word} JOIN")
    on = condition + (_extra(scene, alias, table) if rng.random() < 0.25 else "")
    return From(Join(found.tree, reference, words, Node(on)), tables, found.where)


def _listed(tree: Ref | Join) -> bool:
    return isinstance(tree, Join) and tree.how == ", "


def _once(tables: tuple[tuple[str, Table], ...], name: str) -> bool:
    """Whether a name is that of one column of the tables."""
    return sum(c.name == name for _, t in tables for c in t.columns) == 1


def _extra(scene: Scene, alias: str, table: Table) -> str:
    column = scene.rng.choice(table.columns)
    written, value = f"{alias}.{column.name}", scene.rng.choice(column.values or ("1",))
    return scene.rng.choice(
        (
            f" AND {written} IS NOT NULL",
            f" AND {written} > {value}",
            f" AND {written} IS NULL",
            f" AND ({written} < {value} OR {written} IS NULL)",
            f" AND {written} = {value}",
            f" OR {written} = {value}",
        )
    )


def _enclosed(scene: Scene, found: From) -> From:
    """The last two tables in parentheses: ``a JOIN (b JOIN c ON ...) ON ...``, where conditions allow it."""
    tree = found.tree
    assert isinstance(tree, Join)
    if not isinstance(tree.left, Join) or tree.on is None or tree.left.on is None or tree.left.using:
        return found
    inner = tree.left
    first = inner.left
    aliases = [alias for alias, _ in found.tables]
    if any(f"{alias}." in str(tree.on) for alias in aliases[:-2]):
        return found
    if not isinstance(inner.right, Ref):
        return found
    right = Join(inner.right, tree.right, tree.how, tree.on)
    return replace(found, tree=Join(first, right, inner.how, inner.on, enclosed=True))


def _loose(scene: Scene, found: From, table: Table, reference: Ref | None = None, alias: str = "") -> From:
    """One table more, tied by any columns of a kind, or by nothing."""
    rng = scene.rng
    alias = alias or scene.new("t")
    reference = reference or _named(scene, table, alias)
    tables = (*found.tables, (alias, table))
    pairs = table.size
    for _, there in found.tables:
        pairs *= there.size
    scene.note("join that is not local" if table.kind != "regular" else "join with a small table")
    if pairs <= 1500 and rng.random() < 0.3:
        words = rng.choice((", ", " CROSS JOIN ", " JOIN "))
        return From(Join(found.tree, reference, words), tables, found.where, wide=pairs > 500)
    equal = [
        (f"{a}.{c.name}", f"{alias}.{d.name}")
        for a, t in found.tables
        for c in t.columns
        for d in table.columns
        if _alike(c, d)
    ]
    if not equal:
        # Of text that is no whole number, an index on integers finds others than a comparison: '1e1' is 1 or 10.
        first = f"{found.tables[0][0]}.{found.tables[0][1].columns[0].name}"
        equal = [(f"{first} + 0", f"{alias}.{table.columns[0].name} + 0")]
    one, other = rng.choice(equal)
    operator = rng.choice(("=", "=", "=", "=", "<=>", "<")) if pairs <= PAIRS else "="
    words = rng.choice((" JOIN ", " JOIN ", " LEFT JOIN ", " RIGHT JOIN "))
    on = Node(f"{one} {operator} {other}" + (_extra(scene, alias, table) if rng.random() < 0.3 else ""))
    return From(Join(found.tree, reference, words, on), tables, found.where, wide=pairs > 500)


def _neighbours(scene: Scene) -> From:
    """Two directors, near each other on the sky."""
    rng = scene.rng
    scene.note("near neighbours")
    pairs = []
    for _ in range(2):
        table, alias = rng.choice([t for t in scene.schema.directors if t.rows]), scene.new("t")
        pairs.append((alias, table, _named(scene, table, alias)))
    (a, one, first), (b, other, second) = pairs
    positions = [f"{alias}.{name}" for alias, table, _ in pairs for name in table.position or ()]
    condition = Node(f"scisql_angSep({', '.join(positions)}) < {rng.choice(('0.0005', '0.002', '0.01', '0.016'))}")
    tables = ((a, one), (b, other))
    area = _positions(tables)
    if rng.random() < 0.3:
        return From(Join(first, second, rng.choice((", ", " JOIN "))), tables, (condition,), area, wide=False)
    words = rng.choice((" JOIN ", " INNER JOIN ", " LEFT JOIN "))
    return From(Join(first, second, words, condition), tables, (), area)


def _alike(one: Column, other: Column) -> bool:
    return one.kind == other.kind and one.kind in ("int", "big", "word", "date", "year", "dec")


def _foreign(scene: Scene) -> From:
    """Two or three tables that ids of directors do not tie."""
    rng = scene.rng
    alias = scene.new("t")
    reference, table = _reference(scene, _base(scene), alias)
    found = From(reference, ((alias, table),))
    other = scene.new("t")
    its, right = _reference(scene, _base(scene), other)
    found = _loose(scene, found, right, its, other)
    if rng.random() < 0.2 and not found.wide:
        found = _joined(scene, found)
    return replace(found, area=_positions(found.tables))
