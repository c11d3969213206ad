"""Which expressions are of type FLOAT, whose text would lose digits on the way to a merge."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlglot import exp

from qproxy.planner.faithful import call_name, gives_value
from qproxy.planner.query import Query

TEXTS = frozenset(
    ("char", "varchar", "text", "tinytext", "mediumtext", "longtext", "enum", "set", "date", "datetime", "time",
     "timestamp", "blob", "tinyblob", "mediumblob", "longblob", "binary", "varbinary", "json")
)  # fmt: skip

#: Functions that give one of their arguments, and which.
_CHOICES: Mapping[str, slice] = {
    "IF": slice(1, None),
    "NVL2": slice(1, None),
    "NULLIF": slice(0, 1),
    **dict.fromkeys(("IFNULL", "NVL", "COALESCE", "GREATEST", "LEAST"), slice(None)),
}
#: What has the type of its argument, and a window around it.
_SAME = (
    exp.Paren,
    exp.Min,
    exp.Max,
    exp.Window,
    exp.FirstValue,
    exp.LastValue,
    exp.NthValue,
    exp.Lag,
    exp.Lead,
)
_TO_FLOAT = re.compile(r"(CAST|CONVERT)\W.*\WFLOAT$", re.IGNORECASE | re.DOTALL)


def is_float(expression: exp.Expr, query: Query) -> bool:
    """Whether MariaDB may give the expression the type FLOAT: a FLOAT column, or a choice among values with one.

    Other arithmetic on a FLOAT gives DOUBLE (MariaDB Knowledge Base, "FLOAT", "Type Conversion").
    """
    values = list(_values(expression))
    bases = [base_type(v, query) for v in values]
    return "float" in bases and not any(b in TEXTS for b in bases)


#: Functions that give DOUBLE whatever they are given (MariaDB Knowledge Base, "Numeric Functions").
_REAL = frozenset(
    """
    ACOS ASIN ATAN ATAN2 COS COT DEGREES EXP LN LOG LOG10 LOG2 PI POW POWER RADIANS RAND SIN SQRT TAN
    """.split()  # noqa: SIM905
)
#: Separations, magnitudes and fluxes.
_SCI_REAL = re.compile(r"SCISQL_(ANGSEP|.*(FLUX|MAG|NANOJANSKY))")
_TO_DOUBLE = re.compile(r"(CAST|CONVERT)\W.*\W(DOUBLE|FLOAT)\b", re.IGNORECASE | re.DOTALL)
#: Exact types.
NUMBERS = frozenset(
    ("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "decimal", "numeric", "year", "bit", "bool")
)


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
        elif isinstance(node, exp.Anonymous) and call_name(node).upper() in _CHOICES:
            if any(is_double(value, query) for value in node.expressions):
                return True
        elif not (isinstance(node, exp.Anonymous) and call_name(node).upper() in ("ROUND", "TRUNCATE")):
            return True
    return False


def _values(expression: exp.Expr) -> list[exp.Expr]:
    """The expressions among which a choice takes its value; the expression itself where it is no choice."""
    if isinstance(expression, _SAME):
        return _values(expression.this)
    if isinstance(expression, exp.AnonymousAggFunc) and gives_value(expression):
        return _values(expression.expressions[-1])
    if isinstance(expression, exp.Anonymous):
        choices = _CHOICES.get(call_name(expression).upper())
        return [v for e in expression.expressions[choices] for v in _values(e)] if choices else [expression]
    if isinstance(expression, exp.Case):
        branches = [i.args["true"] for i in expression.args.get("ifs") or ()]
        branches.append(expression.args.get("default"))
        return [v for e in branches if e is not None for v in _values(e)]
    return [expression]


def base_type(expression: exp.Expr, query: Query) -> str:
    """The type word of a column (``bigint``, ``bit`` ...), ``varchar`` for text in quotes, else ``number``."""
    if isinstance(expression, exp.Column):
        column = query.source(expression.table).table.column(expression.name)
        return column.base_type if column else ""
    if isinstance(expression, exp.Literal) and expression.is_string:
        return "varchar"
    if isinstance(expression, exp.Anonymous) and _TO_FLOAT.match(str(expression.this)):
        return "float"
    return "number"
