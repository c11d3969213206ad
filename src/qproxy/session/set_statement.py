"""SET: every form that clients and tools use, applied to a session's variables.

>>> variables = Variables()
>>> apply_set("SET NAMES latin1, @a := 1 + 2, SESSION wait_timeout = 5 * 60", variables)
>>> variables.get("wait_timeout"), variables.get("character_set_client"), variables.user
(300, 'latin1', {'a': 3})
"""

from __future__ import annotations

from sqlglot.tokenizer_core import TokenType

from qproxy.errors import SQLError, unsupported
from qproxy.session.reader import Reader
from qproxy.session.set_value import Name, evaluate
from qproxy.session.variables import Variables

_SCOPES = ("SESSION", "LOCAL", "GLOBAL")
_ISOLATION = ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
_NAME_MARKS = (TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING)


def apply_set(sql: str, variables: Variables) -> None:
    """Apply a SET statement; where one of its assignments fails, none is kept.

    Args:
        sql: the statement, from its verb on.
        variables: are changed.

    Raises:
        SQLError: 1064 for what is no SET statement; 1235 for forms that qproxy does not know, named; otherwise
            as `Variables.set` and `Variables.set_names` raise it.
    """
    reader = Reader(sql)
    reader.expect("SET")
    # Values are worked out with what the variables held before the statement, as MariaDB does it.
    saved = variables.saved()
    try:
        _first(reader, variables, saved)
        while reader.accept(","):
            _assignment(reader, variables, saved)
        reader.end()
    except SQLError:
        variables.restore(saved)
        raise


def split_set_statement(sql: str) -> tuple[str, str]:
    """SET STATEMENT cut in two: a SET statement with its assignments, and the statement behind FOR.

    Raises:
        SQLError: 1064 where there is no FOR; 1235 for user variables and SET in front of or behind it.
    """
    reader = Reader(sql)
    reader.expect("SET", "STATEMENT")
    assignments = reader.rest()
    start = len(assignments)
    depth = 0
    while depth or reader.word() != "FOR":
        if depth == 0 and reader.word() == "@":
            raise reader.error()
        depth += (reader.word() == "(") - (reader.word() == ")")
        reader.take()
    start -= len(reader.rest())
    reader.expect("FOR")
    if reader.done:
        raise reader.error()
    if reader.word() == "SET":
        raise unsupported("SET STATEMENT in front of SET; write SET alone")
    return f"SET {assignments[:start]}", reader.rest()


def _first(reader: Reader, variables: Variables, before: Variables) -> None:
    """The assignment in front, which may be of a kind that cannot follow a comma."""
    if reader.word() == "PASSWORD":
        raise unsupported("SET PASSWORD, as users are kept by qproxy; use qproxy user passwd on its machine")
    if not _assigned(reader, 1):
        for words in (("STATEMENT",), ("ROLE",), ("DEFAULT", "ROLE")):
            if reader.accept(*words):
                raise unsupported(f"SET {' '.join(words)}, as there are no roles here; leave it out")
        scope = reader.word() if reader.word() in _SCOPES else ""
        if reader.word(1 if scope else 0) == "TRANSACTION":
            _transaction(reader, variables, reader.accept_any(*_SCOPES))
            return
    _assignment(reader, variables, before)


def _assigned(reader: Reader, ahead: int) -> bool:
    return reader.word(ahead) in ("=", ":=", ".")


def _assignment(reader: Reader, variables: Variables, before: Variables) -> None:
    if reader.word() == "@":
        _user_variable(reader, variables, before)
    elif reader.word() == "NAMES" and not _assigned(reader, 1):
        _names(reader, variables)
    elif reader.word() in ("CHARSET", "CHARACTER", "CHAR") and not _assigned(reader, 1):
        if not reader.accept("CHARSET"):
            reader.take()
            reader.expect("SET")
        variables.set_character_set(_charset(reader) or _server_charset(variables))
    else:
        _system_variable(reader, variables, before)


def _charset(reader: Reader) -> str | None:
    """The name of a character set or collation that comes next, None for DEFAULT."""
    if reader.accept("DEFAULT"):
        return None
    return reader.text() if reader.kind() is TokenType.STRING else reader.name()


def _server_charset(variables: Variables) -> str:
    return str(variables.get("character_set_server", "GLOBAL"))


def _names(reader: Reader, variables: Variables) -> None:
    reader.expect("NAMES")
    charset = _charset(reader)
    collation = _charset(reader) if charset is not None and reader.accept("COLLATE") else None
    variables.set_names(charset or _server_charset(variables), collation)


def _user_variable(reader: Reader, variables: Variables, before: Variables) -> None:
    name = user_variable_name(reader)
    _equals(reader)
    if reader.accept("DEFAULT"):
        raise reader.error()
    value = evaluate(reader, before, user_variable_name)
    if isinstance(value, Name):
        raise SQLError(1054, f"Unknown column '{value.text}' in 'SET'")
    variables.user[name] = value


def user_variable_name(reader: Reader) -> str:
    """The lower-case name of a user variable; its ``@`` comes next.

    Raises:
        SQLError: 1064 where no name follows.
    """
    reader.expect("@")
    if reader.kind() not in _NAME_MARKS and not reader.word().isidentifier():
        raise reader.error()
    name = reader.take().text
    while reader.accept("."):
        name += "." + reader.name()
    return name.lower()


def _system_variable(reader: Reader, variables: Variables, before: Variables) -> None:
    if reader.accept("@@"):
        scope = reader.accept_any(*_SCOPES) if reader.word(1) == "." else ""
        if scope:
            reader.expect(".")
    else:
        scope = reader.accept_any(*_SCOPES) if not _assigned(reader, 1) else ""
    name = reader.name()
    if reader.accept("."):
        reader.name()
        if _assigned(reader, 0) and reader.word() != ".":
            raise SQLError(4081, f"Unknown structured system variable or ROW routine variable '{name}'")
    _equals(reader)
    if reader.accept("DEFAULT"):
        variables.set_default(name, scope or None)
        return
    value = evaluate(reader, before, user_variable_name)
    variables.set(name, value.text if isinstance(value, Name) else value, scope or None)


def _equals(reader: Reader) -> None:
    if not reader.accept_any("=", ":="):
        raise reader.error()


def _transaction(reader: Reader, variables: Variables, scope: str) -> None:
    """SET TRANSACTION: checked always, kept for a session; for the next transaction alone it says nothing here."""
    reader.expect("TRANSACTION")
    while True:
        if reader.accept("ISOLATION", "LEVEL"):
            level = next((level for level in _ISOLATION if reader.accept(*level.split())), None)
            if level is None:
                raise reader.error()
            name, value = "tx_isolation", level.replace(" ", "-")
        else:
            reader.expect("READ")
            word = reader.accept_any("ONLY", "WRITE")
            if not word:
                raise reader.error()
            name, value = "tx_read_only", "ON" if word == "ONLY" else "OFF"
        if scope:
            variables.set(name, value, scope)
        if not reader.accept(","):
            break
    reader.end()
