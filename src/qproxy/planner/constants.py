"""Pass 3, constants: what has one value for the whole query is put in as a literal.

A worker would answer DATABASE(), NOW() or ``@@version`` for itself, differently from its neighbour. In the select list,
where clients see its type, a value has the type that MariaDB gives it; elsewhere a plain literal tells the passes more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from sqlglot import exp

from qproxy.errors import SQLError, unsupported
from qproxy.planner.marks import MARK

Value = str | int | float | Decimal | None

#: Functions of time: the type of their value, and whether it is UTC's, not the session's.
_TIMES: Mapping[str, tuple[str, bool]] = {
    "NOW": ("DATETIME", False),
    "CURRENT_TIMESTAMP": ("DATETIME", False),
    "LOCALTIME": ("DATETIME", False),
    "LOCALTIMESTAMP": ("DATETIME", False),
    "SYSDATE": ("DATETIME", False),
    "CURDATE": ("DATE", False),
    "CURRENT_DATE": ("DATE", False),
    "CURTIME": ("TIME", False),
    "CURRENT_TIME": ("TIME", False),
    "UTC_DATE": ("DATE", True),
    "UTC_TIME": ("TIME", True),
    "UTC_TIMESTAMP": ("DATETIME", True),
}
#: Functions that `fold` replaces.
FOLDED = frozenset(
    """
    DATABASE SCHEMA SCHEMAS USER SYSTEM_USER SESSION_USER CURRENT_USER CURRENT_ROLE CONNECTION_ID VERSION
    LAST_INSERT_ID ROW_COUNT
    """.split()  # noqa: SIM905
).union(_TIMES)


@dataclass(frozen=True)
class SessionValues:
    """What a session knows that a query may ask for.

    Attributes:
        user: ``name@host``.
        variable: the value of a system variable, booleans as bool; raises SQLError 1193 for an unknown one.
        user_variables: values of ``@x``, by lower-case name.
        variables_travel: whether workers know the user variables, so that they stay in the query.
        now: the statement's time, in the session's zone.
        ahead: how far the session's zone is ahead of UTC.
        select_limit: rows that a SELECT without a LIMIT gives at most; None for all.
        statement: letters and digits that no other statement has, for the names of its scratch tables.
    """

    database: str | None
    user: str
    connection_id: int
    version: str
    variable: Callable[[str], Value]
    user_variables: Mapping[str, Value] = field(default_factory=dict)
    variables_travel: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))
    ahead: timedelta = timedelta(0)
    select_limit: int | None = None
    statement: str = field(default_factory=lambda: uuid4().hex)

    @property
    def utc(self) -> datetime:
        """The statement's time, in UTC."""
        return self.now - self.ahead


def literal(value: Value) -> exp.Expr:
    """A value as a literal of SQL."""
    if value is None:
        return exp.Null()
    if isinstance(value, str):
        return exp.Literal.string(value)
    written = _number(value)
    return exp.Neg(this=exp.Literal.number(written[1:])) if written[0] == "-" else exp.Literal.number(written)


def _number(value: float | Decimal) -> str:
    """A number as written: reals with an exponent, without which they would be decimals."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = repr(value)
    return text if isinstance(value, int) or "e" in text else f"{text}e0"


def _unsigned(value: int) -> exp.Expr:
    """A constant of the type BIGINT UNSIGNED."""
    return exp.Paren(this=exp.BitwiseOr(this=literal(value), expression=exp.Literal.number(0)))


def _signed(value: int) -> exp.Expr:
    """A constant of the type BIGINT: that of an integer in text depends on the text's length."""
    return exp.cast(exp.Literal.string(f"{value:020d}"), exp.DataType.Type.BIGINT)


def _system_variable(value: Value, operand: bool) -> exp.Expr:
    """Booleans are BIGINT, or INT as operands; integers are BIGINT UNSIGNED, reals DOUBLE with six digits."""
    if isinstance(value, bool):
        return literal(value) if operand else _signed(value)
    if isinstance(value, int) and value >= 0:
        return _unsigned(value)
    if isinstance(value, float):
        return exp.Anonymous(this=f"{MARK}CAST({value!r} AS DOUBLE(20, 6))")
    return literal(value)


def _user_variable(value: Value) -> exp.Expr:
    """Integers are BIGINT; what was never set is a NULL of the type LONGBLOB."""
    if value is None:
        return exp.Anonymous(this=MARK + "CAST(NULL AS BINARY(16777216))")
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
        return _signed(value)
    return literal(value)


