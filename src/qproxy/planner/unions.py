"""Which expressions lose something of their values in a UNION or a derived table.

There MariaDB brings values to the type that it declares for the expression, and for some functions that type is
narrower than what they return: ORD() of a four-byte character becomes 2147483647, FROM_UNIXTIME() of a whole DOUBLE
gains six zeros, CAST(x AS BINARY(3)) loses bytes. Found by running all expressions of ``tests/planner/fidelity`` both
ways on MariaDB 10.11. Chunks of such a query are asked one by one.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from qproxy.planner.faithful import call_name
from qproxy.planner.floats import rounds_again
from qproxy.planner.query import Query
from qproxy.planner.result_types import base_type

_NARROWED = frozenset(("ORD", "FROM_UNIXTIME"))
_SHIFTS = frozenset(("DATE_ADD", "DATE_SUB", "ADDDATE", "SUBDATE", "ADDTIME", "SUBTIME", "TIMESTAMPADD"))


def keeps_values(expressions: Iterable[exp.Expr], query: Query) -> bool:
    """Whether all expressions come out of a UNION as they went in."""
    return query.simple or not any(
        # A user variable alone is shown with its own digits, whatever type it is declared with.
        isinstance(e.unnest(), exp.Parameter)
        or rounds_again(e, query)
        or any(_narrowed(node, query) for node in e.walk())
        for e in expressions
    )


def _narrowed(node: exp.Expr, query: Query) -> bool:
    if isinstance(node, exp.Add | exp.Sub) and isinstance(node.expression, exp.Interval):
        return _has_time(node, query)
    if not isinstance(node, exp.Anonymous):
        return False
    name = call_name(node).upper()
    if name in ("CAST", "CONVERT"):
        return "BINARY" in str(node.this).upper()
    return name in _NARROWED or (name in _SHIFTS and _has_time(node, query))


def _has_time(node: exp.Expr, query: Query) -> bool:
    return any(base_type(column, query) == "time" for column in node.find_all(exp.Column))
