"""Expressions as text that means in MariaDB what was written.

What the parser's own generator would write otherwise is written here: marked calls (`qproxy.planner.marks`), string
literals, REGEXP, SOUNDS LIKE, and NOT inside its predicate. `qproxy.planner.proof` compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from sqlglot import exp

from qproxy.planner.dialect import DIALECT
from qproxy.planner.literals import content, quoted
from qproxy.planner.marks import MARK, QUERY
from qproxy.sky.functions import AGGREGATES as SCISQL_AGGREGATES
from qproxy.sky.functions import short_name

_AGGREGATES = frozenset({"GROUP_CONCAT", "JSON_ARRAYAGG", "JSON_OBJECTAGG", "MEDIAN"})
#: Aggregates that are written with words between their parentheses.
_WITHIN_GROUP = re.compile(rf"{MARK}(PERCENTILE_CONT|PERCENTILE_DISC)\(")

#: How tightly operators bind, loosest first (MariaDB Knowledge Base, "Operator Precedence"); BETWEEN, IN and LIKE as
#: its grammar has them, tighter than comparisons.
_LEVELS: Mapping[type[exp.Expr], int] = {
    exp.Or: 1,
    exp.Xor: 2,
    exp.And: 3,
    exp.Not: 4,
    exp.EQ: 5,
    exp.NEQ: 5,
    exp.LT: 5,
    exp.LTE: 5,
    exp.GT: 5,
    exp.GTE: 5,
    exp.NullSafeEQ: 5,
    exp.Is: 5,
    exp.Like: 6,
    exp.Escape: 6,
    exp.In: 6,
    exp.Between: 6,
    exp.RegexpLike: 6,
    exp.BitwiseOr: 7,
    exp.BitwiseAnd: 8,
    exp.BitwiseLeftShift: 9,
    exp.BitwiseRightShift: 9,
    exp.Add: 10,
    exp.Sub: 10,
    exp.Mul: 11,
    exp.Div: 11,
    exp.IntDiv: 11,
    exp.Mod: 11,
    exp.BitwiseXor: 12,
    exp.Neg: 13,
    exp.BitwiseNot: 13,
    exp.Collate: 14,
}
_HIGHEST = 20
_KNOWN = (*_LEVELS, exp.Paren, exp.Dot, exp.PropertyEQ)
_INFIX = (exp.Like, exp.Escape, exp.In, exp.Between, exp.RegexpLike, exp.Is)
_RESTORED = frozenset((exp.Anonymous, exp.Interval))
_ASSOCIATIVE = (exp.And, exp.Or, exp.Xor)


def restore(tree: exp.Expr) -> frozenset[type[exp.Expr]]:
    """Give marked calls their names back, in place; `text` writes them as they were.

    Returns:
        The kinds of all nodes of the tree.
    """
    kinds: set[type[exp.Expr]] = set()
    nodes = []
    for node in tree.walk():
        # Where it stood: copies of a tree cost a third without.
        node._meta = None
        kind = type(node)
        kinds.add(kind)
        if kind in _RESTORED:
            nodes.append(node)
    for node in nodes:
        if isinstance(node, exp.Interval):
            if node.args.get("unit") is None and node.this is not None:
                # The parser takes what is added to an interval for one as well.
                node.replace(node.this)
            continue
        name = str(node.this)
        if not name.startswith(MARK):
            continue
        called = name[1:].split(MARK, 1)[0]
        aggregate = called.upper() in _AGGREGATES or short_name(called) in SCISQL_AGGREGATES
        if aggregate or _WITHIN_GROUP.match(name[1:]):
            node.replace(exp.AnonymousAggFunc(this=name[1:], expressions=node.expressions))
        else:
            node.set("this", name[1:])
    return frozenset(kinds)


def needs_window(node: exp.AnonymousAggFunc) -> bool:
    """Whether it is an aggregate that takes OVER, always."""
    return call_name(node).upper() == "MEDIAN" or _WITHIN_GROUP.match(str(node.this)) is not None


def gives_value(node: exp.AnonymousAggFunc) -> bool:
    """Whether its value is one of those of its last argument: PERCENTILE_DISC."""
    found = _WITHIN_GROUP.match(str(node.this))
    return found is not None and found[1] == "PERCENTILE_DISC"


def call_name(node: exp.Anonymous | exp.AnonymousAggFunc) -> str:
    """The name of a call; empty for a literal that is written as one."""
    return str(node.this).split(MARK, 1)[0]


def calls_query(node: exp.Expr) -> bool:
    """Whether it is the call that stands for a query inside an expression."""
    return isinstance(node, exp.Anonymous) and str(node.this).lstrip(MARK).startswith(QUERY)


def literal_text(node: exp.Anonymous) -> str:
    """What a string literal with a character set holds; nothing for other literals that are written as calls."""
    written = str(node.this)[1:]
    if written[:2].upper() == "N'":
        return content(written[1:])
    return content(written[written.index("'") :]) if written.startswith("_") and " '" in written else ""


def text(expression: exp.Expr) -> str:
    """An expression as MariaDB reads it, identifiers quoted.

    Where passes moved an operator into another's operand, parentheses are put around it.
    """
    writer = _WRITERS.get(type(expression))
    return _generated(expression) if writer is None else writer(expression)


def _generated(expression: exp.Expr) -> str:
    """What has no writer here, by the parser's own generator; what stands inside it is written here."""
    copy = expression.copy()
    waiting = [copy]
    while waiting:
        for child in list(waiting.pop().iter_expressions()):
            if type(child) in _WRITERS:
                child.replace(exp.Var(this=text(child)))
            else:
                waiting.append(child)
    generated: str = copy.sql(dialect=DIALECT, identify=True, comments=False)
    return generated


