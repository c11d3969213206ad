"""Join check: which tables meet inside one chunk.

Rows that an equality of director ids ties together lie in the same chunk: a director with itself where its ids are
unique, a director with its children, children of one director, a match table with one of its sides. Tables that
every worker holds whole may meet anything.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from qproxy.catalog.model import Family, TableKind
from qproxy.planner.query import From, Query, Source, leaves
from qproxy.planner.ties import match_side, tied


def groups(query: Query) -> list[tuple[Source, ...]]:
    """The partitioned sources of a query, those together whose rows meet in one chunk."""
    partitioned = query.partitioned
    if len(partitioned) < 2:
        return [(source,) for source in partitioned]
    group = {s.alias: s.alias for s in partitioned}

    def root(alias: str) -> str:
        while group[alias] != alias:
            alias = group[alias]
        return alias

    brought: set[str] = set()
    # What all rows obey comes first: an outer join's ON ties its own table to the others, not these to each other.
    for (one, _, other, _), outer in sorted(tied(query), key=lambda tie: -1 if tie[1] is None else tie[1].number):
        if not_local(one, other) is None and (outer is None or outer.alias not in brought):
            group[root(one.alias)] = root(other.alias)
            brought |= {outer.alias} if outer is not None else set()
    found: dict[str, list[Source]] = {}
    for source in partitioned:
        found.setdefault(root(source.alias), []).append(source)
    return [tuple(sources) for sources in found.values()]


def not_local(one: Source, other: Source) -> str | None:
    """Why an equality of director ids does not keep two sources in one chunk, or None where it does."""
    both = (one.table, other.table)
    if family(one) != family(other):
        return "as they are cut into different chunks"
    if all(t.kind is TableKind.DIRECTOR for t in both) and not one.table.unique_id:
        return f"as several rows of '{one.table.name}' share an id"
    if all(t.kind is TableKind.CHILD and t.orphans for t in both):
        return "as both hold rows whose director is unknown"
    return None


def family(source: Source) -> Family | None:
    """The family in whose chunks the rows of a source lie."""
    return source.database.family if source.database is not None and source.table.partitioned else None


def count_pairs_once(query: Query) -> Query:
    """Read of each pair of a match table only one copy, where two are stored.

    A pair across a chunk border is stored with both partners (flags 1 and 2). The copy of the side on which the
    query joins or restricts is read; a pair without that partner has but the other copy.
    """
    for source in query.sources:
        table = source.table
        if source.slot is None or table.kind is not TableKind.MATCH or not table.flags or not table.director_ids:
            continue
        side = match_side(query, source)
        once: exp.Expr = exp.or_(
            exp.NEQ(this=source.column(table.flags), expression=exp.Literal.number(2 - side)),
            exp.Is(this=source.column(table.director_ids[side]), expression=exp.Null()),
        )
        once = exp.Paren(this=once)
        if not source.nullable:
            query = replace(query, where=once if query.where is None else exp.and_(query.where, once))
        elif query.from_ is not None:
            query = replace(query, from_=_with_condition(query.from_, source.alias, once))
    return query


def _with_condition(part: From, alias: str, condition: exp.Expr) -> From:
    """FROM with one condition more on the outermost join that may fill a source with NULLs."""
    if isinstance(part, str):
        return part
    filled = {"LEFT": part.right, "RIGHT": part.left}.get(part.kind)
    if filled is not None and alias in leaves(filled):
        return replace(part, on=condition if part.on is None else exp.and_(part.on, condition))
    return replace(
        part, left=_with_condition(part.left, alias, condition), right=_with_condition(part.right, alias, condition)
    )
