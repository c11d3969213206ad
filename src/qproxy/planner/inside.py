"""Queries inside queries as text: in FROM, and in expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from qproxy.planner import render
from qproxy.planner.expand import expand
from qproxy.planner.percentiles import has_percentile, stand_in
from qproxy.planner.query import Chain, Inner, Order, Query, Recursive, Subquery, Text
from qproxy.planner.scope import distinct_names
from qproxy.planner.tables import AROUND

Placing = Callable[[Query], Query]


def public(query: Query) -> Query:
    """A query with every query inside it as text of the statement itself, on the tables as users see them."""
    if not query.nested and all(s.inner is None for s in query.sources):
        return _without_percentiles(expand(query))
    sources = tuple(s if s.inner is None else replace(s, text=text_of(s.inner, public)) for s in query.sources)
    nested = {
        word: replace(sub, text=standing(sub, text_of(unwrapped(sub.query), public)))
        for word, sub in query.nested.items()
    }
    return _without_percentiles(expand(replace(query, sources=sources, nested=nested)))


def _without_percentiles(query: Query) -> Query:
    """A query with columns of the same definitions that any server runs, though it gives other rows."""
    if query.simple or not has_percentile(*query.judged):
        return query
    return replace(
        query,
        items=tuple(stand_in(e) for e in query.items),
        having=None if query.having is None else stand_in(query.having),
        orders=tuple(Order(stand_in(o.expression), o.descending) for o in query.orders),
    )


def text_of(inner: Inner, placed: Placing) -> Text:
    """A query as text that may stand in parentheses.

    Args:
        placed: settles the queries inside it, and expands its functions.
    """
    if isinstance(inner, Query):
        query = placed(inner)
        return Text(render.limited(query, query.items, distinct_names(query.names)), query.slots)
    if isinstance(inner, Recursive):
        body = text_of(inner.body, placed)
        name = render.quoted_name(inner.name)
        columns = ", ".join(map(render.quoted_name, inner.columns))
        return Text(f"WITH RECURSIVE {name}({columns}) AS ({body.sql}) SELECT * FROM {name}", body.slots)
    left, right = text_of(inner.left, placed), text_of(inner.right, placed)
    first = f"({left.sql})" if _in_parentheses(inner.left, inner.operator) else left.sql
    second = f"({right.sql})" if _in_parentheses(inner.right, inner.operator, right=True) else right.sql
    return Text(f"{first} {operator(inner)} {second}", left.slots + right.slots)


def operator(chain: Chain) -> str:
    """The word between the two parts of a chain."""
    return chain.operator if chain.distinct else f"{chain.operator} ALL"


def _in_parentheses(arm: Query | Chain, around: str, right: bool = False) -> bool:
    """Whether an arm of a chain would be read otherwise without parentheses: INTERSECT binds tighter."""
    if isinstance(arm, Query):
        return bool(arm.orders) or arm.limit is not None or bool(arm.offset)
    if right:
        return arm.operator != "INTERSECT" or around == "INTERSECT"
    return around == "INTERSECT" and arm.operator != "INTERSECT"


def unwrapped(query: Query) -> Query | Chain:
    """The chain that a query does nothing but give; else the query."""
    source = query.sources[0] if len(query.sources) == 1 else None
    if source is None or source.alias != AROUND or not isinstance(source.inner, Chain):
        return query
    bare = query.where is None and query.groups is None and query.having is None and not query.orders
    bare = bare and not query.distinct and query.limit is None and not query.offset
    return source.inner if bare and all(isinstance(i, exp.Column) for i in query.items) else query


def standing(subquery: Subquery, text: Text) -> Text:
    """A subquery's text as it stands in an expression."""
    if subquery.bare:
        return text
    before = f"{subquery.before} " if subquery.before else ""
    return Text(f"{before}({text.sql})", text.slots)
