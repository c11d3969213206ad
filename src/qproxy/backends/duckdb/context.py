"""What an expression may refer to while it is translated: the tables in scope and the grouping."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from qproxy.backends.duckdb.registry import quote
from qproxy.backends.duckdb.typed import Typed
from qproxy.backends.duckdb.types import MType
from qproxy.errors import SQLError


@dataclass(frozen=True)
class Source:
    """A table or derived table of a FROM clause.

    Attributes:
        chunked: whether it is a placeholder for chunk tables, which have the hidden column of chunks.
    """

    alias: str
    columns: Mapping[str, MType]
    chunked: bool = False

    def find(self, name: str) -> tuple[str, MType] | None:
        """The column of that name, whatever its case."""
        kind = self.columns.get(name)
        if kind is not None:
            return name, kind
        wanted = name.lower()
        return next(((n, k) for n, k in self.columns.items() if n.lower() == wanted), None)


@dataclass(frozen=True)
class Context:
    """Where an expression stands.

    Attributes:
        sources: of the statement's FROM clause.
        outer: the context of the statement around a subquery.
        grouped: whether rows are grouped, so that a bare column means a value of the group's first row.
        keys: grouping expressions and what stands for them, while rows are grouped.
        over: the window of the aggregate that is being translated, from OVER on; empty for groups.
        subquery: translates a nested statement: its SQL and the columns that it gives.
    """

    sources: Sequence[Source]
    subquery: Callable[[exp.Expr, Context], tuple[str, list[tuple[str, MType]]]] = field(repr=False)
    outer: Context | None = None
    grouped: bool = False
    keys: Sequence[tuple[exp.Expr, Typed]] = ()
    over: str = ""

    def inside_aggregate(self) -> Context:
        """The place of an aggregate's argument: columns are those of single rows, or of groups in a window."""
        if self.over:
            return replace(self, over="")
        return replace(self, grouped=False, keys=())

    def column(self, name: str, table: str | None) -> Typed:
        """A column by its name.

        Raises:
            SQLError: 1054 where there is none, 1052 where there are several.
        """
        found = [
            (source.alias, hit)
            for source in self.sources
            if (table is None or source.alias == table) and (hit := source.find(name))
        ]
        if len(found) > 1:
            raise SQLError(1052, f"Column '{name}' in SELECT is ambiguous")
        if found:
            alias, (real, kind) = found[0]
            sql = f"{quote(alias)}.{quote(real)}"
            return Typed(f"first({sql})" if self.grouped else sql, kind)
        if self.outer is not None:
            return self.outer.column(name, table)
        raise SQLError(1054, f"Unknown column '{f'{table}.{name}' if table else name}' in 'SELECT'")
