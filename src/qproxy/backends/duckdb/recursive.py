"""WITH RECURSIVE, in the form in which the planner writes it: one expression, and all of its rows."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from qproxy.backends.duckdb.registry import quote
from qproxy.backends.duckdb.setops import Columns, Shape, united
from qproxy.backends.duckdb.typed import Typed, cast_to, refused
from qproxy.backends.duckdb.types import MType

#: MariaDB's default of max_recursive_iterations.
_ITERATIONS = 1000

#: The hidden column that counts them.
_DEPTH = "q§depth"

#: Translates an arm, which may read the expression by its name and columns.
Translate = Callable[[exp.Expr, str, Columns], Shape]


def recursive(node: exp.Expr, translate: Translate) -> Shape:
    """DuckDB SQL of a statement that gives all rows of a recursive common table expression.

    Args:
        node: ``WITH RECURSIVE name(columns) AS (...) SELECT * FROM name``.

    Raises:
        SQLError: 1235 for all other forms.
    """
    expressions = node.args["with_"].expressions
    cte = expressions[0]
    columns = [c.name for c in cte.args["alias"].columns]
    if len(expressions) != 1 or not columns or not isinstance(node, exp.Select) or not _all_rows(node, cte.alias):
        raise refused("this use of WITH")
    arms, distinct = _arms(cte.this)
    seeds = [a for a in arms if not _reads(a, cte.alias)]
    steps = [a for a in arms if _reads(a, cte.alias)]
    if len(steps) != 1 or arms[-1] is not steps[0]:
        raise refused("WITH RECURSIVE with more than one recursive part")
    first = united([translate(a, cte.alias, []) for a in seeds], False)
    shape = [(name, kind) for name, (_, kind) in zip(columns, first[1], strict=True)]
    labels = ", ".join(quote(name) for name in columns)
    name = quote(cte.alias)
    if distinct:
        if any(kind.kind == "string" for _, kind in shape):
            raise refused("WITH RECURSIVE with UNION over text")
        step = _cast(translate(steps[0], cte.alias, shape), shape)
        return f"WITH RECURSIVE {name}({labels}) AS ({first[0]} UNION {step}) SELECT {labels} FROM {name}", shape
    counted = [*shape, (_DEPTH, MType("int", "int", 11))]
    step = _cast(translate(_counted(steps[0], cte.alias), cte.alias, counted), counted)
    seed = f"SELECT *, 0 FROM ({first[0]}) AS q_seed"
    return (
        f"WITH RECURSIVE {name}({labels}, {quote(_DEPTH)}) AS ({seed} UNION ALL {step}) SELECT {labels} FROM {name}",
        shape,
    )


def _all_rows(node: exp.Select, name: str) -> bool:
    source = node.args["from_"].this if node.args.get("from_") else None
    plain = isinstance(source, exp.Table) and source.name == name and not source.alias
    others = [k for k, v in node.args.items() if v and k not in ("expressions", "from_", "with_")]
    return plain and not others and len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Star)


def _arms(node: exp.Expr) -> tuple[list[exp.Expr], bool]:
    """The statements that a chain of UNIONs puts together, and whether equal rows count once."""
    distinct = bool(node.args.get("distinct"))
    arms: list[exp.Expr] = []
    while isinstance(node, exp.Union):
        if bool(node.args.get("distinct")) != distinct:
            raise refused("UNION and UNION ALL in one WITH RECURSIVE")
        arms.append(node.expression)
        node = node.this
    return [node, *reversed(arms)], distinct


def _reads(node: exp.Expr, name: str) -> bool:
    return any(t.name == name and not t.text("db") for t in node.find_all(exp.Table))


def _counted(step: exp.Expr, name: str) -> exp.Expr:
    """The recursive part with a column that counts iterations, up to the most that MariaDB makes."""
    readers = [t for t in step.find_all(exp.Table) if t.name == name and not t.text("db")]
    if not isinstance(step, exp.Select) or len(readers) != 1 or step.args.get("group") or step.find(exp.AggFunc):
        raise refused("WITH RECURSIVE whose recursive part is no plain SELECT")
    copy = step.copy()
    depth = exp.column(exp.to_identifier(_DEPTH, True), exp.to_identifier(readers[0].alias_or_name, True))
    copy.append("expressions", exp.Add(this=depth, expression=exp.Literal.number(1)))
    return copy.where(exp.LT(this=depth.copy(), expression=exp.Literal.number(_ITERATIONS)), copy=False)


def _cast(shape: Shape, columns: Columns) -> str:
    """A recursive part's rows as the types of the first part, which MariaDB gives them."""
    sql, own = shape
    labels = [f"c{i}" for i in range(len(own))]
    casts = ", ".join(
        cast_to(Typed(f"q_step.{label}", kind), wanted)
        for label, (_, kind), (_, wanted) in zip(labels, own, columns, strict=True)
    )
    return f"SELECT {casts} FROM ({sql}) AS q_step({', '.join(labels)})"
