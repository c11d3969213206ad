"""Small steps over a token stream that the passes before the parser share."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING

from sqlglot.tokenizer_core import Token, TokenType

if TYPE_CHECKING:
    Kind = TokenType
else:
    # The members of TokenType; Python 3.11 takes several times as long to find one in an enumeration.
    Kind = SimpleNamespace(**TokenType.__members__)

COMPARISONS = frozenset(
    (
        Kind.EQ,
        Kind.NEQ,
        Kind.LT,
        Kind.LTE,
        Kind.GT,
        Kind.GTE,
        Kind.NULLSAFE_EQ,
    )
)

#: Words that end GROUP BY.
BEHIND_GROUPS = frozenset((Kind.HAVING, Kind.ORDER_BY, Kind.LIMIT, Kind.WINDOW, Kind.FOR, Kind.LOCK, Kind.INTO))


def closing(tokens: Sequence[Token], at: int) -> int:
    """The place behind the parenthesis, or the END, that closes the one at a place."""
    depth = 0
    for place in range(at, len(tokens)):
        kind = tokens[place].token_type
        if kind in (Kind.L_PAREN, Kind.CASE):
            depth += 1
        elif kind in (Kind.R_PAREN, Kind.END):
            depth -= 1
            if depth == 0:
                return place + 1
    return len(tokens)


def ends_operand(token: Token) -> bool:
    """Whether a token can be the last one of an operand."""
    return token.token_type in (
        Kind.VAR,
        Kind.IDENTIFIER,
        Kind.NUMBER,
        Kind.STRING,
        Kind.R_PAREN,
        Kind.NULL,
        Kind.TRUE,
        Kind.FALSE,
        Kind.END,
    )


def no_arguments(token: Token) -> list[Token]:
    """An opening and a closing parenthesis, standing where a token stands."""
    return [like(token, Kind.L_PAREN, "("), like(token, Kind.R_PAREN, ")")]


def like(token: Token, kind: TokenType, text: str) -> Token:
    """Another token in the place of one."""
    return made(kind, text, token, token.end)


def made(kind: TokenType, text: str, place: Token, end: int) -> Token:
    """A token that begins where ``place`` does and ends at ``end``."""
    return Token(kind, text, place.line, place.col, place.start, end, [])
