"""What the passes hand to one another: a query whose every name is resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from qproxy.catalog.model import Catalog, Database, Table
from qproxy.planner.plan import Slot


@dataclass(frozen=True)
class Text:
    """A query inside another one, ready to stand in its statement.

    Attributes:
        sql: with the markers of its slots.
        slots: the chunk tables that it reads.
    """

    sql: str
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True)
class Source:
    """One table of FROM.

    Attributes:
        alias: what the query calls it.
        number: tells it from all others of the statement.
        table: what columns it has and how its rows are laid out; of a query in FROM, what is known of its result.
        database: of a table, or of the one that a result's rows lie with; None where they lie nowhere.
        nullable: whether an outer join may fill it with NULLs.
        on: the condition of the join that brought it in, names resolved; None for none.
        inner: the query whose result it is; None for tables.
        text: that query, once it is decided that it stands in the statement.
        name: what it is called in the statement where that is settled: scratch tables, recursive references.
        names: what users call the columns, where a table could not call them so; empty where they are called alike.
    """

    alias: str
    number: int
    table: Table
    database: Database | None = None
    nullable: bool = False
    on: exp.Expr | None = None
    inner: Inner | None = None
    text: Text | None = None
    name: str | None = None
    names: tuple[str, ...] = ()

    def shown(self, column: str) -> str:
        """What users call a column."""
        if not self.names:
            return column
        return next(n for n, c in zip(self.names, self.table.columns, strict=True) if c.name == column)

    def inside(self, shown: str) -> str:
        """The column that users call so; the name itself where there is none."""
        pairs = zip(self.names, self.table.columns, strict=False)
        return next((c.name for n, c in pairs if n.lower() == shown.lower()), shown)

    @property
    def marker(self) -> str:
        """The identifier that stands for its chunk table until a fragment is rendered."""
        return f"§{self.number}§{self.table.name}§"

    @property
    def slot(self) -> Slot | None:
        """Its slot in the statement; None for what is no table of a database."""
        if self.inner is not None or self.name is not None or self.database is None:
            return None
        return Slot(self.marker, self.database.physical, self.table, required=not self.nullable)

    def column(self, name: str) -> exp.Column:
        """A reference to one of its columns."""
        return exp.column(name, table=self.alias, quoted=True)


@dataclass(frozen=True)
class Join:
    """Two parts of FROM: names of sources, or joins.

    Attributes:
        kind: LEFT, RIGHT, STRAIGHT or nothing for an inner join.
    """

    left: From
    right: From
    kind: str = ""
    on: exp.Expr | None = None


From = str | Join


def leaves(part: From) -> Iterator[str]:
    """The names of the sources of a part of FROM, from left to right."""
    if isinstance(part, str):
        yield part
    else:
        yield from leaves(part.left)
        yield from leaves(part.right)


@dataclass(frozen=True)
class Order:
    """One key of ORDER BY."""

    expression: exp.Expr
    descending: bool


@dataclass(frozen=True)
class Chain:
    """Queries put together: see `qproxy.planner.blocks.Combined`; its columns are those of the first."""

    operator: str
    distinct: bool
    left: Query | Chain
    right: Query | Chain


@dataclass(frozen=True)
class Recursive:
    """A recursive common table expression: ``body`` reads its own result by ``name``."""

    name: str
    columns: tuple[str, ...]
    body: Query | Chain


@dataclass(frozen=True)
class Subquery:
    """A query inside an expression.

    In the expression it is a call of the word that it is known by, whose arguments are what it takes from outside.

    Attributes:
        before: EXISTS, ANY, ALL or nothing.
        bare: whether it stands in the parentheses of IN.
        outer: the words that stand inside it for what it takes from outside, in the order of the arguments.
        text: once it is decided how it is answered; ``outer`` words still inside.
        stage: the name of the scratch table that holds its result, where it is answered beforehand.
    """

    query: Query
    before: str = ""
    bare: bool = False
    outer: tuple[str, ...] = ()
    text: Text | None = None
    stage: str | None = None


@dataclass(frozen=True)
class Query:
    """A SELECT with resolved names: every column is ``alias.column``, aliases and positions are expanded.

    Attributes:
        catalog: the snapshot that the names were resolved against.
        names: what the result columns are called.
        items: the select list, stars expanded.
        from_: how the sources are joined; None without FROM.
        where: areaspecs and sciSQL functions still as calls, until `expand`.
        groups: None without GROUP BY.
        rollup: whether GROUP BY has ROLLUP.
        group_places: with ROLLUP, for each key the place of the item that it was named by, counted from 0; None for
            keys that were written out.
        limit, offset: rows; limit None for no limit.
        simple: whether it has columns, literals and operators alone, as written: many passes have nothing to do.
        nested: the queries inside its expressions, by the words that call them.
    """

    catalog: Catalog
    names: tuple[str, ...]
    items: tuple[exp.Expr, ...]
    sources: tuple[Source, ...] = ()
    from_: From | None = None
    where: exp.Expr | None = None
    groups: tuple[exp.Expr, ...] | None = None
    rollup: bool = False
    group_places: tuple[int | None, ...] = ()
    having: exp.Expr | None = None
    orders: tuple[Order, ...] = ()
    distinct: bool = False
    limit: int | None = None
    offset: int = 0
    simple: bool = False
    nested: Mapping[str, Subquery] = field(default_factory=dict)

    def source(self, alias: str) -> Source:
        """The source of that alias."""
        return next(s for s in self.sources if s.alias == alias)

    @property
    def partitioned(self) -> tuple[Source, ...]:
        """The sources whose rows lie in chunks."""
        return tuple(s for s in self.sources if s.table.partitioned)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All chunk tables that its statement reads."""
        found: list[Slot] = []
        for source in self.sources:
            slot = source.slot
            if slot is not None:
                found.append(slot)
            elif source.text is not None:
                found += [s if not source.nullable else s.optional() for s in source.text.slots]
        for subquery in self.nested.values():
            found += [s.optional() for s in (subquery.text.slots if subquery.text else ())]
        return tuple(found)

    @property
    def judged(self) -> tuple[exp.Expr, ...]:
        """The expressions that are taken of groups: the select list, HAVING and ORDER BY."""
        having = () if self.having is None else (self.having,)
        return (*self.items, *having, *(o.expression for o in self.orders))

    def expressions(self) -> Iterator[exp.Expr]:
        """All expressions of its clauses, those of joins too."""
        yield from self.items
        for condition in (self.where, self.having):
            if condition is not None:
                yield condition
        yield from self.groups or ()
        yield from (o.expression for o in self.orders)
        if self.from_ is not None:
            yield from _conditions(self.from_)


def _conditions(part: From) -> Iterator[exp.Expr]:
    if isinstance(part, Join):
        yield from _conditions(part.left)
        yield from _conditions(part.right)
        if part.on is not None:
            yield part.on


#: What may stand in FROM in place of a table.
Inner = Query | Chain | Recursive
