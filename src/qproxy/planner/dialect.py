"""The parser of MariaDB's dialect: what is costly to make is made once a thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token

DIALECT = "mysql"


class _Tools(threading.local):
    """A tokenizer and a parser; each has a state while it works, which threads must not share."""

    def __init__(self) -> None:
        dialect = Dialect.get_or_raise(DIALECT)
        self.tokenizer = dialect.tokenizer()
        self.parser = dialect.parser()


_TOOLS = _Tools()


def tokens_of(sql: str) -> list[Token]:
    """The words of a text.

    Raises:
        sqlglot.errors.TokenError: for what is no SQL.
    """
    return _TOOLS.tokenizer.tokenize(sql)


def trees_of(tokens: Sequence[Token], sql: str) -> list[exp.Expr | None]:
    """The statements that some words are.

    Raises:
        sqlglot.errors.ParseError: for what is no SQL.
    """
    return _TOOLS.parser.parse(list(tokens), sql)
