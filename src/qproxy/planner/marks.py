"""Calls as written: the token stream is prepared so that the parser leaves functions and literals alone.

The parser knows many functions by types of its own and writes some of them back as others, whose last digit, type or
NULLs differ. Here a call gets a name that the parser has never heard of, with the keywords between its arguments
(``CAST(x AS ...)``, ``TRIM(BOTH x FROM y)``) kept in that name; `qproxy.planner.faithful` puts them back. Literals
that are no plain strings or numbers become calls without arguments in the same way.

A mark is ``\\0NAME``, or ``\\0NAME\\0before\\0between\\0...\\0after`` with the text around each argument, where
an empty name stands for text without parentheses.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from sqlglot.tokenizer_core import Token, TokenType

from qproxy.planner.literals import content, quoted

MARK = "\0"

#: Aggregates that the passes tell apart, and functions over windows: the parser's own types.
_PARSED = frozenset(
    """
    COUNT SUM AVG MIN MAX BIT_AND BIT_OR BIT_XOR STD STDDEV STDDEV_POP STDDEV_SAMP VAR_POP VAR_SAMP VARIANCE
    ROW_NUMBER RANK DENSE_RANK PERCENT_RANK CUME_DIST NTILE LAG LEAD FIRST_VALUE LAST_VALUE NTH_VALUE
    MEDIAN PERCENTILE_CONT PERCENTILE_DISC
    """.split()  # noqa: SIM905
)
#: Words that stand before a parenthesis without being a function's name.
_NO_CALL = frozenset(
    """
    AND OR XOR NOT IN BETWEEN LIKE RLIKE REGEXP IS AS ON USING SELECT FROM WHERE HAVING BY WHEN THEN ELSE CASE DISTINCT
    ALL ANY SOME EXISTS UNION EXCEPT INTERSECT DIV LIMIT OFFSET JOIN OVER PARTITION INDEX KEY ESCAPE AGAINST
    DISTINCTROW COLLATE SEPARATOR MATCH FOR ROWS RANGE WITH SQL_NO_CACHE SQL_CALC_FOUND_ROWS STRAIGHT_JOIN HIGH_PRIORITY
    SQL_SMALL_RESULT SQL_BIG_RESULT SQL_BUFFER_RESULT SQL_CACHE INTO PROCEDURE OFFSET FETCH LATERAL RECURSIVE BINARY
    GROUP ORDER SOUNDS VALUES
    """.split()  # noqa: SIM905
)
_BARE = frozenset(
    """
    CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP
    CURRENT_USER CURRENT_ROLE
    """.split()  # noqa: SIM905
)
UNITS = frozenset(
    """
    MICROSECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR SECOND_MICROSECOND MINUTE_MICROSECOND MINUTE_SECOND
    HOUR_MICROSECOND HOUR_SECOND HOUR_MINUTE DAY_MICROSECOND DAY_SECOND DAY_MINUTE DAY_HOUR YEAR_MONTH
    """.split()  # noqa: SIM905
)
#: Words that separate the arguments of a call, in place of commas or with them.
_BETWEEN = {
    "EXTRACT": frozenset({"FROM"}),
    "TRIM": frozenset({"BOTH", "LEADING", "TRAILING", "FROM"}),
    "SUBSTRING": frozenset({"FROM", "FOR"}),
    "SUBSTR": frozenset({"FROM", "FOR"}),
    "MID": frozenset({"FROM", "FOR"}),
    "POSITION": frozenset({"IN"}),
    "GROUP_CONCAT": frozenset({"DISTINCT", "ORDER", "ORDER BY", "BY", "ASC", "DESC"}),
    "JSON_ARRAYAGG": frozenset({"DISTINCT", "ORDER", "ORDER BY", "BY", "ASC", "DESC"}),
}
#: Words from which on the rest of a call's text holds no expression.
_AFTER = {
    "CAST": frozenset({"AS"}),
    "CONVERT": frozenset({"USING"}),
    "CHAR": frozenset({"USING"}),
    "WEIGHT_STRING": frozenset({"AS", "LEVEL"}),
    "COLUMN_GET": frozenset({"AS"}),
    "GROUP_CONCAT": frozenset({"SEPARATOR", "LIMIT"}),
    "JSON_ARRAYAGG": frozenset({"LIMIT"}),
}
#: Calls whose first argument is a keyword.
_KEYWORD_FIRST = frozenset({"TIMESTAMPADD", "TIMESTAMPDIFF", "GET_FORMAT"})
#: Tokens behind which a plus is a sign.
_BEFORE_OPERAND = frozenset(
    (
        TokenType.SELECT,
        TokenType.DISTINCT,
        TokenType.COMMA,
        TokenType.L_PAREN,
        TokenType.EQ,
        TokenType.NEQ,
        TokenType.LT,
        TokenType.LTE,
        TokenType.GT,
        TokenType.GTE,
        TokenType.NULLSAFE_EQ,
        TokenType.PLUS,
        TokenType.DASH,
        TokenType.STAR,
        TokenType.SLASH,
        TokenType.AND,
        TokenType.OR,
        TokenType.XOR,
        TokenType.WHERE,
        TokenType.WHEN,
        TokenType.THEN,
        TokenType.ELSE,
        TokenType.BETWEEN,
        TokenType.GROUP_BY,
        TokenType.ORDER_BY,
        TokenType.HAVING,
        TokenType.ON,
        TokenType.INTERVAL,
    )
)
_TEXT = (TokenType.STRING, TokenType.HEX_STRING, TokenType.BIT_STRING)


def plain(tokens: Sequence[Token], sql: str) -> list[Token]:
    """The tokens of a statement, freed of ways of writing that the parser misreads.

    Comments go; strings hold what MariaDB reads in them, adjacent ones joined; aliases written as strings become
    identifiers; ``!x`` becomes ``(NOT x)``, ``BINARY x`` becomes ``CAST(x AS BINARY)`` and IS UNKNOWN becomes
    IS NULL, each of which means the same.
    """
    kept: list[Token] = []
    depth = 0
    listed = True
    for token in tokens:
        kind = token.token_type
        text = token.text
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if kind is TokenType.SELECT:
            depth, listed = 0, True
        elif kind is TokenType.FROM and depth == 0:
            listed = False
        if kind is TokenType.HINT:
            # MariaDB 10.11 takes an optimizer hint of MySQL for a comment.
            continue
        before = kept[-1] if kept else None
        if kind is TokenType.PLUS and before is not None and before.token_type in _BEFORE_OPERAND:
            # A plus sign is nothing, to MariaDB as well.
            continue
        if kind is TokenType.STRING:
            text = content(sql[token.start : token.end + 1])
            if before is not None and before.token_type is TokenType.STRING:
                kept[-1] = _token(TokenType.STRING, before.text + text, before, token.end)
                continue
            if listed and depth == 0 and _alias(kept):
                kind = TokenType.IDENTIFIER
        elif kind is TokenType.UNKNOWN and before is not None and before.text.upper() in ("IS", "NOT"):
            kind, text = TokenType.NULL, "NULL"
        elif kind is TokenType.NUMBER and before is not None and _fraction(kept, token):
            kept[-1] = _token(TokenType.NUMBER, "." + text, before, token.end)
            continue
        if before is not None and _is_bare(before, kept[-2:-1]) and kind is not TokenType.L_PAREN:
            kept += _empty(before)
        kept.append(_token(kind, text, token, token.end))
    if kept and _is_bare(kept[-1], kept[-2:-1]):
        kept += _empty(kept[-1])
    return _prefixes(kept)


def _alias(tokens: Sequence[Token]) -> bool:
    """Whether a string behind these tokens of a select list is an alias: behind AS, or behind a whole operand."""
    last = tokens[-1] if tokens else None
    if last is None:
        return False
    if last.token_type is TokenType.ALIAS:
        return True
    if last.token_type is TokenType.VAR:
        return len(tokens) > 1 and tokens[-2].token_type not in (TokenType.SELECT, TokenType.VAR)
    return last.token_type in (TokenType.NUMBER, TokenType.R_PAREN, TokenType.IDENTIFIER, TokenType.END)


def _is_bare(token: Token, before: Sequence[Token]) -> bool:
    """Whether a token is a function that may be written without parentheses."""
    if token.token_type in (TokenType.IDENTIFIER, TokenType.STRING) or token.text.upper() not in _BARE:
        return False
    return not before or before[-1].token_type not in (TokenType.DOT, TokenType.ALIAS)


def _fraction(kept: Sequence[Token], token: Token) -> bool:
    """Whether a dot and a number are ``.5``, not the end of a name."""
    dot = kept[-1]
    if dot.token_type is not TokenType.DOT or dot.end + 1 != token.start:
        return False
    return len(kept) < 2 or not _ends_operand(kept[-2]) or kept[-2].end + 1 != dot.start


def _prefixes(tokens: list[Token]) -> list[Token]:
    """Prefix operators by the last one first, so that each finds its operand complete."""
    if not any(t.token_type is TokenType.BINARY or t.text == "!" for t in tokens):
        return tokens
    out = list(tokens)
    for at in range(len(out) - 1, -1, -1):
        token = out[at]
        if token.token_type is TokenType.NOT and token.text == "!":
            end = _operand(out, at + 1)
            inner = [_like(token, TokenType.NOT, "NOT"), *out[at + 1 : end]]
            out[at:end] = [_like(token, TokenType.L_PAREN, "("), *inner, _like(token, TokenType.R_PAREN, ")")]
        elif token.token_type is TokenType.BINARY and _starts_operand(out, at):
            end = _operand(out, at + 1)
            out[at:end] = [
                _like(token, TokenType.VAR, "CAST"),
                _like(token, TokenType.L_PAREN, "("),
                *out[at + 1 : end],
                _like(token, TokenType.ALIAS, "AS"),
                token,
                _like(token, TokenType.R_PAREN, ")"),
            ]
    return out


def _starts_operand(tokens: Sequence[Token], at: int) -> bool:
    """Whether BINARY at that place is the operator: not a type (behind AS or a comma of CONVERT), nor a charset."""
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if following is None or following.token_type in (TokenType.COMMA, TokenType.R_PAREN, TokenType.DOT):
        return False
    before = tokens[at - 1] if at else None
    if before is None:
        return True
    if before.token_type is TokenType.COMMA:
        return not _in_convert(tokens, at)
    return before.token_type not in (
        TokenType.ALIAS,
        TokenType.DOT,
        TokenType.USING,
        TokenType.COLLATE,
        TokenType.CHARACTER_SET,
        TokenType.SET,
        TokenType.R_PAREN,
    )


def _in_convert(tokens: Sequence[Token], at: int) -> bool:
    depth = 0
    for place in range(at - 1, 0, -1):
        kind = tokens[place].token_type
        if kind is TokenType.R_PAREN:
            depth += 1
        elif kind is TokenType.L_PAREN:
            if depth == 0:
                return tokens[place - 1].text.upper() == "CONVERT"
            depth -= 1
    return False


def _operand(tokens: Sequence[Token], at: int) -> int:
    """Where the operand of a prefix operator ends: behind a name, a call, a literal or parentheses."""
    while at < len(tokens) and tokens[at].token_type in (TokenType.DASH, TokenType.PLUS, TokenType.TILDE):
        at += 1
    if at < len(tokens) and tokens[at].token_type is TokenType.CASE:
        return _closing(tokens, at)
    if at < len(tokens) and tokens[at].token_type not in (TokenType.L_PAREN,):
        if tokens[at].token_type is TokenType.INTRODUCER or tokens[at].text == "@":
            at += 1
        at += 1
        while at + 1 < len(tokens) and tokens[at].token_type is TokenType.DOT:
            at += 2
    if at < len(tokens) and tokens[at].token_type is TokenType.L_PAREN:
        at = _closing(tokens, at)
    if at + 1 < len(tokens) and tokens[at].token_type is TokenType.COLLATE:
        at += 2
    return at


def _closing(tokens: Sequence[Token], at: int) -> int:
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


def marked(tokens: Sequence[Token], sql: str) -> list[Token]:
    """Plain tokens with every call and every unusual literal under a mark."""
    out: list[Token] = []
    #: For each open parenthesis: the name of its call and the pieces of its mark so far, or None.
    open_: list[_Call | None] = []
    skip = 0
    for at, token in enumerate(tokens):
        if at < skip:
            continue
        call = open_[-1] if open_ else None
        kind = token.token_type
        upper = token.text.upper() if kind is not TokenType.IDENTIFIER and kind is not TokenType.STRING else ""
        if kind is TokenType.L_PAREN:
            if open_ and isinstance(open_[-1], _Call) and open_[-1].waiting:
                open_[-1].waiting = False
            else:
                open_.append(None)
            out.append(token)
            continue
        if kind is TokenType.R_PAREN:
            if open_:
                closed = open_.pop()
                if closed is not None:
                    closed.close(out)
            out.append(token)
            continue
        if call is not None and call.takes(at, tokens, out, sql):
            skip = call.skip
            continue
        literal = _literal(tokens, at, sql)
        if literal is not None:
            text, skip = literal
            out += [_like(token, TokenType.VAR, MARK + MARK + text), *_empty(token)]
            continue
        if upper and _is_call(tokens, at, upper):
            name = _Call(token.text, len(out))
            open_.append(name)
            out.append(_like(token, TokenType.VAR, MARK + token.text))
            if upper in _KEYWORD_FIRST and at + 3 < len(tokens):
                name.keyword(tokens[at + 2].text)
                out.append(tokens[at + 1])
                name.waiting = False
                skip = at + 4
            continue
        before = tokens[at - 1] if at else None
        if before is not None and before.token_type is TokenType.INTERVAL:
            number = _interval_number(tokens, at)
            if number:
                out += [_like(token, TokenType.VAR, MARK + MARK + number), *_empty(token)]
                skip = at + len(number.split())
                continue
        out.append(token)
    return out


def _interval_number(tokens: Sequence[Token], at: int) -> str:
    """The number, with its sign, that stands alone between INTERVAL and a unit: the parser would make it a string."""
    signed = tokens[at].token_type is TokenType.DASH
    place = at + signed
    if place + 1 >= len(tokens) or tokens[place].token_type is not TokenType.NUMBER:
        return ""
    if tokens[place + 1].text.upper() not in UNITS:
        return ""
    return f"- {tokens[place].text}" if signed else tokens[place].text


class _Call:
    """A call whose closing parenthesis has not come yet."""

    def __init__(self, name: str, place: int) -> None:
        self.written = name
        self.name = name.upper()
        self.place = place
        self.waiting = True
        self.skip = 0
        self._pieces: list[str] = [""]
        self._special = self.name in _BETWEEN or self.name in _AFTER
        self._after = ""

    def keyword(self, word: str) -> None:
        """The first argument is this keyword."""
        self._pieces = [f"{word}, "]
        self._special = True

    def takes(self, at: int, tokens: Sequence[Token], out: list[Token], sql: str) -> bool:
        """Whether the token at a place, directly inside the call, is one of its separators; `skip` tells how far."""
        if not self._special:
            return False
        token = tokens[at]
        word = token.text.upper() if token.token_type not in (TokenType.IDENTIFIER, TokenType.STRING) else ""
        comma = token.token_type is TokenType.COMMA
        if self.name == "EXTRACT" and not self._pieces[0]:
            self._pieces = [f"{word} FROM "]
            self.skip = at + 2
            return True
        if word in _AFTER.get(self.name, ()) or (self.name == "CONVERT" and comma):
            end = _closing_of(tokens, at)
            self._after = _joined(tokens[at:end], sql)
            self.skip = end
            return True
        if not comma and word not in _BETWEEN.get(self.name, ()):
            return False
        end = at
        words = []
        while end < len(tokens) and (
            tokens[end].token_type is TokenType.COMMA
            or (tokens[end].token_type is not TokenType.IDENTIFIER and _separates(self.name, tokens[end]))
        ):
            words.append(tokens[end].text.upper())
            end += 1
        text = " ".join(words).replace(" ,", ",")
        self.skip = end
        if out[-1].token_type is TokenType.L_PAREN and len(out) - 2 == self.place:
            self._pieces[0] += f"{text} "
        elif tokens[end].token_type is TokenType.R_PAREN or tokens[end].text.upper() in _AFTER.get(self.name, ()):
            self._after = f" {text}"
            if tokens[end].token_type is not TokenType.R_PAREN:
                close = _closing_of(tokens, end)
                self._after += _joined(tokens[end:close], sql)
                self.skip = close
        else:
            self._pieces.append(f"{text} " if text == "," or text.startswith(",") else f" {text} ")
            out.append(_like(token, TokenType.COMMA, ","))
        return True

    def close(self, out: list[Token]) -> None:
        """Write the mark."""
        if self._special and (len(self._pieces) > 1 or self._pieces[0] or self._after):
            mark = MARK.join((MARK + self.written, *self._pieces, self._after))
            out[self.place] = _like(out[self.place], TokenType.VAR, mark)


def _separates(name: str, token: Token) -> bool:
    return token.token_type is not TokenType.STRING and token.text.upper() in _BETWEEN.get(name, ())


def _closing_of(tokens: Sequence[Token], at: int) -> int:
    """Where the parenthesis is that closes the call around a place."""
    depth = 0
    for place in range(at, len(tokens)):
        if tokens[place].token_type is TokenType.L_PAREN:
            depth += 1
        elif tokens[place].token_type is TokenType.R_PAREN:
            if depth == 0:
                return place
            depth -= 1
    return len(tokens)


def _joined(tokens: Sequence[Token], sql: str) -> str:
    words = []
    for token in tokens:
        if token.token_type is TokenType.STRING:
            words.append(quoted(token.text))
        elif token.token_type in (TokenType.HEX_STRING, TokenType.BIT_STRING):
            words.append(sql[token.start : token.end + 1])
        elif token.token_type is TokenType.IDENTIFIER:
            words.append("`" + token.text.replace("`", "``") + "`")
        else:
            words.append(token.text.upper())
    text = " ".join(words).replace(" (", "(").replace("( ", "(").replace(" )", ")").replace(" ,", ",")
    return text if text.startswith(",") else f" {text}"


def _literal(tokens: Sequence[Token], at: int, sql: str) -> tuple[str, int] | None:
    """Text of a literal with more than digits or quotes to it, and where it ends."""
    token = tokens[at]
    kind = token.token_type
    written = sql[token.start : token.end + 1]
    if kind in (TokenType.HEX_STRING, TokenType.BIT_STRING):
        return written, at + 1
    if kind is TokenType.NATIONAL_STRING:
        return f"N{quoted(content(written[1:]))}", at + 1
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if following is None:
        return None
    if kind is TokenType.INTRODUCER and following.token_type in _TEXT:
        text = sql[following.start : following.end + 1]
        return f"{token.text} {quoted(following.text) if following.token_type is TokenType.STRING else text}", at + 2
    behind_dot = at > 0 and tokens[at - 1].token_type is TokenType.DOT
    if following.token_type is TokenType.STRING and kind is not TokenType.IDENTIFIER and not behind_dot:
        word = token.text.upper()
        if word in ("DATE", "TIME", "TIMESTAMP"):
            return f"{word} {quoted(following.text)}", at + 2
    return None


def _is_call(tokens: Sequence[Token], at: int, upper: str) -> bool:
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if following is None or following.token_type is not TokenType.L_PAREN:
        return False
    # The tokenizer takes some words together, as in GROUP BY: the last one decides.
    if not (upper[0].isalpha() or upper[0] == "_") or upper.split()[-1] in _NO_CALL or upper in _PARSED:
        return False
    before = tokens[at - 1] if at else None
    if before is not None and before.token_type is TokenType.DOT:
        return False
    if upper == "MOD" and before is not None and _ends_operand(before):
        return False
    if upper == "INTERVAL":
        # The function has several arguments; else it is an interval of time whose amount begins with a parenthesis.
        inside = tokens[at + 2 : _closing(tokens, at + 1) - 1]
        depths = accumulate((t.token_type is TokenType.L_PAREN) - (t.token_type is TokenType.R_PAREN) for t in inside)
        return any(d == 0 and t.token_type is TokenType.COMMA for d, t in zip(depths, inside, strict=True))
    return not (upper in ("LEFT", "RIGHT") and before is not None and _ends_operand(before))


def _ends_operand(token: Token) -> bool:
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


def _empty(token: Token) -> list[Token]:
    return [_like(token, TokenType.L_PAREN, "("), _like(token, TokenType.R_PAREN, ")")]


def _like(token: Token, kind: TokenType, text: str) -> Token:
    return _token(kind, text, token, token.end)


def _token(kind: TokenType, text: str, place: Token, end: int) -> Token:
    return Token(kind, text, place.line, place.col, place.start, end, [])
