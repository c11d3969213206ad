"""Which aggregates may be taken twice: in each chunk, then of what the chunks gave.

MariaDB keeps more digits of a quotient than it shows, declares fewer than a text has, and knows a DATE that is none as
NULL only before it is stored: such values would come out of the second round otherwise than of the first.
"""

from __future__ import annotations

from sqlglot import exp

from qproxy.planner.faithful import call_name
from qproxy.planner.floats import becomes_real, divides, is_double, rounds_again
from qproxy.planner.query import Query
from qproxy.planner.result_types import DATES, TEXTS, base_type, is_choice

#: Where a value is taken for a number, or handed on to where it may be.
_COMPUTED = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.IntDiv, exp.Neg, exp.If, exp.Case)


def mergeable(query: Query) -> bool:
    """Whether all aggregates of a query have a rule that puts those of chunks together, and lose nothing by it."""
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
            if isinstance(call, exp.Min | exp.Max) and _doubtful_date(call, query):
                return False
            if isinstance(call, exp.Sum | exp.Avg) and divides(call.this, query):
                return False
            if not isinstance(call, exp.Count) and rounds_again(call.this, query):
                return False
            inside = isinstance(call, exp.Min | exp.Max) and call is not expression
            if inside and (divides(call.this, query) or _has_declared_digits(call, query)):
                return False
            if isinstance(call, exp.Avg) and not is_double(call.this, query) and becomes_real(call, query):
                return False
    return True


def _doubtful_date(extreme: exp.Expr, query: Query) -> bool:
    """Whether it is of DATE() of what may be no date: declared as never NULL, its NULL is kept as 0000-00-00."""
    return any(
        call_name(call).upper() == "DATE" and any(base_type(a, query) not in DATES for a in call.expressions)
        for call in extreme.find_all(exp.Anonymous)
    )


def _has_declared_digits(extreme: exp.Expr, query: Query) -> bool:
    """Whether it is of text that a function made, and taken for a number: that has as many digits behind the point as
    the function declares, none often, where text that travelled has any number of them."""
    made = extreme.this.unnest()
    if isinstance(made, exp.Column | exp.Literal) or base_type(made, query) not in TEXTS - DATES:
        return False
    parent = extreme.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    if isinstance(parent, exp.Anonymous):
        return is_choice(parent) or base_type(parent, query) not in TEXTS
    return isinstance(parent, _COMPUTED)
