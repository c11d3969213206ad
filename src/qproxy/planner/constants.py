"""Pass 2, constants: what has one value for the whole query is put in as a literal.

A worker would answer DATABASE(), NOW() or ``@@version`` for itself, differently from its neighbour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlglot import exp

from qproxy.errors import SQLError, unsupported

Value = str | int | float | None


@dataclass(frozen=True)
class SessionValues:
    """What a session knows that a query may ask for.

    Attributes:
        user: ``name@host``.
        variable: the value of a system variable; raises SQLError 1193 for an unknown one.
        user_variables: values of ``@x``, by lower-case name.
        now: the statement's time, in the session's zone.
    """

    database: str | None
    user: str
    connection_id: int
    version: str
    variable: Callable[[str], Value]
    user_variables: Mapping[str, Value] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))


def literal(value: Value) -> exp.Expr:
    """A value as a literal of SQL."""
    if value is None:
        return exp.Null()
    if isinstance(value, str):
        return exp.Literal.string(value)
    number = exp.Literal.number(repr(abs(value)))
    return exp.Neg(this=number) if value < 0 else number


def fold(select: exp.Select, session: SessionValues) -> None:
    """Replace session functions and variables in a query by literals, in place.

    Raises:
        SQLError: 1193 for an unknown system variable; 1235 for assignments to variables.
    """
    for node in list(select.walk()):
        if isinstance(node, exp.PropertyEQ):
            raise unsupported("assignments to user variables (:=) inside a query")
        value = _value(node, session)
        if value is not None:
            node.replace(value)


def _value(node: exp.Expr, session: SessionValues) -> exp.Expr | None:
    if isinstance(node, exp.SessionParameter):
        return literal(session.variable(node.name.lower()))
    if isinstance(node, exp.Parameter):
        return literal(session.user_variables.get(node.name.lower()))
    if isinstance(node, exp.CurrentSchema):
        return literal(session.database)
    if isinstance(node, exp.CurrentUser | exp.SessionUser):
        return literal(session.user)
    if isinstance(node, exp.CurrentVersion):
        return literal(session.version)
    if isinstance(node, exp.CurrentTimestamp):
        return _timestamp(session.now, node)
    if isinstance(node, exp.CurrentDate):
        return exp.cast(exp.Literal.string(session.now.date().isoformat()), "DATE")
    if isinstance(node, exp.CurrentTime):
        return exp.cast(exp.Literal.string(session.now.time().replace(microsecond=0).isoformat()), "TIME")
    if isinstance(node, exp.Anonymous) and not node.expressions:
        plain = {
            "DATABASE": session.database,
            "USER": session.user,
            "SYSTEM_USER": session.user,
            "CONNECTION_ID": session.connection_id,
            "VERSION": session.version,
            "LAST_INSERT_ID": 0,
            "ROW_COUNT": -1,
        }
        name = node.name.upper()
        if name in plain:
            return literal(plain[name])
    return None


def _timestamp(now: datetime, node: exp.Expr) -> exp.Expr:
    digits = int(node.this.name) if isinstance(node.this, exp.Literal) else 0
    if not 0 <= digits <= 6:
        raise SQLError(1426, f"Too big precision {digits} specified for 'now'. Maximum is 6")
    text = now.strftime("%Y-%m-%d %H:%M:%S") + (f".{now.microsecond:06d}"[: digits + 1] if digits else "")
    kind = exp.DataType(this=exp.DataType.Type.DATETIME)
    if digits:
        kind.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(digits))])
    return exp.Cast(this=exp.Literal.string(text), to=kind)
