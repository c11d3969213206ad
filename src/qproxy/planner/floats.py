"""Which expressions are of type FLOAT, whose text would lose digits on the way to a merge."""

from __future__ import annotations

from sqlglot import exp

from qproxy.planner.query import Query

_TEXT = frozenset(
    ("char", "varchar", "text", "tinytext", "mediumtext", "longtext", "enum", "set", "date", "datetime", "time",
     "timestamp", "blob", "tinyblob", "mediumblob", "longblob", "binary", "varbinary", "json")
)  # fmt: skip


def is_float(expression: exp.Expr, query: Query) -> bool:
    """Whether MariaDB may give the expression the type FLOAT: a FLOAT column, or a choice among values with one.

    Other arithmetic on a FLOAT gives DOUBLE (MariaDB Knowledge Base, "FLOAT", "Type Conversion").
    """
    values = list(_values(expression))
    bases = [base_type(v, query) for v in values]
    return "float" in bases and not any(b in _TEXT for b in bases)


def _values(expression: exp.Expr) -> list[exp.Expr]:
    """The expressions among which a choice takes its value; the expression itself where it is no choice."""
    if isinstance(expression, exp.Paren | exp.Min | exp.Max | exp.AnyValue):
        return _values(expression.this)
    if isinstance(expression, exp.Nullif):
        return _values(expression.this)
    if isinstance(expression, exp.Coalesce | exp.Greatest | exp.Least):
        return [v for e in (expression.this, *expression.expressions) for v in _values(e)]
    if isinstance(expression, exp.If):
        branches = [expression.args.get("true"), expression.args.get("false")]
        return [v for e in branches if e is not None for v in _values(e)]
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
    return "number"
