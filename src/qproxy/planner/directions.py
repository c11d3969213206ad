"""GROUP BY ... DESC: a key's direction sorts the groups (MariaDB Knowledge Base, "GROUP BY")."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token

from qproxy.planner.tokens import BEHIND_GROUPS, Kind

_WORDS = (Kind.ASC, Kind.DESC)


def without_directions(tokens: Sequence[Token]) -> tuple[list[Token], tuple[bool, ...]]:
    """The tokens of a SELECT without directions of groups, and for each key whether it was to be descending.

    Args:
        tokens: plain tokens; queries inside others are words.

    Returns:
        No directions where none was written.
    """
    if not any(t.token_type is Kind.GROUP_BY for t in tokens):
        return list(tokens), ()
    kept: list[Token] = []
    descending: list[bool] = []
    grouping = written = False
    depth = 0
    for at, token in enumerate(tokens):
        kind = token.token_type
        depth += (kind is Kind.L_PAREN) - (kind is Kind.R_PAREN)
        if depth == 0 and kind is Kind.GROUP_BY:
            grouping = True
            descending.append(False)
        elif depth == 0 and kind in BEHIND_GROUPS:
            grouping = False
        elif grouping and depth == 0 and kind is Kind.COMMA:
            descending.append(False)
        elif grouping and depth == 0 and kind in _WORDS and _ends_key(tokens, at + 1):
            descending[-1] = kind is Kind.DESC
            written = True
            continue
        kept.append(token)
    return kept, tuple(descending) if written else ()


def _ends_key(tokens: Sequence[Token], at: int) -> bool:
    return at == len(tokens) or tokens[at].token_type in (Kind.COMMA, Kind.WITH, *BEHIND_GROUPS)
