"""Expressions as text that means in MariaDB what was written.

What the parser's own generator would write otherwise is written here: marked calls (`qproxy.planner.marks`), string
literals, REGEXP, SOUNDS LIKE, and NOT inside its predicate. `qproxy.planner.proof` compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from sqlglot import exp

from qproxy.planner.literals import content, quoted
from qproxy.planner.marks import MARK
from qproxy.sky.functions import AGGREGATES as SCISQL_AGGREGATES
from qproxy.sky.functions import short_name

DIALECT = "mysql"

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


def restore(tree: exp.Expr) -> None:
    """Give marked calls their names back, in place; `text` writes them as they were."""
    for node in list(tree.find_all(exp.Anonymous, exp.Interval)):
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


def literal_text(node: exp.Anonymous) -> str:
    """What a string literal with a character set holds; nothing for other literals that are written as calls."""
    written = str(node.this)[1:]
    if written[:2].upper() == "N'":
        return content(written[1:])
    return content(written[written.index("'") :]) if written.startswith("_") and " '" in written else ""


def text(expression: exp.Expr) -> str:
    """An expression as MariaDB reads it, identifiers quoted."""
    tree = _parenthesised(expression)
    if any(_writer(node) for node in tree.walk()):
        tree = tree.copy() if tree is expression else tree
        # Children stand behind their parents in a walk.
        for node in reversed(list(tree.walk())):
            writer = _writer(node)
            if writer is None:
                continue
            written = exp.Var(this=writer(node))
            if node is tree:
                return str(written.this)
            node.replace(written)
    return _generated(tree)


def _generated(expression: exp.Expr) -> str:
    generated: str = expression.sql(dialect=DIALECT, identify=True, comments=False)
    return generated


def _writer(node: exp.Expr) -> Callable[[exp.Expr], str] | None:
    """What writes a node that the generator would not write as it was."""
    if isinstance(node, exp.Literal):
        return _string if node.is_string else None
    if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        return _call if MARK in str(node.this) else None
    if isinstance(node, exp.Interval):
        return _interval if node.this is not None else None
    if isinstance(node, exp.RegexpLike):
        return None if isinstance(node.parent, exp.Not) else _infix
    if isinstance(node, exp.Not):
        return _infix if isinstance(node.this, _INFIX) else None
    if isinstance(node, exp.EQ) and isinstance(node.this, exp.Soundex):
        return _infix
    return None


def _string(node: exp.Expr) -> str:
    return quoted(node.name)


def _call(node: exp.Expr) -> str:
    name, *pieces = str(node.this).split(MARK)
    parts = [pieces[0]]
    # A word that still stands for a query is written without what it takes from outside.
    for argument, piece in zip(node.expressions, pieces[1:], strict=bool(name)):
        parts += (_generated(argument), piece)
    return f"{name.upper()}({''.join(parts)})" if name else "".join(parts)


def _interval(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    return f"INTERVAL {_generated(node.this)} {unit.name.upper() if unit is not None else ''}".rstrip()


def _infix(node: exp.Expr) -> str:
    no = ""
    if isinstance(node, exp.Not):
        no, node = "NOT ", node.this
    escape = ""
    if isinstance(node, exp.Escape):
        escape, node = f" ESCAPE {_generated(node.expression)}", node.this
    left = _generated(node.this)
    if isinstance(node, exp.EQ):
        return f"{_generated(node.this.this)} SOUNDS LIKE {_generated(node.expression.this)}"
    if isinstance(node, exp.Is):
        return f"{left} IS {no}{_generated(node.expression)}"
    if isinstance(node, exp.In):
        return f"{left} {no}IN ({', '.join(_generated(e) for e in node.expressions)})"
    if isinstance(node, exp.Between):
        return f"{left} {no}BETWEEN {_generated(node.args['low'])} AND {_generated(node.args['high'])}"
    word = "REGEXP" if isinstance(node, exp.RegexpLike) else "LIKE"
    return f"{left} {no}{word} {_generated(node.expression)}{escape}"


def _level(node: exp.Expr) -> int:
    if isinstance(node, exp.Not) and isinstance(node.this, _INFIX):
        return _LEVELS[type(node.this)]
    if isinstance(node, exp.EQ) and isinstance(node.this, exp.Soundex):
        return _LEVELS[exp.Like]
    return _LEVELS.get(type(node), _HIGHEST)


def _loose(node: exp.Expr) -> Iterator[exp.Expr]:
    """Operands that MariaDB would not read as such, for they bind less tightly than their operator."""
    own = _LEVELS.get(type(node))
    if own is None:
        return
    if isinstance(node, exp.Not):
        if isinstance(node.this, _INFIX):
            return
        needs = {"this": 4}
    elif isinstance(node, exp.And | exp.Or | exp.Xor):
        needs = {"this": own, "expression": own}
    elif own == _LEVELS[exp.Between]:
        left = own if isinstance(node, exp.Escape) else own + 1
        needs = {"this": left, "expression": own + 1, "low": own + 1, "high": own}
    elif isinstance(node, exp.Unary):
        needs = {"this": own}
    else:
        needs = {"this": own, "expression": own + 1}
    for key, least in needs.items():
        operand = node.args.get(key)
        if isinstance(operand, exp.Expr) and _level(operand) < least:
            yield operand


def _parenthesised(expression: exp.Expr) -> exp.Expr:
    """The expression, or a copy with parentheses where passes moved an operator into another's operand."""
    if not any(True for node in expression.walk() for _ in _loose(node)):
        return expression
    copy = expression.copy()
    for operand in [operand for node in copy.walk() for operand in _loose(node)]:
        # An operand wrapped is still its own node: the holder takes its place first.
        paren = exp.Paren()
        operand.replace(paren)
        paren.set("this", operand)
    return copy


def misplaced(expression: exp.Expr) -> exp.Expr | None:
    """An operator whose operand MariaDB would read otherwise than the parser did, or None."""
    for node in expression.walk():
        if next(_loose(node), None) is not None:
            return node
        if isinstance(node, exp.Binary | exp.Unary) and not isinstance(node, _KNOWN):
            return node
    return None
