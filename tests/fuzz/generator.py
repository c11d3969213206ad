"""Random queries of the kinds that docs/sql.md says are answered, each with one right answer.

What MariaDB leaves open is avoided: columns of a group that are not its keys, strings that are equal but not the same
where one of them stands for all, first rows without an order, sums of DOUBLE values where a last digit decides.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.fuzz import froms
from tests.fuzz.conditions import Conditions
from tests.fuzz.expressions import Expressions
from tests.fuzz.froms import From
from tests.fuzz.nodes import Node, node
from tests.fuzz.query import Item, Key, Made
from tests.fuzz.tables import Column


def make(seed: int) -> Made:
    """The query of a seed."""
    rng = random.Random(seed)
    return _Draw(rng, froms.draw(rng)).query()


class _Draw:
    def __init__(self, rng: random.Random, source: From) -> None:
        self.rng = rng
        self.source = source
        self.columns = self._columns()
        self.expressions = Expressions(rng, self.columns)
        self.conditions = Conditions(rng, source, self.columns, self.expressions)

    def query(self) -> Made:
        way = self.rng.random()
        if way < 0.4:
            return self._rows()
        if way < 0.85:
            return self._groups()
        return self._windows() if way < 0.91 else self._distinct()

    def _columns(self) -> list[tuple[str, Column]]:
        bare = len(self.source.tables) == 1 and self._chance(0.5)
        return [(c.name if bare else f"{a}.{c.name}", c) for a, t in self.source.tables for c in t.columns]

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _ids(self) -> list[Node]:
        """Columns that tell all rows apart."""
        return [Node(f"{alias}.{name}") for alias, table in self.source.tables for name in table.ids]

    def _where(self) -> tuple[Node, ...]:
        conditions = [self.conditions.any() for _ in range(self.rng.choice((0, 0, 1, 1, 1, 2, 3)))]
        # A join of all rows with all partners is large: keep it to what is wanted.
        if len(self.source.tables) > 2 and not conditions:
            conditions.append(self.conditions.any())
        self.rng.shuffle(conditions)
        return (*self.source.where, *conditions)

    def _having_alias(self, items: Sequence[Item]) -> Node | None:
        aliased = [i for i in items if i.alias and i.node.exact]
        if not aliased:
            return None
        return node(
            f"{self.rng.choice(aliased).alias} " + self.rng.choice(("> {}", "IS NOT NULL", "<> {}", "IN ({})")),
            Node("1"),
        )

    def _made(self, items: Sequence[Item], **parts: object) -> Made:
        position = None
        if self.source.area:
            alias = self.source.area[0]
            names = next(t.position for a, t in self.source.tables if a == alias)
            assert names is not None
            position = (f"{alias}.{names[0]}", f"{alias}.{names[1]}")
        where = parts.pop("where", None)
        return Made(
            tuple(items),
            self.source.first,
            self.source.joins,
            self._where() if where is None else where,  # type: ignore[arg-type]
            position=position,
            **parts,  # type: ignore[arg-type]
        )

    def _items(self, count: int, depth: int) -> list[Item]:
        items = []
        for number in range(count):
            alias = f"c{number}" if self._chance(0.4) else ""
            items.append(Item(self.expressions.any(self.rng.randint(0, depth)), alias))
        return items

    def _limit(self) -> tuple[int | None, int]:
        if self._chance(0.4):
            return self.rng.choice((0, 1, 3, 10, 50, 1000)), self.rng.choice((0, 0, 1, 5, 100))
        return None, 0

    def _rows(self) -> Made:
        if self._chance(0.08):
            alias = self.rng.choice(self.source.tables)[0]
            items = [Item(Node(self.rng.choice(("*", f"{alias}.*"))))]
        else:
            items = self._items(self.rng.randint(1, 5), 3)
            if self._chance(0.1):
                # An alias that hides a column: ORDER BY takes the alias, WHERE the column.
                hidden = self.rng.choice([c.name for _, c in self.columns])
                items[0] = Item(items[0].node, hidden)
        orders: list[Key] = []
        total = False
        if self._chance(0.55):
            orders = [self._order_key(items) for _ in range(self.rng.randint(0, 2))]
            orders += [Key(n, descending=self._chance(0.3)) for n in self._ids()]
            total = True
        limit, offset = self._limit()
        having = None
        if self._chance(0.04):
            having = self._having_alias(items)
        return self._made(items, orders=tuple(orders), total=total, limit=limit, offset=offset, having=having)

    def _order_key(self, items: Sequence[Item]) -> Key:
        down = self._chance(0.4)
        plain = [i for i in items if "*" not in str(i.node) and not str(i.node).lstrip("-").isdigit()]
        if plain and self._chance(0.6):
            item = self.rng.choice(plain)
            return Key(item.node, self.rng.choice(("position", "alias", "")), down)
        return Key(self.expressions.any(self.rng.randint(0, 2)), "", down)

    def _distinct(self) -> Made:
        items = [
            Item(k, f"c{n}" if self._chance(0.4) else "") for n, k in enumerate(self._keys(self.rng.randint(1, 3)))
        ]
        orders = [Key(i.node, self.rng.choice(("position", "alias", "")), self._chance(0.4)) for i in items]
        self.rng.shuffle(orders)
        total = self._chance(0.6)
        limit, offset = self._limit() if total else (None, 0)
        return self._made(
            items, distinct=True, orders=tuple(orders if total else ()), total=total, limit=limit, offset=offset
        )

    def _keys(self, count: int) -> list[Node]:
        """Expressions whose equal values are the same to the byte."""
        choices: list[Callable[[], Node]] = [
            lambda: self.expressions.column("int"),
            lambda: self.expressions.column("int", "word", "date", "time"),
            lambda: node("FLOOR({} / 30)", self.expressions.column("dbl", "dec")),
            lambda: node("{} % 5", self.expressions.column("int", "big")),
            lambda: self.expressions.column("big"),
            lambda: self.expressions.column("word"),
            lambda: self.expressions.column("dec", "float", "date"),
            lambda: node("HEX({})", self.expressions.column("text", "bytes", "big")),
            lambda: node("YEAR({})", self.expressions.column("date", "time")),
            lambda: node("{} IS NULL", self.expressions.column()),
            lambda: node("({} > {})", self.expressions.column("dbl", "int"), Node("10")),
            lambda: node("IFNULL({}, 0)", self.expressions.column("int")),
            lambda: node("CASE WHEN {} THEN 'yes' ELSE 'no' END", self.expressions.of("bool", 0)),
            lambda: node("LENGTH({})", self.expressions.of("text", 1)),
            lambda: self.expressions.of("int", 2),
            lambda: node("ROUND({}, 0)", self.expressions.column("dec")),
            lambda: node("DATE({})", self.expressions.column("time", "date")),
            lambda: self.expressions.column("bytes", "float"),
        ]
        found = [self.rng.choice(choices)() for _ in range(count)]
        # A constant is no key: MariaDB takes shortcuts with it that lose rows.
        return [n if any(w in str(n) for w, _ in self.columns) else self._ids()[0] for n in found]

    def _aggregate(self, simple: bool = False) -> Node:
        e = self.expressions
        d = self.rng.choice((0, 0, 1, 2))
        distinct = "DISTINCT " if self._chance(0.15) and not simple else ""
        choices: list[Callable[[], Node]] = [
            lambda: Node("COUNT(*)"),
            lambda: node("COUNT({})", e.any(d)),
            lambda: node(
                f"SUM({distinct}{{}})", self.rng.choice((e.of("int", d), e.of("dec", d), e.column("big", "int")))
            ),
            lambda: node(
                f"AVG({distinct}{{}})", self.rng.choice((e.of("int", d), e.of("dec", d), e.column("big", "int")))
            ),
            lambda: node(
                self.rng.choice(("MIN({})", "MAX({})")),
                self.rng.choice((e.number(d), e.of("date", d), e.of("time", 0))),
            ),
            lambda: node(
                self.rng.choice(("MIN({})", "MAX({})")),
                e.column("word", "date", "time", "big", "float", "dbl", "dec", "int"),
            ),
            lambda: node("LENGTH({})", node(self.rng.choice(("MIN({})", "MAX({})")), node("HEX({})", e.of("text", d)))),
            lambda: node(self.rng.choice(("SUM({})", "AVG({})")), e.column("dbl", "float"), exact=False),
        ]
        if not simple:
            choices += [
                lambda: node("COUNT(DISTINCT {})", e.any(d)),
                lambda: node("COUNT(DISTINCT {}, {})", e.column(), e.column()),
                lambda: node(
                    self.rng.choice(("STD({})", "STDDEV_SAMP({})", "VARIANCE({})", "VAR_SAMP({})", "STDDEV({})")),
                    e.number(0),
                    exact=False,
                ),
                lambda: node(self.rng.choice(("BIT_OR({})", "BIT_AND({})", "BIT_XOR({})")), e.column("int", "big")),
                lambda: node(
                    "GROUP_CONCAT({} ORDER BY " + ", ".join(map(str, self._ids())) + ")",
                    e.column("int", "word", "dec", "date", "text"),
                ),
                lambda: node("GROUP_CONCAT(DISTINCT {0} ORDER BY {0} DESC SEPARATOR '; ')", e.column("int", "word")),
            ]
        return self.rng.choice(choices)()

    def _around(self, inner: Node, other: Node) -> Node:
        """An expression over an aggregate."""
        if not inner.exact:
            return self.rng.choice(
                (inner, inner, node("{} / 2", inner), node("{} * 1.5", inner), node("({} IS NULL)", inner, exact=True))
            )
        return self.rng.choice(
            (
                inner,
                inner,
                inner,
                node("IFNULL({}, 0)", inner),
                node("{} * 2", inner),
                node("ROUND({}, 2)", inner),
                node("({} + {})", inner, other),
                node("{} / {}", inner, other),
                node("IF({} > {}, 'a', 'b')", inner, other),
                node("CASE WHEN {} IS NULL THEN {} ELSE 1 END", inner, other),
                node("CONCAT({}, '-', {})", inner, other),
                node("{} IS NULL", inner),
                node("({} > {})", inner, other),
                node("COALESCE({}, {})", inner, other),
                node("-{}", inner),
                node("CAST({} AS CHAR)", inner),
                node("GREATEST({}, {})", inner, other),
            )
        )

    def _exact(self, simple: bool = True) -> Node:
        while not (found := self._aggregate(simple)).exact:
            pass
        return found

    def _groups(self) -> Made:
        keys = self._keys(self.rng.choice((0, 1, 1, 1, 2, 2, 3)))
        simple = self._chance(0.6)
        items = [Item(k, f"k{n}" if self._chance(0.5) else "") for n, k in enumerate(keys) if self._chance(0.8)]
        for number in range(self.rng.randint(0 if items else 1, 3)):
            wrapped = self._around(self._aggregate(simple), self._exact(simple))
            items.append(Item(wrapped, f"a{number}" if self._chance(0.4) else ""))
        if keys and self._chance(0.2):
            items.append(
                Item(
                    node(
                        self.rng.choice(("{} IS NULL", "CONCAT({}, '!')", "IFNULL({}, 'none')")), self.rng.choice(keys)
                    )
                )
            )
        self.rng.shuffle(items)
        groups = tuple(Key(k, self.rng.choice(("position", "alias", "", ""))) for k in keys)
        rollup = bool(keys) and self._chance(0.07)
        having = self._having(items, keys) if self._chance(0.25) else None
        orders: list[Key] = []
        total = False
        if self._chance(0.5) and not rollup:
            if self._chance(0.5):
                exact = [i.node for i in items if i.node.exact]
                picked = self.rng.choice([*exact, self._exact(simple)])
                orders.append(Key(picked, self.rng.choice(("position", "alias", "")), self._chance(0.5)))
            orders += [Key(k, self.rng.choice(("position", "alias", "")), self._chance(0.3)) for k in keys]
            total = bool(orders) or not keys
        limit, offset = self._limit() if total else (None, 0)
        distinct = self._chance(0.04) and total and all(any(i.node == k for i in items) for k in keys)
        return self._made(
            items,
            groups=groups,
            rollup=rollup,
            having=having,
            orders=tuple(orders),
            total=total,
            limit=limit,
            offset=offset,
            distinct=distinct,
        )

    def _having(self, items: Sequence[Item], keys: Sequence[Node]) -> Node:
        options = [
            node("{} > {}", self._exact(), Node(self.rng.choice(("1", "10", "0.5")))),
            node("COUNT(*) > {}", Node(self.rng.choice(("1", "2", "100")))),
            node("{} IS NOT NULL", self._exact()),
        ]
        if keys:
            options.append(node("{} IS NOT NULL", self.rng.choice(keys)))
            options.append(node("({} > 0 OR COUNT(*) < 5)", self.rng.choice(keys)))
        alias = self._having_alias(items)
        if alias is not None:
            options += [alias, alias]
        return self.rng.choice(options)

    def _windows(self) -> Made:
        ids = ", ".join(str(n) + self.rng.choice(("", " DESC")) for n in self._ids())
        e = self.expressions
        part = f"PARTITION BY {self._keys(1)[0]} " if self._chance(0.5) else ""
        over = f"OVER ({part}ORDER BY {ids})".replace("{", "{{").replace("}", "}}")
        calls = [
            node(f"ROW_NUMBER() {over}"),
            node(f"LAG({{}}) {over}", e.any(1)),
            node(f"LEAD({{}}, 2) {over}", e.any(1)),
            node(f"FIRST_VALUE({{}}) {over}", e.column()),
            node(f"SUM({{}}) {over}", e.of("int", 1)),
            node(f"COUNT({{}}) {over}", e.any(1)),
            node(f"MAX({{}}) {over}", e.column("int", "dec", "date")),
            node(f"RANK() OVER ({part}ORDER BY {{}})", e.column()),
            node(f"DENSE_RANK() OVER ({part}ORDER BY {{}} DESC)", e.column()),
            node(f"NTILE(3) {over}"),
            node(f"COUNT(*) OVER ({part})"),
        ]
        items = [
            *self._items(self.rng.randint(0, 2), 1),
            *(Item(c, "") for c in self.rng.sample(calls, self.rng.randint(1, 2))),
        ]
        orders = [Key(n) for n in self._ids()] if self._chance(0.5) else []
        limit, offset = self._limit() if orders else (None, 0)
        return self._made(items, orders=tuple(orders), total=bool(orders), limit=limit, offset=offset)
