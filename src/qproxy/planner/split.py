"""Pass 8, split: one query becomes a statement for each chunk and, where needed, a statement that merges.

Aggregates are taken twice: in the worker over each chunk and across its chunks, then on the engine across workers.
COUNT is merged by SUM, AVG by a SUM and a COUNT, MIN and MAX by themselves. What has no such rule is gathered:
the columns that it needs travel, and the query itself runs over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from qproxy.planner import render
from qproxy.planner.floats import base_type, is_float
from qproxy.planner.plan import SCRATCH, Final, Relay
from qproxy.planner.query import Order, Query

PARTS = "parts"


@dataclass(frozen=True)
class Split:
    """The statements of a plan: see `qproxy.planner.plan.Plan`."""

    partial: str
    combined: str | None
    merge: Relay | Final


def whole(query: Query) -> Split:
    """The query itself, for coverages of one chunk: there is nothing to merge."""
    return Split(_statement(query, query.items), None, Relay())


def split(query: Query) -> Split:
    """The statements for a coverage of several chunks."""
    aggregated = query.groups is not None or _has_aggregate(query)
    windowed = any(e.find(exp.Window) for e in (*query.items, *(o.expression for o in query.orders)))
    if windowed or (aggregated and (query.rollup or not _mergeable(query))):
        return _gathered(query)
    if aggregated:
        return _aggregated(query)
    if query.distinct and any(_key(o.expression) not in {_key(i) for i in query.items} for o in query.orders):
        return _gathered(query)
    if query.distinct or query.orders:
        return _sorted(query)
    limit = None if query.limit is None else query.limit + query.offset
    return Split(_statement(query, query.items, limit=limit, offset=0), None, Relay(query.limit, query.offset))


def _key(expression: exp.Expr) -> str:
    return render.sql(expression)


def _has_aggregate(query: Query) -> bool:
    expressions = [*query.items, *(o.expression for o in query.orders)]
    if query.having is not None:
        expressions.append(query.having)
    return any(e.find(exp.AggFunc) for e in expressions)


def _mergeable(query: Query) -> bool:
    expressions = [*query.items, *(o.expression for o in query.orders)]
    if query.having is not None:
        expressions.append(query.having)
    for expression in expressions:
        for call in expression.find_all(exp.AggFunc):
            if not isinstance(call, exp.Count | exp.Sum | exp.Avg | exp.Min | exp.Max):
                return False
            distinct = isinstance(call.this, exp.Distinct)
            if (distinct and not isinstance(call, exp.Min | exp.Max)) or call.expressions:
                return False
    return True


def _statement(query: Query, items: Sequence[exp.Expr], limit: int | None = None, offset: int | None = None) -> str:
    """The query with other items, rows and all; limit and offset as in the query where not given."""
    return render.select(
        [render.sql(e) for e in items],
        distinct=query.distinct,
        from_=render.from_clause(query.from_),
        where=query.where,
        groups=query.groups,
        rollup=query.rollup,
        having=query.having,
        orders=query.orders,
        limit=query.limit if offset is None else limit,
        offset=query.offset if offset is None else offset,
    )


@dataclass
class _Partials:
    """Columns that travel from the chunks to the merge.

    A FLOAT travels as DOUBLE: its text has but six digits, that of a DOUBLE is exact.
    """

    query: Query
    expressions: list[exp.Expr] = field(default_factory=list)
    combines: list[type[exp.AggFunc] | None] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)

    def add(self, expression: exp.Expr, combine: type[exp.AggFunc] | None = None) -> exp.Column:
        """A reference, for the merge statement, to a value of the chunks."""
        key = f"{combine}{_key(expression)}"
        if key not in self._known:
            self._known[key] = len(self.expressions)
            self.expressions.append(expression)
            self.combines.append(combine)
        return self.reference(self._known[key])

    @staticmethod
    def reference(number: int) -> exp.Column:
        """The column of that number."""
        return exp.column(f"p{number}", quoted=True)

    def travelling(self) -> list[str]:
        """Rendered items of the chunks' statement."""
        return [
            f"{_as_double(e) if is_float(e, self.query) else render.sql(e)} AS `p{i}`"
            for i, e in enumerate(self.expressions)
        ]

    def typed(self) -> list[str]:
        """Rendered items whose types the scratch table has."""
        return [f"{render.sql(e)} AS `p{i}`" for i, e in enumerate(self.expressions)]

    def references(self) -> list[exp.Column]:
        """All columns, in order."""
        return [self.reference(i) for i in range(len(self.expressions))]


def _as_double(expression: exp.Expr) -> str:
    return f"({render.sql(expression)} + 0e0)"


def _as_number(extreme: exp.Expr, query: Query) -> exp.Expr:
    """MIN or MAX of a BIT column as a number: MariaDB sends it as digits, though it calls the column BIT."""
    if isinstance(extreme.this, exp.Column) and base_type(extreme.this, query) == "bit":
        return type(extreme)(this=exp.Add(this=extreme.this.copy(), expression=exp.Literal.number(0)))
    return extreme


def _count_of(column: exp.Column) -> exp.Expr:
    total = exp.Coalesce(this=exp.Sum(this=column), expressions=[exp.Literal.number(0)])
    return exp.Cast(this=total, to=exp.DataType(this=exp.DataType.Type.BIGINT))


