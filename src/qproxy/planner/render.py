"""Pass 10, render: expressions as text of MariaDB's dialect."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from qproxy.planner.faithful import text
from qproxy.planner.query import From, Join, Order, Query, Source


def sql(expression: exp.Expr) -> str:
    """An expression as MariaDB reads it."""
    return text(expression)


def select(
    items: Sequence[str],
    *,
    distinct: bool = False,
    from_: str = "",
    where: str = "",
    groups: Sequence[exp.Expr] | None = None,
    rollup: bool = False,
    having: exp.Expr | None = None,
    orders: Sequence[Order] = (),
    limit: int | None = None,
    offset: int = 0,
) -> str:
    """One SELECT statement.

    Args:
        items: rendered select list.
        from_: ``FROM ...`` with its joins, rendered, or nothing.
        where: its condition, rendered, or nothing.
    """
    parts = ["SELECT", "DISTINCT" if distinct else "", ", ".join(items), from_]
    if where:
        parts.append(f"WHERE {where}")
    if groups:
        parts.append("GROUP BY " + ", ".join(sql(g) for g in groups) + (" WITH ROLLUP" if rollup else ""))
    if having is not None:
        parts.append(f"HAVING {sql(having)}")
    if orders:
        parts.append("ORDER BY " + ", ".join(sql(o.expression) + (" DESC" if o.descending else "") for o in orders))
    if limit is not None or offset:
        # A server takes an offset only behind a limit; the largest one is "no limit" (MariaDB KB, "LIMIT").
        parts.append(f"LIMIT {limit if limit is not None else 18446744073709551615}")
        if offset:
            parts.append(f"OFFSET {offset}")
    return " ".join(p for p in parts if p)


def statement(query: Query, items: Sequence[exp.Expr], names: Sequence[str] = ()) -> str:
    """A query as one SELECT, without what limits its rows.

    Args:
        items: its select list, or another one.
        names: of the result columns; none where they do not matter.
    """
    return _statement(query, items, names, None, 0)


def limited(query: Query, items: Sequence[exp.Expr], names: Sequence[str] = ()) -> str:
    """A query as one SELECT with its LIMIT and OFFSET."""
    return _statement(query, items, names, query.limit, query.offset)


def first(query: Query, items: Sequence[exp.Expr], limit: int | None, names: Sequence[str] = ()) -> str:
    """A query as one SELECT that gives some number of rows at most."""
    return _statement(query, items, names, limit, 0)


def _statement(query: Query, items: Sequence[exp.Expr], names: Sequence[str], limit: int | None, offset: int) -> str:
    rendered, having = named(items, query.having, names)
    return select(
        rendered,
        distinct=query.distinct,
        from_=from_clause(query),
        where=condition(query),
        groups=keys(query, query.groups),
        rollup=query.rollup,
        having=having,
        orders=query.orders,
        limit=limit,
        offset=offset,
    )


def named(
    items: Sequence[exp.Expr], having: exp.Expr | None, names: Sequence[str] = ()
) -> tuple[list[str], exp.Expr | None]:
    """A select list and HAVING, where HAVING means items by their names.

    Of expressions MariaDB finds in HAVING but those that have a name in the select list, and columns.
    """
    rendered = [sql(e) for e in items]
    aliases = list(names) or [f"§h{n}" for n in range(len(items))]
    used = set(range(len(items))) if names else set()
    if having is not None:
        places = {text: n for n, text in reversed(list(enumerate(rendered))) if not isinstance(items[n], exp.Column)}

        def by_name(node: exp.Expr) -> exp.Expr:
            place = places.get(sql(node))
            if place is not None and any(c.find_ancestor(exp.AggFunc) is None for c in node.find_all(exp.Column)):
                used.add(place)
                return exp.column(aliases[place], quoted=True)
            if isinstance(node, exp.AggFunc):
                return node.copy()
            copy = node.copy()
            for child in list(copy.iter_expressions()):
                child.replace(by_name(child))
            return copy

        having = by_name(having)
    return [f"{text} AS {quoted_name(aliases[n])}" if n in used else text for n, text in enumerate(rendered)], having


def keys(query: Query, groups: Sequence[exp.Expr] | None) -> Sequence[exp.Expr] | None:
    """The keys of GROUP BY; with ROLLUP those that were named by an item by its position, so that subtotals are NULL.

    Of a key that is written out MariaDB does not see that it is the item, where it is never NULL by itself.

    Args:
        groups: those of the query, or what stands for them.
    """
    if not query.rollup or groups is None:
        return groups
    pairs = zip(groups, query.group_places, strict=True)
    return [key if place is None else exp.Literal.number(place + 1) for key, place in pairs]


def condition(query: Query) -> str:
    """The condition of WHERE; nothing where there is none."""
    return "" if query.where is None else sql(query.where)


def quoted_name(name: str) -> str:
    """A name as an identifier of SQL."""
    return "`" + name.replace("`", "``") + "`"


def from_clause(query: Query) -> str:
    """The FROM clause of a query, with its joins; tables by their markers."""
    return f"FROM {_part(query.from_, query)}" if query.from_ is not None else ""


def _part(part: From, query: Query) -> str:
    if isinstance(part, str):
        return _reference(query.source(part))
    right = _part(part.right, query)
    if isinstance(part.right, Join):
        right = f"({right})"
    word = {"": "INNER JOIN" if part.on is not None else "CROSS JOIN", "STRAIGHT": "STRAIGHT_JOIN"}
    written = f"{_part(part.left, query)} {word.get(part.kind, f'{part.kind} JOIN')} {right}"
    return f"{written} ON {sql(part.on)}" if part.on is not None else written


def _reference(source: Source) -> str:
    if source.name is not None:
        table = source.name
    elif source.text is not None:
        table = f"({source.text.sql})"
    else:
        assert source.database is not None
        name = source.marker if source.table.partitioned else source.table.name
        table = f"{quoted_name(source.database.physical)}.{quoted_name(name)}"
    return f"{table} AS {quoted_name(source.alias)}"
