"""Statements that differ in their integers alone: what one was understood to mean is what the others mean.

The words of a statement, and so its names, are the same whatever its integers are. What the passes up to bind make of
an integer in WHERE is a literal in its place, if the query has columns, literals and operators alone: there a pattern
has a stand-in. Everything that depends on values, from place on, comes after it is filled.

>>> cut("SELECT ra FROM Star WHERE starId = 7 LIMIT 3").pieces
('SELECT ra FROM Star WHERE starId = ', ' LIMIT ', '')
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from qproxy.catalog.model import Catalog
from qproxy.planner.constants import SessionValues
from qproxy.planner.parse import tokenize
from qproxy.planner.planner import Understood, understood
from qproxy.planner.query import Query
from qproxy.planner.tokens import Kind

#: An integer that is a word of its own, wherever it stands; no part of a name, of another number, or next to quotes.
_INTEGER = re.compile(r"""(?<![\w.$@`'"\\§])(0|[1-9][0-9]{0,18})(?![\w.$@`'"\\§])""")
#: Longer than any integer that is cut out.
_STAND_IN = 10**24
_BEHIND_WHERE = frozenset((Kind.GROUP_BY, Kind.HAVING, Kind.ORDER_BY, Kind.LIMIT, Kind.OFFSET, Kind.FETCH, Kind.FOR))


@dataclass(frozen=True)
class Cut:
    """A statement without its integers.

    Attributes:
        pieces: text between them, one more than they are.
    """

    pieces: tuple[str, ...]
    integers: tuple[str, ...]

    def chosen(self, places: Sequence[int]) -> tuple[str, ...]:
        """Some of the integers."""
        return tuple([self.integers[place] for place in places])

    def others(self, places: Sequence[int]) -> tuple[str, ...]:
        """The rest of them."""
        if not places:
            return self.integers
        return tuple([text for place, text in enumerate(self.integers) if place not in places])


def cut(sql: str) -> Cut:
    """Cut the integers out of a statement, those in quotes and comments too."""
    parts = _INTEGER.split(sql)
    return Cut(tuple(parts[::2]), tuple(parts[1::2]))


@dataclass(frozen=True)
class Pattern:
    """What all statements mean that differ in some integers of WHERE.

    Attributes:
        known: the query, with stand-ins.
        stand_ins: in the order of the integers.
    """

    known: Understood
    stand_ins: tuple[str, ...]

    def filled(self, integers: Sequence[str]) -> Understood:
        """The query with integers."""
        where = self.known.query.where
        if where is None or not integers:
            return self.known
        values = dict(zip(self.stand_ins, integers, strict=True))
        copy = where.copy()
        for literal in _numbers(copy):
            if literal.this in values:
                literal.set("this", values[literal.this])
        return replace(self.known, query=replace(self.known.query, where=copy))


def free(sql: str, parts: Cut, query: Query) -> tuple[int, ...]:
    """The places, among the integers of a statement, of those that a pattern may leave open: numbers of WHERE.

    Args:
        parts: of the statement.
        query: what it means.
    """
    if not query.simple or query.nested or any(s.slot is None for s in query.sources):
        return ()
    starts: dict[int, int] = {}
    at = 0
    for place, (piece, integer) in enumerate(zip(parts.pieces, parts.integers, strict=False)):
        starts[at + len(piece)] = place
        at += len(piece) + len(integer)
    found = []
    inside = False
    for token in tokenize(sql):
        kind = token.token_type
        if kind is Kind.WHERE or kind in _BEHIND_WHERE:
            inside = kind is Kind.WHERE
        elif inside and kind is Kind.NUMBER and token.start in starts:
            found.append(starts[token.start])
    return tuple(found)


def pattern(parts: Cut, places: Sequence[int], catalog: Catalog, session: SessionValues) -> Pattern | None:
    """The pattern of a statement that has no error.

    Args:
        places: see `free`.

    Returns:
        None where some integer is more than one literal in WHERE.

    Raises:
        SQLError: the statement means nothing with other integers.
    """
    integers = list(parts.integers)
    stand_ins = tuple(str(_STAND_IN + place) for place in places)
    for place, stand_in in zip(places, stand_ins, strict=True):
        integers[place] = stand_in
    pieces = parts.pieces
    known = understood(
        "".join(text for pair in zip(pieces, [*integers, ""], strict=True) for text in pair), catalog, session
    )
    query = known.query
    inside = [] if query.where is None else [n.this for n in _numbers(query.where)]
    everywhere = [n.this for e in query.expressions() for n in _numbers(e)]
    once = all(inside.count(s) == everywhere.count(s) == 1 for s in stand_ins)
    written = any(s in piece for s in stand_ins for piece in pieces)
    return Pattern(known, stand_ins) if once and not written else None


def _numbers(expression: exp.Expr) -> list[exp.Literal]:
    return [node for node in expression.find_all(exp.Literal) if not node.is_string]
