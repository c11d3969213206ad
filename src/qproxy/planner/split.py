"""Pass 9, split: one query becomes a statement for each chunk and, where needed, a statement that merges.

Aggregates are taken twice: in the worker over each chunk and across its chunks, then on the engine across workers.
COUNT is merged by SUM, AVG by a SUM and a COUNT, MIN and MAX by themselves. What has no such rule is gathered:
the columns that it needs travel, and the query itself runs over them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from qproxy.errors import unsupported
from qproxy.planner import render
from qproxy.planner.chunkwise import chunkwise
from qproxy.planner.faithful import call_name
from qproxy.planner.marks import MARK
from qproxy.planner.mergeable import mergeable
from qproxy.planner.order_keys import order_keys, passes_through
from qproxy.planner.percentiles import has_percentile, with_percentiles
from qproxy.planner.plan import SCRATCH, Final, Ordered, Relay, carriers
from qproxy.planner.query import Order, Query
from qproxy.planner.result_types import base_type, is_float

PARTS = "parts"

#: What stands for a chunk table in a statement.
_CHUNK = re.compile("§[0-9]+§")


@dataclass(frozen=True)
class Split:
    """The statements of a plan: see `qproxy.planner.plan.Plan`."""

    partial: str
    combined: str | None
    merge: Relay | Ordered | Final


def whole(query: Query) -> Split:
    """The query itself, for coverages of one chunk: there is nothing to merge."""
    if not query.simple and has_percentile(*query.judged):
        return _gathered(query)
    if query.distinct and query.offset and query.limit:
        # Of DISTINCT values that it knows to be constant, MariaDB gives one whatever OFFSET says (10.11).
        first = replace(query, limit=_first_rows(query), offset=0)
        return Split(render.limited(first, first.items), None, Relay(query.limit, query.offset))
    return Split(render.limited(query, query.items), None, Relay())


def travelling(query: Query) -> Query:
    """A query whose rows lose nothing as text: FLOATs as DOUBLE, BIT columns as their bytes.

    Raises:
        SQLError: 1235 where HAVING compares such a column row by row.
    """
    items = tuple(_unchanged(e, query) for e in query.items)
    if items == query.items:
        return query
    if query.having is not None and query.groups is None and not _has_aggregate(query):
        raise unsupported(
            "HAVING without GROUP BY on FLOAT or BIT columns in a query that is read before the one around it, as they "
            "travel as other types; write WHERE"
        )
    return replace(query, items=items)


def _unchanged(expression: exp.Expr, query: Query) -> exp.Expr:
    if is_float(expression, query):
        return exp.Paren(this=exp.Add(this=expression.copy(), expression=exp.Literal.number("0e0")))
    if isinstance(expression, exp.Column) and base_type(expression, query) == "bit":
        return exp.Anonymous(this="CONCAT", expressions=[expression.copy()])
    return expression


def split(query: Query, in_order: bool = True) -> Split:
    """The statements for a coverage of several chunks.

    Args:
        in_order: whether the proxy may put rows in order; else an engine does.
    """
    aggregated = query.groups is not None or _has_aggregate(query)
    windowed = any(e.find(exp.Window) for e in (*query.items, *(o.expression for o in query.orders)))
    if (windowed or aggregated) and _by_chunk(query):
        return (_ordered(query) if in_order else None) or (_sorted(query) if query.orders else _relayed(query))
    if windowed or (aggregated and (query.rollup or not mergeable(query))):
        return _gathered(query)
    if aggregated:
        return _aggregated(query)
    if query.distinct and any(_key(o.expression) not in {_key(i) for i in query.items} for o in query.orders):
        return _gathered(query)
    if query.having is not None and (query.distinct or query.orders):
        return _gathered(query)
    if query.distinct or query.orders:
        return (_ordered(query) if in_order and not query.distinct else None) or _sorted(query)
    return _relayed(query)


def _by_chunk(query: Query) -> bool:
    """Whether groups and windows lie in single chunks, as where they are those of a director's id: nothing to merge."""
    return not query.distinct and chunkwise(replace(query, limit=None, offset=0))


def _relayed(query: Query) -> Split:
    """Rows of chunks put one behind the other."""
    return Split(render.first(query, query.items, _first_rows(query)), None, Relay(query.limit, query.offset))


def _first_rows(query: Query) -> int | None:
    """How many rows of a chunk are of use at most; None for all."""
    return query.limit + query.offset if query.limit else query.limit


def _reads_chunks(node: exp.Expr) -> bool:
    """Whether it is a subquery that is answered chunk by chunk: it cannot stand in a statement that merges."""
    return isinstance(node, exp.Anonymous) and call_name(node) == "" and _CHUNK.search(str(node.this)) is not None


def _of_groups(having: exp.Expr) -> exp.Expr:
    """HAVING with its subqueries that are answered chunk by chunk as aggregates: it sees no other values of rows."""
    copy = having.copy()
    for call in [c for c in copy.find_all(exp.Anonymous) if _reads_chunks(c)]:
        if call is copy:
            return exp.Min(this=call)
        if call.find_ancestor(exp.AggFunc) is None:
            call.replace(exp.Min(this=call.copy()))
    return copy


