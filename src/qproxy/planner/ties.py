"""Equalities of director ids, which tie rows of several tables into one chunk."""

from __future__ import annotations

from sqlglot import exp

from qproxy.catalog.model import TableKind
from qproxy.planner.query import Query, Source

#: Two partitioned sources, each with its side of a match table.
Edge = tuple[Source, int, Source, int]


def conjuncts(condition: exp.Expr | None) -> list[exp.Expr]:
    """The parts of a condition that must all hold."""
    return [] if condition is None else operands(condition, exp.And)


def operands(condition: exp.Expr, operator: type[exp.Connector]) -> list[exp.Expr]:
    """What a chain of one operator connects; programs write chains too long for recursion."""
    parts: list[exp.Expr] = []
    waiting = [condition]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Paren):
            waiting.append(node.this)
        elif isinstance(node, operator):
            waiting += [node.expression, node.this]
        else:
            parts.append(node)
    return parts


def source_of(expression: exp.Expr, query: Query) -> Source | None:
    """The table of FROM that a column is of; None for what is no column, or one of an outer query."""
    if not isinstance(expression, exp.Column):
        return None
    return next((s for s in query.sources if s.alias == expression.table), None)


def director_key(source: Source, column: str) -> tuple[tuple[str, str], int] | None:
    """The director whose ids a column holds, and for match tables the side (0 or 1); None for other columns."""
    table = source.table
    name = column.lower()
    own = (table.database, table.name)
    if table.kind is TableKind.DIRECTOR and table.id and name == table.id.lower():
        return own, 0
    if table.kind is TableKind.CHILD and table.director and table.director_id and name == table.director_id.lower():
        return table.director, 0
    if table.kind is TableKind.MATCH and table.directors and table.director_ids:
        for side in (0, 1):
            if name == table.director_ids[side].lower():
                return table.directors[side], side
    return None


def match_side(query: Query, source: Source) -> int:
    """Which copy of a pair that is stored twice a query reads: by the side on which it is joined or restricted."""
    joined = {side for side in (0, 1) if _joined_on(query, source, side)}
    if joined:
        return joined.pop()
    restricted = {side for side in (0, 1) if _restricted_on(query, source, side)}
    return 1 if restricted == {1} else 0


def _joined_on(query: Query, source: Source, side: int) -> bool:
    return any(
        (one is source and one_side == side) or (other is source and other_side == side)
        for one, one_side, other, other_side in edges(query)
    )


def _restricted_on(query: Query, source: Source, side: int) -> bool:
    for condition in conjuncts(query.where):
        if isinstance(condition, exp.EQ | exp.In):
            for column in (condition.this, condition.args.get("expression")):
                if isinstance(column, exp.Column) and column.table == source.alias:
                    key = director_key(source, column.name)
                    if key is not None and key[1] == side:
                        return True
    return False


def edges(query: Query) -> list[Edge]:
    """Pairs of partitioned sources (with match sides) that an equality of director ids ties into one chunk."""
    return [edge for edge, _ in tied(query)]


def tied(query: Query) -> list[tuple[Edge, Source | None]]:
    """The edges of a query, each with the source of the outer join whose ON says it; None where all rows obey it.

    A match table lies with one of its sides: where both are joined, with the one that is joined first.
    """
    found: list[tuple[Edge, Source | None]] = []
    conditions: list[tuple[exp.Expr, Source | None]] = [(c, None) for c in conjuncts(query.where)]
    for source in query.sources:
        # What an outer join's ON says of other tables than its own restricts nothing of them.
        conditions += [(c, source if source.nullable else None) for c in conjuncts(source.on)]
    for condition, outer in conditions:
        if not isinstance(condition, exp.EQ):
            continue
        left, right = condition.this, condition.expression
        one, other = source_of(left, query), source_of(right, query)
        if one is None or other is None or one is other:
            continue
        if outer is not None and outer is not one and outer is not other:
            continue
        a, b = director_key(one, left.name), director_key(other, right.name)
        if a is not None and b is not None and a[0] == b[0]:
            found.append(((one, a[1], other, b[1]), outer))
    sides: dict[int, int] = {}
    for (one, side, other, other_side), _ in found:
        for source, joined in ((one, side), (other, other_side)):
            if source.table.kind is TableKind.MATCH:
                sides.setdefault(source.number, joined)
    return [
        (edge, outer)
        for edge, outer in found
        if all(sides.get(s.number, side) == side for s, side in (edge[:2], edge[2:]))
    ]
