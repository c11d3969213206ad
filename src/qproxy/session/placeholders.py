"""Placeholders: where they stand in a statement, and the statement with literals in their places.

They are found among the tokens, so that a ``?`` in a string, a name or a comment is none. An item of a select list that
holds one gets its own text as an alias: the column is called ``? + 1``, not by the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot.tokenizer_core import Token, TokenType

from qproxy.errors import SQLError
from qproxy.planner.marks import UNITS
from qproxy.planner.parse import tokenize
from qproxy.session.parameters import Place

_COMPARISONS = frozenset(
    (
        TokenType.EQ,
        TokenType.NEQ,
        TokenType.LT,
        TokenType.LTE,
        TokenType.GT,
        TokenType.GTE,
        TokenType.NULLSAFE_EQ,
        TokenType.BETWEEN,
    )
)
_JUNCTIONS = frozenset(
    (
        TokenType.AND,
        TokenType.OR,
        TokenType.XOR,
        TokenType.WHERE,
        TokenType.HAVING,
        TokenType.ON,
        TokenType.NOT,
        TokenType.WHEN,
        TokenType.THEN,
        TokenType.R_PAREN,
        TokenType.SEMICOLON,
        TokenType.GROUP_BY,
        TokenType.ORDER_BY,
        TokenType.LIMIT,
        TokenType.UNION,
        TokenType.JOIN,
        TokenType.LEFT,
        TokenType.RIGHT,
        TokenType.INNER,
        TokenType.STRAIGHT_JOIN,
    )
)
#: What cannot stand in front of an operand.
_ENDS = frozenset(
    (
        TokenType.NUMBER,
        TokenType.STRING,
        TokenType.NATIONAL_STRING,
        TokenType.HEX_STRING,
        TokenType.BIT_STRING,
        TokenType.INTRODUCER,
        TokenType.IDENTIFIER,
        TokenType.PLACEHOLDER,
        TokenType.R_PAREN,
        TokenType.DOT,
        TokenType.ALIAS,
        TokenType.PARAMETER,
        TokenType.NULL,
        TokenType.TRUE,
        TokenType.FALSE,
        TokenType.END,
        TokenType.COLON,
        TokenType.L_BRACE,
        TokenType.FROM,
        TokenType.JOIN,
    )
)
#: What cannot stand behind a placeholder.
_BEGINS = frozenset((TokenType.DOT, TokenType.L_PAREN, TokenType.PLACEHOLDER, TokenType.NUMBER, TokenType.COLON))
#: Tokens that hold a placeholder with something more.
_MIXED = frozenset((TokenType.DQMARK, TokenType.QDCOLON))
_TYPED = frozenset(("DATE", "TIME", "TIMESTAMP"))
#: Bounds of a window, which MariaDB wants as plain numbers.
_FRAME = frozenset(("PRECEDING", "FOLLOWING"))
#: What ends a select list.
_LIST_ENDS = frozenset(
    (
        TokenType.FROM,
        TokenType.WHERE,
        TokenType.GROUP_BY,
        TokenType.HAVING,
        TokenType.ORDER_BY,
        TokenType.LIMIT,
        TokenType.UNION,
        TokenType.EXCEPT,
        TokenType.INTERSECT,
        TokenType.INTO,
        TokenType.SEMICOLON,
    )
)
_MODIFIERS = frozenset(
    """
    ALL DISTINCT DISTINCTROW HIGH_PRIORITY STRAIGHT_JOIN SQL_NO_CACHE SQL_CACHE SQL_BUFFER_RESULT SQL_SMALL_RESULT
    SQL_BIG_RESULT SQL_CALC_FOUND_ROWS
    """.split()  # noqa: SIM905
)
#: Words behind which a name is an operand, not an alias.
_OPERATORS = frozenset(
    """
    AND OR XOR NOT IN IS LIKE RLIKE REGEXP BETWEEN DIV MOD COLLATE ESCAPE SOUNDS BINARY INTERVAL OVER CASE WHEN THEN
    ELSE DISTINCT ALL SELECT
    """.split()  # noqa: SIM905
)
#: Words that are no names where a placeholder follows.
_BEFORE_OPERAND = _OPERATORS | _MODIFIERS | frozenset(("NEXT", "FIRST", "KILL", "QUERY", "CONNECTION", "DO"))
_NO_ALIAS = frozenset("END NULL TRUE FALSE UNKNOWN".split())  # noqa: SIM905
#: Functions that the planner reads: it must see plain numbers.
_READ_BY_PLANNER = ("qserv_", "scisql_")


@dataclass(frozen=True)
class Template:
    """A statement cut at its placeholders.

    Attributes:
        sql: as it was written.
        pieces: text between the placeholders, one more than they are.
        places: where each stands.
    """

    sql: str
    pieces: tuple[str, ...]
    places: tuple[Place, ...]

    def fill(self, literals: Sequence[str]) -> str:
        """The statement with a literal in the place of each placeholder."""
        if not literals:
            return self.sql
        parts = [self.pieces[0]]
        for text, piece in zip(literals, self.pieces[1:], strict=True):
            # Spaces, so that a sign does not make a comment of a sign, nor a name or number runs into the literal.
            parts += (" ", text, " ", piece)
        return "".join(parts)


def template(sql: str) -> Template:
    """Cut a statement at its placeholders.

    Raises:
        SQLError: 1064 for text that is no SQL, and for a placeholder where no value can stand.
    """
    if "?" not in sql:
        return Template(sql, (sql,), ())
    tokens = tokenize(sql)
    found = [i for i, t in enumerate(tokens) if t.token_type is TokenType.PLACEHOLDER]
    for i, token in enumerate(tokens):
        if token.token_type in _MIXED or (token.token_type is TokenType.PLACEHOLDER and not _may_stand(tokens, i)):
            raise _misplaced(sql, token)
    aliases = _aliases(sql, tokens)
    cuts = sorted(
        [(tokens[i].start, tokens[i].end + 1, "", True) for i in found]
        + [(at, at, text, False) for at, text in aliases]
    )
    pieces: list[str] = []
    piece: list[str] = []
    last = 0
    for start, end, text, placeholder in cuts:
        piece += (sql[last:start], text)
        last = end
        if placeholder:
            pieces.append("".join(piece))
            piece = []
    pieces.append("".join([*piece, sql[last:]]))
    return Template(sql, tuple(pieces), _places(tokens))


def _may_stand(tokens: Sequence[Token], at: int) -> bool:
    """Whether a value can stand at a place, as far as its neighbours tell."""
    before = tokens[at - 1] if at else None
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    if before is not None:
        word = before.text.upper()
        if before.token_type in _ENDS or word in _TYPED:
            return False
        if before.token_type is TokenType.VAR and word not in _BEFORE_OPERAND:
            return False
    return after is None or not (after.token_type in _BEGINS or after.text.upper() in _FRAME)


def _misplaced(sql: str, token: Token) -> SQLError:
    near = sql[token.start :].rstrip().removesuffix(";")[:80]
    return SQLError(
        1064,
        "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version "
        f"for the right syntax to use near '{near}' at line {sql.count(chr(10), 0, token.start) + 1}",
    )


def _places(tokens: Sequence[Token]) -> tuple[Place, ...]:
    places = []
    calls: list[str] = []
    limit = False
    #: Depths at which the keys of GROUP BY or ORDER BY are listed.
    keys: set[int] = set()
    for at, token in enumerate(tokens):
        kind = token.token_type
        if kind is TokenType.L_PAREN:
            calls.append(tokens[at - 1].text.lower() if at else "")
        elif kind is TokenType.R_PAREN and calls:
            keys.discard(len(calls))
            calls.pop()
        elif kind in (TokenType.GROUP_BY, TokenType.ORDER_BY):
            keys.add(len(calls))
        elif kind in _LIST_ENDS or kind is TokenType.SELECT:
            keys.discard(len(calls))
        if kind in (TokenType.LIMIT, TokenType.OFFSET, TokenType.FETCH):
            limit = True
        elif limit and kind not in (TokenType.COMMA, TokenType.NUMBER, TokenType.PLACEHOLDER, TokenType.FIRST):
            limit = kind is TokenType.VAR and token.text.upper() == "NEXT"
        if kind is TokenType.PLACEHOLDER:
            key = len(calls) in keys and _alone(tokens, at)
            place = _place(tokens, at, calls[-1] if calls else "")
            places.append(Place.LIMIT if limit else Place.COMPARED if key else place)
    return tuple(places)


def _alone(tokens: Sequence[Token], at: int) -> bool:
    """Whether a placeholder is a whole key: an integer then says which column is meant."""
    after = tokens[at + 1].token_type if at + 1 < len(tokens) else TokenType.COMMA
    return tokens[at - 1].token_type in (TokenType.GROUP_BY, TokenType.ORDER_BY, TokenType.COMMA) and (
        after in _JUNCTIONS or after in (TokenType.COMMA, TokenType.ASC, TokenType.DESC, TokenType.WITH)
    )


def _place(tokens: Sequence[Token], at: int, call: str) -> Place:
    before = tokens[at - 1].token_type if at else None
    after = tokens[at + 1].token_type if at + 1 < len(tokens) else None
    if call.startswith(_READ_BY_PLANNER):
        return Place.COMPARED
    if (
        call == "in"
        and before in (TokenType.L_PAREN, TokenType.COMMA)
        and after in (TokenType.R_PAREN, TokenType.COMMA)
    ):
        return Place.COMPARED
    ends = after is None or after in _JUNCTIONS or after is TokenType.COMMA
    if (before in _COMPARISONS or before is TokenType.AND) and (ends or after in _COMPARISONS):
        return Place.COMPARED
    begins = before in _JUNCTIONS or before is TokenType.L_PAREN
    return Place.COMPARED if begins and after in _COMPARISONS else Place.FREE


@dataclass
class _List:
    """A select list whose end has not come yet.

    Attributes:
        depth: of the parentheses around it.
        first: number of the token that begins the current item; None before it.
        text_from: where the item's text begins.
    """

    depth: int
    first: int | None = None
    text_from: int | None = None
    item_seen: bool = False


def _aliases(sql: str, tokens: Sequence[Token]) -> list[tuple[int, str]]:
    """Where an item that holds a placeholder needs an alias, and which."""
    found: list[tuple[int, str]] = []
    open_: list[_List] = []
    depth = 0

    def finish(behind: int) -> None:
        """The current item of the innermost list ends in front of a token."""
        current = open_[-1]
        if current.first is not None and behind > current.first:
            item = tokens[current.first : behind]
            if any(t.token_type is TokenType.PLACEHOLDER for t in item) and not _aliased(item):
                end = item[-1].end + 1
                found.append((end, f" AS {_quoted(_name(sql, item, current.text_from))}"))
        current.first = current.text_from = None

    for at, token in enumerate(tokens):
        kind = token.token_type
        if kind is TokenType.R_PAREN:
            depth -= 1
            if open_ and open_[-1].depth > depth:
                finish(at)
                open_.pop()
            continue
        if open_ and open_[-1].depth == depth:
            current = open_[-1]
            if kind in _LIST_ENDS:
                finish(at)
                open_.pop()
            elif kind is TokenType.COMMA:
                finish(at)
                behind = token.end + 1
                # MariaDB counts a comment behind the comma as part of the next item.
                current.text_from = behind + len(sql[behind:]) - len(sql[behind:].lstrip())
                current.item_seen = True
            elif current.first is None and (current.item_seen or token.text.upper() not in _MODIFIERS):
                current.first, current.item_seen = at, True
                if current.text_from is None:
                    current.text_from = token.start
        if kind is TokenType.SELECT:
            open_.append(_List(depth))
        elif kind is TokenType.L_PAREN:
            depth += 1
    while open_:
        finish(len(tokens))
        open_.pop()
    return found


def _name(sql: str, item: Sequence[Token], text_from: int | None) -> str:
    """What MariaDB calls the column of an item without an alias; parentheses and a plus around ``?`` do not count."""
    core = list(item)
    while len(core) > 1 and core[0].token_type is TokenType.L_PAREN and core[-1].token_type is TokenType.R_PAREN:
        core = core[1:-1]
    if len(core) == 1:
        return core[0].text
    start = item[0].start if text_from is None else text_from
    return sql[start : item[-1].end + 1]


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _aliased(item: Sequence[Token]) -> bool:
    """Whether an item of a select list ends with an alias."""
    if len(item) < 2:
        return False
    before, last = item[-2], item[-1]
    if before.token_type is TokenType.ALIAS:
        return True
    word = last.text.upper() if last.token_type not in (TokenType.IDENTIFIER, TokenType.STRING) else ""
    if word and (not word.replace("_", "a").isalnum() or not word[0].isalpha() or word in _NO_ALIAS):
        return False
    if word in UNITS and before.text.upper() not in UNITS and any(t.token_type is TokenType.INTERVAL for t in item):
        return False
    if before.token_type is TokenType.STRING:
        return last.token_type is not TokenType.STRING
    if before.token_type in (TokenType.DOT, TokenType.PARAMETER, TokenType.INTRODUCER):
        return False
    if before.token_type in _ENDS:
        return True
    name = before.text.upper()
    return name.replace("_", "a").replace("$", "a").isalnum() and name.split()[-1] not in _OPERATORS