def _operand(node: exp.Expr, least: int) -> str:
    """An operand, in parentheses where it binds less tightly than its operator asks for."""
    return f"({text(node)})" if _level(node) < least else text(node)


def _function(node: exp.Expr) -> str:
    """A call of a function that qproxy itself writes."""
    arguments = [node.args.get(key) for key in ("this", "expression")]
    if any(value for key, value in node.args.items() if key not in ("this", "expression", "expressions")):
        return _generated(node)
    return f"{_FUNCTIONS[type(node)]}({_list([*(a for a in arguments if a is not None), *node.expressions])})"


def _list(expressions: Iterable[exp.Expr]) -> str:
    return ", ".join([text(e) for e in expressions])


def _chain(node: exp.Expr) -> str:
    """Binary operators one behind the other: programs write chains too long for recursion."""
    behind: list[str] = []
    while True:
        left, right = _needs(type(node))
        behind.append(f" {_OPERATORS[type(node)]} {_operand(node.args['expression'], right)}")
        node = node.this
        if type(node) not in _OPERATORS or _level(node) < left or isinstance(node.this, exp.Soundex):
            break
    behind.append(_operand(node, left))
    return "".join(reversed(behind))


def _equal(node: exp.Expr) -> str:
    if isinstance(node.this, exp.Soundex):
        return f"{text(node.this.this)} SOUNDS LIKE {text(node.args['expression'].this)}"
    return _chain(node)


def _not(node: exp.Expr) -> str:
    inner = node.this
    if isinstance(inner, _INFIX) and not inner.args.get("negate") and not inner.this.args.get("negate"):
        return _infix(inner, "NOT ")
    return f"NOT {_operand(inner, _LEVELS[exp.Not])}"


