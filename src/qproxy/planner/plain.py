"""One way of writing each thing: comments, joined strings, prefixes and bare functions are settled in the tokens.

What MariaDB reads in several forms reaches the parser in one: adjacent strings as one string, ``.5`` as ``0.5``, unary
plus as nothing, ``!x`` and ``BINARY x`` as calls, CURRENT_DATE and its kin with their parentheses.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token

from qproxy.planner.literals import content
from qproxy.planner.tokens import COMPARISONS, Kind, closing, ends_operand, like, made, no_arguments

_BARE = frozenset(
    """
    CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP
    CURRENT_USER CURRENT_ROLE
    """.split()  # noqa: SIM905
)
#: Tokens behind which a plus is a sign.
_BEFORE_OPERAND = frozenset(
    (
        *COMPARISONS,
        Kind.SELECT,
        Kind.DISTINCT,
        Kind.COMMA,
        Kind.L_PAREN,
        Kind.PLUS,
        Kind.DASH,
        Kind.STAR,
        Kind.SLASH,
        Kind.AND,
        Kind.OR,
        Kind.XOR,
        Kind.WHERE,
        Kind.WHEN,
        Kind.THEN,
        Kind.ELSE,
        Kind.BETWEEN,
        Kind.GROUP_BY,
        Kind.ORDER_BY,
        Kind.HAVING,
        Kind.ON,
        Kind.INTERVAL,
    )
)


def plain(tokens: Sequence[Token], sql: str) -> list[Token]:
    """The tokens of a statement, freed of ways of writing that the parser misreads.

    Comments go; strings hold what MariaDB reads in them, adjacent ones joined; aliases written as strings become
    identifiers; ``!x`` becomes ``(NOT x)``, ``BINARY x`` becomes ``CAST(x AS BINARY)`` and IS UNKNOWN becomes
    IS NULL, each of which means the same.
    """
    kept: list[Token] = []
    depth = 0
    listed = True
    bare = prefixed = False
    for token in tokens:
        kind = token.token_type
        if bare and kind is not Kind.L_PAREN:
            kept += no_arguments(kept[-1])
        bare = False
        if kind is Kind.L_PAREN:
            depth += 1
        elif kind is Kind.R_PAREN:
            depth -= 1
        elif kind is Kind.SELECT:
            depth, listed = 0, True
        elif kind is Kind.FROM and depth == 0:
            listed = False
        elif kind is Kind.HINT:
            # MariaDB 10.11 takes an optimizer hint of MySQL for a comment.
            continue
        elif kind is Kind.PLUS:
            if kept and kept[-1].token_type in _BEFORE_OPERAND:
                # A plus sign is nothing, to MariaDB as well.
                continue
        elif kind is Kind.STRING:
            text = content(sql[token.start : token.end + 1])
            if kept and kept[-1].token_type is Kind.STRING:
                kept[-1] = made(Kind.STRING, kept[-1].text + text, kept[-1], token.end)
                continue
            token = like(token, Kind.IDENTIFIER if listed and depth == 0 and _alias(kept) else kind, text)
        elif kind is Kind.UNKNOWN:
            if kept and kept[-1].text.upper() in ("IS", "NOT"):
                token = like(token, Kind.NULL, "NULL")
        elif kind is Kind.NUMBER:
            if kept and _fraction(kept, token):
                kept[-1] = made(Kind.NUMBER, "." + token.text, kept[-1], token.end)
                continue
        elif kind is Kind.BINARY or token.text == "!":
            prefixed = True
        elif token.text.upper() in _BARE:
            bare = _is_bare(token, kept[-1:])
        kept.append(like(token, kind, token.text) if token.comments else token)
    if bare:
        kept += no_arguments(kept[-1])
    return _prefixes(kept) if prefixed else kept


def _alias(tokens: Sequence[Token]) -> bool:
    """Whether a string behind these tokens of a select list is an alias: behind AS, or behind a whole operand."""
    last = tokens[-1] if tokens else None
    if last is None:
        return False
    if last.token_type is Kind.ALIAS:
        return True
    if last.token_type is Kind.VAR:
        return len(tokens) > 1 and tokens[-2].token_type not in (Kind.SELECT, Kind.VAR)
    return last.token_type in (Kind.NUMBER, Kind.R_PAREN, Kind.IDENTIFIER, Kind.END)


def _is_bare(token: Token, before: Sequence[Token]) -> bool:
    """Whether a token is a function that may be written without parentheses."""
    if token.token_type in (Kind.IDENTIFIER, Kind.STRING) or token.text.upper() not in _BARE:
        return False
    return not before or before[-1].token_type not in (Kind.DOT, Kind.ALIAS)


def _fraction(kept: Sequence[Token], token: Token) -> bool:
    """Whether a dot and a number are ``.5``, not the end of a name."""
    dot = kept[-1]
    if dot.token_type is not Kind.DOT or dot.end + 1 != token.start:
        return False
    return len(kept) < 2 or not ends_operand(kept[-2]) or kept[-2].end + 1 != dot.start


def _prefixes(tokens: list[Token]) -> list[Token]:
    """Prefix operators by the last one first, so that each finds its operand complete."""
    out = list(tokens)
    for at in range(len(out) - 1, -1, -1):
        token = out[at]
        if token.token_type is Kind.NOT and token.text == "!":
            end = _operand(out, at + 1)
            inner = [like(token, Kind.NOT, "NOT"), *out[at + 1 : end]]
            out[at:end] = [like(token, Kind.L_PAREN, "("), *inner, like(token, Kind.R_PAREN, ")")]
        elif token.token_type is Kind.BINARY and _starts_operand(out, at):
            end = _operand(out, at + 1)
            out[at:end] = [
                like(token, Kind.VAR, "CAST"),
                like(token, Kind.L_PAREN, "("),
                *out[at + 1 : end],
                like(token, Kind.ALIAS, "AS"),
                token,
                like(token, Kind.R_PAREN, ")"),
            ]
    return out


def _starts_operand(tokens: Sequence[Token], at: int) -> bool:
    """Whether BINARY at that place is the operator: not a type (behind AS or a comma of CONVERT), nor a charset."""
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if following is None or following.token_type in (Kind.COMMA, Kind.R_PAREN, Kind.DOT):
        return False
    before = tokens[at - 1] if at else None
    if before is None:
        return True
    if before.token_type is Kind.COMMA:
        return not _in_convert(tokens, at)
    return before.token_type not in (
        Kind.ALIAS,
        Kind.DOT,
        Kind.USING,
        Kind.COLLATE,
        Kind.CHARACTER_SET,
        Kind.SET,
        Kind.R_PAREN,
    )


def _in_convert(tokens: Sequence[Token], at: int) -> bool:
    depth = 0
    for place in range(at - 1, 0, -1):
        kind = tokens[place].token_type
        if kind is Kind.R_PAREN:
            depth += 1
        elif kind is Kind.L_PAREN:
            if depth == 0:
                return tokens[place - 1].text.upper() == "CONVERT"
            depth -= 1
    return False


def _operand(tokens: Sequence[Token], at: int) -> int:
    """Where the operand of a prefix operator ends: behind a name, a call, a literal or parentheses."""
    while at < len(tokens) and tokens[at].token_type in (Kind.DASH, Kind.PLUS, Kind.TILDE):
        at += 1
    if at < len(tokens) and tokens[at].token_type is Kind.CASE:
        return closing(tokens, at)
    if at < len(tokens) and tokens[at].token_type not in (Kind.L_PAREN,):
        if tokens[at].token_type is Kind.INTRODUCER or tokens[at].text == "@":
            at += 1
        at += 1
        while at + 1 < len(tokens) and tokens[at].token_type is Kind.DOT:
            at += 2
    if at < len(tokens) and tokens[at].token_type is Kind.L_PAREN:
        at = closing(tokens, at)
    if at + 1 < len(tokens) and tokens[at].token_type is Kind.COLLATE:
        at += 2
    return at
