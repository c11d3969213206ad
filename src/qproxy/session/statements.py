"""What a text holds: its statements, and the verb of each."""

from __future__ import annotations

from sqlglot.tokenizer_core import TokenType

from qproxy.planner.parse import tokenize


def splits(sql: str) -> list[str]:
    """The statements of a text, split at its semicolons; empty ones are left out.

    Raises:
        SQLError: 1064 for text that is no SQL.
    """
    if ";" not in sql:
        return [sql] if sql.strip() else []
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
    for token in tokenize(sql):
        if token.token_type is TokenType.L_PAREN:
            continue
        if skip == 0:
            words = token.text.split()
            return words[0].upper() if words else ""
        skip -= 1
    return ""
