"""Constants of a condition, and the bounds that a comparison with constants sets.

Bounds of real numbers are never too narrow: each is widened by what MariaDB's arithmetic may round otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp

from qproxy.planner.lists import members

#: Most by which MariaDB's quotient of exact numbers is off: it has four digits more than the dividend (MariaDB
#: Knowledge Base, "div_precision_increment", whose value no session may change).
_QUOTIENT_ERROR = 1e-4
#: Relative error of one operation, several times that of doubles.
_ROUNDING = 1e-15
#: Doubles below hold every integer.
EXACT = 1 << 53
#: Digits of a number beyond which nobody means an id or an angle.
_MAX_DIGITS = 400


@dataclass(frozen=True)
class Interval:
    """Real numbers from ``low`` to ``high``, both included; infinite where nothing bounds them."""

    low: float = -math.inf
    high: float = math.inf

    def __and__(self, other: Interval) -> Interval:
        return Interval(max(self.low, other.low), min(self.high, other.high))

    @property
    def empty(self) -> bool:
        """Whether no number is in it."""
        return self.low > self.high


UNBOUNDED = Interval()


def number(expression: exp.Expr) -> float | None:
    """The value of a constant number, or None for anything else."""
    if isinstance(expression, exp.Paren):
        return number(expression.this)
    if isinstance(expression, exp.Neg):
        value = number(expression.this)
        return None if value is None else -value
    if isinstance(expression, exp.Literal) and not expression.is_string:
        return float(expression.name)
    if isinstance(expression, exp.Add | exp.Sub | exp.Mul | exp.Div):
        left, right = number(expression.this), number(expression.expression)
        if left is None or right is None or (isinstance(expression, exp.Div) and right == 0):
            return None
        if isinstance(expression, exp.Add):
            return left + right
        if isinstance(expression, exp.Sub):
            return left - right
        return left * right if isinstance(expression, exp.Mul) else left / right
    return None


def whole(expression: exp.Expr) -> int | None:
    """The value of a constant that MariaDB computes in integers, or None for anything else."""
    sign = 1
    while isinstance(expression, exp.Paren | exp.Neg):
        sign = -sign if isinstance(expression, exp.Neg) else sign
        expression = expression.this
    if isinstance(expression, exp.Literal):
        digits = expression.name
        usable = not expression.is_string and digits.isdigit() and len(digits) <= _MAX_DIGITS
        return sign * int(digits) if usable else None
    if isinstance(expression, exp.Add | exp.Sub | exp.Mul):
        left, right = whole(expression.this), whole(expression.expression)
        if left is None or right is None:
            return None
        if isinstance(expression, exp.Add):
            return sign * (left + right)
        return sign * (left - right if isinstance(expression, exp.Sub) else left * right)
    return None


def integral(expression: exp.Expr) -> int | None:
    """The integer that a constant equals, also where it is written as a real number, as clients bind numbers that know
    no others; None for anything else.

    A real number is taken below 2^53 alone: there, an integer turned into a double equals it where it is that integer.
    """
    value = whole(expression)
    if value is not None:
        return value
    sign = 1
    while isinstance(expression, exp.Paren | exp.Neg):
        sign = -sign if isinstance(expression, exp.Neg) else sign
        expression = expression.this
    if not isinstance(expression, exp.Literal) or expression.is_string or len(expression.name) > _MAX_DIGITS:
        return None
    real = float(expression.name)
    exact = abs(real) < EXACT and real.is_integer() and Decimal(expression.name) == int(real)
    return sign * int(real) if exact else None


def interval(expression: exp.Expr) -> Interval | None:
    """Numbers among which MariaDB's value of a constant is; None for what is no finite constant number."""
    if isinstance(expression, exp.Paren):
        return interval(expression.this)
    if isinstance(expression, exp.Neg):
        inner = interval(expression.this)
        return None if inner is None else Interval(-inner.high, -inner.low)
    if isinstance(expression, exp.Literal) and not expression.is_string:
        value = float(expression.name)
        return _around([value], 0.0) if math.isfinite(value) else None
    if not isinstance(expression, exp.Add | exp.Sub | exp.Mul | exp.Div):
        return None
    left, right = interval(expression.this), interval(expression.expression)
    if left is None or right is None:
        return None
    if isinstance(expression, exp.Div):
        if right.low <= 0 <= right.high:
            return None
        return _around([a / b for a in (left.low, left.high) for b in (right.low, right.high)], _QUOTIENT_ERROR)
    if isinstance(expression, exp.Mul):
        return _around([a * b for a in (left.low, left.high) for b in (right.low, right.high)], 0.0)
    if isinstance(expression, exp.Sub):
        right = Interval(-right.high, -right.low)
    # What cancels out leaves the rounding of the larger operand behind.
    error = _ROUNDING * max(abs(v) for v in (left.low, left.high, right.low, right.high))
    return _around([left.low + right.low, left.high + right.high], error)


def hull(values: Sequence[exp.Expr]) -> Interval | None:
    """The smallest interval with all constants in it; None where one of them is no constant number."""
    listed = members(values[0]) if len(values) == 1 else None
    if listed is not None:
        numbers = [float(value) for value in (min(listed), max(listed)) if isinstance(value, int)]
        return _around(numbers, 0.0) if numbers else None
    found = [interval(value) for value in values]
    known = [value for value in found if value is not None]
    if not known or len(known) < len(found):
        return None
    return Interval(min(v.low for v in known), max(v.high for v in known))


def _around(values: list[float], error: float) -> Interval | None:
    low, high = min(values), max(values)
    low -= abs(low) * _ROUNDING + error
    high += abs(high) * _ROUNDING + error
    return Interval(low, high) if math.isfinite(low) and math.isfinite(high) else None


@dataclass(frozen=True)
class Bounded:
    """What a comparison says of an operand: ``low <= operand <= high``, a bound None where there is none.

    Whether a bound itself is allowed does not matter to who looks for what can be true.
    """

    operand: exp.Expr
    low: exp.Expr | None
    high: exp.Expr | None

    @property
    def reals(self) -> Interval | None:
        """The bounds as numbers; None where one of them is no constant number."""
        ends = [UNBOUNDED if end is None else interval(end) for end in (self.low, self.high)]
        low, high = ends
        return None if low is None or high is None else Interval(low.low, high.high)


def comparisons(condition: exp.Expr) -> Iterator[Bounded]:
    """How a condition can be read as bounds of one operand; the operands may be anything.

    Args:
        condition: ``=``, ``<=>``, ``<``, ``<=``, ``>``, ``>=`` or BETWEEN; others are no bounds.
    """
    if isinstance(condition, exp.Between):
        if not condition.args.get("symmetric"):
            yield Bounded(bare(condition.this), condition.args["low"], condition.args["high"])
        return
    if not isinstance(condition, exp.EQ | exp.NullSafeEQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        return
    left, right = condition.this, condition.expression
    if isinstance(condition, exp.EQ | exp.NullSafeEQ):
        yield Bounded(bare(left), right, right)
        yield Bounded(bare(right), left, left)
    elif isinstance(condition, exp.LT | exp.LTE):
        yield Bounded(bare(left), None, right)
        yield Bounded(bare(right), left, None)
    else:
        yield Bounded(bare(left), right, None)
        yield Bounded(bare(right), None, left)


def bare(expression: exp.Expr) -> exp.Expr:
    """An expression without parentheses round it."""
    while isinstance(expression, exp.Paren):
        expression = expression.this
    return expression
