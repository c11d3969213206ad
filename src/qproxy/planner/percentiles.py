"""scisql_median and scisql_percentile as SQL that a server without sciSQL runs.

Each row of the table gets the rank of its value among those of its group, by functions over windows; the values on both
sides of the wanted place are then aggregates: the largest, and only, value of that rank.

Source: sciSQL, ``percentile``: with the values A in ascending order, counted from 0, and h = p / 100 * (n - 1), k its
whole part and f the rest, the percentile is A[k] + f * (A[k + 1] - A[k]). NULLs do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from qproxy.errors import SQLError, unsupported
from qproxy.planner import render
from qproxy.planner.faithful import call_name
from qproxy.planner.marks import MARK
from qproxy.planner.query import Order
from qproxy.sky.functions import AGGREGATES, short_name

_MEDIAN = exp.Literal.number("50e0")


@dataclass(frozen=True)
class Ranked:
    """A SELECT over one table with percentiles as plain aggregates over `table`.

    Attributes:
        table: what stands in FROM: a derived table with the name and the columns of the one before, and ranks.
    """

    table: str
    items: tuple[exp.Expr, ...]
    having: exp.Expr | None
    orders: tuple[Order, ...]


def is_percentile(node: exp.Expr) -> bool:
    """Whether a call is one of scisql_median or scisql_percentile."""
    return isinstance(node, exp.Anonymous | exp.AnonymousAggFunc) and short_name(call_name(node)) in AGGREGATES


def has_percentile(*expressions: exp.Expr | None) -> bool:
    """Whether one of some expressions holds a percentile; None holds none."""
    return any(is_percentile(node) for e in expressions if e is not None for node in e.walk())


def check_percentiles(expressions: Iterable[exp.Expr], groups: Sequence[exp.Expr], *, rollup: bool = False) -> None:
    """Refuse percentiles that have no one value for a group.

    Args:
        expressions: of a query: select list, HAVING, ORDER BY.
        groups: the keys of GROUP BY.
        rollup: whether it is WITH ROLLUP, where keys differ within a group of groups.

    Raises:
        SQLError: 1582 for a wrong number of arguments, 1064 for DISTINCT and OVER, 1111 for aggregates inside, 1235 for
            a percentage that may differ within a group.
    """
    known = frozenset() if rollup else frozenset(render.sql(g) for g in groups)
    for call in (n for e in expressions for n in e.walk() if is_percentile(n)):
        _check(call, known)


def _check(call: exp.Expr, keys: frozenset[str]) -> None:
    name, count = _signature(call)
    if len(call.expressions) != count:
        raise SQLError(1582, f"Incorrect parameter count in the call to native function '{name}'")
    if isinstance(call.parent, exp.Window) and call.arg_key == "this":
        raise SQLError(1064, f"You have an error in your SQL syntax: {name} does not take OVER")
    for argument in call.expressions:
        if isinstance(argument, exp.Distinct | exp.Star):
            raise SQLError(1064, f"You have an error in your SQL syntax: {name} takes plain expressions")
        if any(isinstance(n, exp.AggFunc | exp.Window) or is_percentile(n) for n in argument.walk()):
            raise SQLError(1111, "Invalid use of group function")
    if not all(_fixed(percentage, keys) for percentage in call.expressions[1:]):
        raise unsupported(
            f"{name} with a percentage that is neither a constant nor made of the keys of GROUP BY: it must be the same"
            " for all rows of a group; write a number"
        )


def with_percentiles(
    table: str,
    items: Sequence[exp.Expr],
    groups: Sequence[exp.Expr] | None,
    having: exp.Expr | None,
    orders: Sequence[Order],
    *,
    rollup: bool = False,
) -> Ranked:
    """The same SELECT without scisql_median and scisql_percentile; `check_percentiles` has nothing against it.

    Args:
        table: the name of the table in FROM, in quotes; the other arguments mean its columns.
            Columns ``value0``, ``rank0``, ``count0`` and so on, and ``size0``, must not be among them.
        groups: the keys of GROUP BY, which stay as they are.
        rollup: whether WITH ROLLUP follows them.
    """
    ranking = _Ranking(tuple(groups or ()), rollup)
    new_items = tuple(ranking.replaced(e) for e in items)
    new_having = None if having is None else ranking.replaced(having)
    new_orders = tuple(Order(ranking.replaced(o.expression), o.descending) for o in orders)
    return Ranked(ranking.table(table), new_items, new_having, new_orders)


def stand_in(expression: exp.Expr) -> exp.Expr:
    """The expression with another aggregate of type DOUBLE for every percentile: its column has the same definition."""
    holder = exp.Paren(this=expression.copy())
    for call in [n for n in holder.walk() if is_percentile(n)]:
        call.replace(exp.Max(this=_as_double(call.expressions[0])))
    found: exp.Expr = holder.this
    return found.pop()


@dataclass
class _Ranking:
    """The columns that rank the rows, collected while calls are replaced."""

    groups: tuple[exp.Expr, ...]
    rollup: bool
    values: list[str] = field(default_factory=list)

    def replaced(self, expression: exp.Expr) -> exp.Expr:
        holder = exp.Paren(this=expression.copy())
        for call in [n for n in holder.walk() if is_percentile(n)]:
            call.replace(self._percentile(call))
        found: exp.Expr = holder.this
        return found.pop()

    def _percentile(self, call: exp.Expr) -> exp.Expr:
        value, *rest = call.expressions
        percentage = _as_double(rest[0]) if rest else _MEDIAN.copy()
        text = render.sql(_as_double(value))
        if text not in self.values:
            self.values.append(text)
        number = self.values.index(text)
        if not self.rollup:
            return _interpolated(number, f"{number}", percentage)
        # Of a group of groups, the ranks of its own level count. Levels of equal size hold the same rows.
        rows = exp.Count(this=exp.Star())
        return exp.Case(
            ifs=[
                exp.If(
                    this=exp.EQ(this=rows.copy(), expression=exp.Max(this=_column(f"size{level}"))),
                    true=_interpolated(number, f"{number}_{level}", percentage.copy()),
                )
                for level in range(len(self.groups) + 1)
            ]
        )

    def table(self, table: str) -> str:
        """The derived table with all ranks."""
        values = [f"{text} AS `value{n}`" for n, text in enumerate(self.values)]
        ranks = []
        levels = range(len(self.groups) + 1) if self.rollup else (len(self.groups),)
        for level in levels:
            keys = ", ".join(render.sql(g) for g in self.groups[:level])
            parts = f"PARTITION BY {keys}" if keys else ""
            if self.rollup:
                ranks.append(f"COUNT(*) OVER ({parts}) AS `size{level}`")
            for n in range(len(self.values)):
                suffix = f"{n}_{level}" if self.rollup else f"{n}"
                order = f"{parts} ORDER BY `value{n}` IS NULL, `value{n}`".strip()
                ranks.append(f"ROW_NUMBER() OVER ({order}) AS `rank{suffix}`")
                ranks.append(f"COUNT(`value{n}`) OVER ({parts}) AS `count{suffix}`")
        # It keeps its name: columns may be called by it.
        valued = f"(SELECT *, {', '.join(values)} FROM {table}) AS {table}"
        return f"(SELECT *, {', '.join(ranks)} FROM {valued}) AS {table}"


def _interpolated(value: int, suffix: str, percentage: exp.Expr) -> exp.Expr:
    """The percentile as aggregates of the ranked rows of a group."""
    last = exp.Paren(this=exp.Sub(this=_column(f"count{suffix}"), expression=exp.Literal.number(1)))
    place = exp.Div(this=exp.Mul(this=exp.Paren(this=percentage), expression=last), expression=exp.Literal.number(100))
    floor = exp.Anonymous(this="FLOOR", expressions=[place])
    ceiling = exp.Anonymous(this="CEILING", expressions=[place.copy()])
    below, above = _at_rank(value, suffix, floor), _at_rank(value, suffix, ceiling)
    rest = exp.Max(this=exp.Sub(this=place.copy(), expression=floor.copy()))
    step = exp.Mul(this=rest, expression=exp.Paren(this=exp.Sub(this=above, expression=below.copy())))
    found: exp.Expr = exp.Add(this=below, expression=step)
    if not isinstance(percentage, exp.Literal):
        allowed = exp.Between(
            this=exp.Max(this=percentage.copy()), low=exp.Literal.number(0), high=exp.Literal.number(100)
        )
        return exp.Case(ifs=[exp.If(this=allowed, true=found)])
    return exp.Paren(this=found)


def _at_rank(value: int, suffix: str, place: exp.Expr) -> exp.Expr:
    there = exp.EQ(
        this=_column(f"rank{suffix}"),
        expression=exp.Add(this=place.copy(), expression=exp.Literal.number(1)),
    )
    return exp.Max(this=exp.Case(ifs=[exp.If(this=there, true=_column(f"value{value}"))]))


def _fixed(expression: exp.Expr, keys: frozenset[str]) -> bool:
    """Whether an expression is made of constants and of keys of groups."""
    if render.sql(expression) in keys:
        return True
    if isinstance(expression, exp.Column | exp.Subquery | exp.Rand):
        return False
    if isinstance(expression, exp.Anonymous) and call_name(expression).upper() == "RAND":
        return False
    return all(_fixed(child, keys) for child in expression.iter_expressions())


def _signature(call: exp.Expr) -> tuple[str, int]:
    """Name of a percentile's call and how many arguments it takes."""
    short = short_name(str(call.this).split(MARK, 1)[0]) or ""
    return f"scisql_{short}", AGGREGATES[short]


def _as_double(value: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.Add(this=exp.Paren(this=value.copy()), expression=exp.Literal.number("0e0")))


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)