def _key(expression: exp.Expr) -> str:
    return render.sql(expression)


def _has_aggregate(query: Query) -> bool:
    expressions = [*query.items, *(o.expression for o in query.orders)]
    if query.having is not None:
        expressions.append(query.having)
    return any(e.find(exp.AggFunc) for e in expressions)


@dataclass
class _Partials:
    """Columns that travel from the chunks to the merge.

    A FLOAT travels as DOUBLE: its text has but six digits, that of a DOUBLE is exact. A BIT column travels as its
    bytes: behind DISTINCT or a sort MariaDB would send it as digits.
    """

    query: Query
    expressions: list[exp.Expr] = field(default_factory=list)
    combines: list[type[exp.AggFunc] | None] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)

    def add(self, expression: exp.Expr, combine: type[exp.AggFunc] | None = None) -> exp.Column:
        """A reference, for the merge statement, to a value of the chunks."""
        text = _key(expression)
        key = f"{combine}{text}"
        if key not in self._known:
            self._known[key] = len(self.expressions)
            self.expressions.append(expression)
            self._texts.append(text)
            self.combines.append(combine)
        number = self._known[key]
        if any(s.outer for s in self.query.nested.values()):
            # Inside a subquery that takes it, a column of a table there may be called the same.
            return exp.column(f"p{number}", table=SCRATCH, quoted=True)
        return exp.column(f"p{number}", quoted=True)

    def travelling(self) -> list[str]:
        """Rendered items of the chunks' statement."""
        changed = [_unchanged(e, self.query) for e in self.expressions]
        texts = [
            text if new is old else render.sql(new)
            for text, new, old in zip(self._texts, changed, self.expressions, strict=True)
        ]
        return [f"{text} AS `p{i}`" for i, text in enumerate(texts)]

    def typed(self) -> list[str]:
        """Rendered items whose types the scratch table has."""
        return [f"{text} AS `p{i}`" for i, text in enumerate(self._texts)]

    def references(self) -> list[exp.Column]:
        """All columns, in order."""
        return [exp.column(f"p{i}", quoted=True) for i in range(len(self.expressions))]


def _as_number(extreme: exp.Expr, query: Query) -> exp.Expr:
    """MIN or MAX of a BIT column as a number: MariaDB sends it as digits, though it calls the column BIT."""
    if isinstance(extreme.this, exp.Column) and base_type(extreme.this, query) == "bit":
        return type(extreme)(this=exp.Add(this=extreme.this.copy(), expression=exp.Literal.number(0)))
    return extreme


def _count_of(column: exp.Column) -> exp.Expr:
    total = exp.Anonymous(this="COALESCE", expressions=[exp.Sum(this=column), exp.Literal.number(0)])
    return exp.Anonymous(this=MARK.join(("CAST", "", " AS SIGNED")), expressions=[total])


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
        if isinstance(node, exp.Column) or _reads_chunks(node):
            return partials.add(node)
        copy = node.copy()
        for child in list(copy.iter_expressions()):
            child.replace(merged(child))
        return copy

    items = [merged(e) for e in query.items]
    having = None if query.having is None else merged(_of_groups(query.having))
    orders = [Order(merged(o.expression), o.descending) for o in query.orders]
    references = partials.references()
    key_columns = references[:grouped]
    # Without groups a chunk without rows would give a row of NULLs, from which a bare column could be taken.
    filled = None if query.groups else exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(0))
    from_ = render.from_clause(query)
    chunk = {"from_": from_, "where": render.condition(query), "groups": query.groups, "having": filled}
    partial = render.select(partials.travelling(), **chunk)  # type: ignore[arg-type]
    combine = [
        f"{render.sql(c if f is None else f(this=c))} AS `p{i}`"
        for i, (c, f) in enumerate(zip(references, partials.combines, strict=True))
    ]
    combined = render.select(combine, from_=f"FROM ({partial}) AS `{PARTS}`", groups=key_columns, having=filled)
    statement = _merging(query, items, key_columns, having, orders)
    columns = render.select(partials.typed(), **chunk)  # type: ignore[arg-type]
    return Split(partial, combined, Final(columns, statement, grouped=bool(query.groups)))


def _ordered(query: Query) -> Split | None:
    """ORDER BY keys that the proxy compares as MariaDB does, of rows or of groups of single chunks; None for others."""
    keys = order_keys(query)
    if not keys:
        return None
    limit = _first_rows(query)
    names = carriers([k.key for k in keys])
    hidden = [(name, k.expression) for name, k in zip(names, keys, strict=True) if k.key.column is None]
    items = [*(e for _, e in hidden), *query.items]
    columns = [*(name for name, _ in hidden), *(f"p{n}" for n in range(len(query.items)))]
    chunk = replace(query, orders=query.orders if limit is not None else ())
    partial = render.first(chunk, items, limit, columns)
    combined = None
    if limit is not None and all(passes_through(e, query) for e in query.items):
        combined = render.select(
            [render.quoted_name(n) for n in columns],
            from_=f"FROM ({partial}) AS `{PARTS}`",
            orders=[Order(exp.column(n, quoted=True), k.key.descending) for n, k in zip(names, keys, strict=True)],
            limit=limit,
        )
    return Split(partial, combined, Ordered(tuple(k.key for k in keys), query.limit, query.offset))


