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

from sqlglot.tokenizer_core import Token

from qproxy.planner.lists import LIST
from qproxy.planner.literals import content, quoted
from qproxy.planner.tokens import Kind, closing, ends_operand, like, no_arguments

MARK = "\0"
#: How the words begin that stand for queries inside expressions (`qproxy.planner.blocks`).
QUERY = "§q"
#: Aggregates that the passes tell apart, and functions over windows: the parser's own types.
_PARSED = frozenset(
    """
    COUNT SUM AVG MIN MAX BIT_AND BIT_OR BIT_XOR STD STDDEV STDDEV_POP STDDEV_SAMP VAR_POP VAR_SAMP VARIANCE
    ROW_NUMBER RANK DENSE_RANK PERCENT_RANK CUME_DIST NTILE LAG LEAD FIRST_VALUE LAST_VALUE NTH_VALUE
    """.split()  # noqa: SIM905
)
#: Words that stand before a parenthesis without being a function's name.
NO_CALL = frozenset(
    """
    AND OR XOR NOT IN BETWEEN LIKE RLIKE REGEXP IS AS ON USING SELECT FROM WHERE HAVING BY WHEN THEN ELSE CASE DISTINCT
    ALL ANY SOME EXISTS UNION EXCEPT INTERSECT DIV LIMIT OFFSET JOIN OVER PARTITION INDEX KEY ESCAPE AGAINST
    DISTINCTROW COLLATE SEPARATOR MATCH FOR ROWS RANGE WITH SQL_NO_CACHE SQL_CALC_FOUND_ROWS STRAIGHT_JOIN HIGH_PRIORITY
    SQL_SMALL_RESULT SQL_BIG_RESULT SQL_BUFFER_RESULT SQL_CACHE INTO PROCEDURE OFFSET FETCH LATERAL RECURSIVE BINARY
    GROUP ORDER SOUNDS VALUES
    """.split()  # noqa: SIM905
)
#: Functions over windows whose order stands behind WITHIN GROUP.
_WITHIN_GROUP = frozenset({"PERCENTILE_CONT", "PERCENTILE_DISC"})
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
#: Without one of these, and without queries inside, there is nothing to mark.
_NOTABLE = frozenset(
    (
        Kind.L_PAREN,
        Kind.STRING,
        Kind.HEX_STRING,
        Kind.BIT_STRING,
        Kind.NATIONAL_STRING,
        Kind.INTERVAL,
        LIST,
    )
)
#: What is marked or counted itself, and what tells that the token before it may be.
_MARKED = _NOTABLE - {Kind.STRING} | {Kind.R_PAREN}
_TELLING = frozenset((Kind.L_PAREN, Kind.STRING, Kind.HEX_STRING, Kind.BIT_STRING))
_TEXT = (Kind.STRING, Kind.HEX_STRING, Kind.BIT_STRING)


def marked(tokens: Sequence[Token], sql: str) -> list[Token]:
    """Plain tokens with every call and every unusual literal under a mark."""
    if not any(t.token_type in _NOTABLE or t.text.startswith(QUERY) for t in tokens):
        return list(tokens)
    out: list[Token] = []
    #: For each open parenthesis: the name of its call and the pieces of its mark so far, or None.
    open_: list[_Call | None] = []
    skip = 0
    for at, token in enumerate(tokens):
        if at < skip:
            continue
        call = open_[-1] if open_ else None
        kind = token.token_type
        following = tokens[at + 1].token_type if at + 1 < len(tokens) else None
        ordinary = kind not in _MARKED and following not in _TELLING and not token.text.startswith(QUERY)
        if call is None and ordinary and not (at and tokens[at - 1].token_type is Kind.INTERVAL):
            out.append(token)
            continue
        upper = token.text.upper() if kind is not Kind.IDENTIFIER and kind is not Kind.STRING else ""
        if kind is Kind.L_PAREN:
            if open_ and isinstance(open_[-1], _Call) and open_[-1].waiting:
                open_[-1].waiting = False
            else:
                open_.append(None)
            out.append(token)
            continue
        if kind is Kind.R_PAREN:
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
            out += [like(token, Kind.VAR, MARK + MARK + text), *no_arguments(token)]
            continue
        if upper in _WITHIN_GROUP and (inverse := _inverse(tokens, at, sql)) is not None:
            mark, arguments, skip = inverse
            out += [like(token, Kind.VAR, mark), *arguments]
            continue
        if upper and _is_call(tokens, at, upper):
            name = _Call(token.text, len(out))
            open_.append(name)
            out.append(like(token, Kind.VAR, MARK + token.text))
            if upper in _KEYWORD_FIRST and at + 3 < len(tokens):
                name.keyword(tokens[at + 2].text)
                out.append(tokens[at + 1])
                name.waiting = False
                skip = at + 4
            continue
        before = tokens[at - 1] if at else None
        if before is not None and before.token_type is Kind.INTERVAL:
            number = _interval_number(tokens, at)
            if number:
                out += [like(token, Kind.VAR, MARK + MARK + number), *no_arguments(token)]
                skip = at + len(number.split())
                continue
        out.append(token)
    return out


