"""Random SELECTs: of rows, groups, distinct rows and windows, each with one right answer.

What MariaDB leaves open is avoided: columns of a group that are not its keys, strings that are equal but not the same
where one of them stands for all, first rows without an order, sums of DOUBLE values where a last digit decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tests.fuzz import froms
from tests.fuzz.aggregates import Aggregates
from tests.fuzz.conditions import Conditions
from tests.fuzz.expressions import Expressions
from tests.fuzz.froms import From
from tests.fuzz.nodes import Node, node
from tests.fuzz.query import Item, Key, Select
from tests.fuzz.scene import Scene
from tests.fuzz.subqueries import Subqueries
from tests.fuzz.tables import EXACT
from tests.fuzz.windows import windows


class Selects:
    """Draws SELECTs from one FROM clause.

    Args:
        source: by default a random one.
        unnamed: whether columns of the select list may go without a name of their own.
    """

    def __init__(self, scene: Scene, source: From | None = None, unnamed: bool = True) -> None:
        self.scene = scene
        self.rng = scene.rng
        self.source = source or froms.draw(scene)
        self.unnamed = unnamed
        bare = len(self.source.tables) == 1 and scene.chance(0.5)
        self.columns = self.source.columns(bare)
        nested = Subqueries(scene, self.source) if scene.depth > 0 else None
        scalar = nested.scalar if nested and not self.source.wide else None
        self.expressions = Expressions(self.rng, self.columns, scalar)
        self.conditions = Conditions(scene, self.source, self.expressions, nested.condition if nested else None)
        # Aggregates of a query that reads a common table expression with aggregates of its own: MariaDB mixes them up.
        alone = Expressions(self.rng, self.columns, None) if scene.tables else self.expressions
        self.aggregates = Aggregates(scene, alone, self.source.ids)

    def any(self) -> Select:
        """A SELECT of any kind."""
        way = self.rng.random()
        if self.source.wide:
            return self.groups() if way < 0.85 else self.distinct()
        if way < 0.42:
            return self.rows()
        if way < 0.82:
            return self.groups()
        return self.over_windows() if way < 0.9 else self.distinct()

    def _where(self) -> tuple[Node, ...]:
        conditions = [self.conditions.any() for _ in range(self.rng.choice((0, 0, 0, 1, 1, 1, 2, 3)))]
        self.rng.shuffle(conditions)
        return (*self.source.where, *conditions)

    def _made(self, items: Sequence[Item], **parts: Any) -> Select:
        where = parts.pop("where", None)
        return Select(tuple(items), self.source.tree, self._where() if where is None else where, **parts)

    def _alias(self, start: str, number: int, share: float) -> str:
        return f"{start}{number}" if self.scene.chance(share) or not self.unnamed else ""

    def _limit(self, share: float = 0.4) -> tuple[int | None, int]:
        if self.scene.chance(share):
            self.scene.note("LIMIT")
            return self.rng.choice((0, 1, 3, 10, 10, 10, 50, 50, 1000)), self.rng.choice((0, 0, 0, 0, 1, 5, 20))
        return None, 0

    def rows(self, kinds: Sequence[str] | None = None) -> Select:
        """Rows as they are.

        Args:
            kinds: of the columns; by default any.
        """
        e = self.expressions
        items = []
        if kinds is not None:
            items = [Item(e.like(kind), self._alias("c", n, 0.3)) for n, kind in enumerate(kinds)]
        elif self.unnamed and self.scene.chance(0.07):
            alias = self.rng.choice(self.source.tables)[0]
            items = [Item(Node(self.rng.choice(("*", f"{alias}.*"))))]
        else:
            count = self.rng.randint(1, 5)
            items = [Item(e.any(self.rng.randint(0, 3)), self._alias("c", n, 0.4)) for n in range(count)]
            if self.scene.chance(0.08):
                # An alias that hides a column: ORDER BY takes the alias, WHERE the column.
                items[0] = Item(items[0].node, self.rng.choice([c.name for _, c in self.columns]))
        orders: list[Key] = []
        ids = self.source.ids
        total = ids is not None and self.scene.chance(0.5)
        if total and ids:
            orders = [self._order_key(items) for _ in range(self.rng.randint(0, 2))]
            orders += [Key(Node(i), descending=self.scene.chance(0.3)) for i in ids]
        having = self._having_alias(items) if self.scene.chance(0.04) else None
        limit, offset = self._limit() if total or self.unnamed else (None, 0)
        return self._made(items, orders=tuple(orders), total=total, limit=limit, offset=offset, having=having)

    def _order_key(self, items: Sequence[Item]) -> Key:
        down = self.scene.chance(0.4)
        plain = [i for i in items if "*" not in str(i.node) and not str(i.node).lstrip("-").isdigit()]
        if plain and self.scene.chance(0.6):
            return Key(self.rng.choice(plain).node, self.rng.choice(("position", "alias", "(alias)", "")), down)
        return Key(self.expressions.column() if self.scene.chance(0.5) else self.expressions.any(1), "", down)

    def _having_alias(self, items: Sequence[Item]) -> Node | None:
        aliased = [i for i in items if i.alias and i.node.exact]
        if not aliased:
            return None
        tail = self.rng.choice(("> {}", "IS NOT NULL", "<> {}", "IN ({})"))
        return node(f"{self.rng.choice(aliased).alias} {tail}", Node("1"))

    def distinct(self, kinds: Sequence[str] | None = None) -> Select:
        """Rows without repetition, of values whose equals are the same bytes."""
        self.scene.note("DISTINCT")
        e = self.expressions
        keys = [e.like(k) for k in kinds] if kinds is not None else [e.key() for _ in range(self.rng.randint(1, 3))]
        items = [Item(k, self._alias("c", n, 0.4)) for n, k in enumerate(keys)]
        total = self.scene.chance(0.5)
        orders = [self._distinct_key(i) for i in items]
        self.rng.shuffle(orders)
        limit, offset = self._limit() if total else (None, 0)
        if all(i.node.args or _names_none(i.node, {c.name for _, c in self.columns}) for i in items):
            # Of what MariaDB knows to be constant, it keeps one row and forgets OFFSET.
            offset = 0
        picked = tuple(orders if total else ())
        return self._made(items, distinct=True, orders=picked, total=total, limit=limit, offset=offset)

    def _distinct_key(self, item: Item) -> Key:
        by, down = self.rng.choice(("position", "alias", "")), self.scene.chance(0.4)
        # A comparison with a constant, written again in ORDER BY, is another one to MariaDB: rows get lost.
        again = bool(item.node.args) and (not by or not item.alias)
        return Key(item.node, "position" if again else by, down)

    def groups(self, keyed: bool = False) -> Select:
        """Aggregates, of groups or of all rows.

        Args:
            keyed: whether every key is selected, and there is one.
        """
        self.scene.note("aggregates")
        keys = [
            self.expressions.key() for _ in range(self.rng.choice((1, 1, 2) if keyed else (0, 0, 1, 1, 1, 2, 2, 3)))
        ]
        keys = list(dict.fromkeys(keys))
        simple = self.scene.chance(0.6)
        share = 1.0 if keyed else 0.8
        items = [Item(k, self._alias("k", n, 0.5)) for n, k in enumerate(keys) if self.scene.chance(share)]
        for number in range(self.rng.randint(0 if items and not keyed else 1, 3)):
            items.append(Item(self.aggregates.around(simple), self._alias("a", number, 0.4)))
        if keys and self.scene.chance(0.15) and not keyed:
            form = self.rng.choice(("{} IS NULL", "CONCAT({}, '!')", "IFNULL({}, 'none')"))
            items.append(Item(node(form, self.rng.choice(keys)), self._alias("x", 0, 0)))
        if not keyed:
            self.rng.shuffle(items)
        groups = tuple(self._group_key(k, items) for k in keys)
        # Subtotals of NULLIF are one thing by position and another by expression.
        plain = keys and not keyed and not any("NULLIF" in str(k) for k in keys)
        # Of an expression over a query in FROM that MariaDB merges into the one around, subtotals keep the last value.
        stored = {t.name for t in self.scene.schema.tables}
        plain = plain and (all(t.name in stored for _, t in self.source.tables) or not any(k.args for k in keys))
        # Subtotals of COUNT(DISTINCT constant) count rows.
        columns = {c.name for _, c in self.columns}
        counts = any(_counts_constant(i.node, columns) for i in items)
        rollup = bool(plain) and not counts and self.scene.chance(0.08)
        if rollup:
            self.scene.note("ROLLUP")
        having = self._having(items, keys) if self.scene.chance(0.25) else None
        orders: list[Key] = []
        total = not rollup and self.scene.chance(0.5)
        if total:
            if self.scene.chance(0.5):
                picked = self.rng.choice([*(i.node for i in items if i.node.exact), self.aggregates.exact(simple)])
                down_first = picked.kind not in ("dec", "") and self.scene.chance(0.5)
                orders.append(Key(picked, self.rng.choice(("position", "alias", "")), down_first))
            # Where a DECIMAL key comes down to NULL, MariaDB may put NULL into the group before it.
            down = [k.kind not in ("dec", "") and self.scene.chance(0.3) for k in keys]
            by = [self.rng.choice(("position", "alias", "")) for _ in keys]
            orders += [Key(k, b, d) for k, b, d in zip(keys, by, down, strict=True)]
            total = bool(orders) or not keys
        limit, offset = self._limit() if total else (None, 0)
        return self._made(
            items,
            groups=groups,
            rollup=rollup,
            having=having,
            orders=tuple(orders),
            total=total,
            limit=limit,
            offset=offset,
        )

    def _group_key(self, key: Node, items: Sequence[Item]) -> Key:
        by = self.rng.choice(("position", "alias", "", ""))
        # GROUP BY takes a column of that name before the alias: the item would then be of any row of its group.
        alias = next((i.alias for i in items if i.node == key), "")
        hidden = alias and alias in {c.name for _, c in self.source.columns(False)}
        return Key(key, "" if by == "alias" and hidden else by)

    def _having(self, items: Sequence[Item], keys: Sequence[Node]) -> Node:
        self.scene.note("HAVING")
        exact, options = self.aggregates.exact, []
        options.append(node("{} > {}", exact(), Node(self.rng.choice(("1", "10", "0.5")))))
        options.append(node("COUNT(*) > {}", Node(self.rng.choice(("1", "2", "20")))))
        options.append(node(self.rng.choice(("{} IS NOT NULL", "({} IS NULL OR COUNT(*) > 1)")), exact()))
        options.append(node("({} BETWEEN 1 AND {} AND NOT {} < 0)", exact(), Node("100"), exact()))
        if keys:
            options.append(node("{} IS NOT NULL", self.rng.choice(keys)))
            options.append(node("({} > 0 OR COUNT(*) < 5)", self.rng.choice(keys)))
        alias = self._having_alias(items)
        return self.rng.choice([*options, alias, alias] if alias is not None else options)

    def over_windows(self) -> Select:
        """Rows with functions of windows."""
        if any(re.fullmatch(r"r\d+", table.name) for _, table in self.source.tables):
            # Windows over a recursive expression, with a subquery beside them, lose rows by how that is answered.
            return self.rows()
        self.scene.note("window")
        e = self.expressions
        items = [Item(e.any(1), self._alias("c", n, 0.3)) for n in range(self.rng.randint(0, 2))]
        calls = windows(self.rng, e, self.source.ids, [Node(i.alias, (), i.node.kind) for i in items if i.alias])
        items += [Item(c, self._alias("w", n, 0.3)) for n, c in enumerate(calls)]
        ids = self.source.ids
        orders = tuple(Key(Node(i)) for i in ids) if ids and self.scene.chance(0.5) else ()
        limit, offset = self._limit() if orders else (None, 0)
        return self._made(items, orders=orders, total=bool(orders), limit=limit, offset=offset)

    def exact_kinds(self) -> list[str]:
        """Kinds of columns that are there and whose equal values are the same bytes."""
        return sorted({c.kind for _, c in self.columns} & EXACT)


def _counts_constant(expression: Node, columns: AbstractSet[str]) -> bool:
    """Whether an expression holds a COUNT(DISTINCT ...) of what names no column."""
    if expression.form.startswith("COUNT(DISTINCT"):
        return _names_none(expression, columns)
    return any(_counts_constant(a, columns) for a in expression.args if isinstance(a, Node))


def _names_none(expression: Node, columns: AbstractSet[str]) -> bool:
    return columns.isdisjoint(re.findall(r"\w+", str(expression)))
