"""Where a query is drawn: what it may name, and how deep queries may still nest."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.fuzz.draws import Written
from tests.fuzz.query import Query
from tests.fuzz.tables import Schema, Table


@dataclass(frozen=True)
class Scene:
    """Where a query is drawn.

    Attributes:
        features: names of what was drawn, filled while drawing.
        numbers: for names that shall be new.
        derived: draws a query whose columns have names, and says what it gives.
        depth: levels that queries may still nest.
        outer: columns of the queries around.
        tables: common table expressions that may be named.
    """

    rng: random.Random
    schema: Schema
    features: set[str]
    numbers: Iterator[int]
    derived: Callable[[Scene], tuple[Query, Table]]
    depth: int
    outer: tuple[Written, ...] = ()
    tables: tuple[Table, ...] = ()

    def chance(self, share: float) -> bool:
        """True in the given share of cases."""
        return self.rng.random() < share

    def note(self, *features: str) -> None:
        """Remember what was drawn."""
        self.features.update(features)

    def within(self, outer: tuple[Written, ...] = ()) -> Scene:
        """One level deeper."""
        return replace(self, depth=self.depth - 1, outer=outer)

    def new(self, start: str) -> str:
        """A name that is not taken yet."""
        return f"{start}{next(self.numbers)}"
