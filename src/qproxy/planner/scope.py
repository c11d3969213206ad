"""Names: what a reference means among the tables that a query sees, and in the queries around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from qproxy.catalog.model import Column
from qproxy.errors import SQLError
from qproxy.planner.dialect import DIALECT
from qproxy.planner.marks import MARK
from qproxy.planner.query import Join, Source

FIELD_LIST = "SELECT"
WHERE = "WHERE"
ON = "ON"
GROUP = "GROUP BY"
HAVING = "HAVING"
ORDER = "ORDER BY"

#: Behind a name, tells columns of a result apart that are called the same.
_TWIN = re.compile("§[0-9]+§$")

#: Of a source: all columns, or one where USING took others away. Tables may have hundreds of columns.
Seen = Source | tuple[Source, Column]
Resolver = Callable[[exp.Column], exp.Expr]


@dataclass
class Scope:
    """The tables that a query sees.

    Attributes:
        visible: what plain names and stars mean, in the order of the columns: a column of USING is there once.
        around: what a name means in the query around this one; None where there is none.
        outer: what this query takes from around it, by the word that stands for it inside.
    """

    numbers: Callable[[], int]
    around: Resolver | None = None
    sources: list[Source] = field(default_factory=list)
    from_: str | Join | None = None
    visible: list[Seen] = field(default_factory=list)
    outer: dict[str, exp.Expr] = field(default_factory=dict)

    @property
    def columns(self) -> list[tuple[Source, Column]]:
        """All columns that plain names and stars mean."""
        return columns_of(*self.visible)

    def resolve(self, column: exp.Column, clause: str) -> exp.Expr:
        """The column that a reference means; for one of a query around, the word that stands for it.

        Raises:
            SQLError: 1052, 1054.
        """
        found = self.find(column)
        if len(found) > 1:
            raise SQLError(1052, f"Column '{column.name}' in {clause} is ambiguous")
        if found:
            source, name = found[0]
            return source.column(name.name)
        return self.from_around(column, clause)

    def from_around(self, column: exp.Column, clause: str) -> exp.Expr:
        """The word for a column of a query around this one.

        Raises:
            SQLError: 1054 where there is none.
        """
        if self.around is None:
            raise unknown_column(column, clause)
        try:
            meant = self.around(column)
        except SQLError as error:
            if error.code == 1054:
                raise unknown_column(column, clause) from error
            raise
        for word, known in self.outer.items():
            if known == meant:
                return outer_reference(word)
        word = f"§o{self.numbers()}§"
        self.outer[word] = meant
        return outer_reference(word)

    def find(self, column: exp.Column) -> list[tuple[Source, Column]]:
        """All columns that a reference may mean."""
        if column.table:
            return [
                (s, c)
                for s in self.sources
                if visible_name(s.alias) == column.table
                and (not column.db or (s.database is not None and column.db == s.database.name))
                and (c := s.table.column(s.inside(column.name)))
            ]
        return [found for seen in self.visible for found in _named(seen, column.name.lower())]

    def bound(self, expression: exp.Expr, clause: str) -> exp.Expr:
        """A copy of an expression with every column resolved."""
        return map_columns(expression, lambda column: self.resolve(column, clause))


def outer_reference(word: str) -> exp.Anonymous:
    """What stands in a query for a column of the one around it."""
    return exp.Anonymous(this=MARK + word)


def map_columns(expression: exp.Expr, function: Resolver) -> exp.Expr:
    """A copy of an expression with every column reference replaced by what ``function`` makes of it."""
    if isinstance(expression, exp.Column):
        return function(expression)
    copy = expression.copy()
    for column in list(copy.find_all(exp.Column)):
        if isinstance(column.this, exp.Star):
            raise SQLError(1064, "You have an error in your SQL syntax near '*'")
        column.replace(function(column))
    return copy


def unknown_column(column: exp.Expr, clause: str) -> SQLError:
    """Error 1054 for a reference as the user wrote it."""
    written = column.sql(dialect=DIALECT).replace("`", "")
    return SQLError(1054, f"Unknown column '{written}' in '{clause}'")


def columns_of(*seen: Seen) -> list[tuple[Source, Column]]:
    """All columns, each with its source."""
    found: list[tuple[Source, Column]] = []
    for one in seen:
        found += [one] if isinstance(one, tuple) else [(one, c) for c in one.table.columns]
    return found


def _named(seen: Seen, name: str) -> list[tuple[Source, Column]]:
    """The columns that users call so, in lower case."""
    if isinstance(seen, tuple) or seen.names:
        return [(s, c) for s, c in columns_of(seen) if s.shown(c.name).lower() == name]
    column = seen.table.column(name)
    return [] if column is None else [(seen, column)]


def visible_name(column: str) -> str:
    """What users call a column of a result."""
    return _TWIN.sub("", column) if column.endswith("§") else column


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names for columns of a result, a mark behind those that a table could not have, or has already."""
    seen: set[str] = set()
    out = []
    for number, name in enumerate(names):
        # A column of a table has a name of at most 64 characters that does not end in a space.
        kept = name.lower() not in seen and 0 < len(name) <= 64 and name == name.rstrip()
        out.append(name if kept else f"{name[:40].rstrip()}§{number}§")
        seen.add(name.lower())
    return tuple(out)