def _sorted(query: Query) -> Split:
    """DISTINCT and ORDER BY of rows, or of groups of single chunks; with LIMIT every chunk gives but its first rows."""
    partials = _Partials(query)
    items = [partials.add(e) for e in query.items]
    orders = [Order(partials.add(o.expression), o.descending) for o in query.orders]
    limit = _first_rows(query)
    first_orders: list[Order] = []
    if limit is not None:
        keys = [partials.add(_by_number(o.expression, query)) for o in query.orders]
        # In the statement that combines chunks there is no scratch table.
        first_orders = [
            Order(exp.column(k.name, quoted=True), o.descending) for k, o in zip(keys, query.orders, strict=True)
        ]
    names = [f"p{i}" for i in range(len(partials.expressions))]
    _, having = render.named(partials.expressions, query.having, names)
    chunk = {
        "distinct": query.distinct,
        "from_": render.from_clause(query),
        "where": render.condition(query),
        "groups": query.groups,
        "having": having,
    }
    first = {"orders": query.orders, "limit": limit} if limit is not None else {}
    partial = render.select(partials.travelling(), **chunk, **first)  # type: ignore[arg-type]
    combined = None
    if query.distinct or limit is not None:
        combined = render.select(
            [render.sql(c) for c in partials.references()],
            distinct=query.distinct,
            from_=f"FROM ({partial}) AS `{PARTS}`",
            orders=first_orders,
            limit=limit,
        )
    statement = _merging(query, items, None, None, orders)
    columns = render.select(partials.typed(), **chunk)  # type: ignore[arg-type]
    return Split(partial, combined, Final(columns, statement))


def _merging(
    query: Query,
    items: Sequence[exp.Expr],
    groups: Sequence[exp.Expr] | None,
    having: exp.Expr | None,
    orders: Sequence[Order],
    table: str = f"`{SCRATCH}`",
) -> str:
    """The statement that reads the scratch table, or one derived from it, and gives the query's rows."""
    rendered, having = render.named(items, having)
    return render.select(
        rendered,
        distinct=query.distinct,
        from_=f"FROM {table}",
        groups=render.keys(query, groups),
        rollup=query.rollup,
        having=having,
        orders=orders,
        limit=query.limit,
        offset=query.offset,
    )


def _by_number(key: exp.Expr, query: Query) -> exp.Expr:
    """A key of ORDER BY in a form that a UNION keeps: there ENUM and SET become text, which sorts otherwise."""
    if isinstance(key, exp.Column) and base_type(key, query) in ("enum", "set"):
        return exp.Add(this=key.copy(), expression=exp.Literal.number(0))
    return key


def _gathered(query: Query) -> Split:
    """The columns that the query needs travel; the query runs over them.

    Keys of groups travel as columns: HAVING knows the columns of GROUP BY, not its expressions. Not so with ROLLUP,
    which puts NULL in the place of a whole key alone where it is an expression, and everywhere where it is a column.
    """
    partials = _Partials(query)
    keys = {} if query.rollup else {_key(g): partials.add(g) for g in query.groups or ()}

    def gathered(node: exp.Expr) -> exp.Expr:
        found = keys.get(_key(node))
        if found is not None:
            return found.copy()
        if isinstance(node, exp.Column) or _reads_chunks(node):
            return partials.add(node)
        copy = node.copy()
        if isinstance(node, exp.AggFunc):
            for call in [c for c in copy.find_all(exp.Anonymous) if _reads_chunks(c)]:
                call.replace(partials.add(call.copy()))
            for column in list(copy.find_all(exp.Column)):
                if column.table not in ("", SCRATCH):
                    column.replace(partials.add(column.copy()))
            return copy
        for child in list(copy.iter_expressions()):
            child.replace(gathered(child))
        return copy

    items = [gathered(e) for e in query.items]
    groups = None if query.groups is None else [gathered(g) for g in query.groups]
    of_rows = query.groups is None and not _has_aggregate(query)
    having = None if query.having is None else gathered(query.having if of_rows else _of_groups(query.having))
    orders = [Order(gathered(o.expression), o.descending) for o in query.orders]
    if not partials.expressions:
        partials.add(exp.Literal.number(1))
    chunk = {"from_": render.from_clause(query), "where": render.condition(query)}
    if has_percentile(*query.judged):
        ranked = with_percentiles(f"`{SCRATCH}`", items, groups, having, orders, rollup=query.rollup)
        statement = _merging(query, ranked.items, groups, ranked.having, ranked.orders, ranked.table)
    else:
        statement = _merging(query, items, groups, having, orders)
    partial = render.select(partials.travelling(), **chunk)  # type: ignore[arg-type]
    # Where it reads no chunks, its tables have rows.
    columns = render.select(partials.typed(), **chunk, limit=0)  # type: ignore[arg-type]
    uncounted = query.rollup and query.having is not None
    return Split(partial, None, Final(columns, statement, bounded=False, uncounted=uncounted))
