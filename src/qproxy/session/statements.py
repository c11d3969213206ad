"""What a text holds: its statements, and the verb of each."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlglot.tokenizer_core import Token, TokenType

from qproxy.errors import SQLError
from qproxy.planner.parse import tokenize

#: Characters that hold the first words of any statement, but for one with a long comment in front.
_HEAD = 300
#: Words that tell what a statement is.
_WORDS = 8
#: The commonest verb; whoever reads the statement finds what is wrong with the rest.
_SELECT = re.compile(r"[ \t\r\n]*SELECT[ \t\r\n]", re.IGNORECASE)


def splits(sql: str) -> list[str]:
    """The statements of a text, split at its semicolons; empty ones are left out.

    Raises:
        SQLError: 1064 for text that is no SQL.
    """
    if ";" not in sql:
        return [sql] if sql.strip() else []
    if len(sql) > _HEAD and sql.find(";") == len(sql.rstrip()) - 1 and verb(sql) not in ("", ";"):
        # It ends the one statement, or a comment behind it.
        return [sql.rstrip()[:-1].strip()]
    statements = []
    start = 0
    filled = False
    for token in tokenize(sql):
        if token.token_type is not TokenType.SEMICOLON:
            filled = True
            continue
        if filled:
            statements.append(sql[start : token.start].strip())
        start, filled = token.end + 1, False
    if filled:
        statements.append(sql[start:].strip())
    return statements


def verb(sql: str, skip: int = 0) -> str:
    """A keyword that a statement begins with, in upper case; comments and opening parentheses are passed over.

    Args:
        skip: number of words in front of the one asked for.

    Returns:
        The word; empty where the statement ends before it.

    Raises:
        SQLError: 1064 for text that is no SQL.
    """
    if skip == 0 and _SELECT.match(sql):
        return "SELECT"
    word = _word(beginning(sql), skip)
    return _word(tokenize(sql), skip) if not word and len(sql) > _HEAD else word


def _word(tokens: Iterable[Token], skip: int) -> str:
    for token in tokens:
        if token.token_type is TokenType.L_PAREN:
            continue
        if skip == 0:
            words = token.text.split()
            return words[0].upper() if words else ""
        skip -= 1
    return ""


def beginning(sql: str) -> list[Token]:
    """The first tokens of a statement, eight or more where there are.

    A megabyte takes a quarter of a second to be cut into words.

    Raises:
        SQLError: 1064 for text that is no SQL.
    """
    if len(sql) > _HEAD:
        try:
            # The last one may have been cut off.
            tokens = tokenize(sql[:_HEAD])[:-1]
        except SQLError:
            tokens = []  # Inside of quotes, or of a comment.
        if len(tokens) >= _WORDS:
            return tokens
    return tokenize(sql)
