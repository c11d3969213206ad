"""Small steps over a token stream that the passes before the parser share."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

COMPARISONS = frozenset(
    (
        TokenType.EQ,
        TokenType.NEQ,
        TokenType.LT,
        TokenType.LTE,
        TokenType.GT,
        TokenType.GTE,
        TokenType.NULLSAFE_EQ,
    )
)


def closing(tokens: Sequence[Token], at: int) -> int:
    """The place behind the parenthesis, or the END, that closes the one at a place."""
    depth = 0
    for place in range(at, len(tokens)):
        kind = tokens[place].token_type
        if kind in (TokenType.L_PAREN, TokenType.CASE):
            depth += 1
        elif kind in (TokenType.R_PAREN, TokenType.END):
            depth -= 1
            if depth == 0:
                return place + 1
    return len(tokens)


def ends_operand(token: Token) -> bool:
    """Whether a token can be the last one of an operand."""
    return token.token_type in (
        TokenType.VAR,
        TokenType.IDENTIFIER,
        TokenType.NUMBER,
        TokenType.STRING,
        TokenType.R_PAREN,
        TokenType.NULL,
        TokenType.TRUE,
        TokenType.FALSE,
        TokenType.END,
    )


def no_arguments(token: Token) -> list[Token]:
    """An opening and a closing parenthesis, standing where a token stands."""
    return [like(token, TokenType.L_PAREN, "("), like(token, TokenType.R_PAREN, ")")]


def like(token: Token, kind: TokenType, text: str) -> Token:
    """Another token in the place of one."""
    return made(kind, text, token, token.end)


def made(kind: TokenType, text: str, place: Token, end: int) -> Token:
    """A token that begins where ``place`` does and ends at ``end``."""
    return Token(kind, text, place.line, place.col, place.start, end, [])
