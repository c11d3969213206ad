"""SQL arithmetic on syntax trees: operators that put their own parentheses and fold constants.

Numbers are always written as double literals (``1.5e0``): MariaDB would compute with 1.5 as a DECIMAL.
Every function takes its arguments as they are, so an expression that serves twice is copied by the caller.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from sqlglot import exp

E = exp.Expression

_BARE = (
    exp.Column,
    exp.Literal,
    exp.Paren,
    exp.Null,
    exp.Anonymous,
    exp.Case,
    exp.Sin,
    exp.Cos,
    exp.Tan,
    exp.Radians,
    exp.Degrees,
    exp.Pow,
    exp.Sqrt,
    exp.Floor,
    exp.Abs,
)


def number(value: float) -> E:
    """A double literal with every digit of the value."""
    text = repr(abs(float(value)))
    literal = exp.Literal.number(text if "e" in text else f"{text}e0")
    return exp.Neg(this=literal) if math.copysign(1.0, value) < 0 and value != 0 else literal


def constant(node: E) -> float | None:
    """The value of an expression of constants alone, as MariaDB reads it where a number is wanted.

    Returns:
        None where it is not made of number literals, strings that are numbers, signs and + - * /, or where
        it has no finite value.
    """
    value = _value(node)
    return value if value is not None and math.isfinite(value) else None


def operand(node: E) -> E:
    """The expression in parentheses, unless it needs none wherever it stands."""
    return node if isinstance(node, _BARE) else exp.Paren(this=node)


def add(a: E, b: E) -> E:
    """a + b"""
    return _folded(exp.Add(this=a if isinstance(a, exp.Add) else operand(a), expression=operand(b)))


def sub(a: E, b: E) -> E:
    """a - b"""
    if constant(b) == 0:
        return a
    return _folded(exp.Sub(this=operand(a), expression=operand(b)))


def mul(a: E, b: E) -> E:
    """a * b"""
    return _folded(exp.Mul(this=a if isinstance(a, exp.Mul) else operand(a), expression=operand(b)))


def div(a: E, b: E) -> E:
    """a / b, NULL where b is 0."""
    safe = {} if constant(b) else {"safe": True}
    return _folded(exp.Div(this=operand(a), expression=operand(b), **safe))


def real_div(a: E, b: E) -> E:
    """a / b computed in doubles whatever their types: MariaDB rounds quotients of integers to four places."""
    return div(mul(number(1), a), b)


def square(a: E) -> E:
    """a squared"""
    value = constant(a)
    return exp.Pow(this=a, expression=exp.Literal.number(2)) if value is None else number(value * value)


def sqrt(a: E) -> E:
    """The square root of a."""
    return _call(exp.Sqrt(this=a), math.sqrt, a)


def sin(a: E) -> E:
    """The sine of a, radians."""
    return _call(exp.Sin(this=a), math.sin, a)


def cos(a: E) -> E:
    """The cosine of a, radians."""
    return _call(exp.Cos(this=a), math.cos, a)


def tan(a: E) -> E:
    """The tangent of a, radians."""
    return _call(exp.Tan(this=a), math.tan, a)


def radians(a: E) -> E:
    """a degrees in radians."""
    return _call(exp.Radians(this=a), math.radians, a)


def degrees(a: E) -> E:
    """a radians in degrees."""
    return _call(exp.Degrees(this=a), math.degrees, a)


def half_sine_squared(a: E, b: E) -> E:
    """sin((a - b) / 2) squared; degrees in."""
    return square(sin(mul(sub(a, b), number(math.pi / 360))))


def between(node: E, low: float, high: float) -> E:
    """low <= node <= high"""
    return exp.Between(this=operand(node), low=number(low), high=number(high))


def less_or_equal(a: E, b: E) -> E:
    """a <= b"""
    return exp.LTE(this=operand(a), expression=operand(b))


def less(a: E, b: E) -> E:
    """a < b"""
    return exp.LT(this=operand(a), expression=operand(b))


def both(*conditions: E) -> E:
    """All conditions, the first tested first."""
    return _joined(exp.And, conditions)


def either(*conditions: E) -> E:
    """Any of the conditions."""
    return _joined(exp.Or, conditions)


def not_(condition: E) -> E:
    """NOT condition"""
    return exp.Not(this=exp.Paren(this=condition))


def is_null(node: E) -> E:
    """node IS NULL"""
    return exp.Is(this=operand(node), expression=exp.Null())


def any_null(*nodes: E) -> E:
    """Whether one of them is NULL; constants are not asked."""
    asked = [is_null(node.copy()) for node in nodes if constant(node) is None]
    return either(*asked) if asked else exp.false()


def case(*whens: tuple[E, E], default: E | None = None) -> E:
    """CASE WHEN ... THEN ... ELSE default END, NULL without default."""
    return exp.Case(ifs=[exp.If(this=when, true=then) for when, then in whens], default=default)


def whole(value: int) -> E:
    """An integer literal."""
    return exp.Literal.number(value)


def _joined(kind: type[exp.And] | type[exp.Or], conditions: tuple[E, ...]) -> E:
    result: E = conditions[0]
    for condition in conditions[1:]:
        left = exp.Paren(this=result) if isinstance(result, exp.Connector) and not isinstance(result, kind) else result
        right = exp.Paren(this=condition) if isinstance(condition, exp.Connector) else condition
        result = kind(this=left, expression=right)
    return result


def _call(node: E, function: Callable[[float], float], argument: E) -> E:
    value = constant(argument)
    if value is None:
        return node
    try:
        return number(function(value))
    except ValueError:
        return node


def _folded(node: E) -> E:
    value = constant(node)
    return node if value is None else number(value)


def _value(node: E) -> float | None:
    if isinstance(node, exp.Literal):
        try:
            return float(node.this)
        except ValueError:
            return None
    if isinstance(node, exp.Paren):
        return _value(node.this)
    if isinstance(node, exp.Neg):
        value = _value(node.this)
        return None if value is None else -value
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div)):
        return _binary(node)
    return None


def _binary(node: exp.Binary) -> float | None:
    a = _value(node.this)
    if a is None:
        return None
    b = _value(node.expression)
    if b is None:
        return None
    if isinstance(node, exp.Add):
        return a + b
    if isinstance(node, exp.Sub):
        return a - b
    if isinstance(node, exp.Mul):
        return a * b
    return a / b if b else None