def _infix(node: exp.Expr, no: str = "") -> str:
    left, right = _needs(type(node))
    escape = ""
    if isinstance(node, exp.Escape):
        escape, node = f" ESCAPE {_operand(node.args['expression'], right)}", node.this
        if not isinstance(node, exp.Like):
            return f"{_operand(node, left)}{escape}"
        left, right = _needs(exp.Like)
    if isinstance(node, exp.In) and any(node.args.get(key) for key in ("query", "unnest", "field")):
        return f"{no}{_generated(node)}"
    no = "NOT " if node.args.get("negate") else no
    operand = _operand(node.this, left)
    if isinstance(node, exp.In):
        return f"{operand} {no}IN ({_list(node.expressions)})"
    if isinstance(node, exp.Between):
        low, high = _operand(node.args["low"], right), _operand(node.args["high"], right - 1)
        return f"{operand} {no}BETWEEN {low} AND {high}"
    after = _operand(node.args["expression"], right)
    if isinstance(node, exp.Is):
        return f"{operand} IS {no}{after}"
    return f"{operand} {no}{'REGEXP' if isinstance(node, exp.RegexpLike) else 'LIKE'} {after}{escape}"


def _negative(node: exp.Expr) -> str:
    inner = _operand(node.this, _LEVELS[exp.Neg])
    # Two dashes begin a comment.
    return f"- {inner}" if inner.startswith("-") else f"-{inner}"


def _column(node: exp.Expr) -> str:
    args = node.args
    table = args.get("table")
    if table is not None and args.get("db") is None:
        return f"{_identifier(table)}.{text(args['this'])}"
    parts = [args.get(key) for key in ("catalog", "db", "table", "this")]
    return ".".join([text(part) for part in parts if part is not None])


def _identifier(node: exp.Expr) -> str:
    return "`" + str(node.this).replace("`", "``") + "`"


def _literal(node: exp.Expr) -> str:
    return quoted(node.name) if node.args["is_string"] else str(node.this)


def _case(node: exp.Expr) -> str:
    words = ["CASE"] if node.args.get("this") is None else ["CASE", text(node.this)]
    for branch in node.args["ifs"]:
        words += ("WHEN", text(branch.this), "THEN", text(branch.args["true"]))
    default = node.args.get("default")
    if default is not None:
        words += ("ELSE", text(default))
    return " ".join((*words, "END"))


def _aggregate(node: exp.Expr) -> str:
    inner = node.args.get("this")
    if inner is None or node.expressions:
        return _generated(node)
    if isinstance(inner, exp.Distinct) and inner.args.get("on") is None:
        return f"{_AGGREGATE_NAMES[type(node)]}(DISTINCT {_list(inner.expressions)})"
    return f"{_AGGREGATE_NAMES[type(node)]}({text(inner)})"


def _call(node: exp.Expr) -> str:
    if not isinstance(node.this, str):
        return _generated(node)
    name, *pieces = node.this.split(MARK)
    if not pieces:
        return f"{name.upper()}({_list(node.expressions)})"
    parts = [pieces[0]]
    # A word that still stands for a query is written without what it takes from outside.
    for argument, piece in zip(node.expressions, pieces[1:], strict=bool(name)):
        parts += (text(argument), piece)
    return f"{name.upper()}({''.join(parts)})" if name else "".join(parts)


def _interval(node: exp.Expr) -> str:
    if node.args.get("this") is None:
        return _generated(node)
    unit = node.args.get("unit")
    return f"INTERVAL {text(node.this)} {unit.name.upper() if unit is not None else ''}".rstrip()


def _level(node: exp.Expr) -> int:
    """How tightly a node binds."""
    if isinstance(node, exp.Not) and isinstance(node.this, _INFIX):
        return _LEVELS[type(node.this)]
    if isinstance(node, exp.EQ) and isinstance(node.this, exp.Soundex):
        return _LEVELS[exp.Like]
    return _LEVELS.get(type(node), _HIGHEST)


def _needs(kind: type[exp.Expr]) -> tuple[int, int]:
    """How tightly the operands of an operator have to bind, left and right; what stands behind AND of BETWEEN may
    bind less tightly by one."""
    own = _LEVELS[kind]
    if kind in _ASSOCIATIVE:
        return own, own
    if own == _LEVELS[exp.Between] and kind is not exp.Escape:
        return own + 1, own + 1
    return own, own + 1


