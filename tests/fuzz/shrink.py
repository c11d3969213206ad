"""Cuts a query down to what still shows a fault."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.query import Query

#: Queries tried at most for one fault.
TRIES = 400


def shrink(query: Query, faulty: Callable[[Query], bool], tries: int = TRIES) -> Query:
    """The smallest query found, by steps each of which is faulty too.

    Args:
        faulty: whether a query shows the fault.
        tries: calls of ``faulty`` at most.
    """
    progress = True
    while progress and tries > 0:
        progress = False
        tried: set[str] = {query.sql()}
        for less in query.smaller():
            text = less.sql()
            if text in tried:
                continue
            tried.add(text)
            tries -= 1
            if tries <= 0:
                break
            if faulty(less):
                query, progress = less, True
                break
    return query