def fold(select: exp.Select, session: SessionValues) -> bool:
    """Replace session functions and variables in a query by literals, in place.

    Returns:
        Whether there were any.

    Raises:
        SQLError: 1193 for an unknown system variable; 1235 for assignments to variables.
    """
    any_ = False
    for node in list(select.walk()):
        if isinstance(node, exp.PropertyEQ):
            raise unsupported(
                "assignments to user variables (:=) inside a query: every worker would count for itself; SET them "
                "before, or use functions over windows, as ROW_NUMBER()"
            )
        value = _value(node, session, _listed(node, select))
        if value is not None:
            node.replace(value)
            any_ = True
    return any_


def variables(select: exp.Select) -> set[str]:
    """Names of the user variables that a query reads."""
    return {node.name.lower() for node in select.find_all(exp.Parameter)}


def _listed(node: exp.Expr, select: exp.Select) -> bool:
    """Whether a node stands in the select list, or where a plain number would be a position in it."""
    if not isinstance(node, exp.SessionParameter | exp.Parameter | exp.Anonymous):
        return False
    if isinstance(node.parent, exp.Group | exp.Ordered):
        return True
    while node.parent is not select and node.parent is not None:
        node = node.parent
    return node.arg_key == "expressions"


def _value(node: exp.Expr, session: SessionValues, listed: bool) -> exp.Expr | None:
    if isinstance(node, exp.SessionParameter):
        value = session.variable(node.name.lower())
        operand = not isinstance(node.parent, exp.Select | exp.Alias | exp.Group | exp.Ordered)
        return _system_variable(value, operand) if listed else literal(value)
    if isinstance(node, exp.Parameter):
        if session.variables_travel:
            return None
        value = session.user_variables.get(node.name.lower())
        return _user_variable(value) if listed else literal(value)
    if not isinstance(node, exp.Anonymous):
        return None
    name = node.name.upper()
    if name == "UNIX_TIMESTAMP" and not node.expressions:
        seconds = session.utc.replace(tzinfo=UTC).timestamp()
        return exp.Literal.number(int(seconds))
    if name not in FOLDED:
        return None
    if name in _TIMES:
        kind, utc = _TIMES[name]
        digits = 0 if kind == "DATE" else _digits(node, name)
        if kind == "DATE" and node.expressions:
            raise _wrong_arguments(name)
        return _moment(session.utc if utc else session.now, kind, digits)
    if node.expressions:
        if name == "LAST_INSERT_ID":
            raise unsupported("LAST_INSERT_ID with an argument, as nothing is inserted here; write the value")
        raise _wrong_arguments(name)
    if listed and name == "LAST_INSERT_ID":
        return _unsigned(0)
    if listed and name == "ROW_COUNT":
        return _signed(-1)
    plain: Mapping[str, Value] = {
        "DATABASE": session.database,
        "SCHEMA": session.database,
        "SCHEMAS": session.database,
        "USER": session.user,
        "SYSTEM_USER": session.user,
        "SESSION_USER": session.user,
        "CURRENT_USER": session.user,
        "CURRENT_ROLE": None,
        "CONNECTION_ID": session.connection_id,
        "VERSION": session.version,
        "LAST_INSERT_ID": 0,
        "ROW_COUNT": -1,
    }
    return literal(plain[name])


def _wrong_arguments(name: str) -> SQLError:
    return SQLError(1582, f"Incorrect parameter count in the call to native function '{name}'")


def _digits(node: exp.Anonymous, name: str) -> int:
    """Digits of the seconds' fraction that a function of time was asked for."""
    if not node.expressions:
        return 0
    wanted = node.expressions[0]
    if len(node.expressions) > 1 or not isinstance(wanted, exp.Literal) or not wanted.name.isdigit():
        raise SQLError(1064, f"You have an error in your SQL syntax: {name} takes a number of digits, 0 to 6")
    digits = int(wanted.name)
    if digits > 6:
        raise SQLError(1426, f"Too big precision {digits} specified for '{name.lower()}'. Maximum is 6")
    return digits


def _moment(moment: datetime, kind: str, digits: int) -> exp.Expr:
    text = moment.strftime({"DATE": "%Y-%m-%d", "TIME": "%H:%M:%S", "DATETIME": "%Y-%m-%d %H:%M:%S"}[kind])
    if digits:
        text += f".{moment.microsecond:06d}"[: digits + 1]
    to = exp.DataType(this=exp.DataType.Type[kind])
    if digits:
        to.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(digits))])
    return exp.Cast(this=exp.Literal.string(text), to=to)
