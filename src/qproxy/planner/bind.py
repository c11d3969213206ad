"""Pass 5, bind: every name is resolved against the catalogue; stars, aliases and positions are expanded.

Which name a clause means follows the MariaDB Knowledge Base: WHERE and ON see columns; GROUP BY sees columns before
aliases; HAVING sees the select list and the grouping; ORDER BY sees aliases before columns. A query inside another
one also sees what the clause sees in which it stands.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from qproxy.catalog.model import Catalog, Column
from qproxy.errors import SQLError, unsupported
from qproxy.planner.clauses import (
    Aliases,
    WindowKeys,
    aggregates,
    bind_groups,
    bind_having,
    bind_limit,
    bind_orders,
    check_subtotals_by_queries,
    group_places,
    sorted_groups,
    with_keys,
    without_keys,
)
from qproxy.planner.faithful import call_name
from qproxy.planner.marks import MARK
from qproxy.planner.parse import Parsed, ParsedBlock, ParsedCombined, ParsedCte
from qproxy.planner.percentiles import check_percentiles
from qproxy.planner.query import Chain, Inner, Query, Recursive, Source, Subquery
from qproxy.planner.scope import (
    FIELD_LIST,
    ON,
    WHERE,
    Resolver,
    Scope,
    columns_of,
    map_columns,
    visible_name,
)
from qproxy.planner.tables import AROUND, Sight, bind_tables, result_names, result_table


def bind(parsed: Parsed, catalog: Catalog, database: str | None) -> Query:
    """Resolve every name of a query.

    Args:
        parsed: the query, session constants already folded.
        catalog: what exists.
        database: the session's database, for tables without one.

    Raises:
        SQLError: 1046, 1049, 1146 for databases and tables, 1051, 1052, 1054, 1066 for names, 1111 for aggregates
            where none can be, 1222 for a UNION of different numbers of columns, 1235 for what is not supported.
    """
    return _Binder(catalog, database, itertools.count().__next__).select(parsed, _Surroundings())


@dataclass(frozen=True)
class _Surroundings:
    """What a query sees of the queries around it.

    Attributes:
        ctes: common table expressions, by name, each with its own surroundings; a source for a recursive reference.
        around: what a column means outside.
        taken: aliases in use outside.
        outer: what has been taken from outside, by the word that stands for it.
    """

    ctes: Mapping[str, tuple[ParsedCte, _Surroundings] | Source] = field(default_factory=dict)
    around: Resolver | None = None
    taken: frozenset[str] = frozenset()
    outer: dict[str, exp.Expr] = field(default_factory=dict)

    def with_ctes(self, ctes: Sequence[ParsedCte]) -> _Surroundings:
        """With more common table expressions, each of which sees those before it."""
        found = self
        names = [cte.name.lower() for cte in ctes]
        for cte in ctes:
            if names.count(cte.name.lower()) > 1:
                raise SQLError(4004, f"Duplicate query name `{cte.name}` in WITH clause")
            found = replace(found, ctes={**found.ctes, cte.name: (cte, found)})
        return found

    @property
    def closed(self) -> _Surroundings:
        """What a query in FROM sees: no columns of the queries around it."""
        return replace(self, around=None, taken=frozenset(), outer={})


@dataclass(frozen=True)
class _Binder:
    catalog: Catalog
    database: str | None
    numbers: Callable[[], int]

    def block(self, block: ParsedBlock, seen: _Surroundings) -> Query | Chain:
        """A query, or several put together."""
        if isinstance(block, Parsed):
            return self.select(block, seen)
        seen = seen.with_ctes(block.ctes)
        self._check_unused(block, seen)
        left, right = self.block(block.left, seen), self.block(block.right, seen)
        if isinstance(right, Chain):
            # It stands in parentheses: to MariaDB a query in FROM, whose columns differ in name and have types.
            result_table("", right)
            right = self.around(right)
        if len(result_names(left)) != len(result_names(right)):
            raise SQLError(1222, "The used SELECT statements have a different number of columns")
        return Chain(block.operator, block.distinct, left, right)

    def one(self, block: ParsedBlock, seen: _Surroundings) -> Query:
        """A query inside an expression; several put together get a SELECT around them."""
        bound = self.block(block, seen)
        return bound if isinstance(bound, Query) else self.around(bound)

    def in_from(self, block: ParsedBlock, seen: _Surroundings) -> Query | Chain:
        """A query in FROM; a UNION that drops equal rows as a SELECT DISTINCT from one that keeps them."""
        bound = self.block(block, seen)
        if isinstance(bound, Query) or bound.operator != "UNION" or not bound.distinct:
            return bound
        keeping = Chain("UNION", False, _keeping(bound.left), _keeping(bound.right))
        return replace(self.around(keeping), distinct=True)

    def around(self, chain: Chain) -> Query:
        """``SELECT * FROM (chain)``."""
        number = self.numbers()
        source = Source(AROUND, number, result_table(AROUND, chain), inner=chain, names=result_names(chain))
        items = tuple(source.column(c.name) for c in source.table.columns)
        return Query(self.catalog, result_names(chain), items, (source,), AROUND)

    def select(self, parsed: Parsed, seen: _Surroundings) -> Query:
        """One SELECT."""
        seen = seen.with_ctes(parsed.ctes)
        self._check_unused(parsed, seen)
        select = parsed.select
        nested: dict[str, Subquery] = {}
        scope = Scope(self.numbers, seen.around, outer=seen.outer)
        clauses = _Clauses(self, parsed, seen, scope, nested)
        sight = Sight(
            self.catalog,
            self.database,
            lambda name: self._inner(name, parsed, seen),
            seen.taken,
            lambda on, side: clauses.condition(on, side, ON),
        )
        bind_tables(select, scope, sight)
        names, items = clauses.select_list()
        where = select.args.get("where")
        condition = clauses.condition(where.this, scope, WHERE) if where else None
        aliases = Aliases(names, items)
        group = select.args.get("group")
        groups, rollup = bind_groups(group, clauses, aliases) if group else (None, False)
        places = group_places(group, scope, aliases) if rollup and group else ()
        if rollup:
            check_subtotals_by_queries(groups or (), places)
        having = select.args.get("having")
        kept = bind_having(having.this, clauses, aliases, groups or (), rollup) if having else None
        orders = bind_orders(select.args.get("order"), clauses, aliases)
        if parsed.descending and not orders:
            orders = sorted_groups(groups or (), parsed.descending, rollup)
        limit, offset = bind_limit(select)
        if kept is not None and groups is None and any(_is_rand(c) for c in kept.find_all(exp.Anonymous)):
            judged = (*items, kept, *(o.expression for o in orders))
            if not any(aggregates(e) for e in judged):
                raise unsupported(
                    "a condition of HAVING on RAND(): each row would get another number than was compared; write WHERE"
                )
        query = Query(
            catalog=self.catalog,
            names=tuple(names),
            items=tuple(items),
            sources=tuple(scope.sources),
            from_=scope.from_,
            where=condition,
            groups=groups,
            rollup=rollup,
            group_places=places,
            having=kept,
            orders=orders,
            distinct=bool(select.args.get("distinct")),
            limit=limit,
            offset=offset,
            simple=parsed.simple,
            nested=nested,
        )
        if not query.simple:
            check_percentiles(query.judged, query.groups or (), rollup=rollup)
        return query

    def _check_unused(self, block: Parsed | ParsedCombined, seen: _Surroundings) -> None:
        """Bind the common table expressions that nobody reads: they must be right, too."""
        for cte in block.ctes:
            others = (other.block for other in block.ctes if other is not cte)
            if not _reads(block, cte.name) and not any(_reads(other, cte.name) for other in others):
                inner = self._named(cte.name, seen)
                if isinstance(inner, Query | Chain):
                    result_table(cte.name, inner)

    def _inner(self, name: str, parsed: Parsed, seen: _Surroundings) -> Inner | Source | None:
        """The query that a name in FROM stands for."""
        if name in parsed.nested:
            return self.in_from(parsed.nested[name].block, seen.closed)
        return self._named(name, seen)

    def _named(self, name: str, seen: _Surroundings) -> Inner | Source | None:
        """The query of a common table expression."""
        found = seen.ctes.get(name)
        if found is None or isinstance(found, Source):
            return found
        cte, its = found
        if cte.recursive and _reads(cte.block, cte.name):
            return self._recursive(cte, its.closed)
        inner = self.in_from(cte.block, its.closed)
        if not cte.columns:
            return inner
        query = inner if isinstance(inner, Query) else self.around(inner)
        if len(cte.columns) != len(query.names):
            raise SQLError(4002, "WITH column list and SELECT field list have different column counts")
        return replace(query, names=cte.columns)

    def _recursive(self, cte: ParsedCte, seen: _Surroundings) -> Recursive:
        """A common table expression that reads itself: its first part tells the columns."""
        block = cte.block
        if not isinstance(block, ParsedCombined):
            raise SQLError(4005, f"No anchors for recursive WITH element '{cte.name}'")
        first: ParsedBlock = block
        while isinstance(first, ParsedCombined):
            first = first.left
        seed = self.block(first, seen)
        columns = cte.columns or result_names(seed)
        name = f"{cte.name}§{self.numbers()}§"
        table = replace(result_table(cte.name, seed), name=cte.name)
        listed = tuple(replace(c, name=n) for c, n in zip(table.columns, columns, strict=True))
        itself = Source(cte.name, 0, replace(table, columns=listed), name=f"`{name}`")
        body = self.block(block, replace(seen, ctes={**seen.ctes, cte.name: itself}))
        return Recursive(name, tuple(columns), body)


def _keeping(chain: Query | Chain) -> Query | Chain:
    """A chain whose UNIONs keep equal rows."""
    if isinstance(chain, Query) or chain.operator != "UNION":
        return chain
    return Chain("UNION", False, _keeping(chain.left), _keeping(chain.right))


def _reads(block: ParsedBlock, name: str) -> bool:
    """Whether a query has a table of that name in FROM."""
    if isinstance(block, ParsedCombined):
        return _reads(block.left, name) or _reads(block.right, name)
    if any(t.name == name and not t.db for t in block.select.find_all(exp.Table)):
        return True
    return any(_reads(n.block, name) for n in block.nested.values())


def _of_outside(call: exp.Expr) -> bool:
    """Whether an aggregate takes all its columns from outside: then it belongs to the query around."""
    outside = any(str(c.this).startswith(MARK + "§o") for c in call.find_all(exp.Anonymous))
    return outside and call.find(exp.Column) is None


def _is_rand(call: exp.Anonymous) -> bool:
    return call_name(call).upper() == "RAND"


@dataclass(frozen=True)
class _Clauses:
    """Binds the expressions of one SELECT."""

    binder: _Binder
    parsed: Parsed
    seen: _Surroundings
    scope: Scope
    nested: dict[str, Subquery]

    def condition(self, expression: exp.Expr, scope: Scope, clause: str) -> exp.Expr:
        """A condition of WHERE or ON.

        Raises:
            SQLError: 1111 for an aggregate.
        """
        bound = self.bound(expression, lambda column: scope.resolve(column, clause))
        if not self.parsed.simple and aggregates(bound):
            raise SQLError(1111, "Invalid use of group function")
        return bound

    def bound(self, expression: exp.Expr, meaning: Resolver, inside: Resolver | None = None) -> exp.Expr:
        """A copy of an expression with every column as ``meaning`` has it, and every query in it bound.

        Args:
            inside: what columns mean in the queries in it, where they mean something else there.
        """
        copy = map_columns(expression, meaning)
        if not self.parsed.nested:
            return copy
        for call in list(copy.find_all(exp.Anonymous)):
            word = str(call.this).lstrip(MARK)
            if word not in self.parsed.nested:
                continue
            bound = self._subquery(word, inside or meaning)
            if call is copy:
                return bound
            call.replace(bound)
        return copy

    def _subquery(self, word: str, meaning: Resolver) -> exp.Anonymous:
        written = self.parsed.nested[word]
        taken = self.seen.taken.union(visible_name(s.alias) for s in self.scope.sources)
        outer: dict[str, exp.Expr] = {}
        inside = replace(self.seen, around=meaning, taken=taken, outer=outer)
        query = self.binder.one(written.block, inside)
        if any(_of_outside(call) for e in query.expressions() for call in e.find_all(exp.AggFunc)):
            raise unsupported(
                "an aggregate inside a subquery that sums up columns of the query around it; compute it in a "
                "query in FROM"
            )
        if (written.bare or written.before in ("ANY", "ALL")) and query.limit is not None:
            raise unsupported(
                "LIMIT in a subquery of IN, ANY or ALL, nor does MariaDB; put it in a query in FROM: "
                "IN (SELECT x FROM (SELECT ... LIMIT 3) AS t)"
            )
        known = f"§q{self.binder.numbers()}§"
        self.nested[known] = Subquery(query, written.before, written.bare, tuple(outer))
        return exp.Anonymous(this=MARK + known, expressions=[e.copy() for e in outer.values()])

    def select_list(self) -> tuple[list[str], list[exp.Expr]]:
        """Names and items, stars expanded."""
        names: list[str] = []
        items: list[exp.Expr] = []
        windows: dict[int, WindowKeys] = {}
        for name, item in zip(self.parsed.names, self.parsed.select.expressions, strict=True):
            star = _star(item)
            if star is None:
                written, keys = (item.unalias(), ()) if self.parsed.simple else without_keys(item.unalias())
                if keys:
                    windows[len(items)] = keys
                names.append(name)
                items.append(self.bound(written, lambda column: self.scope.resolve(column, FIELD_LIST)))
                continue
            for source, column in _expand(star, self.scope):
                names.append(source.shown(column.name))
                items.append(source.column(column.name))
        if windows:
            aliases = Aliases(names, [item.copy() for item in items])
            for place, keys in windows.items():
                items[place] = with_keys(items[place], keys, self, aliases)
        return names, items


def _star(expression: exp.Expr) -> exp.Column | None:
    if isinstance(expression, exp.Star):
        return exp.Column(this=exp.Star())
    if isinstance(expression, exp.Column) and isinstance(expression.this, exp.Star):
        return expression
    return None


def _expand(star: exp.Column, scope: Scope) -> list[tuple[Source, Column]]:
    if star.table:
        found = [
            s
            for s in scope.sources
            if visible_name(s.alias) == star.table
            and (not star.db or (s.database is not None and star.db == s.database.name))
        ]
        if not found:
            raise SQLError(1051, f"Unknown table '{star.table}'")
        return columns_of(found[0])
    if not scope.sources:
        raise SQLError(1096, "No tables used")
    return scope.columns
