"""A statement on information_schema, rewritten for an engine that holds these tables under names of their own.

The statement is read by its tokens and otherwise left as it was written, so that the engine's own parser says what is
SQL and what is not. Tables may be those of information_schema and the statement's own; functions those of a list; what
asks for the session is put in as a literal.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot.tokenizer_core import Token, TokenType

from qproxy.errors import SQLError, unsupported
from qproxy.planner.constants import FOLDED, SessionValues, Value, literal
from qproxy.planner.faithful import text
from qproxy.planner.guard import REFUSED, why_not
from qproxy.planner.literals import content, quoted
from qproxy.planner.parse import tokenize
from qproxy.session.information_schema.definitions import NAME, definitions
from qproxy.session.information_schema.words import (
    AGGREGATES,
    CALLABLE,
    ENDS,
    FORBIDDEN,
    FROM_INSIDE,
    NO_ALIAS,
    OPENERS,
    TIMES,
)

#: Tables stand under this and their name.
PREFIX = "qproxy_is_"
_MARKS = frozenset(
    (
        TokenType.STRING,
        TokenType.NATIONAL_STRING,
        TokenType.NUMBER,
        TokenType.HEX_STRING,
        TokenType.BIT_STRING,
        TokenType.INTRODUCER,
    )
)
#: What stands where a table could, and is none.
_NESTED = frozenset(("SELECT", "WITH", "VALUES"))
_MODIFIERS = frozenset(
    """
    ALL DISTINCT DISTINCTROW HIGH_PRIORITY SQL_BIG_RESULT SQL_BUFFER_RESULT SQL_CACHE SQL_CALC_FOUND_ROWS SQL_NO_CACHE
    SQL_SMALL_RESULT STRAIGHT_JOIN
    """.split()  # noqa: SIM905
)
_SCOPES = frozenset(("GLOBAL", "SESSION", "LOCAL"))
# What MariaDB takes for a comment; all else between two tokens would be read otherwise than here.
_GAP = re.compile(r"(?:\s|#[^\n]*(?:\n|$)|--(?:[ \t\r\f\v][^\n]*)?(?:\n|$)|/\*(?!M?!)(?:[^*]|\*(?!/))*\*/)*")


@dataclass(frozen=True)
class Rewritten:
    """A statement for the engine.

    Attributes:
        tables: upper-case names of the tables that it needs, each there as `PREFIX` and the name.
        names: columns of the result that are to be called otherwise than the engine calls them.
        limited: whether a LIMIT stands in its outermost SELECT.
        assigned: lower-case names of the user variables that it assigns to (``:=``); they stand in it as variables.
    """

    sql: str
    tables: frozenset[str]
    names: Mapping[str, str]
    limited: bool
    assigned: frozenset[str] = frozenset()


def mentions(sql: str, database: str | None) -> bool:
    """Whether a statement may be about information_schema; `rewrite` tells for certain."""
    return database == NAME or NAME in sql.lower()


def rewrite(sql: str, session: SessionValues, known: Container[str] | None = None) -> Rewritten | None:
    """The statement for an engine.

    Args:
        sql: a SELECT or WITH, without its closing semicolon or with it.
        session: what the session's functions and variables stand for.
        known: upper-case names of the tables that there are; None for those of information_schema.

    Returns:
        None where it reads no table of information_schema.

    Raises:
        SQLError: 1064 and 1046 for what cannot be read, 1109 for a table that information_schema does not have, 1193
            for an unknown variable, 1305 for an unknown function; 1235 where it reads other tables as well, and for
            what is refused everywhere.
    """
    return _Rewriting(sql, session, definitions() if known is None else known).done()


@dataclass
class _Level:
    """What is known inside one pair of parentheses.

    Attributes:
        tables: whether the tables of a FROM clause stand here.
        expect: whether a table comes next.
        call: whether these are arguments in which FROM names no table.
    """

    tables: bool = False
    expect: bool = False
    call: bool = False


@dataclass
class _Item:
    """An item of the outermost select list: where it starts, in the statement and in what is written."""

    start: int = -1
    end: int = 0
    first: int = 0
    last: int = 0


@dataclass
class _Rewriting:
    sql: str
    session: SessionValues
    known: Container[str]
    tokens: list[Token] = field(default_factory=list)
    out: list[str] = field(default_factory=list)
    levels: list[_Level] = field(default_factory=lambda: [_Level()])
    needed: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    limited: bool = False

    def __post_init__(self) -> None:
        self.tokens = tokenize(self.sql)
        while self.tokens and self.tokens[-1].token_type is TokenType.SEMICOLON:
            self.tokens.pop()
        self.own = _own_names(self.tokens)
        self.assigned = self._assigned()
        self.listing = _select_list(self.tokens)

    def done(self) -> Rewritten | None:
        at = 0
        item = _Item()
        while at < len(self.tokens):
            if at:
                self.out.append(self._gap(self.tokens[at - 1].end + 1, self.tokens[at].start))
            if at in self.listing:
                self._name(item)
                item = _Item(self.tokens[at].start if self.listing[at] else -1, 0, len(self.out), 0)
            at = self._one(at)
            item.end, item.last = self.tokens[at - 1].end + 1, len(self.out)
        self._name(item)
        if not self.needed:
            return None
        if self.others:
            raise unsupported(
                f"information_schema together with other tables ({self.others[0]}); ask for them one by one"
            )
        return Rewritten("".join(self.out), frozenset(self.needed), self.names, self.limited, self.assigned)

    def _assigned(self) -> frozenset[str]:
        """User variables that the statement assigns to.

        Raises:
            SQLError: 1235 where the engine has none, or one is read in front of its first assignment: then it tells
                the rows that came before, in an order that no server promises.
        """
        tokens = self.tokens
        uses: dict[str, list[bool]] = {}
        for at in range(1, len(tokens)):
            if tokens[at - 1].token_type is TokenType.PARAMETER:
                assigned = at + 1 < len(tokens) and tokens[at + 1].token_type is TokenType.COLON_EQ
                uses.setdefault(tokens[at].text.lower(), []).append(assigned)
        for name, kinds in uses.items():
            if any(kinds) and not (kinds[0] and self.session.variables_travel):
                raise unsupported(f"':=' for '@{name}' in a query on information_schema; leave it out")
        return frozenset(name for name, kinds in uses.items() if any(kinds))

    def _name(self, item: _Item) -> None:
        """Remember how the item in front is called, where it is written otherwise than it was."""
        if item.start < 0:
            return
        sent, written = "".join(self.out[item.first : item.last]), self.sql[item.start : item.end]
        if sent != written:
            literal = sent[:1] == "'" and sent[-1:] == "'" and "'" not in sent[1:-1].replace("''", "")
            self.names[content(sent) if literal else sent] = written

    def _gap(self, start: int, end: int) -> str:
        """What stands between two tokens: space and comments.

        Raises:
            SQLError: 1235 for what the engine would read as something else.
        """
        gap = self.sql[start:end]
        if gap.strip() and not _GAP.fullmatch(gap):
            raise unsupported(f"this way of writing: {gap.strip()[:40]}; put a space behind --")
        return gap

    def _text(self, at: int) -> str:
        return self.sql[self.tokens[at].start : self.tokens[at].end + 1]

    def _word(self, at: int) -> str:
        return _word(self.tokens, at)

    def _put(self, text: str, at: int) -> int:
        self.out.append(text)
        return at

    def _one(self, at: int) -> int:
        """Write what comes next; where to go on."""
        token, level, word = self.tokens[at], self.levels[-1], self._word(at)
        kind = token.token_type
        if kind in (TokenType.PLACEHOLDER, TokenType.SEMICOLON, TokenType.L_BRACE):
            raise unsupported(f"'{self._text(at)}' in a query on information_schema; leave it out")
        if kind is TokenType.SESSION_PARAMETER or kind is TokenType.PARAMETER:
            return self._variable(at)
        if kind is TokenType.L_PAREN:
            return self._open(at)
        if kind is TokenType.R_PAREN:
            if len(self.levels) > 1:
                self.levels.pop()
            return self._put(")", at + 1)
        behind_dot = at > 0 and self.tokens[at - 1].token_type is TokenType.DOT
        if not behind_dot and level.expect and _is_name(self.tokens, at) and word not in _NESTED:
            return self._table(at)
        sequence = word in ("NEXT", "PREVIOUS") and self._word(at + 1) == "VALUE"
        if not behind_dot and (word in FORBIDDEN or sequence):
            raise unsupported(f"{word} in a query on information_schema, of which a plain SELECT may ask; leave it out")
        if not behind_dot and kind is not TokenType.IDENTIFIER:
            self._clause(word, level)
        if _is_name(self.tokens, at):
            if not behind_dot and self._is_schema(at) and _is_dot(self.tokens, at + 1) and _is_dot(self.tokens, at + 3):
                # The database in front of a table's column: the table has a name of the statement's own.
                return at + 2
            return self._named(at, behind_dot)
        return self._put(self._text(at), at + 1)

    def _clause(self, word: str, level: _Level) -> None:
        if word in ("SELECT", "WITH"):
            level.tables = level.expect = level.call = False
        elif word == "FROM" and not level.call:
            level.tables = level.expect = True
        elif level.tables and word in ("JOIN", "STRAIGHT_JOIN", ","):
            level.expect = True
        elif level.tables and word in ENDS:
            level.tables = level.expect = False
        if word == "LIMIT" and len(self.levels) == 1:
            self.limited = True

    def _open(self, at: int) -> int:
        level = self.levels[-1]
        before = self._word(at - 1) if at else ""
        if level.expect:
            level.expect = False
            self.levels.append(_Level(tables=True, expect=True))
        else:
            self.levels.append(_Level(call=before in FROM_INSIDE))
        return self._put("(", at + 1)

    def _is_schema(self, at: int) -> bool:
        return self.tokens[at].text.lower() == NAME

    def _table(self, at: int) -> int:
        """Write a table of a FROM clause."""
        level = self.levels[-1]
        level.expect = False
        if _is_dot(self.tokens, at + 1) and _is_name(self.tokens, at + 2):
            if not self._is_schema(at):
                self.others.append(f"{self.tokens[at].text}.{self.tokens[at + 2].text}")
                return self._put(self._text(at), at + 1)
            at += 2
        elif self._word(at) == "DUAL" or self.tokens[at].text.lower() in self.own:
            return self._put(self._text(at), at + 1)
        elif self.session.database != NAME:
            self.others.append(self.tokens[at].text)
            return self._put(self._text(at), at + 1)
        name = self.tokens[at].text
        if name.upper() not in self.known:
            raise SQLError(1109, f"Unknown table '{name}' in {NAME}")
        self.needed.add(name.upper())
        alias = "" if self._has_alias(at + 1) else f" AS {_quoted(name)}"
        return self._put(f"{PREFIX}{name.upper()}{alias}", at + 1)

    def _has_alias(self, at: int) -> bool:
        if at < len(self.tokens) and self.tokens[at].token_type is TokenType.STRING:
            return True
        return _is_name(self.tokens, at) and self._word(at) not in NO_ALIAS

    def _named(self, at: int, behind_dot: bool) -> int:
        """Write a name: that of a function, of a column, or a keyword."""
        token, word = self.tokens[at], self._word(at)
        called = at + 1 < len(self.tokens) and self.tokens[at + 1].token_type is TokenType.L_PAREN
        bare = not called and not behind_dot and not _is_dot(self.tokens, at + 1) and self._word(at - 1) != "AS"
        if bare and word in ("CURRENT_USER", "CURRENT_ROLE"):
            return self._put(self._session(word), at + 1)
        if not called or (token.text.lower() in self.own and not behind_dot):
            return self._put(self._text(at), at + 1)
        if behind_dot:
            raise unsupported(f"functions of a database: {token.text}(); there are those of MariaDB and of sciSQL")
        if word in FOLDED and word not in TIMES:
            if self._word(at + 2) != ")":
                raise SQLError(1582, f"Incorrect parameter count in the call to native function '{token.text}'")
            return self._put(self._session(word), at + 3)
        if word in REFUSED and word not in AGGREGATES and word not in OPENERS:
            raise unsupported(f"{word}(): {why_not(word)}")
        if word not in CALLABLE:
            raise SQLError(1305, f"FUNCTION {token.text} does not exist")
        return self._put(self._text(at), at + 1)

    def _session(self, function: str) -> str:
        session = self.session
        if function in ("DATABASE", "SCHEMA", "SCHEMAS"):
            return _literal(session.database)
        if function in ("USER", "SYSTEM_USER", "SESSION_USER", "CURRENT_USER"):
            return _literal(session.user)
        plain: Mapping[str, Value] = {
            "CONNECTION_ID": session.connection_id,
            "VERSION": session.version,
            "LAST_INSERT_ID": 0,
            "ROW_COUNT": -1,
        }
        return _literal(plain.get(function))

    def _variable(self, at: int) -> int:
        """Write what a variable holds."""
        system = self.tokens[at].token_type is TokenType.SESSION_PARAMETER
        at += 1
        if system and self._word(at) in _SCOPES and _is_dot(self.tokens, at + 1):
            at += 2
        if at >= len(self.tokens) or not (_is_name(self.tokens, at) or self.tokens[at].token_type is TokenType.STRING):
            raise SQLError(1064, "You have an error in your SQL syntax near '@'")
        name = self.tokens[at].text.lower()
        if not system and name in self.assigned:
            return self._put(f"@{_quoted(name)}", at + 1)
        value = self.session.variable(name) if system else self.session.user_variables.get(name)
        return self._put(_literal(value), at + 1)


def _word(tokens: Sequence[Token], at: int) -> str:
    """The first word of a token in upper case; empty for literals, quoted names and outside the statement."""
    if not 0 <= at < len(tokens) or tokens[at].token_type in _MARKS:
        return ""
    if tokens[at].token_type is TokenType.IDENTIFIER:
        return ""
    words = tokens[at].text.upper().split()
    return words[0] if words else ""


def _is_dot(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].token_type is TokenType.DOT


def _is_name(tokens: Sequence[Token], at: int) -> bool:
    if at >= len(tokens) or tokens[at].token_type in _MARKS:
        return False
    if tokens[at].token_type is TokenType.IDENTIFIER:
        return True
    return tokens[at].text.replace("_", "a").replace("$", "a").isalnum()


def _own_names(tokens: Sequence[Token]) -> frozenset[str]:
    """Lower-case names of the common table expressions: a name and AS ( behind it, or a list of columns between."""
    if not any(_word(tokens, at) == "WITH" for at in range(len(tokens))):
        return frozenset()
    found = set()
    for at in range(len(tokens)):
        end = at + 1
        if _word(tokens, end) == "(":
            while end < len(tokens) and _word(tokens, end) != ")":
                end += 1
            end += 1
        if _is_name(tokens, at) and _word(tokens, end) == "AS" and _word(tokens, end + 1) == "(":
            found.add(tokens[at].text.lower())
    return frozenset(found)


def _select_list(tokens: Sequence[Token]) -> Mapping[int, bool]:
    """The tokens at which an item of the outermost select list begins (True) and ends (False)."""
    depth = 0
    start = -1
    marks: dict[int, bool] = {}
    with_ = _word(tokens, 0) == "WITH"
    for at in range(len(tokens)):
        word = _word(tokens, at)
        if start < 0:
            if word == "SELECT" and (depth == 0 or not with_):
                start, depth = at + 1, 0
                continue
        elif at == start and word in _MODIFIERS:
            start += 1
            continue
        elif depth == 0 and (word in ("FROM", ")") or word in ENDS):
            marks[at] = False
            break
        elif depth == 0 and word == ",":
            marks[at] = False
            marks[at + 1] = True
        depth += (word == "(") - (word == ")")
    return marks | {start: True}


def _literal(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return quoted(value)
    number = text(literal(value))
    return number if value >= 0 else f"({number})"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
