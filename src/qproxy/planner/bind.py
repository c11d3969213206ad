"""Pass 4, bind: every name is resolved against the catalogue; stars, aliases and positions are expanded.

Which name a clause means follows the MariaDB Knowledge Base: WHERE and ON see columns; GROUP BY sees columns before
aliases; HAVING sees the select list and the grouping; ORDER BY sees aliases before columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from qproxy.catalog.model import Catalog, Column
from qproxy.errors import SQLError, unsupported
from qproxy.planner.faithful import call_name
from qproxy.planner.marks import MARK
from qproxy.planner.parse import DIALECT, Parsed
from qproxy.planner.query import Order, Query, Source

FIELD_LIST = "field list"
WHERE = "where clause"
ON = "on clause"
GROUP = "group statement"
HAVING = "having clause"
ORDER = "order clause"


def bind(parsed: Parsed, catalog: Catalog, database: str | None) -> Query:
    """Resolve every name of a query.

    Args:
        parsed: the query, session constants already folded.
        catalog: what exists.
        database: the session's database, for tables without one.

    Raises:
        SQLError: 1046, 1049, 1146 for databases and tables, 1051, 1052, 1054, 1066 for names, 1111 for aggregates
            where none can be, 1235 for what is not supported.
    """
    select = parsed.select
    scope = _from_clause(select, catalog, database)
    names, items = _select_list(parsed, scope)
    where = select.args.get("where")
    condition = scope.bound(where.this, WHERE) if where else None
    if condition is not None and _aggregates(condition):
        raise SQLError(1111, "Invalid use of group function")
    aliases = _Aliases(names, items)
    group = select.args.get("group")
    groups, rollup = _groups(group, scope, aliases) if group else (None, False)
    having = select.args.get("having")
    kept = _having(having.this, scope, aliases, groups or ()) if having else None
    orders = _orders(select.args.get("order"), scope, aliases)
    limit, offset = _limit(select)
    grouped = groups is not None or any(_aggregates(e) for e in (*items, *(o.expression for o in orders)))
    by_row = kept is not None and not grouped and not _aggregates(kept)
    if kept is not None and by_row and any(call_name(c).upper() == "RAND" for c in kept.find_all(exp.Anonymous)):
        raise unsupported("a condition of HAVING on RAND(): each row would get another number than was compared")
    return Query(
        catalog=catalog,
        names=tuple(names),
        items=tuple(items),
        sources=tuple(scope.sources),
        from_=scope.skeleton,
        where=condition,
        groups=groups,
        rollup=rollup,
        having=kept,
        orders=orders,
        distinct=bool(select.args.get("distinct")),
        limit=limit,
        offset=offset,
    )


def _aggregates(expression: exp.Expr) -> bool:
    return any(not isinstance(node.parent, exp.Window) for node in expression.find_all(exp.AggFunc))


@dataclass
class _Scope:
    """The tables that a query sees, and the FROM clause rewritten to their markers.

    Attributes:
        visible: for each part of FROM between commas, the columns that plain names and stars mean, in their order:
            a column of USING is there once.
    """

    sources: list[Source]
    skeleton: exp.Select
    visible: list[list[tuple[Source, Column]]]

    @property
    def columns(self) -> list[tuple[Source, Column]]:
        """All columns that plain names and stars mean."""
        return [found for part in self.visible for found in part]

    def resolve(self, column: exp.Column, clause: str) -> exp.Column:
        """The column that a reference means."""
        found = self.find(column)
        if len(found) > 1:
            raise SQLError(1052, f"Column '{column.name}' in {clause} is ambiguous")
        if not found:
            raise unknown_column(column, clause)
        source, name = found[0]
        return source.column(name.name)

    def find(self, column: exp.Column) -> list[tuple[Source, Column]]:
        """All columns that a reference may mean."""
        if column.table:
            return [
                (s, c)
                for s in self.sources
                if s.alias == column.table
                and (not column.db or column.db == s.database.name)
                and (c := s.table.column(column.name))
            ]
        return [(s, c) for s, c in self.columns if c.name.lower() == column.name.lower()]

    def bound(self, expression: exp.Expr, clause: str) -> exp.Expr:
        """A copy of an expression with every column resolved."""
        return map_columns(expression, lambda column: self.resolve(column, clause))


def map_columns(expression: exp.Expr, function: Callable[[exp.Column], exp.Expr]) -> exp.Expr:
    """A copy of an expression with every column reference replaced by what ``function`` makes of it."""
    copy = expression.copy()
    if isinstance(copy, exp.Column):
        return function(copy)
    for column in list(copy.find_all(exp.Column)):
        if isinstance(column.this, exp.Star):
            raise SQLError(1064, "You have an error in your SQL syntax near '*'")
        column.replace(function(column))
    return copy


def unknown_column(column: exp.Expr, clause: str) -> SQLError:
    """Error 1054 for a reference as the user wrote it."""
    written = column.sql(dialect=DIALECT).replace("`", "")
    return SQLError(1054, f"Unknown column '{written}' in '{clause}'")


def _from_clause(select: exp.Select, catalog: Catalog, database: str | None) -> _Scope:
    scope = _Scope([], exp.Select(), [])
    clause = select.args.get("from_")
    if clause is None:
        if select.args.get("joins"):
            raise SQLError(1064, "You have an error in your SQL syntax near 'JOIN'")
        return scope
    table, joins = clause.this, list(select.args.get("joins") or ())
    if isinstance(table, exp.Table) and table.name.upper() == "DUAL" and not table.db and not joins:
        return scope
    swapped = any(j.side == "RIGHT" for j in joins)
    table, joins = _left_joins_only(table, joins)
    first = _source(table, 0, catalog, database)
    scope.sources.append(first)
    scope.visible.append(_columns(first))
    scope.skeleton.set("from_", exp.From(this=_marked(first)))
    for join in joins:
        _join(scope, join, catalog, database)
    if swapped and len(scope.columns) == sum(len(s.table.columns) for s in scope.sources):
        # Stars keep the order as written, but with USING.
        scope.visible = [[found for s in reversed(scope.sources) for found in _columns(s)]]
    return scope


def _columns(source: Source) -> list[tuple[Source, Column]]:
    return [(source, c) for c in source.table.columns]


def _left_joins_only(table: exp.Expr, joins: list[exp.Join]) -> tuple[exp.Expr, list[exp.Join]]:
    """``a RIGHT JOIN b`` of two tables is ``b LEFT JOIN a``."""
    if not any(j.side == "RIGHT" for j in joins):
        return table, joins
    if len(joins) > 1:
        raise unsupported("RIGHT JOIN of more than two tables yet; write it as LEFT JOIN")
    swapped = joins[0].copy()
    right = swapped.this
    swapped.set("side", "LEFT")
    swapped.set("this", table.copy())
    return right, [swapped]


def _source(table: exp.Expr, number: int, catalog: Catalog, database: str | None) -> Source:
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        raise unsupported(f"this in FROM: {table.sql(dialect=DIALECT).replace(MARK, '')[:60]}")
    alias = table.args.get("alias")
    if {k for k, v in table.args.items() if v} - {"this", "db", "alias", "hints"} or (alias and alias.columns):
        raise unsupported(f"this in FROM: {table.sql(dialect=DIALECT).replace(MARK, '')[:60]}")
    wanted = table.db or database
    if not wanted:
        raise SQLError(1046, "No database selected")
    if wanted not in catalog.databases:
        raise SQLError(1049, f"Unknown database '{wanted}'")
    found = catalog.databases[wanted].tables.get(table.name)
    if found is None:
        raise SQLError(1146, f"Table '{wanted}.{table.name}' doesn't exist")
    return Source(table.alias or table.name, number, catalog.databases[wanted], found)


def _marked(source: Source) -> exp.Table:
    return exp.Table(
        this=exp.to_identifier(source.marker, quoted=True),
        db=exp.to_identifier(source.database.physical, quoted=True),
        alias=exp.TableAlias(this=exp.to_identifier(source.alias, quoted=True)),
    )


def _join(scope: _Scope, join: exp.Join, catalog: Catalog, database: str | None) -> None:
    outer = join.side == "LEFT"
    written = (join.kind or "").upper()
    if join.side not in ("", "LEFT") or written not in ("", "INNER", "CROSS", "OUTER", "STRAIGHT_JOIN", "STRAIGHT"):
        raise unsupported(f"{join.side} {written} JOIN".strip())
    source = _source(join.this, len(scope.sources), catalog, database)
    if any(s.alias == source.alias for s in scope.sources):
        raise SQLError(1066, f"Not unique table/alias: '{source.alias}'")
    # A comma binds less tightly than JOIN: what stands before it is not seen by ON, USING and NATURAL behind it.
    comma = not join.args.keys() - {"this"}
    first = len(scope.sources) if comma else min(s.number for s, _ in scope.visible[-1])
    side = _Scope(scope.sources[first:], scope.skeleton, [[]] if comma else scope.visible[-1:])
    using = [i.name for i in join.args.get("using") or ()]
    if (join.method or "").upper() == "NATURAL":
        ours = {c.name.lower() for _, c in side.columns}
        using = [c.name for c in source.table.columns if c.name.lower() in ours]
    conditions = [_using(side, source, name) for name in using]
    side = _Scope([*side.sources, source], scope.skeleton, [_joined(side.columns, source, using)])
    scope.sources.append(source)
    scope.visible = [*(scope.visible if comma else scope.visible[:-1]), *side.visible]
    on = join.args.get("on")
    if on is not None:
        conditions.append(side.bound(on, ON))
    if on is not None and _aggregates(on):
        raise SQLError(1111, "Invalid use of group function")
    condition = exp.and_(*conditions) if conditions else None
    if outer and condition is None:
        raise SQLError(1064, "You have an error in your SQL syntax: an outer join takes ON or USING")
    scope.sources[-1] = replace(source, nullable=outer, on=condition)
    kind = "CROSS" if condition is None else "INNER"
    scope.skeleton.append(
        "joins",
        exp.Join(this=_marked(source), side="LEFT" if outer else "", kind="" if outer else kind, on=condition),
    )


def _using(scope: _Scope, source: Source, name: str) -> exp.Expr:
    """The equality that one column of USING stands for; the left table's column keeps the name."""
    left = scope.find(exp.column(name))
    right = source.table.column(name)
    if right is None or not left:
        raise SQLError(1054, f"Unknown column '{name}' in 'from clause'")
    if len(left) > 1:
        raise SQLError(1052, f"Column '{name}' in from clause is ambiguous")
    owner, column = left[0]
    return exp.EQ(this=owner.column(column.name), expression=source.column(right.name))


