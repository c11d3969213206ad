"""What the passes hand to one another: a query whose every name is resolved."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from qproxy.catalog.model import Catalog, Database, Table


@dataclass(frozen=True)
class Source:
    """One table of FROM.

    Attributes:
        alias: what the query calls it.
        number: its place in FROM, counted from 0.
        nullable: whether an outer join may fill it with NULLs.
        on: the condition of the join that brought it in, names resolved; None for none.
    """

    alias: str
    number: int
    database: Database
    table: Table
    nullable: bool = False
    on: exp.Expr | None = None

    @property
    def marker(self) -> str:
        """The identifier that stands for its chunk table until a fragment is rendered."""
        return f"§{self.number}§{self.table.name}§"

    def column(self, name: str) -> exp.Column:
        """A reference to one of its columns."""
        return exp.column(name, table=self.alias, quoted=True)


@dataclass(frozen=True)
class Order:
    """One key of ORDER BY."""

    expression: exp.Expr
    descending: bool


@dataclass(frozen=True)
class Query:
    """A SELECT with resolved names: every column is ``alias.column``, aliases and positions are expanded.

    Attributes:
        catalog: the snapshot that the names were resolved against.
        names: what the result columns are called.
        items: the select list, stars expanded.
        from_: the FROM clause with its joins, tables written by their markers.
        where: areaspecs and sciSQL functions still as calls, until `expand`.
        groups: None without GROUP BY.
        rollup: whether GROUP BY has ROLLUP.
        limit, offset: rows; limit None for no limit.
    """

    catalog: Catalog
    names: tuple[str, ...]
    items: tuple[exp.Expr, ...]
    sources: tuple[Source, ...]
    from_: exp.Select
    where: exp.Expr | None
    groups: tuple[exp.Expr, ...] | None
    rollup: bool
    having: exp.Expr | None
    orders: tuple[Order, ...]
    distinct: bool
    limit: int | None
    offset: int

    def source(self, alias: str) -> Source:
        """The source of that alias."""
        return next(s for s in self.sources if s.alias == alias)

    @property
    def partitioned(self) -> tuple[Source, ...]:
        """The sources whose rows lie in chunks."""
        return tuple(s for s in self.sources if s.table.partitioned)
