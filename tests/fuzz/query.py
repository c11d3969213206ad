"""A random query in parts, each of which can be dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tests.fuzz.nodes import Node

T = TypeVar("T")


@dataclass(frozen=True)
class Item:
    """One column of the select list."""

    node: Node
    alias: str = ""

    def sql(self, oracle: bool) -> str:
        """As the query writes it."""
        return f"{self.node.sql(oracle)} AS {self.alias}" if self.alias else self.node.sql(oracle)


@dataclass(frozen=True)
class Key:
    """One key of GROUP BY or ORDER BY.

    Attributes:
        by: ``position``, ``alias`` or ``(alias)`` of the item with that expression, where it is selected; else the
            expression.
    """

    node: Node
    by: str = ""
    descending: bool = False

    def written(self, items: Sequence[Item], oracle: bool) -> str:
        """As the query writes it."""
        at = next((n for n, item in enumerate(items) if item.node == self.node), None)
        text = self.node.sql(oracle)
        if at is not None and self.by == "position":
            text = str(at + 1)
        elif at is not None and "alias" in self.by and items[at].alias:
            text = self.by.replace("alias", items[at].alias)
        return text + " DESC" * self.descending


@dataclass(frozen=True)
class Ref:
    """A table by its name, or a query in parentheses, in FROM."""

    what: str | Query
    alias: str
    introduced: str = " "

    def sql(self, oracle: bool) -> str:
        """As the query writes it."""
        what = self.what if isinstance(self.what, str) else f"({self.what.sql(oracle)})"
        return f"{what}{self.introduced}{self.alias}" if self.alias else what

    def smaller(self) -> Iterator[Ref]:
        """The same with less of the query within."""
        if not isinstance(self.what, str):
            for less in self.what.smaller():
                yield replace(self, what=less)


@dataclass(frozen=True)
class Join:
    """Two sides of a join.

    Attributes:
        how: the words between them.
        on: the condition, if any.
        using: column names of USING.
        enclosed: whether the right side stands in parentheses.
    """

    left: Ref | Join
    right: Ref | Join
    how: str
    on: Node | None = None
    using: tuple[str, ...] = ()
    enclosed: bool = False

    def sql(self, oracle: bool) -> str:
        """As the query writes it."""
        right = self.right.sql(oracle)
        tail = f" ON {self.on.sql(oracle)}" if self.on else f" USING ({', '.join(self.using)})" if self.using else ""
        return f"{self.left.sql(oracle)}{self.how}{f'({right})' if self.enclosed else right}{tail}"

    def smaller(self) -> Iterator[Ref | Join]:
        """One side alone, or the same with less in it."""
        yield self.left
        yield self.right
        for one in self.left.smaller():
            yield replace(self, left=one)
        for other in self.right.smaller():
            yield replace(self, right=other)
        if self.on:
            for less in self.on.smaller():
                yield replace(self, on=less)
        for at in range(len(self.using) if len(self.using) > 1 else 0):
            yield replace(self, using=without(self.using, at))


@dataclass(frozen=True)
class Select:
    """One SELECT.

    Attributes:
        total: whether ORDER BY fixes the order of all rows.
    """

    items: tuple[Item, ...]
    source: Ref | Join | None = None
    where: tuple[Node, ...] = ()
    groups: tuple[Key, ...] = ()
    rollup: bool = False
    having: Node | None = None
    orders: tuple[Key, ...] = ()
    total: bool = False
    limit: int | None = None
    offset: int = 0
    distinct: bool = False

    def sql(self, oracle: bool = False) -> str:
        """As the proxy is asked, or as the plain server is."""
        parts = ["SELECT DISTINCT" if self.distinct else "SELECT", ", ".join(i.sql(oracle) for i in self.items)]
        if self.source is not None:
            parts.append("FROM " + self.source.sql(oracle))
        if self.where:
            parts.append("WHERE " + " AND ".join(w.sql(oracle) for w in self.where))
        if self.groups:
            parts.append("GROUP BY " + ", ".join(g.written(self.items, oracle) for g in self.groups))
            parts += ["WITH ROLLUP"] * self.rollup
        if self.having is not None:
            parts.append("HAVING " + self.having.sql(oracle))
        return " ".join([*parts, *_tail(self.orders, self.items, self.limit, self.offset, oracle)])

    @property
    def width(self) -> int:
        """Columns of the select list."""
        return len(self.items)

    def smaller(self) -> Iterator[Select]:
        """Queries with one part less, large parts first."""
        yield from _less_tail(self)
        if self.having is not None:
            yield replace(self, having=None)
        if isinstance(self.source, (Ref, Join)):
            for source in self.source.smaller():
                yield replace(self, source=source)
        for at in range(len(self.where)):
            yield replace(self, where=without(self.where, at))
        if len(self.items) > 1:
            for at in range(len(self.items)):
                yield replace(self, items=without(self.items, at))
        if self.rollup:
            yield replace(self, rollup=False)
        if self.distinct:
            yield replace(self, distinct=False)
        for at in range(len(self.groups)):
            yield replace(self, groups=without(self.groups, at), rollup=False)
        yield from self._expressions()

    def _expressions(self) -> Iterator[Select]:
        """Queries with an expression cut by one step, in every place where it stands."""
        for at, condition in enumerate(self.where):
            for less in condition.smaller():
                yield replace(self, where=(*self.where[:at], less, *self.where[at + 1 :]))
        if self.having is not None:
            for less in self.having.smaller():
                yield replace(self, having=less)
        for old in dict.fromkeys([*(i.node for i in self.items), *(k.node for k in (*self.groups, *self.orders))]):
            for less in old.smaller():
                yield replace(
                    self,
                    items=tuple(Item(less, i.alias) if i.node == old else i for i in self.items),
                    groups=tuple(Key(less, g.by) if g.node == old else g for g in self.groups),
                    orders=tuple(Key(less, o.by, o.descending) if o.node == old else o for o in self.orders),
                )
        for at, item in enumerate(self.items):
            if item.alias:
                yield replace(self, items=(*self.items[:at], Item(item.node), *self.items[at + 1 :]))


@dataclass(frozen=True)
class Compound:
    """Queries put together by UNION and its kin.

    Attributes:
        arms: each with the words before it (empty for the first) and whether it stands in parentheses.
        orders: positions from 1, negative for DESC.
    """

    arms: tuple[tuple[str, Query, bool], ...]
    orders: tuple[int, ...] = ()
    total: bool = False
    limit: int | None = None
    offset: int = 0

    def sql(self, oracle: bool = False) -> str:
        """As the proxy is asked, or as the plain server is."""
        parts = []
        for words, arm, enclosed in self.arms:
            text = arm.sql(oracle)
            parts.append(f"{words} {f'({text})' if enclosed else text}".strip())
        keys = tuple(Key(Node(str(abs(o))), "", o < 0) for o in self.orders)
        return " ".join([*parts, *_tail(keys, (), self.limit, self.offset, oracle)])

    @property
    def width(self) -> int:
        """Columns of each arm."""
        return self.arms[0][1].width

    def smaller(self) -> Iterator[Query]:
        """One arm alone, an arm less, or less in an arm."""
        for _, arm, _ in self.arms:
            yield arm
        yield from _less_tail(self)
        if len(self.arms) > 2:
            for at in range(1, len(self.arms)):
                yield replace(self, arms=without(self.arms, at))
        width = self.width
        for at in range(width if width > 1 and not self.orders else 0):
            arms = tuple((w, _narrowed(a, at), e) for w, a, e in self.arms)
            if all(a.width == width - 1 for _, a, _ in arms):
                yield replace(self, arms=arms)
        for at, (words, arm, enclosed) in enumerate(self.arms):
            for less in arm.smaller():
                if less.width == width:
                    yield replace(self, arms=(*self.arms[:at], (words, less, enclosed), *self.arms[at + 1 :]))


@dataclass(frozen=True)
class With:
    """Common table expressions before a query.

    Attributes:
        tables: name (with a list of columns, where there is one) and query of each.
    """

    tables: tuple[tuple[str, Query], ...]
    query: Select | Compound
    recursive: bool = False

    def sql(self, oracle: bool = False) -> str:
        """As the proxy is asked, or as the plain server is."""
        tables = ", ".join(f"{name} AS ({query.sql(oracle)})" for name, query in self.tables)
        return f"WITH {'RECURSIVE ' if self.recursive else ''}{tables} {self.query.sql(oracle)}"

    @property
    def width(self) -> int:
        """Columns of the query."""
        return self.query.width

    @property
    def total(self) -> bool:
        """Whether ORDER BY fixes the order of all rows."""
        return self.query.total

    @property
    def limit(self) -> int | None:
        """Of the query itself."""
        return self.query.limit

    def smaller(self) -> Iterator[Query]:
        """The query alone, or less of it or of what stands before it."""
        yield self.query
        for _, query in self.tables:
            yield query
        for at in range(len(self.tables) if len(self.tables) > 1 else 0):
            yield replace(self, tables=without(self.tables, at))
        for body in self.query.smaller():
            if not isinstance(body, With):
                yield replace(self, query=body)
        for at, (name, query) in enumerate(self.tables):
            for less in query.smaller():
                yield replace(self, tables=(*self.tables[:at], (name, less), *self.tables[at + 1 :]))


Query = Select | Compound | With


def unlimited(query: Query) -> Query:
    """The query without its outermost LIMIT."""
    if isinstance(query, With):
        body = unlimited(query.query)
        assert not isinstance(body, With)
        return replace(query, query=body)
    return replace(query, limit=None, offset=0)


def without(parts: tuple[T, ...], at: int) -> tuple[T, ...]:
    """All but one."""
    return (*parts[:at], *parts[at + 1 :])


def _tail(orders: Sequence[Key], items: Sequence[Item], limit: int | None, offset: int, oracle: bool) -> Iterator[str]:
    if orders:
        yield "ORDER BY " + ", ".join(o.written(items, oracle) for o in orders)
    if limit is not None:
        yield f"LIMIT {limit}" + (f" OFFSET {offset}" if offset else "")


S = TypeVar("S", Select, Compound)


def _less_tail(query: S) -> Iterator[S]:
    """The query without LIMIT, OFFSET or ORDER BY: an order is kept for as long as first rows depend on it."""
    if query.limit is not None:
        yield replace(query, limit=None, offset=0)
    if query.offset:
        yield replace(query, offset=0)
    if query.orders and query.limit is None:
        yield replace(query, orders=(), total=False)
        for at in range(len(query.orders) if len(query.orders) > 1 else 0):
            yield replace(query, orders=without(query.orders, at), total=False)


def _narrowed(query: Query, at: int) -> Query:
    """An arm without one of its columns."""
    if isinstance(query, Select) and len(query.items) > at and len(query.items) > 1:
        return replace(query, items=without(query.items, at))
    return query
