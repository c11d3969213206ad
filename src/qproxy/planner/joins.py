"""Pass 6, join check: which tables meet inside one chunk.

Rows that an equality of director ids ties together lie in the same chunk: a director with itself where its ids are
unique, a director with its children, children of one director, a match table with one of its sides. Tables that
every worker holds whole may meet anything. What is left is refused, saying which join and why.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from qproxy.catalog.model import Family, TableKind
from qproxy.errors import unsupported
from qproxy.planner.query import Query, Source
from qproxy.planner.restrict import match_side, tied


def check_joins(query: Query) -> Family | None:
    """Refuse joins that cannot be answered chunk by chunk.

    Returns:
        The family of the partitioned tables, None where there are none.

    Raises:
        SQLError: 1235, naming the join.
    """
    partitioned = query.partitioned
    if not partitioned:
        return None
    families = {s.database.family for s in partitioned}
    if len(families) > 1:
        names = " and ".join(f"'{s.database.name}.{s.table.name}'" for s in partitioned)
        raise unsupported(f"joins of databases that are cut into different chunks: {names}")
    required = [s for s in partitioned if not s.nullable]
    if not required:
        nullable = partitioned[0]
        raise unsupported(
            f"an outer join that keeps all rows of a table without chunks and looks for partners in "
            f"'{nullable.alias}', which is spread over the workers"
        )
    _check_connected(query, partitioned)
    return families.pop()


def _check_connected(query: Query, partitioned: tuple[Source, ...]) -> None:
    group = {s.alias: s.alias for s in partitioned}

    def root(alias: str) -> str:
        while group[alias] != alias:
            alias = group[alias]
        return alias

    reasons = []
    brought: set[str] = set()
    # What all rows obey comes first: an outer join's ON ties its own table to the others, not these to each other.
    for (one, _, other, _), outer in sorted(tied(query), key=lambda tie: -1 if tie[1] is None else tie[1].number):
        reason = _not_local(one, other)
        if reason is not None:
            reasons.append(reason)
        elif outer is None or outer.alias not in brought:
            group[root(one.alias)] = root(other.alias)
            brought |= {outer.alias} if outer is not None else set()
    roots = {root(s.alias) for s in partitioned}
    if len(roots) > 1:
        first = partitioned[0]
        other = next(s for s in partitioned if root(s.alias) != root(first.alias))
        raise unsupported(
            f"the join of '{first.alias}' and '{other.alias}': their partners may lie in different chunks, "
            + (reasons[0] if reasons else "as no equality of director ids ties them together")
        )


def _not_local(one: Source, other: Source) -> str | None:
    """Why an equality of director ids does not keep two sources in one chunk, or None where it does."""
    both = (one.table, other.table)
    if all(t.kind is TableKind.DIRECTOR for t in both) and not one.table.unique_id:
        return f"as several rows of '{one.table.name}' share an id"
    if all(t.kind is TableKind.CHILD and t.orphans for t in both):
        return "as both hold rows whose director is unknown"
    return None


def count_pairs_once(query: Query) -> Query:
    """Read of each pair of a match table only one copy, where two are stored.

    A pair across a chunk border is stored with both partners (flags 1 and 2). The copy of the side on which the
    query joins or restricts is read; a pair without that partner has but the other copy.
    """
    for source in query.sources:
        table = source.table
        if table.kind is not TableKind.MATCH or not table.flags or not table.director_ids:
            continue
        side = match_side(query, source)
        once: exp.Expr = exp.or_(
            exp.NEQ(this=source.column(table.flags), expression=exp.Literal.number(2 - side)),
            exp.Is(this=source.column(table.director_ids[side]), expression=exp.Null()),
        )
        once = exp.Paren(this=once)
        if not source.nullable:
            query = replace(query, where=once if query.where is None else exp.and_(query.where, once))
            continue
        from_ = query.from_.copy()
        join = from_.args["joins"][source.number - 1]
        join.set("on", exp.and_(join.args["on"], once))
        query = replace(query, from_=from_)
    return query