def _joined(left: Sequence[tuple[Source, Column]], source: Source, using: Sequence[str]) -> list[tuple[Source, Column]]:
    """Columns of a join: those of USING first, in the left side's order; then the left side's others, the right's."""
    names = {name.lower() for name in using}
    common = [(s, c) for s, c in left if c.name.lower() in names]
    others = [(s, c) for s, c in (*left, *_columns(source)) if c.name.lower() not in names]
    return [*common, *others]


def _select_list(parsed: Parsed, scope: _Scope) -> tuple[list[str], list[exp.Expr]]:
    names: list[str] = []
    items: list[exp.Expr] = []
    for name, item in zip(parsed.names, parsed.select.expressions, strict=True):
        star = _star(item)
        if star is None:
            names.append(name)
            items.append(scope.bound(item.unalias(), FIELD_LIST))
            continue
        for column in _expand(star, scope):
            names.append(column.name)
            items.append(column)
    return names, items


def _star(expression: exp.Expr) -> exp.Column | None:
    if isinstance(expression, exp.Star):
        return exp.Column(this=exp.Star())
    if isinstance(expression, exp.Column) and isinstance(expression.this, exp.Star):
        return expression
    return None


def _expand(star: exp.Column, scope: _Scope) -> list[exp.Column]:
    if star.table:
        found = [s for s in scope.sources if s.alias == star.table and (not star.db or star.db == s.database.name)]
        if not found:
            raise SQLError(1051, f"Unknown table '{star.table}'")
        return [found[0].column(c.name) for c in found[0].table.columns]
    if not scope.sources:
        raise SQLError(1096, "No tables used")
    return [s.column(c.name) for s, c in scope.columns]


