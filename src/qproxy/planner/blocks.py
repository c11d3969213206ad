"""Pass 1, blocks: a statement's tokens are cut into its SELECTs; what stands inside another is named in its place.

Each SELECT can then be read on its own: a query in an expression is the word ``§q0§``, one in FROM the table ``§t0§``.
ORDER BY and LIMIT of a UNION become those of a SELECT around it, which means the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot.tokenizer_core import Token

from qproxy.errors import SQLError, unsupported
from qproxy.planner.tokens import BEHIND_GROUPS, COMPARISONS, Kind, made

#: Words that stand for tables, merges and queries inside qproxy: text like it would be taken for one.
RESERVED = re.compile("§(?:[a-z]?[0-9]+|merge|parts)§")
_INNER = re.compile("\0?§[a-z]?[0-9]+§")
#: Words that end FROM.
_BEHIND_FROM = BEHIND_GROUPS | {Kind.WHERE, Kind.GROUP_BY}
_BEFORE_TABLE = frozenset((Kind.FROM, Kind.JOIN, Kind.STRAIGHT_JOIN))
#: How queries begin.
_BEGINNINGS = frozenset((Kind.SELECT, Kind.WITH, Kind.VALUES))
_OPERATORS = {"UNION": "UNION", "EXCEPT": "EXCEPT", "MINUS": "EXCEPT", "INTERSECT": "INTERSECT"}


def readable(text: str) -> str:
    """Text of a query for people: queries inside it, which have words of the planner's own, as dots."""
    return _INNER.sub("(...)", text).replace("\0", "")


@dataclass(frozen=True)
class Nested:
    """A query inside a SELECT.

    Attributes:
        before: what stands in front of it: nothing, EXISTS, ANY or ALL.
        bare: whether it stands in the parentheses of IN, which are not its own.
    """

    block: Block
    before: str = ""
    bare: bool = False


@dataclass(frozen=True)
class Cte:
    """A common table expression.

    Attributes:
        columns: its columns' names where given.
        recursive: whether WITH RECURSIVE introduced it.
    """

    name: str
    columns: tuple[str, ...]
    block: Block
    recursive: bool


@dataclass(frozen=True)
class Select:
    """One SELECT.

    Attributes:
        tokens: its tokens, queries inside it replaced by the words that `nested` tells of.
        ctes: those that it sees, besides those of the queries around it.
    """

    tokens: tuple[Token, ...]
    nested: dict[str, Nested]
    ctes: tuple[Cte, ...] = ()


@dataclass(frozen=True)
class Combined:
    """Two queries put together.

    Attributes:
        operator: UNION, EXCEPT or INTERSECT.
        distinct: whether equal rows count once.
    """

    operator: str
    distinct: bool
    left: Block
    right: Block
    ctes: tuple[Cte, ...] = ()


Block = Select | Combined


def cut(tokens: Sequence[Token]) -> Select:
    """The blocks of a statement; the outermost one is a SELECT.

    Args:
        tokens: all of it, a closing semicolon left out.

    Raises:
        SQLError: 1064 for what is no query.
    """
    for token in tokens:
        if "§" in token.text and (found := RESERVED.search(token.text)):
            raise unsupported(f"the text {found[0]}, which stands for tables inside qproxy; write it with CONCAT")
    if not tokens:
        raise SQLError(1065, "Query was empty")
    if tokens[0].token_type is Kind.SELECT and not any(t.token_type in _BEGINNINGS for t in tokens[1:]):
        return Select(tuple(tokens), {})
    block = _Cutter(tokens).query(0, len(tokens))
    return block if isinstance(block, Select) else around(block, tokens[0])


def around(block: Block, place: Token) -> Select:
    """``SELECT * FROM (block)``, its words standing at a place."""
    words = (
        (Kind.SELECT, "SELECT"),
        (Kind.STAR, "*"),
        (Kind.FROM, "FROM"),
        (Kind.VAR, "§t0§"),
        (Kind.ALIAS, "AS"),
        (Kind.IDENTIFIER, "§u0§"),
    )
    return Select(tuple(made(kind, text, place, place.start) for kind, text in words), {"§t0§": Nested(block)})