def _inverse(tokens: Sequence[Token], at: int, sql: str) -> tuple[str, list[Token], int] | None:
    """The mark of ``PERCENTILE_CONT(p) WITHIN GROUP (ORDER BY x)``, its arguments in parentheses, and where it ends."""
    if at + 1 >= len(tokens) or tokens[at + 1].token_type is not Kind.L_PAREN:
        return None
    middle = closing(tokens, at + 1)
    words = [t.text.upper() for t in tokens[middle : middle + 4]]
    if words != ["WITHIN", "GROUP", "(", "ORDER BY"]:
        return None
    end = closing(tokens, middle + 2)
    share, key = tokens[at + 2 : middle - 1], tokens[middle + 4 : end - 1]
    after = ")"
    if key and key[-1].token_type in (Kind.ASC, Kind.DESC):
        after = f" {key[-1].text.upper()})"
        key = key[:-1]
    opening, comma, last = tokens[at + 1], like(tokens[middle], Kind.COMMA, ","), tokens[end - 1]
    mark = MARK.join(("", "", f"{tokens[at].text.upper()}(", ") WITHIN GROUP (ORDER BY ", after))
    return mark, [opening, *marked(share, sql), comma, *marked(key, sql), last], end


def _interval_number(tokens: Sequence[Token], at: int) -> str:
    """The number, with its sign, that stands alone between INTERVAL and a unit: the parser would make it a string."""
    signed = tokens[at].token_type is Kind.DASH
    place = at + signed
    if place + 1 >= len(tokens) or tokens[place].token_type is not Kind.NUMBER:
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
        word = token.text.upper() if token.token_type not in (Kind.IDENTIFIER, Kind.STRING) else ""
        comma = token.token_type is Kind.COMMA
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
            tokens[end].token_type is Kind.COMMA
            or (tokens[end].token_type is not Kind.IDENTIFIER and _separates(self.name, tokens[end]))
        ):
            words.append(tokens[end].text.upper())
            end += 1
        text = " ".join(words).replace(" ,", ",")
        self.skip = end
        if out[-1].token_type is Kind.L_PAREN and len(out) - 2 == self.place:
            self._pieces[0] += f"{text} "
        elif tokens[end].token_type is Kind.R_PAREN or tokens[end].text.upper() in _AFTER.get(self.name, ()):
            self._after = f" {text}"
            if tokens[end].token_type is not Kind.R_PAREN:
                close = _closing_of(tokens, end)
                self._after += _joined(tokens[end:close], sql)
                self.skip = close
        else:
            self._pieces.append(f"{text} " if text == "," or text.startswith(",") else f" {text} ")
            out.append(like(token, Kind.COMMA, ","))
        return True

    def close(self, out: list[Token]) -> None:
        """Write the mark."""
        if self._special and (len(self._pieces) > 1 or self._pieces[0] or self._after):
            mark = MARK.join((MARK + self.written, *self._pieces, self._after))
            out[self.place] = like(out[self.place], Kind.VAR, mark)


def _separates(name: str, token: Token) -> bool:
    return token.token_type is not Kind.STRING and token.text.upper() in _BETWEEN.get(name, ())


def _closing_of(tokens: Sequence[Token], at: int) -> int:
    """Where the parenthesis is that closes the call around a place."""
    depth = 0
    for place in range(at, len(tokens)):
        if tokens[place].token_type is Kind.L_PAREN:
            depth += 1
        elif tokens[place].token_type is Kind.R_PAREN:
            if depth == 0:
                return place
            depth -= 1
    return len(tokens)


def _joined(tokens: Sequence[Token], sql: str) -> str:
    words = []
    for token in tokens:
        if token.token_type is Kind.STRING:
            words.append(quoted(token.text))
        elif token.token_type in (Kind.HEX_STRING, Kind.BIT_STRING):
            words.append(sql[token.start : token.end + 1])
        elif token.token_type is Kind.IDENTIFIER:
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
    if kind in (Kind.HEX_STRING, Kind.BIT_STRING):
        return written, at + 1
    if kind is LIST or (kind is Kind.VAR and token.text.startswith(QUERY)):
        return token.text, at + 1
    if kind is Kind.NATIONAL_STRING:
        return f"N{quoted(content(written[1:]))}", at + 1
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if following is None:
        return None
    if kind is Kind.INTRODUCER and following.token_type in _TEXT:
        text = sql[following.start : following.end + 1]
        return f"{token.text} {quoted(following.text) if following.token_type is Kind.STRING else text}", at + 2
    behind_dot = at > 0 and tokens[at - 1].token_type is Kind.DOT
    if following.token_type is Kind.STRING and kind is not Kind.IDENTIFIER and not behind_dot:
        word = token.text.upper()
        if word in ("DATE", "TIME", "TIMESTAMP"):
            return f"{word} {quoted(following.text)}", at + 2
    return None


def _is_call(tokens: Sequence[Token], at: int, upper: str) -> bool:
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if following is None or following.token_type is not Kind.L_PAREN:
        return False
    # The tokenizer takes some words together, as in GROUP BY: the last one decides.
    if not (upper[0].isalpha() or upper[0] == "_") or upper.split()[-1] in NO_CALL or upper in _PARSED:
        return False
    before = tokens[at - 1] if at else None
    if before is not None and before.token_type is Kind.DOT:
        return False
    if upper == "MOD" and before is not None and ends_operand(before):
        return False
    if upper == "INTERVAL":
        # The function has several arguments; else it is an interval of time whose amount begins with a parenthesis.
        inside = tokens[at + 2 : closing(tokens, at + 1) - 1]
        depths = accumulate((t.token_type is Kind.L_PAREN) - (t.token_type is Kind.R_PAREN) for t in inside)
        return any(d == 0 and t.token_type is Kind.COMMA for d, t in zip(depths, inside, strict=True))
    return not (upper in ("LEFT", "RIGHT") and before is not None and ends_operand(before))