class _Aliases:
    """The select list as GROUP BY, HAVING and ORDER BY see it."""

    def __init__(self, names: Sequence[str], items: Sequence[exp.Expr]) -> None:
        self.items = items
        self.by_name: Mapping[str, exp.Expr] = {
            name.lower(): item for name, item in zip(reversed(names), reversed(items), strict=True)
        }

    def find(self, column: exp.Expr) -> exp.Expr | None:
        """The item that an unqualified reference names, or None."""
        if isinstance(column, exp.Column) and not column.table:
            found = self.by_name.get(column.name.lower())
            return found.copy() if found is not None else None
        return None

    def position(self, expression: exp.Expr, clause: str) -> exp.Expr | None:
        """The item at a position given as an integer literal, or None."""
        if isinstance(expression, exp.Literal) and not expression.is_string and expression.name.isdigit():
            number = int(expression.name)
            if not 1 <= number <= len(self.items):
                raise SQLError(1054, f"Unknown column '{number}' in '{clause}'")
            return self.items[number - 1].copy()
        return None


def _groups(group: exp.Group, scope: _Scope, aliases: _Aliases) -> tuple[tuple[exp.Expr, ...] | None, bool]:
    for kind in ("cube", "grouping_sets", "all", "totals"):
        if group.args.get(kind):
            raise unsupported(f"GROUP BY {kind.upper().replace('_', ' ')}")
    bound = []
    for expression in group.expressions:
        found = aliases.position(expression, GROUP)
        if found is None:
            found = map_columns(expression, lambda column: _column_or_alias(column, scope, aliases, GROUP))
        if _aggregates(found):
            raise SQLError(1056, f"Can't group on '{expression.sql(dialect=DIALECT)}'")
        # A number in GROUP BY is a position; one that an alias stands for is a constant.
        bound.append(exp.Literal.string(found.name) if isinstance(found, exp.Literal) else found)
    return tuple(bound), bool(group.args.get("rollup"))


