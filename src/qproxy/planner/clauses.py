"""Clauses: what names mean in GROUP BY, HAVING and ORDER BY, which see the select list as well as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlglot import exp

from qproxy.errors import SQLError, unsupported
from qproxy.planner.faithful import calls_query, needs_window
from qproxy.planner.parse import DIALECT
from qproxy.planner.query import Order
from qproxy.planner.scope import GROUP, HAVING, ORDER, Resolver, Scope
from qproxy.planner.tables import AROUND

#: Marks what an alias stood for.
_BY_ALIAS = "alias"


class Binds(Protocol):
    """Binds the expressions of one SELECT."""

    @property
    def scope(self) -> Scope:
        """The tables that it sees."""
        ...

    def bound(self, expression: exp.Expr, meaning: Resolver, inside: Resolver | None = None) -> exp.Expr:
        """A copy of an expression with every name resolved."""
        ...


def aggregates(expression: exp.Expr) -> bool:
    """Whether an expression holds an aggregate that is none over a window."""
    return any(not isinstance(node.parent, exp.Window) for node in expression.find_all(exp.AggFunc))


class Aliases:
    """The select list as GROUP BY, HAVING and ORDER BY see it."""

    def __init__(self, names: Sequence[str], items: Sequence[exp.Expr]) -> None:
        self.items = items
        self._places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            self._places.setdefault(name.lower(), []).append(place)

    def place(self, column: exp.Expr, clause: str) -> int | None:
        """The place of the item that an unqualified reference names, counted from 0, or None.

        It is the first one that is no column, if any is none. Parentheses around a reference mean nothing.

        Raises:
            SQLError: 1052 where it names columns that differ.
        """
        column = column.unnest()
        if not isinstance(column, exp.Column) or column.table:
            return None
        found: int | None = None
        for place in self._places.get(column.name.lower(), ()):
            if not isinstance(self.items[place], exp.Column):
                return place
            if found is not None and self.items[place] != self.items[found]:
                raise SQLError(1052, f"Column '{column.name}' in {clause} is ambiguous")
            found = place if found is None else found
        return found

    def called(self, name: str) -> list[exp.Expr]:
        """The items of that name."""
        return [self.items[place] for place in self._places.get(name.lower(), ())]

    def find(self, column: exp.Expr, clause: str) -> exp.Expr | None:
        """The item that an unqualified reference names, or None: see `place`."""
        place = self.place(column, clause)
        return None if place is None else self.items[place].copy()

    def position(self, expression: exp.Expr, clause: str) -> exp.Expr | None:
        """The item at a position given as a constant integer, or None."""
        number = whole_number(expression)
        if number is not None:
            if not 1 <= number <= len(self.items):
                raise SQLError(1054, f"Unknown column '{number}' in '{clause}'")
            return self.items[number - 1].copy()
        return None


def whole_number(expression: exp.Expr) -> int | None:
    """The integer that is written, with or without signs and parentheses, or None: in GROUP BY and ORDER BY a position.

    TRUE and FALSE are integers, too.
    """
    if isinstance(expression, exp.Paren | exp.Neg):
        inner = whole_number(expression.this)
        return -inner if inner is not None and isinstance(expression, exp.Neg) else inner
    if isinstance(expression, exp.Boolean):
        return int(bool(expression.this))
    plain = isinstance(expression, exp.Literal) and not expression.is_string and expression.name.isdigit()
    return int(expression.name) if plain else None


def check_subtotals_by_queries(groups: Sequence[exp.Expr], places: Sequence[int | None]) -> None:
    """Refuse keys of ROLLUP with a query in them that are written out: one query is never the same as another."""
    for key, place in zip(groups, places, strict=True):
        if place is None and any(map(calls_query, key.walk())):
            raise unsupported(
                "GROUP BY ... WITH ROLLUP by an expression with a query in it; name it by its alias or position"
            )


def group_places(group: exp.Group, scope: Scope, aliases: Aliases) -> tuple[int | None, ...]:
    """For each key of GROUP BY the place of the item that it was named by, counted from 0; None for other keys."""
    places: list[int | None] = []
    for expression in group.expressions:
        number = whole_number(expression)
        if number is not None:
            places.append(number - 1)
        elif isinstance(name := expression.unnest(), exp.Column) and not scope.find(name):
            places.append(aliases.place(name, GROUP))
        else:
            places.append(None)
    return tuple(places)


def bind_groups(group: exp.Group, clauses: Binds, aliases: Aliases) -> tuple[tuple[exp.Expr, ...] | None, bool]:
    for kind in ("cube", "grouping_sets", "all", "totals"):
        if group.args.get(kind):
            raise unsupported(
                f"GROUP BY {kind.upper().replace('_', ' ')}, nor does MariaDB; use WITH ROLLUP, or UNION ALL of queries"
            )
    bound = []
    for expression in group.expressions:
        found = aliases.position(expression, GROUP)
        if found is None:
            found = group_key(expression, clauses, aliases)
        if aggregates(found):
            raise SQLError(1056, f"Can't group on '{expression.sql(dialect=DIALECT)}'")
        # A number in GROUP BY is a position; one that an alias stands for is a constant.
        if isinstance(found, exp.Literal):
            found = exp.Literal.string(found.name)
        elif (number := whole_number(found)) is not None:
            found = exp.Literal.string(str(number))
        bound.append(found)
    return tuple(bound), bool(group.args.get("rollup"))


def group_key(expression: exp.Expr, clauses: Binds, aliases: Aliases) -> exp.Expr:
    """A key of GROUP BY, or of PARTITION BY, that is no position."""
    # A column comes before an alias, but not before the error of an ambiguous one.
    aliases.place(expression, GROUP)
    return clauses.bound(expression, lambda column: _column_or_alias(column, clauses.scope, aliases, GROUP))


def sorted_groups(groups: Sequence[exp.Expr], descending: Sequence[bool], rollup: bool) -> tuple[Order, ...]:
    """The order that directions in GROUP BY stand for, where there is no ORDER BY."""
    if rollup:
        raise unsupported("ASC and DESC in GROUP BY ... WITH ROLLUP; sort the result of a query in FROM")
    pairs = zip(groups, descending, strict=True)
    return tuple(Order(g.copy(), down) for g, down in pairs if not isinstance(g, exp.Literal | exp.Null))


def _column_or_alias(column: exp.Column, scope: Scope, aliases: Aliases, clause: str) -> exp.Expr:
    if column.table and clause == ORDER and scope.from_ == AROUND:
        raise SQLError(1250, f"Table '{column.table}' from one of the SELECTs cannot be used in {clause}")
    if scope.find(column):
        return scope.resolve(column, clause)
    found = aliases.find(column, clause)
    if found is None:
        return scope.from_around(column, clause)
    if clause == ORDER and aggregates(found):
        raise SQLError(1247, f"Reference '{column.name}' not supported (reference to group function)")
    return found if isinstance(found, exp.Column | exp.Literal | exp.Func) else exp.Paren(this=found)


def bind_having(
    expression: exp.Expr, clauses: Binds, aliases: Aliases, groups: Sequence[exp.Expr], rollup: bool
) -> exp.Expr:
    scope = clauses.scope
    grouped = {g.sql(dialect=DIALECT) for g in groups}
    listed = {i.sql(dialect=DIALECT) for i in aliases.items}

    def meaning(column: exp.Column) -> exp.Expr:
        inside = column.find_ancestor(exp.AggFunc) is not None
        if inside:
            return scope.resolve(column, HAVING)
        if not column.table:
            _check_groups(column.name, aliases, groups)
        candidates = scope.find(column)
        real = scope.resolve(column, HAVING) if len(candidates) == 1 else None
        found = aliases.find(column, HAVING)
        if real is not None and real.sql(dialect=DIALECT) in grouped and not _hidden(column, real, groups):
            return real
        key = None if column.table else _key_called(column.name, groups)
        if key is not None:
            return key.copy()
        if found is not None:
            found.meta[_BY_ALIAS] = True
            return found if isinstance(found, exp.Column | exp.Literal | exp.Func) else exp.Paren(this=found)
        if real is not None and real.sql(dialect=DIALECT) in listed:
            return real
        return scope.from_around(column, HAVING)

    def inside(column: exp.Column) -> exp.Expr:
        """What a query in HAVING sees: the columns of its tables first."""
        return scope.resolve(column, HAVING) if scope.find(column) else meaning(column)

    bound = clauses.bound(expression, meaning, inside)
    if rollup:
        _check_subtotals(bound, groups)
    return bound


def _key_called(name: str, groups: Sequence[exp.Expr]) -> exp.Expr | None:
    """The key of GROUP BY that is a column of that name, of whatever table."""
    return next((g for g in groups if isinstance(g, exp.Column) and g.name.lower() == name.lower()), None)


def _hidden(column: exp.Column, real: exp.Expr, groups: Sequence[exp.Expr]) -> bool:
    """Whether a key of GROUP BY is not found by ``table.name``, as another one is a column of that name elsewhere."""
    named = (g for g in groups if isinstance(g, exp.Column) and g.name.lower() == column.name.lower())
    return bool(column.table) and any(g != real for g in named)


def _check_subtotals(having: exp.Expr, groups: Sequence[exp.Expr]) -> None:
    """Refuse keys that are written out once more: in subtotals MariaDB computes these, where a name gives NULL."""
    grouped = {g.unnest().sql(dialect=DIALECT) for g in groups}
    for node in having.walk(prune=lambda n: _BY_ALIAS in n.meta):
        plain = isinstance(node, exp.Column | exp.Literal | exp.Paren) or _BY_ALIAS in node.meta
        if not plain and node.sql(dialect=DIALECT) in grouped:
            raise unsupported(
                "HAVING with a key of GROUP BY ... WITH ROLLUP that is an expression, written out again; give it an "
                "alias in the select list, and use that"
            )


def _check_groups(name: str, aliases: Aliases, groups: Sequence[exp.Expr]) -> None:
    """Refuse a name in HAVING that means keys of GROUP BY that differ: a column, and an expression with that alias."""
    named = {i.sql(dialect=DIALECT) for i in aliases.called(name)}
    columns = {g.sql(dialect=DIALECT) for g in groups if isinstance(g, exp.Column) and g.name.lower() == name.lower()}
    if len(columns | named.intersection(g.sql(dialect=DIALECT) for g in groups)) > 1:
        raise SQLError(1052, f"Column '{name}' in {HAVING} is ambiguous")


def bind_orders(order: exp.Order | None, clauses: Binds, aliases: Aliases) -> tuple[Order, ...]:
    bound = []
    for ordered in order.expressions if order else ():
        expression = ordered.this
        found = aliases.position(expression, ORDER)
        if found is None:
            found = order_key(expression, clauses, aliases)
        if not isinstance(found, exp.Literal | exp.Null) and whole_number(found) is None:
            bound.append(Order(found, bool(ordered.args.get("desc"))))
    return tuple(bound)


def order_key(expression: exp.Expr, clauses: Binds, aliases: Aliases) -> exp.Expr:
    """A key of ORDER BY, in a window or not, that is no position: a name alone is an alias first."""
    found = aliases.find(expression, ORDER)
    if found is not None:
        return found
    keyless, keys = without_keys(expression)
    bound = clauses.bound(keyless, lambda column: _column_or_alias(column, clauses.scope, aliases, ORDER))
    return with_keys(bound, keys, clauses, aliases)


#: The keys of all windows of an expression as written, each with the clause that it is found as.
WindowKeys = Sequence[tuple[exp.Expr, str]]


def without_keys(expression: exp.Expr) -> tuple[exp.Expr, WindowKeys]:
    """An expression whose windows have no keys, and the keys, which see aliases where the expression may not."""
    if expression.find(exp.Window) is None:
        return expression, ()
    bare = expression.copy()
    keys = _window_keys(bare)
    for key, _ in keys:
        key.replace(exp.null())
    return bare, keys


def with_keys(bound: exp.Expr, keys: WindowKeys, clauses: Binds, aliases: Aliases) -> exp.Expr:
    """A bound expression with the keys of its windows: they are found as those of GROUP BY and of ORDER BY.

    Raises:
        SQLError: 1052, 1054 for names, 4016 for an alias of what has a window itself.
    """
    places = _window_keys(bound) if keys else ()
    for (place, _), (key, clause) in zip(places, keys, strict=True):
        find = group_key if clause == GROUP else order_key
        place.replace(_in_window(find(key, clauses, aliases)))
    return bound


def _window_keys(expression: exp.Expr) -> WindowKeys:
    """PARTITION BY and ORDER BY of all windows; what MEDIAN and PERCENTILE_* sort by is a key of ORDER BY, too."""
    found: list[tuple[exp.Expr, str]] = []
    for window in expression.find_all(exp.Window):
        found += [(key, GROUP) for key in window.args.get("partition_by") or ()]
        order = window.args.get("order")
        found += [(ordered.this, ORDER) for ordered in (order.expressions if order else ())]
        if isinstance(window.this, exp.AnonymousAggFunc) and needs_window(window.this):
            found.append((window.this.expressions[-1], ORDER))
    return found


def _in_window(key: exp.Expr) -> exp.Expr:
    if key.find(exp.Window):
        raise SQLError(4016, "Window function is not allowed in window specification")
    return key


def bind_limit(select: exp.Select) -> tuple[int | None, int]:
    limit = select.args.get("limit")
    offset = select.args.get("offset")
    if isinstance(limit, exp.Fetch):
        raise unsupported("FETCH FIRST, of which ONLY and WITH TIES are not told apart; write LIMIT")
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
