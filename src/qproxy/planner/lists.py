"""Long lists of ids as one literal each: ten thousand of them cost the passes what one does.

``IN (1, 2, ... )`` of plain integers, or of plain strings, is lifted out of the statement before it is cut into words:
the list becomes a single token, a single node, and goes to the workers letter for letter as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from qproxy.planner.dialect import tokens_of
from qproxy.planner.tokens import Kind, made

#: The kind of a token that is a list; MariaDB has no literals of this kind.
LIST = Kind.RAW_STRING

_SPACE = r"[ \t\r\n]*+"
_INTEGER = rf"{_SPACE}-?[0-9]{{1,40}}+{_SPACE}"
#: What needs an escape, or may be taken for a word of the planner's own, is no plain string.
_STRING = rf"{_SPACE}'([^'\\\0§]*+)'{_SPACE}"
_FEWEST = 20
#: Shorter texts have no list of so many.
_SHORTEST = 2 * _FEWEST
_LIST = re.compile(
    rf"(?<![\w$@.`§])IN{_SPACE}\(((?:{_INTEGER},){{{_FEWEST},}}+{_INTEGER}|(?:{_STRING},){{{_FEWEST},}}+{_STRING})\)",
    re.IGNORECASE,
)
_TEXT = re.compile(_STRING)
#: How a list begins, and no other literal with a comma in it.
_FIRST = frozenset("-0123456789'")
_NOT_NEWLINE = re.compile("[^\n]")


def lex(sql: str, known: Collection[str] | None = None) -> list[Token]:
    """The tokens of a statement, long lists as one token each.

    Args:
        known: texts of the lists to lift; None for all.

    Raises:
        sqlglot.errors.TokenError: for text that is no SQL.
    """
    if len(sql) < _SHORTEST or (known is not None and not known):
        return tokens_of(sql)
    found = [(m.start(1), m[1]) for m in _LIST.finditer(sql) if known is None or m[1].strip() in known]
    if not found:
        return tokens_of(sql)
    # A name stands for each list, and as much space that all other tokens keep their places.
    pieces: list[str] = []
    behind = 0
    for start, text in found:
        pieces += (sql[behind:start], "x", _NOT_NEWLINE.sub(" ", text[1:]))
        behind = start + len(text)
    pieces.append(sql[behind:])
    lists = dict(found)
    tokens = []
    for token in tokens_of("".join(pieces)):
        text = lists.pop(token.start, "") if token.token_type is Kind.VAR else ""
        tokens.append(made(LIST, text.strip(), token, token.start + len(text) - 1) if text else token)
    # What looks like a list inside quotes or a comment is none.
    return tokens_of(sql) if lists else tokens


def members(expression: exp.Expr) -> frozenset[int] | frozenset[str] | None:
    """What a list holds; None for what is no list."""
    text = expression.this if isinstance(expression, exp.Anonymous) else None
    if not isinstance(text, str) or text[1:2] not in _FIRST or "," not in text:
        return None
    if "'" in text:
        return frozenset(_TEXT.findall(text))
    return frozenset(map(int, text[1:].split(",")))
