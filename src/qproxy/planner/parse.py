"""Pass 2, parse: each SELECT of a statement becomes an expression, with the names its result columns will have.

>>> parsed = parse("SELECT ra, decl+1 AS d, COUNT( * ) FROM Object")
>>> parsed.names
('ra', 'd', 'COUNT( * )')
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token

from qproxy.errors import SQLError, unsupported
from qproxy.planner.blocks import Block, Cte, Select, cut
from qproxy.planner.dialect import DIALECT as DIALECT
from qproxy.planner.dialect import trees_of
from qproxy.planner.directions import without_directions
from qproxy.planner.faithful import call_name, literal_text, restore
from qproxy.planner.guard import NO_INTO
from qproxy.planner.lists import lex
from qproxy.planner.marks import MARK, marked
from qproxy.planner.plain import plain
from qproxy.planner.proof import prove
from qproxy.planner.tokens import COMPARISONS, Kind
from qproxy.planner.windows import without_names

_SIMPLE = frozenset(
    (
        *(exp.Select, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Null, exp.Boolean, exp.Paren),
        *(exp.From, exp.Table, exp.TableAlias, exp.Join, exp.Where, exp.Having, exp.Order, exp.Ordered, exp.Limit),
        *(exp.Offset, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ),
        *(exp.In, exp.Between, exp.Is, exp.Like, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg),
    )
)
#: Deeper nesting than this is refused before the parser recurses into it.
MAX_DEPTH = 100
_UNSEEN = "".join(map(chr, range(33))) + "\x7f"
_WIDE = re.compile("[^\\u0000-\\uffff]")
_OPEN = {Kind.L_PAREN, Kind.CASE}
_TEXTS = (Kind.STRING, Kind.NATIONAL_STRING)
_CLOSE = {Kind.R_PAREN, Kind.END}
#: What cannot stand behind a comma.
_NO_ITEM = {Kind.COMMA, Kind.FROM, Kind.R_PAREN}
_WATCHED = COMPARISONS | {Kind.COMMA, Kind.DISTINCT}


@dataclass(frozen=True)
class Parsed:
    """A SELECT, as written.

    Attributes:
        names: what MariaDB would call the column of each item: its alias, its column's name, or its text as written.
        simple: whether it has columns, literals and operators alone: no calls, no variables, no queries inside.
        nested: the queries inside it, by the words that stand for them in ``select``.
        ctes: the common table expressions that it sees, besides those of the queries around it.
        descending: for each key of GROUP BY whether it sorts its groups downwards; none where no direction is written.
    """

    select: exp.Select
    names: tuple[str, ...]
    simple: bool = False
    nested: Mapping[str, ParsedNested] = field(default_factory=dict)
    ctes: tuple[ParsedCte, ...] = ()
    descending: tuple[bool, ...] = ()


@dataclass(frozen=True)
class ParsedCombined:
    """Two queries put together: see `qproxy.planner.blocks.Combined`."""

    operator: str
    distinct: bool
    left: ParsedBlock
    right: ParsedBlock
    ctes: tuple[ParsedCte, ...] = ()


@dataclass(frozen=True)
class ParsedNested:
    """A query inside a SELECT: see `qproxy.planner.blocks.Nested`."""

    block: ParsedBlock
    before: str
    bare: bool


@dataclass(frozen=True)
class ParsedCte:
    """A common table expression: see `qproxy.planner.blocks.Cte`."""

    name: str
    columns: tuple[str, ...]
    block: ParsedBlock
    recursive: bool


ParsedBlock = Parsed | ParsedCombined


def parts(block: ParsedBlock) -> Iterator[Parsed]:
    """All SELECTs of a query, those inside others too."""
    for cte in block.ctes:
        yield from parts(cte.block)
    if isinstance(block, ParsedCombined):
        yield from parts(block.left)
        yield from parts(block.right)
        return
    yield block
    for nested in block.nested.values():
        yield from parts(nested.block)


def tokenize(sql: str, *, lists: bool = False) -> list[Token]:
    """Tokens of a statement.

    Args:
        lists: whether long lists of ids are one token each (`qproxy.planner.lists`).

    Raises:
        SQLError: 1064 for text that is no SQL; 1235 for executable comments and for nesting beyond `MAX_DEPTH`.
    """
    try:
        tokens = lex(sql, None if lists else ())
    except TokenError as error:
        raise SQLError(1064, f"You have an error in your SQL syntax: {_first_line(str(error))}") from error
    depth = 0
    for token in tokens:
        kind = token.token_type
        if kind in _OPEN:
            depth += 1
            if depth > MAX_DEPTH:
                raise unsupported(f"expressions nested deeper than {MAX_DEPTH} levels; flatten the query")
        elif kind in _CLOSE:
            depth -= 1
    if MARK in sql:
        _check_marks(tokens)
    if "!" in sql and any(c.startswith(("!", "M!")) for token in tokens for c in token.comments):
        raise unsupported("executable comments (/*! ... */); write their content as plain SQL")
    return tokens


def _check_marks(tokens: Sequence[Token]) -> None:
    """Refuse names with a mark: they are ours, see `marks`."""
    for token in tokens:
        if MARK in token.text and token.token_type not in _TEXTS:
            place = f"at line {token.line}, column {token.col}"
            raise SQLError(1064, f"You have an error in your SQL syntax: a NUL character outside of quotes {place}")


def _check_order(sql: str, tokens: Sequence[Token]) -> None:
    """Refuse what the parser would take: nothing between two commas, DISTINCT ON, and NOT behind a comparison."""
    before = None
    for token in tokens:
        kind = token.token_type
        if before in _WATCHED:
            nothing = before is Kind.COMMA and kind in _NO_ITEM
            chosen = before is Kind.DISTINCT and kind is Kind.ON
            negated = before in COMPARISONS and kind is Kind.NOT and token.text != "!"
            if nothing or chosen or negated:
                raise SQLError(1064, _syntax_message(sql[token.start :], sql.count("\n", 0, token.start) + 1))
        before = kind


def parse(sql: str) -> Parsed:
    """Parse one statement.

    Args:
        sql: the statement, without or with its closing semicolon.

    Raises:
        SQLError: 1064 with the place of a syntax error; 1235 for what is not a plain query.
    """
    tokens = tokenize(sql, lists=True)
    _check_order(sql, tokens)
    while tokens and tokens[-1].token_type is Kind.SEMICOLON:
        tokens.pop()
    if any(t.token_type is Kind.SEMICOLON for t in tokens):
        raise SQLError(1064, "You have an error in your SQL syntax: one statement at a time, please")
    if not tokens:
        raise SQLError(1065, "Query was empty")
    if all(t.token_type not in (Kind.SELECT, Kind.VALUES) for t in tokens):
        raise unsupported(f"the statement {_first_line(sql)[:60]}; write it as SELECT")
    try:
        return _parsed_select(cut(tokens), sql)
    except RecursionError as error:
        raise unsupported("expressions nested so deeply; flatten the query") from error


def _parsed(block: Block, sql: str) -> ParsedBlock:
    if isinstance(block, Select):
        return _parsed_select(block, sql)
    left, right = _parsed(block.left, sql), _parsed(block.right, sql)
    return ParsedCombined(block.operator, block.distinct, left, right, _ctes(block.ctes, sql))


def _ctes(ctes: Sequence[Cte], sql: str) -> tuple[ParsedCte, ...]:
    return tuple(ParsedCte(c.name, c.columns, _parsed(c.block, sql), c.recursive) for c in ctes)


def _parsed_select(block: Select, sql: str) -> Parsed:
    tokens, descending = without_directions(without_names(plain(block.tokens, sql)))
    try:
        trees = trees_of(marked(tokens, sql), sql)
    except ParseError as error:
        if any(t.token_type is Kind.INTO for t in block.tokens):
            raise unsupported(f"SELECT ... {NO_INTO}") from error
        if any(t.text.upper() == "JSON_TABLE" for t in block.tokens):
            raise unsupported("JSON_TABLE; write its rows as a query in FROM, with UNION ALL") from error
        raise _syntax_error(sql, error) from error
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Select) or tree.args.get("with_"):
        raise unsupported(f"the statement {_first_line(sql)[:60]}; write it as one plain SELECT")
    kinds = restore(tree)
    prove(tree, tokens, kinds)
    texts = _item_texts(sql, block.tokens)
    names = []
    for position, item in enumerate(tree.expressions):
        text = texts[position] if len(texts) == len(tree.expressions) else item.sql(dialect=DIALECT)
        names.append(_cut_off(_name(item, text)))
    nested = {
        word: ParsedNested(_parsed(query.block, sql), query.before, query.bare) for word, query in block.nested.items()
    }
    return Parsed(tree, tuple(names), kinds <= _SIMPLE and "§" not in sql, nested, _ctes(block.ctes, sql), descending)


def _name(item: exp.Expr, text: str) -> str:
    if isinstance(item, exp.Alias):
        return _stripped(item.alias)
    # Parentheses and plus signs around a name or a literal leave it as it is.
    while isinstance(item, exp.Paren):
        item = item.this
    if isinstance(item, exp.Column) and not isinstance(item.this, exp.Star):
        return item.name
    if isinstance(item, exp.Literal):
        return _stripped(item.name) if item.is_string else item.name
    if isinstance(item, exp.Null | exp.Boolean):
        return item.sql(dialect=DIALECT)
    if isinstance(item, exp.Anonymous) and call_name(item) == "":
        return _stripped(literal_text(item)) or text
    return text


def _cut_off(name: str) -> str:
    """MariaDB keeps the first 255 bytes of a name, and of each character no more than three."""
    if len(name) <= 255 and name.isascii():
        return name
    name = _WIDE.sub("?", name)
    encoded = name.encode()
    return name if len(encoded) <= 255 else encoded[:255].decode(errors="ignore")


def _stripped(name: str) -> str:
    """MariaDB leaves out what cannot be seen at the front of a name."""
    return name.lstrip(_UNSEEN)


def _item_texts(sql: str, tokens: Sequence[Token]) -> list[str]:
    """Source text of each item of the outermost select list: MariaDB names unaliased expressions by it."""
    start = next((i for i, t in enumerate(tokens) if t.token_type is Kind.SELECT), None)
    if start is None:
        return []
    texts: list[str] = []
    first: int | None = None
    comma: int | None = None
    last = 0
    depth = 0
    ends = (Kind.FROM, Kind.LIMIT, Kind.SEMICOLON, Kind.WHERE, Kind.ORDER_BY)
    for token in tokens[start + 1 :]:
        kind = token.token_type
        if depth == 0 and (kind is Kind.COMMA or kind in ends or kind is Kind.R_PAREN):
            if first is not None:
                texts.append(sql[first:last])
            first = None
            comma = token.end + 1
            if kind is not Kind.COMMA:
                return texts
            continue
        depth += (kind in _OPEN) - (kind in _CLOSE)
        if first is None:
            if kind in (Kind.DISTINCT, Kind.ALL) or (
                not texts and kind is Kind.VAR and token.text.upper() in _MODIFIERS
            ):
                continue
            # MariaDB counts a comment behind the comma as part of the next item.
            first = token.start if comma is None else comma + len(sql[comma:]) - len(sql[comma:].lstrip())
        last = token.end + 1
    if first is not None:
        texts.append(sql[first:last])
    return texts


_MODIFIERS = frozenset(
    """
    DISTINCTROW HIGH_PRIORITY STRAIGHT_JOIN SQL_NO_CACHE SQL_CACHE SQL_BUFFER_RESULT SQL_SMALL_RESULT SQL_BIG_RESULT
    SQL_CALC_FOUND_ROWS
    """.split()  # noqa: SIM905
)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""


def _syntax_error(sql: str, error: ParseError) -> SQLError:
    details = error.errors[0] if error.errors else {}
    line = int(details.get("line") or 1)
    highlight = str(details.get("highlight") or "")
    lines = sql.splitlines() or [""]
    column = int(details.get("col") or 0)
    text = lines[line - 1] if line <= len(lines) else ""
    start = max(0, column - len(highlight))
    return SQLError(1064, _syntax_message("\n".join([text[start:], *lines[line:]]), line))


def _syntax_message(near: str, line: int) -> str:
    return (
        "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version "
        f"for the right syntax to use near '{near[:80]}' at line {line}"
    )
