"""Expressions as small trees, so that a query that differs can be cut down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol


class Part(Protocol):
    """What can stand in a query and be cut down: an expression, or a query within."""

    def sql(self, oracle: bool = False) -> str:
        """As the proxy is asked, or as the plain server is."""
        ...

    def smaller(self) -> Iterator[Part]:
        """The same with one step cut out of it."""
        ...


@dataclass(frozen=True)
class Node:
    """One expression.

    Attributes:
        form: SQL with ``{}`` for each argument.
        exact: whether its value is the same however rows are put together; sums of some DOUBLE values are not.
        kind: of its value, as in `tests.fuzz.tables.Column`.
        plain: the form for the plain server, where it is another one.
    """

    form: str
    args: tuple[Part, ...] = ()
    exact: bool = True
    kind: str = field(default="", compare=False)
    plain: str = ""

    def sql(self, oracle: bool = False) -> str:
        """As the proxy is asked, or as the plain server is."""
        form = self.plain if oracle and self.plain else self.form
        return form.format(*(a.sql(oracle) for a in self.args))

    def __str__(self) -> str:
        return self.sql()

    def smaller(self) -> Iterator[Node]:
        """Every expression with one step cut out of it, the smallest first."""
        yield from (a for a in self.args if isinstance(a, Node))
        for at, argument in enumerate(self.args):
            for less in argument.smaller():
                yield replace(self, args=(*self.args[:at], less, *self.args[at + 1 :]))


def node(form: str, *args: Part, exact: bool | None = None, kind: str = "") -> Node:
    """An expression; exact where all of its arguments are, unless said otherwise."""
    if exact is None:
        exact = all(a.exact for a in args if isinstance(a, Node))
    return Node(form, args, exact, kind)
