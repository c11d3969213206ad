"""Bytes in a statement that are no text: clients write values as ``_binary'...'`` with the bytes as they are."""

from __future__ import annotations

import re

from sqlglot.tokenizer_core import Token, TokenType

from qproxy.errors import SQLError
from qproxy.planner.literals import content
from qproxy.planner.parse import tokenize

#: How Python decodes what is no UTF-8 (PEP 383): a byte as a lone surrogate.
_BYTE = re.compile("[\udc80-\udcff]")


def spelled(sql: str) -> str:
    """The statement with such literals in hexadecimal, ``_binary x'...'``, which means the same.

    Args:
        sql: bytes that are no text stand in it as lone surrogates. In a comment they become question marks.

    Raises:
        SQLError: 1300 for such bytes in anything else, where they would have to be text.
    """
    if _BYTE.search(sql) is None:
        return sql
    parts: list[str] = []
    at, before, spelt = 0, None, False
    for token in tokenize(sql):
        written = sql[token.start : token.end + 1]
        if spelt and token.token_type is TokenType.STRING:
            raise _no_text(written, "a literal of bytes cannot go on in another; join them")
        parts.append(_BYTE.sub("?", sql[at : token.start]))
        spelt = _BYTE.search(written) is not None
        parts.append(_hexadecimal(written, before) if spelt else written)
        at, before = token.end + 1, token
    return "".join(parts) + _BYTE.sub("?", sql[at:])


def _hexadecimal(written: str, before: Token | None) -> str:
    literal = written[:1] in ("'", '"')
    introduced = before is not None and before.token_type is TokenType.INTRODUCER
    if not literal or before is None or not introduced or before.text.lower() != "_binary":
        raise _no_text(written, "write bytes as _binary'...' or x'...' with hex digits")
    return f" x'{content(written).encode('utf-8', 'surrogateescape').hex()}'"


def _no_text(written: str, advice: str) -> SQLError:
    shown = _BYTE.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02X}", written[:40])
    return SQLError(1300, f"Invalid utf8mb4 character string: {shown}; {advice}")
