"""Values in SET: literals, variables, arithmetic, and the few functions that tools put there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal, Inexact, InvalidOperation, localcontext
from math import isfinite

from sqlglot.tokenizer_core import TokenType

from qproxy.errors import SQLError, unsupported
from qproxy.session.reader import Reader
from qproxy.session.variables import Variables

Scalar = str | int | float | Decimal | None
#: Reads the name of a user variable off a reader.
NameReader = Callable[[Reader], str]

_SCOPES = ("GLOBAL", "SESSION", "LOCAL")
# What may follow a value in SQL but is not understood here.
_OPERATORS = frozenset(
    """
    | & ^ ~ ! < > <= >= <> != = <=> || && << >> := AND OR XOR NOT IS IN LIKE BETWEEN REGEXP RLIKE COLLATE
    """.split()  # noqa: SIM905
)
#: Digits of a decimal, and how many more a division gives (div_precision_increment).
_DIGITS = 65
_ROUNDING = 4


@dataclass(frozen=True)
class Name:
    """A bare word: a value of system variables (``ON``, ``utf8mb4``), a column elsewhere."""

    text: str


def evaluate(reader: Reader, variables: Variables, user_name: NameReader) -> Scalar | Name:
    """The value of the expression that comes next.

    Args:
        variables: what ``@@name`` and ``@name`` stand for.
        user_name: takes the name of a user variable, its ``@`` included.

    Raises:
        SQLError: 1064 where no expression comes; 1235 for functions and operators that are not understood,
            named; 1193 for unknown system variables.
    """
    return _Evaluation(reader, variables, user_name).whole()


class _Evaluation:
    def __init__(self, reader: Reader, variables: Variables, user_name: NameReader) -> None:
        self._reader = reader
        self._variables = variables
        self._user_name = user_name

    def whole(self) -> Scalar | Name:
        value = self._sum()
        if self._reader.word() in _OPERATORS:
            raise unsupported(f"the operator {self._reader.word()} in SET; write its result")
        return value

    def _sum(self) -> Scalar | Name:
        value = self._product()
        while operator := self._reader.accept_any("+", "-"):
            value = _compute(operator, value, self._product())
        return value

    def _product(self) -> Scalar | Name:
        value = self._signed()
        while operator := self._reader.accept_any("*", "/", "%", "DIV", "MOD"):
            value = _compute(operator, value, self._signed())
        return value

    def _signed(self) -> Scalar | Name:
        negative = False
        while sign := self._reader.accept_any("-", "+"):
            negative ^= sign == "-"
        value = self._operand()
        return _compute("-", 0, value) if negative else value

    def _operand(self) -> Scalar | Name:
        reader = self._reader
        kind = reader.kind()
        if kind is TokenType.STRING:
            return reader.text()
        if kind is TokenType.NUMBER or (kind is TokenType.DOT and reader.kind(1) is TokenType.NUMBER):
            return reader.number()
        if kind in (TokenType.HEX_STRING, TokenType.BIT_STRING, TokenType.INTRODUCER, TokenType.NATIONAL_STRING):
            raise unsupported("hexadecimal, bit and character set literals in SET; write plain text or numbers")
        if reader.word() == "@":
            return self._variables.user_value(self._user_name(reader))
        if reader.accept("@@"):
            return self._system_variable()
        if reader.accept("("):
            # A query in parentheses is welcome where it asks for a value alone, as tools write it.
            reader.accept("SELECT")
            value = self.whole()
            if reader.word() in ("FROM", ","):
                raise unsupported("queries and rows in SET; ask for the value first")
            reader.expect(")")
            return value
        for word, value in (("NULL", None), ("TRUE", 1), ("FALSE", 0)):
            if reader.accept(word):
                return value
        if reader.word() in ("NOT", "~", "!", "CASE", "EXISTS"):
            raise unsupported(f"{reader.word()} in SET; write its result")
        if reader.word(1) == "(":
            return self._function()
        return Name(reader.name())

    def _system_variable(self) -> Scalar:
        reader = self._reader
        scope = reader.accept_any(*_SCOPES) if reader.word(1) == "." else ""
        if scope:
            reader.expect(".")
        return self._variables.get(reader.name(), scope or None)

    def _function(self) -> Scalar:
        reader = self._reader
        function = reader.name().upper()
        if function not in ("CONCAT", "REPLACE"):
            raise unsupported(f"the function {function} in SET; write its result")
        reader.expect("(")
        arguments = [self.whole()]
        while reader.accept(","):
            arguments.append(self.whole())
        reader.expect(")")
        if function == "REPLACE" and len(arguments) != 3:
            raise SQLError(1582, "Incorrect parameter count in the call to native function 'REPLACE'")
        texts = [_text(_value(a)) for a in arguments]
        if any(t is None for t in texts):
            return None
        whole = [t for t in texts if t is not None]
        return (
            whole[0].replace(whole[1], whole[2])
            if function == "REPLACE" and whole[1]
            else "".join(whole if function == "CONCAT" else whole[:1])
        )


def _value(operand: Scalar | Name) -> Scalar:
    if isinstance(operand, Name):
        raise SQLError(1054, f"Unknown column '{operand.text}' in 'SET'")
    return operand


def _text(value: Scalar) -> str | None:
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return None if value is None else str(value)


def _compute(operator: str, left: Scalar | Name, right: Scalar | Name) -> Scalar:
    """Arithmetic as MariaDB's: whole numbers stay whole, division is exact, NULL and division by 0 give NULL."""
    first, second = _value(left), _value(right)
    if isinstance(first, str) or isinstance(second, str):
        raise unsupported("arithmetic on text in SET; write numbers without quotes")
    if first is None or second is None:
        return None
    if operator in ("/", "%", "DIV", "MOD") and not second:
        return None
    try:
        if isinstance(first, float) or isinstance(second, float):
            return _approximate(operator, float(first), float(second))
        traps = [InvalidOperation] if operator == "/" else [InvalidOperation, Inexact]
        with localcontext(Context(prec=_DIGITS, traps=traps)):
            if operator == "/":
                places = _places_of_quotient(Decimal(first), Decimal(second))
                return (Decimal(first) / Decimal(second)).quantize(Decimal(1).scaleb(-places), ROUND_DOWN)
            exact = _exact(operator, Decimal(first), Decimal(second))
    except (ArithmeticError, ValueError) as error:
        raise SQLError(1690, f"value is out of range in '({first} {operator} {second})'") from error
    whole = operator == "DIV" or (isinstance(first, int) and isinstance(second, int))
    return int(exact) if whole else exact


def _places_of_quotient(first: Decimal, second: Decimal) -> int:
    """Digits behind the point that MariaDB keeps of a quotient: it counts them by nines (do_div_mod in decimal.c)."""
    wanted, room = _ROUNDING, 0
    for number in (first, second):
        digits = max(-int(number.as_tuple().exponent), 0)
        nines = -(-digits // 9) * 9
        wanted -= nines - digits
        room += nines
    return -(-(room + max(wanted, 0)) // 9) * 9


def _exact(operator: str, first: Decimal, second: Decimal) -> Decimal:
    if operator == "+":
        return first + second
    if operator == "-":
        return first - second
    if operator == "*":
        return first * second
    return first // second if operator == "DIV" else first % second


def _approximate(operator: str, first: float, second: float) -> Scalar:
    if operator == "/":
        result = first / second
    elif operator == "DIV":
        return int(first / second)
    else:
        result = float(_exact(operator, Decimal(repr(first)), Decimal(repr(second))))
    if not isfinite(result):
        raise OverflowError
    return result
