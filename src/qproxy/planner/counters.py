"""COUNT(*) of a whole table, from the row counter that ingest keeps: no chunk is read for it."""

from __future__ import annotations

from sqlglot import exp

from qproxy.planner.bounds import bare
from qproxy.planner.query import Query


def counted(query: Query) -> int | None:
    """The one value that a query gives, where it is COUNT(*) of a whole table and nothing else.

    Args:
        query: as it was bound. Its ORDER BY is of no account, as there is one row; its LIMIT and OFFSET are left to
            the caller.

    Returns:
        None for every other query.
    """
    plain = query.where is None and query.groups is None and query.having is None and not query.distinct
    if not plain or len(query.items) != 1 or len(query.sources) != 1:
        return None
    item = bare(query.items[0])
    if not isinstance(item, exp.Count) or not isinstance(item.this, exp.Star) or item.expressions:
        return None
    if any(order.expression.find(exp.Window, exp.Anonymous) for order in query.orders):
        return None
    table = query.sources[0].table
    # The result of a query in FROM has no counter.
    return table.total_rows if query.catalog.table(table.database, table.name) is table else None
