"""FROM: its tables and queries become sources, its joins a tree over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from qproxy.catalog.model import Catalog, Column, Table, TableKind
from qproxy.errors import SQLError, unsupported
from qproxy.planner.blocks import readable
from qproxy.planner.dialect import DIALECT
from qproxy.planner.query import Chain, From, Inner, Join, Query, Recursive, Source, leaves
from qproxy.planner.result_types import TEXTS, base_type, is_float
from qproxy.planner.scope import Scope, Seen, columns_of, distinct_names, visible_name

#: The alias of what was put around a UNION: its columns may share a name.
AROUND = "§u0§"
_KINDS = {"LEFT": "LEFT", "RIGHT": "RIGHT", "": ""}
_WORDS = ("", "INNER", "CROSS", "OUTER", "STRAIGHT_JOIN", "STRAIGHT")


@dataclass(frozen=True)
class Sight:
    """What FROM may name.

    Attributes:
        database: the session's.
        inner: the query that a word of the statement, or the name of a common table expression, stands for, or what
            a recursive reference reads; None for other names.
        taken: aliases of the queries around.
        condition: binds the condition of a join.
    """

    catalog: Catalog
    database: str | None
    inner: Callable[[str], Inner | Source | None]
    taken: frozenset[str]
    condition: Callable[[exp.Expr, Scope], exp.Expr]


def bind_tables(select: exp.Select, scope: Scope, sight: Sight) -> None:
    """Fill a scope with the tables of a SELECT.

    Raises:
        SQLError: 1046, 1049, 1146 for databases and tables, 1052, 1054, 1066 for names, 1060 for columns of a query
            that share a name, 1235 for what is not supported.
    """
    clause = select.args.get("from_")
    joins = list(select.args.get("joins") or ())
    if clause is None:
        if joins:
            raise SQLError(1064, "You have an error in your SQL syntax near 'JOIN'")
        return
    table = clause.this
    if isinstance(table, exp.Table) and table.name.upper() == "DUAL" and not table.db and not joins:
        return
    binder = _Tables(scope, sight)
    part = binder.joined(table, joins)
    scope.from_ = part.tree
    scope.visible = binder.now(part.visible)


@dataclass(frozen=True)
class _Part:
    """A part of FROM: its tree, its sources, and the columns that plain names mean in it."""

    tree: From
    visible: list[Seen]


class _Tables:
    def __init__(self, scope: Scope, sight: Sight) -> None:
        self._scope = scope
        self._sight = sight

    def joined(self, first: exp.Expr, joins: Sequence[exp.Join]) -> _Part:
        """Tables and joins from left to right; a comma binds less tightly than JOIN."""
        parts = [self._operand(first)]
        for join in joins:
            if not join.args.keys() - {"this"}:
                parts.append(self._operand(join.this))
            else:
                parts[-1] = self._join(parts[-1], join)
        whole = parts[0]
        for part in parts[1:]:
            whole = _Part(Join(whole.tree, part.tree), [*whole.visible, *part.visible])
        return whole

    def _operand(self, node: exp.Expr) -> _Part:
        """A table, a query, or tables in parentheses."""
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery):
            inside = self.joined(_without_joins(node.this), node.this.args.get("joins") or ())
            if {k for k, v in node.args.items() if v} - {"this", "joins"}:
                raise _not_here(node)
        else:
            inside = self._table(_without_joins(node))
        for join in node.args.get("joins") or ():
            inside = self._join(inside, join)
        return inside

    def _table(self, node: exp.Expr) -> _Part:
        source = self._source(node)
        if any(s.alias == source.alias for s in self._scope.sources):
            raise SQLError(1066, f"Not unique table/alias: '{visible_name(source.alias)}'")
        self._scope.sources.append(source)
        return _Part(source.alias, [source])

    def _source(self, table: exp.Expr) -> Source:
        if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
            raise _not_here(table)
        alias = table.args.get("alias")
        if {k for k, v in table.args.items() if v} - {"this", "db", "alias", "hints"} or (alias and alias.columns):
            raise _not_here(table)
        number = self._scope.numbers()
        name = self._alias(table.alias or table.name, number)
        inner = self._sight.inner(table.name) if not table.db else None
        if inner is not None:
            if table.name.startswith("§t") and not table.alias:
                raise SQLError(1064, "You have an error in your SQL syntax: a query in FROM must have an alias")
            if isinstance(inner, Source):
                return replace(inner, alias=name, number=number)
            result, names = result_table(name, inner), result_names(inner)
            alike = names == tuple(c.name for c in result.columns)
            return Source(name, number, result, inner=inner, names=() if alike else names)
        return self._base(table, name, number)

    def _base(self, table: exp.Table, alias: str, number: int) -> Source:
        catalog = self._sight.catalog
        wanted = table.db or self._sight.database
        if not wanted:
            raise SQLError(1046, "No database selected")
        if wanted not in catalog.databases:
            raise SQLError(1049, f"Unknown database '{wanted}'")
        found = catalog.databases[wanted].tables.get(table.name)
        if found is None:
            raise SQLError(1146, f"Table '{wanted}.{table.name}' doesn't exist")
        return Source(alias, number, found, catalog.databases[wanted])

    def _alias(self, name: str, number: int) -> str:
        """The alias, another one where a query around has a table of that name."""
        return f"{name}§{number}§" if name in self._sight.taken else name

    def _join(self, left: _Part, join: exp.Join) -> _Part:
        kind = _KINDS.get(join.side)
        written = (join.kind or "").upper()
        if join.side == "FULL":
            raise SQLError(
                1064,
                "You have an error in your SQL syntax near 'FULL'; write UNION ALL of a LEFT JOIN and of the rows that "
                "have no partner there",
            )
        if kind is None or written not in _WORDS:
            raise unsupported(f"{join.side} {written}".strip() + " JOIN, nor does MariaDB; write INNER or LEFT JOIN")
        right = self._operand(join.this)
        using = [i.name for i in join.args.get("using") or ()]
        if (join.method or "").upper() == "NATURAL":
            ours = {c.name.lower() for _, c in columns_of(*left.visible)}
            using = [c.name for _, c in columns_of(*right.visible) if c.name.lower() in ours]
        conditions = [_using(left, right, name) for name in using]
        visible = _common(left, right, using, kind)
        on = join.args.get("on")
        if on is not None:
            both = [*leaves(left.tree), *leaves(right.tree)]
            side = replace(self._scope, sources=[s for s in self._scope.sources if s.alias in both], visible=visible)
            conditions.append(self._sight.condition(on, side))
        condition = exp.and_(*conditions, copy=False) if conditions else None
        if condition is None and kind:
            raise SQLError(1064, "You have an error in your SQL syntax: an outer join takes ON or USING")
        self._mark(left, right, kind, condition)
        if written.startswith("STRAIGHT"):
            kind = "STRAIGHT"
        return _Part(Join(left.tree, right.tree, kind, condition), self.now(visible))

    def _mark(self, left: _Part, right: _Part, kind: str, on: exp.Expr | None) -> None:
        """Note what an outer join may fill with NULLs, and the condition at the first source that it brings in."""
        filled = set(leaves(right.tree)) if kind == "LEFT" else set(leaves(left.tree)) if kind == "RIGHT" else set()
        brought = next(leaves(left.tree if kind == "RIGHT" else right.tree))
        sources = self._scope.sources
        for at, source in enumerate(sources):
            if source.alias in filled:
                source = replace(source, nullable=True)
            if source.alias == brought and on is not None:
                source = replace(source, on=on if source.on is None else exp.and_(source.on, on))
            sources[at] = source

    def now(self, visible: list[Seen]) -> list[Seen]:
        """Sources, and columns with theirs, as they have become."""
        by_alias = {s.alias: s for s in self._scope.sources}
        return [(by_alias[v[0].alias], v[1]) if isinstance(v, tuple) else by_alias[v.alias] for v in visible]


def _without_joins(node: exp.Expr) -> exp.Expr:
    if not node.args.get("joins"):
        return node
    copy = node.copy()
    copy.set("joins", None)
    return copy


def _not_here(node: exp.Expr) -> SQLError:
    if isinstance(node, exp.Lateral) or (isinstance(node, exp.Table) and node.name.startswith("§t")):
        alias = node.args.get("alias")
        columns = f" near '({', '.join(c.name for c in alias.columns)})'" if alias and alias.columns else ""
        return SQLError(
            1064, f"You have an error in your SQL syntax{columns}: a query in FROM takes AS and an alias alone"
        )
    written = readable(node.sql(dialect=DIALECT))[:60]
    return unsupported(f"this in FROM: {written}; there may be tables, queries with an alias, and joins of them")


def _using(left: _Part, right: _Part, name: str) -> exp.Expr:
    """The equality that one column of USING stands for."""
    sides = []
    for part in (left, right):
        found = [(s, c) for s, c in columns_of(*part.visible) if c.name.lower() == name.lower()]
        if not found:
            raise SQLError(1054, f"Unknown column '{name}' in 'FROM'")
        if len(found) > 1:
            raise SQLError(1052, f"Column '{name}' in FROM is ambiguous")
        sides.append(found[0][0].column(found[0][1].name))
    return exp.EQ(this=sides[0], expression=sides[1])


def _common(left: _Part, right: _Part, using: Sequence[str], kind: str) -> list[Seen]:
    """Columns of a join: those of USING first, in the order of the side that keeps all its rows; then the others.

    A RIGHT JOIN is the LEFT JOIN of its sides exchanged (MariaDB Knowledge Base, "JOIN Syntax"); with USING that is
    seen in the order of its columns.
    """
    if not using:
        return [*left.visible, *right.visible]
    names = {name.lower() for name in using}
    first, second = (right, left) if kind == "RIGHT" else (left, right)
    common = [(s, c) for s, c in columns_of(*first.visible) if c.name.lower() in names]
    others = columns_of(*first.visible, *second.visible)
    return [*common, *((s, c) for s, c in others if c.name.lower() not in names)]


def result_table(name: str, inner: Inner) -> Table:
    """The columns of a query's result, as a table that lies nowhere.

    Raises:
        SQLError: 1060 where two columns share a name.
    """
    names = result_names(inner)
    types = _result_types(inner)
    if name != AROUND:
        seen: set[str] = set()
        for column in names:
            if column.lower() in seen:
                raise SQLError(1060, f"Duplicate column name '{visible_name(column)}'")
            seen.add(column.lower())
    columns = tuple(Column(column, kind, "") for column, kind in zip(distinct_names(names), types, strict=True))
    return Table("", name, TableKind.REGULAR, columns)


def result_names(inner: Inner) -> tuple[str, ...]:
    """What the columns of a query's result are called."""
    if isinstance(inner, Recursive):
        return inner.columns
    return inner.names if isinstance(inner, Query) else result_names(inner.left)


def _result_types(inner: Inner) -> tuple[str, ...]:
    if isinstance(inner, Recursive):
        body = inner.body
        while isinstance(body, Chain):
            body = body.left
        return _result_types(body)
    if isinstance(inner, Query):
        return tuple(_type(item, inner) for item in inner.items)
    left, right = _result_types(inner.left), _result_types(inner.right)
    if len(left) != len(right):
        raise SQLError(1222, "The used SELECT statements have a different number of columns")
    return tuple(_either(a, b) for a, b in zip(left, right, strict=True))


def _type(item: exp.Expr, query: Query) -> str:
    """The type of an item, as far as it is known; of a column all of it."""
    if isinstance(item, exp.Column):
        column = query.source(item.table).table.column(item.name)
        return column.type if column is not None else ""
    return "float" if is_float(item, query) else base_type(item, query)


def _either(one: str, other: str) -> str:
    """The type of a column of a UNION, as far as it matters how values travel; ENUM and SET become text."""
    if one == other:
        return "varchar" if one.startswith(("enum", "set")) else one
    if any(t.partition("(")[0].lower() in TEXTS for t in (one, other)):
        return "varchar"
    return "float" if "float" in (one, other) else "number"