class _Cutter:
    """Cuts one statement; places are indexes of its tokens."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._closing: dict[int, int] = {}
        open_: list[int] = []
        for at, token in enumerate(tokens):
            if token.token_type is Kind.L_PAREN:
                open_.append(at)
            elif token.token_type is Kind.R_PAREN and open_:
                self._closing[open_.pop()] = at

    def query(self, start: int, end: int) -> Block:
        """A whole query: WITH, SELECTs and what connects them, ORDER BY and LIMIT."""
        ctes: tuple[Cte, ...] = ()
        if start < end and self._tokens[start].token_type is Kind.WITH:
            ctes, start = self._with(start + 1, end)
        terms, operators, rest = self._terms(start, end)
        block: Block
        alone = not operators and terms[0] == (start, end)
        if alone and self._tokens[start].token_type is not Kind.L_PAREN:
            block = self._select(start, end)
        else:
            block = self._tree([self._term(*term) for term in terms], operators)
            if rest < end:
                block = self._around(block, rest, end)
        if not ctes:
            return block
        if isinstance(block, Select):
            return Select(block.tokens, block.nested, (*ctes, *block.ctes))
        return Combined(block.operator, block.distinct, block.left, block.right, (*ctes, *block.ctes))

    def _terms(self, start: int, end: int) -> tuple[list[tuple[int, int]], list[tuple[str, bool]], int]:
        """Terms of a query, what connects them, and where its own ORDER BY or LIMIT begins."""
        terms: list[tuple[int, int]] = []
        operators: list[tuple[str, bool]] = []
        first = at = start
        while at < end:
            token = self._tokens[at]
            if token.token_type is Kind.L_PAREN:
                at = self._closing.get(at, end - 1) + 1
                continue
            operator = self._operator(at, first, end)
            if operator is not None:
                name, distinct, behind = operator
                self._check_arm(first, at)
                terms.append((first, at))
                operators.append((name, distinct))
                first = at = behind
                continue
            at += 1
        if first >= end:
            raise self._error(end - 1)
        rest = self._last(first, end, bool(operators))
        terms.append((first, rest))
        return terms, operators, rest

    def _check_arm(self, start: int, end: int) -> None:
        """ORDER BY and LIMIT of an arm that is not the last one need parentheses."""
        at = start
        while at < end:
            kind = self._tokens[at].token_type
            if kind in (Kind.ORDER_BY, Kind.LIMIT):
                raise self._error(end)
            at = self._closing.get(at, end) + 1 if kind is Kind.L_PAREN else at + 1

    def _operator(self, at: int, first: int, end: int) -> tuple[str, bool, int] | None:
        token = self._tokens[at]
        name = _OPERATORS.get(token.text.upper())
        if name is None or token.token_type in (Kind.STRING, Kind.IDENTIFIER) or at == first:
            return None
        behind = at + 1
        distinct = True
        if behind < end and self._tokens[behind].token_type in (Kind.ALL, Kind.DISTINCT):
            distinct = self._tokens[behind].token_type is Kind.DISTINCT
            behind += 1
        # A table or an alias may be called MINUS.
        if behind >= end or not self._begins_query(behind):
            return None
        return name, distinct, behind

    def _begins_query(self, at: int) -> bool:
        while at < len(self._tokens) and self._tokens[at].token_type is Kind.L_PAREN:
            at += 1
        return at < len(self._tokens) and self._tokens[at].token_type in _BEGINNINGS

    def _last(self, first: int, end: int, several: bool) -> int:
        """Where the last term ends: in a single SELECT ORDER BY and LIMIT are its own."""
        if self._tokens[first].token_type is Kind.L_PAREN:
            return self._closing.get(first, end - 1) + 1
        if not several:
            return end
        at = first
        while at < end:
            if self._tokens[at].token_type is Kind.L_PAREN:
                at = self._closing.get(at, end - 1) + 1
                continue
            if self._tokens[at].token_type in (Kind.ORDER_BY, Kind.LIMIT):
                return at
            at += 1
        return end

    def _term(self, start: int, end: int) -> Block:
        if self._tokens[start].token_type is Kind.L_PAREN:
            if self._closing.get(start) != end - 1:
                raise self._error(self._closing.get(start, start) + 1)
            return self.query(start + 1, end - 1)
        return self._select(start, end)

    def _tree(self, terms: list[Block], operators: list[tuple[str, bool]]) -> Block:
        """INTERSECT first, then from left to right (MariaDB Knowledge Base, "INTERSECT")."""
        sums = [terms[0]]
        waiting: list[tuple[str, bool]] = []
        for (name, distinct), term in zip(operators, terms[1:], strict=True):
            if name == "INTERSECT":
                sums[-1] = Combined(name, distinct, sums[-1], term)
            else:
                waiting.append((name, distinct))
                sums.append(term)
        block = sums[0]
        for (name, distinct), term in zip(waiting, sums[1:], strict=True):
            block = Combined(name, distinct, block, term)
        return block

    def _around(self, block: Block, start: int, end: int) -> Select:
        """``block ORDER BY ... LIMIT ...`` as ``SELECT * FROM (block) ORDER BY ... LIMIT ...``."""
        if self._tokens[start].token_type not in (Kind.ORDER_BY, Kind.LIMIT):
            raise self._error(start)
        head = around(block, self._tokens[start])
        tail: list[Token] = []
        nested: dict[str, Nested] = dict(head.nested)
        self._replace(start, end, tail, nested)
        return Select((*head.tokens, *tail), nested)

    def _with(self, at: int, end: int) -> tuple[tuple[Cte, ...], int]:
        tokens = self._tokens
        recursive = tokens[at].token_type is Kind.RECURSIVE
        at += recursive
        ctes: list[Cte] = []
        while True:
            if at + 2 >= end:
                raise self._error(at)
            name = tokens[at].text
            at += 1
            columns: tuple[str, ...] = ()
            if tokens[at].token_type is Kind.L_PAREN:
                close = self._closing.get(at, end - 1)
                columns = tuple(t.text for t in tokens[at + 1 : close] if t.token_type is not Kind.COMMA)
                at = close + 1
            if at + 1 >= end or tokens[at].token_type is not Kind.ALIAS:
                raise self._error(at)
            close = self._closing.get(at + 1, -1)
            if close < 0:
                raise self._error(at + 1)
            ctes.append(Cte(name, columns, self.query(at + 2, close), recursive))
            at = close + 1
            if at < end and tokens[at].text.upper() == "CYCLE":
                raise unsupported(
                    "CYCLE in a recursive common table expression; write UNION, which drops rows that come again, or a "
                    "condition that ends it"
                )
            if at >= end or tokens[at].token_type is not Kind.COMMA:
                return tuple(ctes), at
            at += 1

    def _is_query(self, start: int, end: int) -> bool:
        """Whether the tokens inside a pair of parentheses are a query, not an expression."""
        if start >= end:
            return False
        first = self._tokens[start].token_type
        if first in _BEGINNINGS:
            return True
        if first is not Kind.L_PAREN:
            return False
        close = self._closing.get(start, end)
        if not self._is_query(start + 1, close):
            return False
        behind = self._tokens[close + 1] if close + 1 < end else None
        return behind is None or behind.token_type in (Kind.ORDER_BY, Kind.LIMIT) or behind.text.upper() in _OPERATORS

    def _select(self, start: int, end: int) -> Block:
        """One SELECT, with words for the queries inside it; VALUES as the SELECTs that it stands for."""
        if self._tokens[start].token_type is Kind.VALUES:
            return self._values(start, end)
        out: list[Token] = []
        nested: dict[str, Nested] = {}
        self._replace(start, end, out, nested)
        return Select(tuple(out), nested)

    def _replace(self, start: int, end: int, out: list[Token], nested: dict[str, Nested]) -> None:
        """Copy tokens, with words for the queries among them."""
        in_from = False
        #: For each open parenthesis, whether it holds tables.
        tables: list[bool] = []
        at = start
        while at < end:
            token = self._tokens[at]
            kind = token.token_type
            if kind is Kind.L_PAREN:
                close = self._closing.get(at, end)
                before = out[-1] if out else None
                at_table = in_from and all(tables) and before is not None and _before_table(before)
                # Of parentheses in parentheses the inner ones are the query's: the outer ones may be those of a call.
                twice = self._closing.get(at + 1) == close - 1 and not at_table and not _before_query(before)
                if close < end and not twice and self._is_query(at + 1, close):
                    block = self.query(at + 1, close)
                    if at_table:
                        self._put(out, nested, "t", Nested(block), token, self._tokens[close])
                    else:
                        self._expression(out, nested, block, token, self._tokens[close])
                    at = close + 1
                    continue
                tables.append(at_table)
            elif kind is Kind.R_PAREN:
                if tables:
                    tables.pop()
            elif not tables and kind is Kind.FROM:
                in_from = True
            elif not tables and kind in _BEHIND_FROM:
                in_from = False
            out.append(token)
            at += 1

    def _values(self, start: int, end: int) -> Block:
        """``VALUES (a), (b)`` as ``SELECT a UNION ALL SELECT b``."""
        block: Block | None = None
        at = start + 1
        while True:
            close = self._closing.get(at, -1) if at < end else -1
            if close < 0:
                raise self._error(at)
            word = self._tokens[at]
            out = [made(Kind.SELECT, "SELECT", word, word.start)]
            nested: dict[str, Nested] = {}
            self._replace(at + 1, close, out, nested)
            row = Select(tuple(out), nested)
            block = row if block is None else Combined("UNION", False, block, row)
            at = close + 1
            if at >= end:
                return block
            if self._tokens[at].token_type is not Kind.COMMA:
                raise self._error(at)
            at += 1

    def _expression(
        self, out: list[Token], nested: dict[str, Nested], block: Block, opening: Token, closing: Token
    ) -> None:
        """A query in an expression: with EXISTS, ANY and ALL in front of it; the parentheses of IN stay."""
        before = out[-1] if out else None
        if before is not None and before.token_type is Kind.EXISTS:
            out.pop()
            self._put(out, nested, "q", Nested(block, "EXISTS"), before, closing)
        elif before is not None and len(out) > 1 and _quantifier(before) and out[-2].token_type in COMPARISONS:
            out.pop()
            word = "ALL" if before.token_type is Kind.ALL else "ANY"
            self._put(out, nested, "q", Nested(block, word), before, closing)
        elif before is not None and before.token_type is Kind.IN:
            out.append(opening)
            self._put(out, nested, "q", Nested(block, bare=True), opening, closing)
            out.append(closing)
        else:
            self._put(out, nested, "q", Nested(block), opening, closing)

    @staticmethod
    def _put(
        out: list[Token], nested: dict[str, Nested], letter: str, query: Nested, first: Token, last: Token
    ) -> None:
        word = f"§{letter}{len(nested)}§"
        nested[word] = query
        out.append(made(Kind.VAR, word, first, last.end))

    def _error(self, at: int) -> SQLError:
        token = self._tokens[min(at, len(self._tokens) - 1)] if self._tokens else None
        near = token.text if token else ""
        return SQLError(
            1064, f"You have an error in your SQL syntax near '{near}' at line {token.line if token else 1}"
        )


def _before_table(token: Token) -> bool:
    return token.token_type in _BEFORE_TABLE or token.token_type in (Kind.COMMA, Kind.L_PAREN)


def _before_query(token: Token | None) -> bool:
    """Whether what stands behind a token in parentheses is a query, with or without more parentheses."""
    return token is not None and (token.token_type in (Kind.IN, Kind.EXISTS) or _quantifier(token))


def _quantifier(token: Token) -> bool:
    return token.token_type in (Kind.ANY, Kind.SOME, Kind.ALL)
