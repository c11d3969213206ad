"""Prepared statements: taken, described before they have values, and turned into statements with values.

A statement that has its values is planned as any other is: it never runs on a catalogue that has gone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from sqlglot.tokenizer_core import TokenType

from qproxy.errors import SQLError, read_only
from qproxy.planner.parse import tokenize
from qproxy.planner.plan import Plan, Relay
from qproxy.session.parameters import Place, Value, literal, session_literal
from qproxy.session.placeholders import Template, template
from qproxy.session.reader import Reader
from qproxy.session.set_statement import user_variable_name
from qproxy.session.set_value import Name, evaluate
from qproxy.session.statements import splits, verb
from qproxy.session.variables import Variables
from qproxy.wire.binary import to_binary
from qproxy.wire.columns import ColumnDef, ColumnType
from qproxy.wire.prepared import Parameter, unknown_statement, wrong_arguments
from qproxy.wire.rowblock import RowBlock
from qproxy.wire.statements import close

_REALS = frozenset((ColumnType.FLOAT, ColumnType.DOUBLE))
#: Decimals of a real number that declares none.
_ALL_DECIMALS = 31
#: Statements that a session may keep by name.
MAX_NAMED = 1024
#: Verbs whose statements cannot be prepared (MariaDB Knowledge Base, "PREPARE Statement").
_UNPREPARABLE = frozenset(("PREPARE", "EXECUTE", "DEALLOCATE"))
#: Verbs whose literals have types; elsewhere plain ones will do.
_TYPED = frozenset("SELECT WITH VALUES TABLE EXPLAIN DESCRIBE DESC".split())  # noqa: SIM905
#: Errors that no other value would avoid: syntax, and names that do not exist.
_FIRM = frozenset((1044, 1046, 1049, 1052, 1054, 1064, 1066, 1109, 1142, 1146, 1290, 1305))


def prepare(sql: str, writes: frozenset[str]) -> Template:
    """Take a statement.

    Args:
        writes: verbs that are refused because they write.

    Raises:
        SQLError: 1065 for none, 1064 for several or a misplaced ``?``, 1295 for PREPARE and its kin, 1290 for writes.
    """
    statements = splits(sql)
    if not statements:
        raise SQLError(1065, "Query was empty")
    if len(statements) > 1:
        near = statements[1][:80]
        raise SQLError(1064, f"You have an error in your SQL syntax: one statement can be prepared, not two: '{near}'")
    word = verb(statements[0])
    if word in _UNPREPARABLE:
        raise SQLError(1295, "This command is not supported in the prepared statement protocol yet")
    if word in writes:
        raise read_only(word)
    taken = template(statements[0])
    if word in _TYPED:
        return taken
    if word == "SHOW":
        _check_show(taken)
    return Template(taken.sql, taken.pieces, tuple(Place.COMPARED for _ in taken.places))


def _check_show(taken: Template) -> None:
    """SHOW takes placeholders in its condition alone."""
    if not taken.places:
        return
    for token in tokenize(taken.sql):
        if token.token_type is TokenType.WHERE:
            return
        if token.token_type is TokenType.PLACEHOLDER:
            raise SQLError(1064, "You have an error in your SQL syntax: SHOW takes placeholders behind WHERE alone")


def bound(taken: Template, parameters: Sequence[Parameter], encoding: str) -> str:
    """The statement with values.

    Args:
        encoding: Python codec of the client's text.

    Raises:
        SQLError: see `qproxy.session.parameters.literal`.
    """
    return taken.fill([literal(p, place, encoding) for p, place in zip(parameters, taken.places, strict=True)])


async def described(taken: Template, columns: Callable[[str], Awaitable[Sequence[ColumnDef]]]) -> Sequence[ColumnDef]:
    """The columns of a statement that has no values yet.

    Where NULL cannot stand, as for the radius of a circle, numbers are tried; where the answer depends on the values,
    nothing is said of the columns before there are some.

    Args:
        columns: gives the columns of a statement with literals.

    Raises:
        SQLError: what is wrong whatever the values.
    """
    try:
        return await columns(taken.fill([_neutral(place, "NULL") for place in taken.places]))
    except SQLError as error:
        if not taken.places:
            raise
        refusal = error
    try:
        return await columns(taken.fill([_neutral(place, "1") for place in taken.places]))
    except SQLError as error:
        if refusal.code in _FIRM or (error.code, error.message) == (refusal.code, refusal.message):
            raise refusal from None
        return ()


async def in_binary(columns: Sequence[ColumnDef], blocks: AsyncIterator[RowBlock]) -> AsyncGenerator[RowBlock, None]:
    """Blocks of text rows as blocks of binary rows; closes the former with the latter."""
    try:
        async for block in blocks:
            yield to_binary(block, columns)
    finally:
        await close(blocks)


def exact(plan: Plan, columns: Sequence[ColumnDef]) -> Plan:
    """The plan by which real numbers keep all their digits.

    UNION ALL rounds what a function declares to have a few decimals, as PI(), to these. Text shows no more of them
    anyhow; the binary protocol does. Columns of a table hold no more than they declare.
    """
    rounded = any(c.type in _REALS and c.decimals < _ALL_DECIMALS and not c.org_name for c in columns)
    return replace(plan, together=False, combined=None) if rounded and isinstance(plan.merge, Relay) else plan


def _neutral(place: Place, text: str) -> str:
    return "1" if place is Place.LIMIT else text


@dataclass
class Named:
    """The statements that a session has prepared by SQL, by lower-case name."""

    _known: dict[str, Template] = field(default_factory=dict)

    def find(self, name: str, command: str) -> Template:
        """The statement of that name.

        Raises:
            SQLError: 1243; ``command`` is what the name was given to.
        """
        found = self._known.get(name.lower())
        if found is None:
            raise unknown_statement(name, command)
        return found

    def keep(self, name: str, taken: Template) -> None:
        """Remember a statement.

        Raises:
            SQLError: 1461 where there are too many.
        """
        if len(self._known) >= MAX_NAMED:
            raise SQLError(
                1461,
                f"Can't create more than max_prepared_stmt_count statements (current value: {len(self._known)}); "
                "DEALLOCATE PREPARE some",
                "42000",
            )
        self._known[name.lower()] = taken

    def forget(self, name: str) -> None:
        """Forget a statement, if it is known."""
        self._known.pop(name.lower(), None)

    def clear(self) -> None:
        """Forget all statements."""
        self._known.clear()


def parse_prepare(sql: str, variables: Variables) -> tuple[str, str]:
    """Name and text of ``PREPARE name FROM 'text'``; the text may be a user variable.

    Raises:
        SQLError: 1064.
    """
    reader = _behind_verb(sql)
    name = reader.name()
    reader.expect("FROM")
    text = _text(reader, variables)
    reader.end()
    return name, text


def parse_execute(sql: str, variables: Variables) -> tuple[str | None, str, list[Value]]:
    """``EXECUTE name [USING values]`` or ``EXECUTE IMMEDIATE 'text' [USING values]``.

    Returns:
        The name, or None and the text; and the values.

    Raises:
        SQLError: 1064; what is wrong with a value.
    """
    reader = _behind_verb(sql)
    name, text = None, ""
    if reader.accept("IMMEDIATE"):
        text = _text(reader, variables)
    else:
        name = reader.name()
    values: list[Value] = []
    if reader.accept("USING"):
        while True:
            value = evaluate(reader, variables, user_variable_name)
            values.append(value.text if isinstance(value, Name) else value)
            if not reader.accept(","):
                break
    reader.end()
    return name, text, values


def parse_deallocate(sql: str) -> str:
    """Name in ``{DEALLOCATE | DROP} PREPARE name``.

    Raises:
        SQLError: 1064.
    """
    reader = Reader(sql)
    if not reader.accept_any("DEALLOCATE", "DROP"):
        raise reader.error()
    reader.expect("PREPARE")
    name = reader.name()
    reader.end()
    return name


def bound_by_sql(taken: Template, values: Sequence[Value]) -> str:
    """The statement with values of user variables.

    Raises:
        SQLError: 1210 where they are not as many as its placeholders.
    """
    if len(values) != len(taken.places):
        raise wrong_arguments("EXECUTE")
    return taken.fill([session_literal(v, place) for v, place in zip(values, taken.places, strict=True)])


def _behind_verb(sql: str) -> Reader:
    # The tokenizer takes what follows these verbs for one text.
    return Reader(sql[tokenize(sql)[0].end + 1 :])


def _text(reader: Reader, variables: Variables) -> str:
    if reader.word() == "@":
        value = variables.user_value(user_variable_name(reader))
        return "NULL" if value is None else str(value)
    return reader.text()
