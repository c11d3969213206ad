"""What all draws of expressions share: random choices among columns and literals."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from tests.fuzz.nodes import Node
from tests.fuzz.tables import Column

#: A column as the query writes it, and what it holds.
Written = tuple[str, Column]

#: User variables that every connection sets before it asks: name, literal, kind.
VARIABLES = (
    ("@n", "3", "int"),
    ("@d", "1.50", "dec"),
    ("@r", "2.5e0", "dbl"),
    ("@s", "'vega'", "text"),
    ("@nothing", "NULL", "int"),
)

_WHEN = frozenset(("date", "time", "clock"))
_NUMERIC = frozenset(("int", "big", "dbl", "float", "dec", "year", "bool"))

_FLOATING = frozenset(("dbl", "float"))

UNITS = ("DAY", "MONTH", "HOUR", "YEAR", "MINUTE", "WEEK", "SECOND")


class Draws(ABC):
    """Draws expressions by the kind of their values.

    Args:
        columns: that may be named.
    """

    def __init__(self, rng: random.Random, columns: Sequence[Written]) -> None:
        self.rng = rng
        self.columns = columns

    @abstractmethod
    def of(self, kind: str, depth: int) -> Node:
        """An expression that gives a value of a kind: int, dec, dbl, text, date, time, clock, bool."""

    def column(self, *kinds: str) -> Node:
        """A column of one of the kinds; one that can stand in for it, or a constant, where there is none."""
        fitting = [(written, column) for written, column in self.columns if not kinds or column.kind in kinds]
        if not fitting and not _WHEN.intersection(kinds):
            numeric = _NUMERIC.intersection(kinds)
            fitting = [(w, c) for w, c in self.columns if not numeric or c.kind in _NUMERIC]
        if not fitting:
            return (
                Node("TIMESTAMP'2011-11-11 10:00:00'", kind="time")
                if _WHEN.intersection(kinds)
                else Node("1", kind="int")
            )
        written, column = self.rng.choice(fitting)
        # What stands in for an exact number may be none: sums of it are not exact.
        exact = not kinds or column.kind in kinds or column.kind not in _FLOATING
        return Node(written, exact=exact, kind=column.kind)

    def chance(self, share: float) -> bool:
        """True in the given share of cases."""
        return self.rng.random() < share

    def one(self, *choices: Callable[[], Node]) -> Node:
        """One of several draws."""
        return self.rng.choice(choices)()

    def pick(self, *values: str) -> Node:
        """One of several literals."""
        return Node(self.rng.choice(values))

    def form(self, *forms: str) -> str:
        """One of several forms."""
        return self.rng.choice(forms)
