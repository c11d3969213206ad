"""Random subqueries: one value, IN, EXISTS, ANY and ALL, tied to the query around them or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.fuzz import froms
from tests.fuzz.aggregates import Aggregates
from tests.fuzz.conditions import Conditions
from tests.fuzz.draws import Written
from tests.fuzz.expressions import Expressions
from tests.fuzz.froms import From
from tests.fuzz.nodes import Node, node
from tests.fuzz.query import Item, Key, Select
from tests.fuzz.scene import Scene

#: Kinds of columns that subqueries compare.
_KINDS = ("big", "int", "word", "date", "dec", "year")


class Subqueries:
    """Draws subqueries for a FROM clause.

    Args:
        source: of the query around.
    """

    def __init__(self, scene: Scene, source: From) -> None:
        self.scene = scene
        self.rng = scene.rng
        self.source = source
        self.outer = tuple(source.columns())

    def _inner(self) -> _Inner:
        return _Inner(self.scene.within(self.outer))

    def scalar(self, kind: str) -> Node:
        """One value."""
        self.scene.note("scalar subquery")
        inner = self._inner()
        tied = self.scene.chance(0.4) and not self.source.wide
        where = inner.where(self._tie(inner) if tied else None)
        if self.scene.chance(0.25) and inner.source.ids is not None:
            orders = tuple(Key(Node(i)) for i in inner.source.ids)
            item = Item(inner.expressions.column(*_KINDS))
            select = Select((item,), inner.source.tree, where, orders=orders, total=True, limit=1)
        else:
            select = Select((Item(inner.value(kind)),), inner.source.tree, where)
        return node("({})", select, kind=kind)

    def condition(self) -> Node:
        """A condition with a subquery."""
        choices: tuple[Callable[[], Node], ...] = (
            self._exists,
            self._exists,
            self._in,
            self._in,
            self._in_pairs,
            self._quantified,
            self._compared,
            self._same_id,
        )
        return self.rng.choice(choices)()

    def _tie(self, inner: _Inner) -> Node | None:
        """A condition that ties the inner query to the outer one: by an id of a director, or by any column."""
        mine = inner.source.columns()
        ids = {name for _, t in inner.source.tables for _, name in t.ties}
        pairs: list[tuple[str, str]] = [
            (a, b) for a, c in mine for b, d in self.outer if c.name == d.name and c.name in ids
        ]
        if not pairs or self.scene.chance(0.3):
            pairs = [(a, b) for a, c in mine for b, d in self.outer if c.kind == d.kind and c.kind in _KINDS]
        if not pairs:
            return None
        one, other = self.rng.choice(pairs)
        self.scene.note("correlated subquery")
        return Node(f"{one} {self.rng.choice(('=', '=', '=', '=', '=', '<=>', '<'))} {other}")

    def _exists(self) -> Node:
        self.scene.note("EXISTS")
        inner = self._inner()
        tied = self.scene.chance(0.85) and not self.source.wide
        where = inner.where(self._tie(inner) if tied else None)
        item = Item(self.rng.choice((Node("1"), Node("*"), inner.expressions.column())))
        select = Select((item,), inner.source.tree, where)
        return node(self.rng.choice(("EXISTS ({})", "EXISTS ({})", "NOT EXISTS ({})")), select)

    def _pair(self, inner: _Inner, count: int) -> tuple[list[Written], list[Written]]:
        """Columns of the outer and of the inner query that can be compared."""
        mine = inner.source.columns()
        fitting = [(o, i) for o in self.outer for i in mine if o[1].kind == i[1].kind and o[1].kind in _KINDS] or [
            (self.outer[0], mine[0])
        ]
        same = [(o, i) for o, i in fitting if o[1].name == i[1].name]
        picked = [self.rng.choice(same if same and self.scene.chance(0.6) else fitting) for _ in range(count)]
        return [o for o, _ in picked], [i for _, i in picked]

    def _in(self) -> Node:
        self.scene.note("IN subquery")
        inner = self._inner()
        outer, mine = self._pair(inner, 1)
        tie = self._tie(inner) if self.scene.chance(0.25) and not self.source.wide else None
        column = Node(mine[0][0])
        if self.scene.chance(0.2):
            having = node("COUNT(*) > {}", Node(self.rng.choice(("1", "2"))))
            select = Select((Item(column),), inner.source.tree, inner.where(tie), groups=(Key(column),), having=having)
        else:
            distinct = self.scene.chance(0.15)
            select = Select((Item(column),), inner.source.tree, inner.where(tie), distinct=distinct)
        return node(self.rng.choice(("{} IN ({})", "{} IN ({})", "{} NOT IN ({})")), Node(outer[0][0]), select)

    def _in_pairs(self) -> Node:
        self.scene.note("IN subquery of rows")
        inner = self._inner()
        outer, mine = self._pair(inner, 2)
        select = Select(tuple(Item(Node(w)) for w, _ in mine), inner.source.tree, inner.where(None))
        form = self.rng.choice(("({}, {}) IN ({})", "({}, {}) IN ({})", "({}, {}) NOT IN ({})"))
        return node(form, *(Node(w) for w, _ in outer), select)

    def _quantified(self) -> Node:
        self.scene.note("ANY or ALL subquery")
        inner = self._inner()
        outer, mine = self._pair(inner, 1)
        select = Select((Item(Node(mine[0][0])),), inner.source.tree, inner.where(None))
        form = self.rng.choice(("= ANY", "> ANY", "<= SOME", ">= ALL", "< ALL", "<> ALL", "<> ANY"))
        return node(f"{{}} {form} ({{}})", Node(outer[0][0]), select)

    def _compared(self) -> Node:
        kind = self.rng.choice(("int", "dec", "date"))
        form = self.rng.choice(("{} > {}", "{} <= {}", "{} = {}", "{} <> {}"))
        left = Expressions(self.rng, self.outer).of(kind, 0)
        return node(form, left, self.scalar(kind))

    def _same_id(self) -> Node:
        """An id equal to what a subquery finds."""
        self.scene.note("id by subquery")
        inner = self._inner()
        outer, mine = self._pair(inner, 1)
        value = Node(f"{self.rng.choice(('MIN', 'MAX'))}({mine[0][0]})")
        select = Select((Item(value),), inner.source.tree, inner.where(None))
        return node("{} = ({})", Node(outer[0][0]), select)


class _Inner:
    """The query within: mostly of one table, so that a value for each outer row stays cheap."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.source = froms.draw(replace(scene, depth=min(scene.depth, 1) - 1), simple=True)
        columns = self.source.columns()
        self.expressions = Expressions(scene.rng, columns)
        self.conditions = Conditions(scene, self.source, self.expressions)
        if scene.depth > 0 and scene.chance(0.15):
            nested = Subqueries(scene, self.source)
            self.conditions = Conditions(scene, self.source, self.expressions, nested.condition)

    def where(self, tie: Node | None) -> tuple[Node, ...]:
        """Conditions of the inner query, the tie among them."""
        found = [self.conditions.any() for _ in range(self.scene.rng.choice((0, 1, 1, 2)))]
        return (*self.source.where, *([tie] if tie else []), *found)

    def value(self, kind: str) -> Node:
        """An aggregate of a kind."""
        if kind == "date":
            return node(self.expressions.form("MIN({})", "MAX({})"), self.expressions.of("date", 0))
        if kind == "int" and self.scene.chance(0.5):
            return Node("COUNT(*)")
        return Aggregates(self.scene, self.expressions, self.source.ids).exact()