def _column_or_alias(column: exp.Column, scope: _Scope, aliases: _Aliases, clause: str) -> exp.Expr:
    if scope.find(column):
        return scope.resolve(column, clause)
    found = aliases.find(column)
    if found is None:
        raise unknown_column(column, clause)
    return found if isinstance(found, exp.Column | exp.Literal | exp.Func) else exp.Paren(this=found)


def _having(expression: exp.Expr, scope: _Scope, aliases: _Aliases, groups: Sequence[exp.Expr]) -> exp.Expr:
    grouped = {g.sql(dialect=DIALECT) for g in groups}
    listed = {i.sql(dialect=DIALECT) for i in aliases.items}

    def meaning(column: exp.Column) -> exp.Expr:
        inside = column.find_ancestor(exp.AggFunc) is not None
        if inside:
            return scope.resolve(column, HAVING)
        candidates = scope.find(column)
        real = scope.resolve(column, HAVING) if len(candidates) == 1 else None
        if real is not None and real.sql(dialect=DIALECT) in grouped:
            return real
        found = aliases.find(column)
        if found is not None:
            return found if isinstance(found, exp.Column | exp.Literal | exp.Func) else exp.Paren(this=found)
        if real is not None and real.sql(dialect=DIALECT) in listed:
            return real
        raise unknown_column(column, HAVING)

    return map_columns(expression, meaning)


def _orders(order: exp.Order | None, scope: _Scope, aliases: _Aliases) -> tuple[Order, ...]:
    bound = []
    for ordered in order.expressions if order else ():
        expression = ordered.this
        found = aliases.position(expression, ORDER)
        if found is None:
            found = aliases.find(expression)
        if found is None:
            found = map_columns(expression, lambda column: _column_or_alias(column, scope, aliases, ORDER))
        if not isinstance(found, exp.Literal | exp.Null):
            bound.append(Order(found, bool(ordered.args.get("desc"))))
    return tuple(bound)


def _limit(select: exp.Select) -> tuple[int | None, int]:
    limit = select.args.get("limit")
    offset = select.args.get("offset")
    if isinstance(limit, exp.Fetch):
        raise unsupported("FETCH FIRST; write LIMIT")
    return (
        _whole_number(limit.expression, "LIMIT") if limit else None,
        _whole_number(offset.expression, "OFFSET") if offset else 0,
    )


def _whole_number(expression: exp.Expr, clause: str) -> int:
    if isinstance(expression, exp.Literal) and not expression.is_string and expression.name.isdigit():
        return int(expression.name)
    raise SQLError(
        1064,
        f"You have an error in your SQL syntax: {clause} takes a whole number, not '{expression.sql(dialect=DIALECT)}'",
    )
