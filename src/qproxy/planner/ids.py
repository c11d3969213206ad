"""Conditions on director ids: which ids, or which range of them, the rows of a table can have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlglot import exp

from qproxy.catalog.model import Column, TableKind
from qproxy.planner.bounds import EXACT, bare, comparisons, integral, whole
from qproxy.planner.lists import members
from qproxy.planner.plan import IdRange, Lookup
from qproxy.planner.query import Query
from qproxy.planner.ties import director_key, match_side, source_of

#: Ids of a range no longer than this are looked up one by one, together with others.
_SHORT_RANGE = 1_000
#: With more ids known at run time than this, every chunk is read.
MAX_LATER_IDS = 100_000
_INTEGERS = frozenset(("tinyint", "smallint", "mediumint", "int", "integer", "bigint"))

#: The key of a value that is known only when the query runs, or None for any other expression.
KeyOf = Callable[[exp.Expr], str | None]


@dataclass(frozen=True)
class Later:
    """Rows whose director ids are known only when the query runs.

    Attributes:
        key: what the planner calls the value.
        director, child: as in `Lookup`.
        integer: whether the ids are integers.
    """

    key: str
    director: tuple[str, str]
    child: tuple[str, str] | None
    integer: bool

    def lookup(self, ids: Iterable[object]) -> Lookup | None:
        """The look-up of the ids, once they are known.

        Args:
            ids: values of Python; None stands for NULL, which equals nothing.

        Returns:
            None where the ids are of another type than the index holds, or too many to be asked for.
        """
        wanted = int if self.integer else str
        found = {i for i in ids if i is not None}
        if len(found) > MAX_LATER_IDS or any(type(i) is not wanted for i in found):
            return None
        return Lookup(self.director, frozenset(found), self.child)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Ids:
    """Ids that one column of one table can have.

    Attributes:
        target: director and child, as in `Lookup`.
        listed: the ids, None where a range alone bounds them.
        span: None for no bounds.
    """

    target: tuple[tuple[str, str], tuple[str, str] | None]
    listed: frozenset[int | str] | None
    span: IdRange | None = None

    def __and__(self, other: Ids) -> Ids:
        span = _common(self.span, other.span)
        if self.listed is None or other.listed is None:
            listed = self.listed if other.listed is None else other.listed
        else:
            listed = self.listed & other.listed
        if listed is not None and span is not None:
            listed = frozenset(i for i in listed if isinstance(i, int) and span.holds(i))
            span = None
        return Ids(self.target, listed, span)

    @property
    def lookup(self) -> Lookup | None:
        """The question to the director index; None where no id is left."""
        director, child = self.target
        if self.listed is not None:
            # They are of one type: that of the index.
            return Lookup(director, self.listed, child) if self.listed else None  # type: ignore[arg-type]
        span = self.span or IdRange(None, None)
        if span.empty:
            return None
        if span.low is not None and span.high is not None and span.high - span.low < _SHORT_RANGE:
            return Lookup(director, frozenset(range(span.low, span.high + 1)), child)
        return Lookup(director, span, child)


@dataclass(frozen=True)
class Found:
    """What a condition says of the ids of a table.

    Attributes:
        column: (alias, column): conditions on the same one may be intersected.
    """

    column: tuple[str, str]
    ids: Ids | Later


def ids_of(condition: exp.Expr, query: Query, later: KeyOf) -> Found | None:
    """The ids that rows can have for which a condition holds; None where it says nothing of them."""
    if isinstance(condition, exp.In):
        values = [condition.args["query"]] if condition.args.get("query") is not None else condition.expressions
        # Nothing equals NULL.
        return _told(bare(condition.this), [v for v in values if not isinstance(v, exp.Null)], query, later)
    if isinstance(condition, exp.NullSafeEQ):
        # A value that is known later may be NULL, which is the same as another NULL.
        later = _never
    for bounded in comparisons(condition):
        if bounded.low is bounded.high:
            assert bounded.low is not None
            found = _told(bounded.operand, [bounded.low], query, later)
        else:
            found = _within(bounded.operand, bounded.low, bounded.high, query)
        if found is not None:
            return found
    return None


def _never(expression: exp.Expr) -> None:
    return None


def _told(operand: exp.Expr, values: list[exp.Expr], query: Query, later: KeyOf) -> Found | None:
    index = _index_of(operand, query)
    if index is None:
        return None
    column, target, integer = index
    key = later(values[0]) if len(values) == 1 else None
    if key is not None:
        return Found(column, Later(key, *target, integer))
    listed = members(values[0]) if len(values) == 1 else None
    if listed is not None:
        alike = all(isinstance(value, int) is integer for value in listed)
        return Found(column, Ids(target, listed)) if alike else None
    if integer:
        known = _integers(values)
        return None if known is None else Found(column, Ids(target, frozenset(known)))
    if all(isinstance(v, exp.Literal) and v.is_string for v in values):
        return Found(column, Ids(target, frozenset(v.name for v in values)))
    return None


def _integers(values: list[exp.Expr]) -> list[int] | None:
    """What ids can be where they equal one of these constants; None where these are no integers.

    Where one of them is a real number, all are compared as such: then none may be beyond those that doubles hold.
    """
    numbers = [integral(v) for v in values]
    known = [n for n in numbers if n is not None]
    if len(known) < len(values):
        return None
    real = any(whole(v) is None for v in values)
    return None if real and any(abs(n) >= EXACT for n in known) else known


def _within(operand: exp.Expr, low: exp.Expr | None, high: exp.Expr | None, query: Query) -> Found | None:
    index = _index_of(operand, query)
    if index is None or not index[2]:
        return None
    ends = [None if end is None else integral(end) for end in (low, high)]
    if any(end is not None and value is None for end, value in zip((low, high), ends, strict=True)):
        return None
    column, target, _ = index
    return Found(column, Ids(target, None, IdRange(*ends)))


def _index_of(
    operand: exp.Expr, query: Query
) -> tuple[tuple[str, str], tuple[tuple[str, str], tuple[str, str] | None], bool] | None:
    """The column that an operand is, the look-up's target, and whether ids are integers; None for other operands."""
    source = source_of(operand, query)
    key = None if source is None else director_key(source, operand.name)
    if source is None or key is None:
        return None
    director = query.catalog.table(*key[0])
    column = source.table.column(operand.name)
    if director is None or director.index is None or column is None or not director.id:
        return None
    own = director.column(director.id)
    if own is None or not _same_ids(column, own, director.index.integer):
        return None
    if source.table.kind is TableKind.MATCH and key[1] != match_side(query, source):
        return None
    orphaned = source.table.kind is TableKind.CHILD and source.table.orphans
    if orphaned and not director.index.integer:
        # A text that no director can have as its id, as one with spaces behind it, may equal one that some have.
        return None
    assert source.database is not None
    child = (source.database.name, source.table.name) if orphaned else None
    return (source.alias, operand.name.lower()), (key[0], child), director.index.integer


def _same_ids(column: Column, director: Column, integer: bool) -> bool:
    """Whether a value of the column equals an id exactly where it is that id."""
    if column is director:
        return not integer or column.base_type in _INTEGERS
    if not integer:
        return column.base_type not in _INTEGERS
    unsigned = ["unsigned" in c.type.lower() for c in (column, director)]
    return column.base_type in _INTEGERS and director.base_type in _INTEGERS and unsigned[0] == unsigned[1]


def _common(one: IdRange | None, other: IdRange | None) -> IdRange | None:
    if one is None or other is None:
        return one or other
    lows = [b for b in (one.low, other.low) if b is not None]
    highs = [b for b in (one.high, other.high) if b is not None]
    return IdRange(max(lows, default=None), min(highs, default=None))
