"""Pass 9, render: expressions as text of MariaDB's dialect."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from qproxy.planner.faithful import DIALECT, text
from qproxy.planner.query import Order


def sql(expression: exp.Expr) -> str:
    """An expression as MariaDB reads it."""
    return text(expression)


def select(
    items: Sequence[str],
    *,
    distinct: bool = False,
    from_: str = "",
    where: exp.Expr | None = None,
    groups: Sequence[exp.Expr] | None = None,
    rollup: bool = False,
    having: exp.Expr | None = None,
    orders: Sequence[Order] = (),
    limit: int | None = None,
    offset: int = 0,
) -> str:
    """One SELECT statement.

    Args:
        items: rendered select list.
        from_: ``FROM ...`` with its joins, rendered, or nothing.
    """
    parts = ["SELECT", "DISTINCT" if distinct else "", ", ".join(items), from_]
    if where is not None:
        parts.append(f"WHERE {sql(where)}")
    if groups:
        parts.append("GROUP BY " + ", ".join(sql(g) for g in groups) + (" WITH ROLLUP" if rollup else ""))
    if having is not None:
        parts.append(f"HAVING {sql(having)}")
    if orders:
        parts.append("ORDER BY " + ", ".join(sql(o.expression) + (" DESC" if o.descending else "") for o in orders))
    if limit is not None or offset:
        # A server takes an offset only behind a limit; the largest one is "no limit" (MariaDB KB, "LIMIT").
        parts.append(f"LIMIT {limit if limit is not None else 18446744073709551615}")
        if offset:
            parts.append(f"OFFSET {offset}")
    return " ".join(p for p in parts if p)


def from_clause(skeleton: exp.Select) -> str:
    """The FROM clause of a query, with its joins."""
    clause = skeleton.args.get("from_")
    if clause is None:
        return ""
    written: str = clause.sql(dialect=DIALECT, identify=True)
    for join in skeleton.args.get("joins") or ():
        written += " " + sql(join).strip()
    return written
