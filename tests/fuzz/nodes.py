"""Expressions as small trees, so that a query that differs can be cut down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Node:
    """One expression.

    Attributes:
        form: SQL with ``{}`` for each argument.
        exact: whether its value is the same however rows are put together; sums of DOUBLE values are not.
    """

    form: str
    args: tuple[Node, ...] = ()
    exact: bool = True

    def __str__(self) -> str:
        return self.form.format(*self.args)

    def smaller(self) -> Iterator[Node]:
        """Every expression with one step cut out of it, the smallest first."""
        yield from self.args
        for at, argument in enumerate(self.args):
            for less in argument.smaller():
                yield replace(self, args=(*self.args[:at], less, *self.args[at + 1 :]))


def node(form: str, *args: Node, exact: bool | None = None) -> Node:
    """An expression; exact where all of its arguments are, unless said otherwise."""
    return Node(form, args, all(a.exact for a in args) if exact is None else exact)