def _aggregated(query: Query) -> Split:
    partials = _Partials(query)
    keys = {_key(g): partials.add(g) for g in query.groups or ()}
    grouped = len(partials.expressions)

    def merged(node: exp.Expr) -> exp.Expr:
        found = keys.get(_key(node))
        if found is not None:
            return found.copy()
        if isinstance(node, exp.Count):
            return _count_of(partials.add(node, exp.Sum))
        if isinstance(node, exp.Sum):
            return exp.Sum(this=partials.add(node, exp.Sum))
        if isinstance(node, exp.Avg):
            total = exp.Sum(this=partials.add(exp.Sum(this=node.this.copy()), exp.Sum))
            count = exp.Sum(this=partials.add(exp.Count(this=node.this.copy()), exp.Sum))
            return exp.Paren(this=exp.Div(this=total, expression=count))
        if isinstance(node, exp.Min | exp.Max):
            return type(node)(this=partials.add(_as_number(node, query), type(node)))
        if isinstance(node, exp.Column):
            return partials.add(node)
        copy = node.copy()
        for child in list(copy.iter_expressions()):
            child.replace(merged(child))
        return copy

    items = [merged(e) for e in query.items]
    having = None if query.having is None else merged(query.having)
    orders = [Order(merged(o.expression), o.descending) for o in query.orders]
    references = partials.references()
    key_columns = references[:grouped]
    # Without groups a chunk without rows would give a row of NULLs, from which a bare column could be taken.
    filled = None if query.groups else exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(0))
    from_ = render.from_clause(query.from_)
    chunk = {"from_": from_, "where": query.where, "groups": query.groups, "having": filled}
    partial = render.select(partials.travelling(), **chunk)  # type: ignore[arg-type]
    combine = [
        f"{render.sql(c if f is None else f(this=c))} AS `p{i}`"
        for i, (c, f) in enumerate(zip(references, partials.combines, strict=True))
    ]
    combined = render.select(combine, from_=f"FROM ({partial}) AS `{PARTS}`", groups=key_columns, having=filled)
    statement = render.select(
        [render.sql(e) for e in items],
        distinct=query.distinct,
        from_=f"FROM `{SCRATCH}`",
        groups=key_columns,
        having=having,
        orders=orders,
        limit=query.limit,
        offset=query.offset,
    )
    columns = render.select(partials.typed(), **chunk)  # type: ignore[arg-type]
    return Split(partial, combined, Final(columns, statement))


def _sorted(query: Query) -> Split:
    """DISTINCT and ORDER BY of rows; with LIMIT every chunk gives but its first rows."""
    partials = _Partials(query)
    items = [partials.add(e) for e in query.items]
    orders = [Order(partials.add(o.expression), o.descending) for o in query.orders]
    limit = None if query.limit is None else query.limit + query.offset
    from_ = render.from_clause(query.from_)
    chunk = {"distinct": query.distinct, "from_": from_, "where": query.where}
    first = {"orders": query.orders, "limit": limit} if limit is not None else {}
    partial = render.select(partials.travelling(), **chunk, **first)  # type: ignore[arg-type]
    combined = None
    if query.distinct or limit is not None:
        combined = render.select(
            [render.sql(c) for c in partials.references()],
            distinct=query.distinct,
            from_=f"FROM ({partial}) AS `{PARTS}`",
            orders=orders if limit is not None else (),
            limit=limit,
        )
    statement = render.select(
        [render.sql(e) for e in items],
        distinct=query.distinct,
        from_=f"FROM `{SCRATCH}`",
        orders=orders,
        limit=query.limit,
        offset=query.offset,
    )
    columns = render.select(partials.typed(), **chunk)  # type: ignore[arg-type]
    return Split(partial, combined, Final(columns, statement))


def _gathered(query: Query) -> Split:
    """The columns that the query needs travel; the query runs over them."""
    partials = _Partials(query)

    def gathered(expression: exp.Expr) -> exp.Expr:
        copy = expression.copy()
        if isinstance(copy, exp.Column):
            return partials.add(copy)
        for column in list(copy.find_all(exp.Column)):
            column.replace(partials.add(column.copy()))
        return copy

    items = [gathered(e) for e in query.items]
    groups = None if query.groups is None else [gathered(g) for g in query.groups]
    having = None if query.having is None else gathered(query.having)
    orders = [Order(gathered(o.expression), o.descending) for o in query.orders]
    if not partials.expressions:
        partials.add(exp.Literal.number(1))
    chunk = {"from_": render.from_clause(query.from_), "where": query.where}
    statement = render.select(
        [render.sql(e) for e in items],
        distinct=query.distinct,
        from_=f"FROM `{SCRATCH}`",
        groups=groups,
        rollup=query.rollup,
        having=having,
        orders=orders,
        limit=query.limit,
        offset=query.offset,
    )
    partial = render.select(partials.travelling(), **chunk)  # type: ignore[arg-type]
    columns = render.select(partials.typed(), **chunk)  # type: ignore[arg-type]
    return Split(partial, None, Final(columns, statement, bounded=False))
