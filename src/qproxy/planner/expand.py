"""Pass 8, expand: areaspecs and sciSQL functions become plain SQL, so that workers need no plugin."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from qproxy.errors import unsupported
from qproxy.planner.marks import MARK
from qproxy.planner.query import From, Join, Order, Query, Subquery
from qproxy.planner.restrict import AREASPEC, areaspec, areaspec_region, areaspec_source, pt_in
from qproxy.planner.result_types import GIVES_TEXT, gives_text
from qproxy.sky.functions import expand as expand_call
from qproxy.sky.functions import inside, short_name


def expand(query: Query) -> Query:
    """The query with every areaspec as a row predicate and every sciSQL function as an expression.

    Raises:
        SQLError: 1235 for an areaspec outside WHERE; what `qproxy.sky.functions` raises for wrong arguments.
    """
    if query.simple:
        return query
    return replace(
        query,
        items=tuple(_expanded(e, query) for e in query.items),
        from_=None if query.from_ is None else _joins(query.from_, query),
        where=None if query.where is None else _expanded(_condition(query.where, query), query),
        groups=None if query.groups is None else tuple(_expanded(e, query) for e in query.groups),
        having=None if query.having is None else _expanded(query.having, query),
        orders=tuple(Order(_expanded(o.expression, query), o.descending) for o in query.orders),
    )


def _joins(part: From, query: Query) -> From:
    if isinstance(part, str):
        return part
    on = None if part.on is None else _expanded(part.on, query)
    return Join(_joins(part.left, query), _joins(part.right, query), part.kind, on)


def _condition(condition: exp.Expr, query: Query) -> exp.Expr:
    """WHERE with region predicates in the form that is fastest where only truth counts, not 0 or NULL."""
    if not _ours(condition, query):
        return condition
    holder = exp.Paren(this=condition.copy())
    waiting: list[exp.Expr] = [holder.this]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Paren | exp.And | exp.Or):
            waiting += [node.args[key] for key in ("this", "expression") if isinstance(node.args.get(key), exp.Expr)]
            continue
        region = _region(node, query)
        if region is not None:
            node.replace(region)
    found: exp.Expr = holder.this
    return found.pop()


def _region(condition: exp.Expr, query: Query) -> exp.Expr | None:
    """A region predicate as arithmetic; None for other conditions."""
    call = areaspec(condition)
    if call is not None:
        source = areaspec_source(query, str(call.this))
        table = source.table
        assert table.lon is not None and table.lat is not None
        return exp.Paren(this=inside(areaspec_region(call), source.column(table.lon), source.column(table.lat)))
    found = pt_in(condition)
    if found is not None:
        lon, lat, region = found
        if isinstance(lon, exp.Column) and isinstance(lat, exp.Column):
            return exp.Paren(this=inside(region, lon.copy(), lat.copy()))
    return None


def _expanded(expression: exp.Expr, query: Query) -> exp.Expr:
    if not _ours(expression, query):
        return expression
    copy = expression.copy()
    # Innermost first: an argument may be a sciSQL call itself.
    for call in reversed(_ours(copy, query)):
        name = str(call.this)
        if name.lower().startswith(AREASPEC):
            raise unsupported(
                f"{name} outside WHERE, or under NOT: it restricts a query and has no value; use the scisql_s2PtIn "
                "function of that shape"
            )
        subquery = query.nested.get(name.lstrip(MARK)) if query.nested else None
        replacement = expand_call(call) if subquery is None else _written(call, subquery)
        if replacement is None:
            continue
        if call is copy:
            return replacement
        call.replace(replacement)
    return copy


def _ours(expression: exp.Expr, query: Query) -> list[exp.Anonymous]:
    """The calls of an expression that no worker knows."""
    return [
        call
        for call in expression.find_all(exp.Anonymous)
        if call.name.lstrip(MARK) in query.nested
        or call.name[: len(AREASPEC)].lower() == AREASPEC
        or short_name(call.name) is not None
    ]


def _written(call: exp.Anonymous, subquery: Subquery) -> exp.Anonymous:
    """A call of a subquery as its text, with what it takes from outside at its places."""
    assert subquery.text is not None
    rest = subquery.text.sql
    pieces: list[str] = []
    arguments: list[exp.Expr] = []
    given = dict(zip(subquery.outer, call.expressions, strict=True))
    while True:
        hits = [(at, word) for word in given if (at := rest.find(word)) >= 0]
        if not hits:
            break
        at, word = min(hits)
        pieces.append(rest[:at])
        arguments.append(given[word].copy())
        rest = rest[at + len(word) :]
    written = exp.Anonymous(this=MARK + MARK.join((*pieces, rest)), expressions=arguments)
    if gives_text(subquery):
        written.meta[GIVES_TEXT] = True
    return written
