"""Cuts a query down to what still shows a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.fuzz.query import Item, Key, Made

#: Queries tried at most for one fault.
TRIES = 150


def shrink(query: Made, faulty: Callable[[Made], bool], tries: int = TRIES) -> Made:
    """The smallest query found, by steps each of which is faulty too.

    Args:
        faulty: whether a query shows the fault.
        tries: calls of ``faulty`` at most.
    """
    progress = True
    while progress and tries > 0:
        progress = False
        for less in smaller(query):
            tries -= 1
            if tries <= 0:
                break
            if faulty(less):
                query, progress = less, True
                break
    return query


def smaller(query: Made) -> Iterator[Made]:
    """Queries with one part less, large parts first."""
    if query.limit is not None:
        yield replace(query, limit=None, offset=0)
    if query.offset:
        yield replace(query, offset=0)
    if query.orders and query.limit is None:
        yield replace(query, orders=(), total=False)
    if query.having is not None:
        yield replace(query, having=None)
    for at in range(len(query.where)):
        yield replace(query, where=(*query.where[:at], *query.where[at + 1 :]))
    if query.joins:
        yield replace(query, joins=query.joins[:-1])
    if len(query.items) > 1:
        for at in range(len(query.items)):
            yield replace(query, items=(*query.items[:at], *query.items[at + 1 :]))
    if query.rollup:
        yield replace(query, rollup=False)
    if query.groups:
        for at in range(len(query.groups)):
            yield replace(query, groups=(*query.groups[:at], *query.groups[at + 1 :]), rollup=False)
    yield from _expressions(query)


def _expressions(query: Made) -> Iterator[Made]:
    """Queries with an expression cut by one step, in every place where it stands."""
    for at, condition in enumerate(query.where):
        for less in condition.smaller():
            yield replace(query, where=(*query.where[:at], less, *query.where[at + 1 :]))
    if query.having is not None:
        for less in query.having.smaller():
            yield replace(query, having=less)
    for item in query.items:
        for less in item.node.smaller():
            yield replace(
                query,
                items=tuple(Item(less, i.alias) if i.node == item.node else i for i in query.items),
                groups=tuple(Key(less, g.by) if g.node == item.node else g for g in query.groups),
                orders=tuple(Key(less, o.by, o.descending) if o.node == item.node else o for o in query.orders),
            )
    if not query.total or query.limit is None:
        for at in range(len(query.orders)):
            yield replace(query, orders=(*query.orders[:at], *query.orders[at + 1 :]), total=False)
