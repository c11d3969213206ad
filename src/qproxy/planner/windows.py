"""Windows as written out in full: names of the WINDOW clause and short frames are settled in the tokens.

Source: MariaDB Knowledge Base, "Window Functions Overview", "Window Frames"; the errors are those of MariaDB 10.11.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot.tokenizer_core import Token, TokenType

from qproxy.errors import SQLError
from qproxy.planner.tokens import Kind, closing, like

_FRAMES = (Kind.ROWS, Kind.RANGE)
_NAMES = (Kind.VAR, Kind.IDENTIFIER)

Specs = Mapping[str, list[Token]]


def without_names(tokens: Sequence[Token]) -> list[Token]:
    """The tokens of a SELECT with every window between its own parentheses, and every frame with BETWEEN.

    Args:
        tokens: plain tokens; queries inside others are words.

    Raises:
        SQLError: 4009 for an unknown window, 4010 for a name given twice, 4011 to 4013 for what a window that refers
            to another one must not have, 1064 for a frame that begins behind the row and tells no end.
    """
    kinds = {t.token_type for t in tokens}
    if Kind.OVER not in kinds:
        return _cut(tokens)[0] if Kind.WINDOW in kinds else list(tokens)
    kept, clause = _cut(tokens)
    specs = _named(clause)
    out: list[Token] = []
    at = 0
    while at < len(kept):
        token = kept[at]
        out.append(token)
        at += 1
        if token.token_type is not Kind.OVER or at == len(kept):
            continue
        if kept[at].token_type is Kind.L_PAREN:
            end = closing(kept, at)
            spec = _resolved(kept[at + 1 : end - 1], specs)
        elif kept[at].token_type in _NAMES:
            end = at + 1
            spec = _find(kept[at], specs)
        else:
            continue
        out += [like(token, Kind.L_PAREN, "("), *_framed(spec), like(token, Kind.R_PAREN, ")")]
        at = end
    return out


def _cut(tokens: Sequence[Token]) -> tuple[list[Token], list[Token]]:
    """The tokens without the WINDOW clause, and what stands in it."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.token_type is Kind.L_PAREN) - (token.token_type is Kind.R_PAREN)
        if depth or token.token_type is not Kind.WINDOW or not _defines(tokens, at + 1):
            continue
        end = at + 1
        while _defines(tokens, end):
            end = closing(tokens, end + 2)
            if end < len(tokens) and tokens[end].token_type is Kind.COMMA:
                end += 1
        return [*tokens[:at], *tokens[end:]], list(tokens[at + 1 : end])
    return list(tokens), []


def _defines(tokens: Sequence[Token], at: int) -> bool:
    """Whether ``name AS (`` stands at a place."""
    return (
        at + 2 < len(tokens)
        and tokens[at].token_type in _NAMES
        and tokens[at + 1].token_type is Kind.ALIAS
        and tokens[at + 2].token_type is Kind.L_PAREN
    )


def _named(clause: Sequence[Token]) -> dict[str, list[Token]]:
    """The windows of a WINDOW clause; each may refer to those before it."""
    specs: dict[str, list[Token]] = {}
    at = 0
    while _defines(clause, at):
        name = clause[at].text.lower()
        if name in specs:
            raise SQLError(4010, f"Multiple window specifications with the same name '{clause[at].text}'")
        end = closing(clause, at + 2)
        specs[name] = _resolved(clause[at + 3 : end - 1], specs)
        at = end + 1
    return specs


def _find(name: Token, specs: Specs) -> list[Token]:
    found = specs.get(name.text.lower())
    if found is None:
        raise SQLError(4009, f"Window specification with name '{name.text}' is not defined")
    return found


def _resolved(spec: Sequence[Token], specs: Specs) -> list[Token]:
    """A window with what it takes from the one that it refers to."""
    if not spec or spec[0].token_type not in _NAMES:
        return list(spec)
    base, own = _find(spec[0], specs), list(spec[1:])
    name = spec[0].text
    if _has(own, Kind.PARTITION_BY):
        raise SQLError(4011, f"Window specification referencing another one '{name}' cannot contain partition list")
    if _has(base, Kind.ORDER_BY) and _has(own, Kind.ORDER_BY):
        raise SQLError(4012, f"Referenced window specification '{name}' already contains order list")
    if _has(base, *_FRAMES):
        raise SQLError(4013, f"Referenced window specification '{name}' cannot contain window frame")
    return [*base, *own]


def _has(spec: Sequence[Token], *kinds: TokenType) -> bool:
    return any(_outside(spec, at) and t.token_type in kinds for at, t in enumerate(spec))


def _outside(spec: Sequence[Token], at: int) -> bool:
    """Whether a place is in no parentheses."""
    opened = sum(t.token_type is Kind.L_PAREN for t in spec[:at])
    return opened == sum(t.token_type is Kind.R_PAREN for t in spec[:at])


def _framed(spec: Sequence[Token]) -> list[Token]:
    """A window with its frame as BETWEEN ... AND CURRENT ROW where it tells only where it begins."""
    for at, token in enumerate(spec):
        if token.token_type in _FRAMES and _outside(spec, at):
            start = spec[at + 1 :]
            if not start or start[0].token_type is Kind.BETWEEN:
                break
            if start[-1].text.upper() == "FOLLOWING":
                raise SQLError(1064, "You have an error in your SQL syntax near 'FOLLOWING': write BETWEEN ... AND ...")
            end = [
                like(token, Kind.AND, "AND"),
                like(token, Kind.VAR, "CURRENT"),
                like(token, Kind.ROW, "ROW"),
            ]
            return [*spec[: at + 1], like(token, Kind.BETWEEN, "BETWEEN"), *start, *end]
    return list(spec)