def _loose(node: exp.Expr) -> bool:
    """Whether MariaDB would not read an operand as such, for it binds less tightly than its operator."""
    kind = type(node)
    if kind is exp.Not:
        return not isinstance(node.this, _INFIX) and _level(node.this) < _LEVELS[kind]
    left, right = _needs(kind)
    for key, least in (("this", left), ("expression", right), ("low", right), ("high", right - 1)):
        operand = node.args.get(key)
        if isinstance(operand, exp.Expr) and _level(operand) < least:
            return True
    return False


def misplaced(expression: exp.Expr) -> exp.Expr | None:
    """An operator whose operand MariaDB would read otherwise than the parser did, or None."""
    return next((n for n in expression.walk() if not knows((type(n),)) or (type(n) in _LEVELS and _loose(n))), None)


def knows(kinds: Iterable[type[exp.Expr]]) -> bool:
    """Whether of all operators among some kinds of nodes it is known how tightly they bind."""
    return not any(issubclass(kind, exp.Binary | exp.Unary) and not issubclass(kind, _KNOWN) for kind in kinds)


_OPERATORS: Mapping[type[exp.Expr], str] = {
    exp.And: "AND",
    exp.Or: "OR",
    exp.Xor: "XOR",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "<=>",
    exp.BitwiseOr: "|",
    exp.BitwiseAnd: "&",
    exp.BitwiseXor: "^",
    exp.BitwiseLeftShift: "<<",
    exp.BitwiseRightShift: ">>",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.IntDiv: "DIV",
    exp.Mod: "%",
}
_AGGREGATE_NAMES: Mapping[type[exp.Expr], str] = {
    exp.Count: "COUNT",
    exp.Sum: "SUM",
    exp.Avg: "AVG",
    exp.Min: "MIN",
    exp.Max: "MAX",
    exp.StddevPop: "STDDEV_POP",
    exp.StddevSamp: "STDDEV_SAMP",
    exp.VariancePop: "VAR_POP",
    exp.Variance: "VAR_SAMP",
    exp.BitwiseAndAgg: "BIT_AND",
    exp.BitwiseOrAgg: "BIT_OR",
    exp.BitwiseXorAgg: "BIT_XOR",
}
_FUNCTIONS: Mapping[type[exp.Expr], str] = {
    exp.Abs: "ABS",
    exp.Asin: "ASIN",
    exp.Cos: "COS",
    exp.Degrees: "DEGREES",
    exp.Floor: "FLOOR",
    exp.Greatest: "GREATEST",
    exp.Least: "LEAST",
    exp.Pow: "POWER",
    exp.Radians: "RADIANS",
    exp.Sin: "SIN",
    exp.Sqrt: "SQRT",
    exp.Tan: "TAN",
}
_WRITERS: Mapping[type[exp.Expr], Callable[[exp.Expr], str]] = {
    **dict.fromkeys(_OPERATORS, _chain),
    **dict.fromkeys(_AGGREGATE_NAMES, _aggregate),
    **dict.fromkeys(_INFIX, _infix),
    **dict.fromkeys(_FUNCTIONS, _function),
    exp.EQ: _equal,
    exp.Not: _not,
    exp.Neg: _negative,
    exp.BitwiseNot: lambda node: f"~{_operand(node.this, _LEVELS[exp.BitwiseNot])}",
    exp.Paren: lambda node: f"({text(node.this)})",
    exp.Tuple: lambda node: f"({_list(node.expressions)})",
    exp.Column: _column,
    exp.Identifier: _identifier,
    exp.Star: lambda node: "*",
    exp.Literal: _literal,
    exp.Null: lambda node: "NULL",
    exp.Boolean: lambda node: "TRUE" if node.this else "FALSE",
    exp.Case: _case,
    exp.Anonymous: _call,
    exp.AnonymousAggFunc: _call,
    exp.Interval: _interval,
}
