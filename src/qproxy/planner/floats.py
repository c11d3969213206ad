"""Which expressions MariaDB computes with real numbers, and which with decimals of more digits than they show."""

from __future__ import annotations

import re

from sqlglot import exp

from qproxy.planner.faithful import call_name
from qproxy.planner.query import Query
from qproxy.planner.result_types import NUMBERS, base_type, is_choice

#: Functions that give DOUBLE whatever they are given (MariaDB Knowledge Base, "Numeric Functions").
_REAL = frozenset(
    """
    ACOS ASIN ATAN ATAN2 COS COT DEGREES EXP LN LOG LOG10 LOG2 PI POW POWER RADIANS RAND SIN SQRT TAN
    """.split()  # noqa: SIM905
)
#: Separations, magnitudes and fluxes.
_SCI_REAL = re.compile(r"SCISQL_(ANGSEP|.*(FLUX|MAG|NANOJANSKY))")
_TO_DOUBLE = re.compile(r"(CAST|CONVERT)\W.*\W(DOUBLE|FLOAT)\b", re.IGNORECASE | re.DOTALL)


def is_double(expression: exp.Expr, query: Query) -> bool:
    """Whether MariaDB surely computes an expression with real numbers, not decimals."""
    if isinstance(expression, exp.Paren | exp.Neg | exp.Sum | exp.Avg | exp.Min | exp.Max):
        return is_double(expression.this, query)
    if isinstance(expression, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
        return is_double(expression.this, query) or is_double(expression.expression, query)
    if isinstance(expression, exp.Literal):
        return expression.is_string or "e" in expression.name.lower()
    if isinstance(expression, exp.Column):
        return base_type(expression, query) not in NUMBERS | {"number", ""}
    if isinstance(expression, exp.Anonymous):
        name = call_name(expression).upper()
        return name in _REAL or _SCI_REAL.match(name) is not None or _TO_DOUBLE.match(str(expression.this)) is not None
    return False


_QUOTIENT = re.compile(r"\(SELECT .*(/|%|AVG\()", re.DOTALL)


def divides(expression: exp.Expr, query: Query) -> bool:
    """Whether an expression may hold a quotient of decimals: it has more digits inside MariaDB than it shows."""
    for node in expression.walk():
        if isinstance(node, exp.Div | exp.Mod | exp.Avg) and not is_double(node, query):
            return True
        # Of a query in it there is only the text left once it has its place.
        if isinstance(node, exp.Anonymous) and call_name(node) == "" and _QUOTIENT.search(str(node.this)):
            return True
    return False


def rounds_again(expression: exp.Expr, query: Query) -> bool:
    """Whether it is arithmetic on a rounded DOUBLE: MariaDB declares as many digits as that has.

    Where it stores such a value, in a UNION or a temporary table, it rounds it to them once more, and half a digit
    otherwise than where it shows it.
    """
    for node in expression.walk():
        if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
            calls = (c for c in node.find_all(exp.Anonymous) if call_name(c).upper() in ("ROUND", "TRUNCATE"))
            if any(is_double(c.expressions[0], query) for c in calls):
                return True
    return False


def becomes_real(average: exp.Expr, query: Query) -> bool:
    """Whether an average is wanted as a real number, of which MariaDB then computes more digits than of a decimal."""
    node = average
    while node.parent is not None:
        node = node.parent
        if isinstance(node, exp.Paren | exp.Neg | exp.Add | exp.Sub | exp.Mul | exp.Div):
            if any(is_double(operand, query) for operand in node.iter_expressions()):
                return True
        elif isinstance(node, exp.Anonymous) and is_choice(node):
            if any(is_double(value, query) for value in node.expressions):
                return True
        elif not (isinstance(node, exp.Anonymous) and call_name(node).upper() in ("ROUND", "TRUNCATE")):
            return True
    return False
