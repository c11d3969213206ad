"""Proof that a query's expressions mean what was written.

What would be sent to a worker is cut into words again and compared with the words of the statement. Whatever the
parser has misread, or would have written back as something else, is refused, never answered wrongly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from qproxy.errors import unsupported
from qproxy.planner.blocks import readable
from qproxy.planner.dialect import DIALECT
from qproxy.planner.faithful import knows, misplaced, text
from qproxy.planner.lists import LIST, lex
from qproxy.planner.plain import plain
from qproxy.planner.tokens import Kind

Word = tuple[str, str]

#: Ways of writing the same: operators and functions.
_SAME = {
    "!=": "<>",
    "&&": "and",
    "||": "or",
    "%": "mod",
    "rlike": "regexp",
    "std": "stddev_pop",
    "stddev": "stddev_pop",
    "variance": "var_pop",
    "distinctrow": "distinct",
}
_AFTER_FROM = {
    Kind.WHERE: "where",
    Kind.GROUP_BY: "groups",
    Kind.HAVING: "having",
    Kind.ORDER_BY: "orders",
    Kind.LIMIT: "rest",
    Kind.SEMICOLON: "rest",
    Kind.INTO: "rest",
    Kind.FOR: "rest",
    Kind.LOCK: "rest",
    Kind.WINDOW: "rest",
}
_TURNS = frozenset((Kind.FROM, *_AFTER_FROM))
_LITERALS = frozenset((Kind.HEX_STRING, Kind.BIT_STRING, Kind.NATIONAL_STRING))
_QUOTED = frozenset((Kind.STRING, Kind.IDENTIFIER))
_JOINS = frozenset(
    ("JOIN", "LEFT", "RIGHT", "INNER", "CROSS", "NATURAL", "STRAIGHT_JOIN", "STRAIGHT", "FULL", "OUTER", ",")
)
_COMPARING = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.Is)
_MODIFIERS = frozenset(
    """
    DISTINCT ALL DISTINCTROW HIGH_PRIORITY STRAIGHT_JOIN SQL_NO_CACHE SQL_CACHE SQL_BUFFER_RESULT SQL_SMALL_RESULT
    SQL_BIG_RESULT SQL_CALC_FOUND_ROWS
    """.split()  # noqa: SIM905
)


@dataclass
class _Clauses:
    """The tokens of a SELECT by clause."""

    items: list[Token] = field(default_factory=list)
    tables: list[Token] = field(default_factory=list)
    where: list[Token] = field(default_factory=list)
    groups: list[Token] = field(default_factory=list)
    having: list[Token] = field(default_factory=list)
    orders: list[Token] = field(default_factory=list)
    rest: list[Token] = field(default_factory=list)


class _Claim(NamedTuple):
    """An expression that is said to mean what some tokens do; ``tail`` tells what may stand behind it."""

    expression: exp.Expr
    written: Sequence[Token]
    tail: str


def prove(select: exp.Select, tokens: Sequence[Token], kinds: Collection[type[exp.Expr]]) -> None:
    """Make sure that a query's expressions would be sent as they were written.

    Args:
        select: marked calls restored.
        tokens: plain tokens of the statement (`qproxy.planner.plain`).
        kinds: of the nodes of the query.

    Raises:
        SQLError: 1235 naming what would have been changed.
    """
    clauses = _cut(tokens)
    claims = _claims(select.expressions, _commas(clauses.items), "alias")
    claims += _claims(list(_ons(select)), _conditions(clauses.tables))
    for key, written in (("where", clauses.where), ("having", clauses.having)):
        clause = select.args.get(key)
        claims += _claims([clause.this] if clause else [], [written] if written else [])
    group = select.args.get("group")
    claims += _claims(group.expressions if group else [], _commas(clauses.groups), "rollup")
    order = select.args.get("order")
    claims += _claims([o.this for o in order.expressions] if order else [], _commas(clauses.orders), "direction")
    if not knows(kinds):
        for claim in claims:
            _check_order(claim.expression)
    lists = frozenset([t.text for t in tokens if t.token_type is LIST])
    for claim, sent in zip(claims, _sent([c.expression for c in claims], lists), strict=True):
        _compare(claim, sent, lists)


def _ons(node: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions of joins, in the order in which they are written."""
    if isinstance(node, exp.Select):
        clause = node.args.get("from_")
        yield from _ons(clause.this) if clause is not None else ()
    elif isinstance(node, exp.Subquery):
        yield from _ons(node.this)
    for join in node.args.get("joins") or ():
        yield from _ons(join.this)
        if join.args.get("on") is not None:
            yield join.args["on"]


def _cut(tokens: Sequence[Token]) -> _Clauses:
    clauses = _Clauses()
    start = next(i for i, t in enumerate(tokens) if t.token_type is Kind.SELECT)
    place = clauses.items
    depth = 0
    for at in range(start + 1, len(tokens)):
        token = tokens[at]
        kind = token.token_type
        if kind is Kind.L_PAREN:
            depth += 1
        elif kind is Kind.R_PAREN:
            depth -= 1
            if depth < 0:
                break
        elif depth == 0 and (kind in _TURNS or not clauses.items) and tokens[at - 1].token_type is not Kind.DOT:
            if kind is Kind.FROM and place is clauses.items:
                place = clauses.tables
                continue
            if kind in _AFTER_FROM:
                place = getattr(clauses, _AFTER_FROM[kind])
                continue
            if not clauses.items and kind not in _QUOTED and token.text.upper() in _MODIFIERS:
                continue
        place.append(token)
    return clauses


def _conditions(tokens: Sequence[Token]) -> list[list[Token]]:
    """What stands behind each ON of a FROM clause."""
    found: list[list[Token]] = []
    place: list[Token] | None = None
    #: For each open parenthesis, whether it belongs to a condition, not to tables.
    open_: list[bool] = []
    for at, token in enumerate(tokens):
        kind = token.token_type
        if kind is Kind.L_PAREN:
            open_.append(place is not None)
        elif kind is Kind.R_PAREN:
            if open_ and not open_.pop():
                place = None
        elif not (open_ and open_[-1]):
            if kind is Kind.ON:
                place = []
                found.append(place)
                continue
            if kind is Kind.USING or _joins(tokens, at):
                place = None
        if place is not None:
            place.append(token)
    return found


def _joins(tokens: Sequence[Token], at: int) -> bool:
    if tokens[at].token_type is Kind.IDENTIFIER or tokens[at].text.upper() not in _JOINS:
        return False
    call = at + 1 < len(tokens) and tokens[at + 1].token_type is Kind.L_PAREN
    return not (call and tokens[at].text.upper() in ("LEFT", "RIGHT"))


def _commas(tokens: Sequence[Token]) -> list[list[Token]]:
    """Tokens cut at the commas outside parentheses."""
    if not tokens:
        return []
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.token_type is Kind.L_PAREN) - (token.token_type is Kind.R_PAREN)
        if depth == 0 and token.token_type is Kind.COMMA:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _claims(expressions: Sequence[exp.Expr], written: Sequence[Sequence[Token]], tail: str = "") -> list[_Claim]:
    if len(expressions) != len(written):
        place = _words(written[0])[0] if written else [("", "")]
        raise unsupported(
            f"this way of writing, which cannot be read for sure: {_shown(place[:12])}; put it in other words"
        )
    return [_Claim(e, tokens, tail) for e, tokens in zip(expressions, written, strict=True)]


def _sent(expressions: Sequence[exp.Expr], lists: frozenset[str]) -> Iterator[list[Token]]:
    """The plain tokens of what would be sent for each expression; all are cut into words together."""
    # Around operands that MariaDB would read otherwise there are parentheses that nobody wrote.
    texts = [text(expression.unalias()) for expression in expressions]
    # Behind SELECT no word is taken for a statement's verb.
    sql = "SELECT " + " , ".join(texts)
    tokens = plain(lex(sql, lists), sql)
    at, end = 1, len("SELECT ")
    for written in texts:
        end += len(written)
        first = at
        while at < len(tokens) and tokens[at].start < end:
            at += 1
        yield tokens[first:at]
        at += 1
        end += len(" , ")


def _check_order(expression: exp.Expr) -> None:
    wrong = misplaced(expression)
    if wrong is not None:
        raise unsupported(
            "operators in this order, which cannot be read for sure: "
            f"{readable(wrong.sql(dialect=DIALECT))[:60]}; put parentheses around operands"
        )


def _compare(claim: _Claim, sent: list[Token], lists: frozenset[str]) -> None:
    words = _words(claim.written)
    if _same(words, _words(sent), claim):
        return
    _check_order(claim.expression)
    if _same(words, _words(next(_sent([_bare(claim.expression)], lists))), claim):
        return
    raise unsupported(_difference(words[0], _words(sent)[0]))


def _same(written: tuple[list[Word], int], sent: tuple[list[Word], int], claim: _Claim) -> bool:
    (words, negations), (found, found_negations) = written, sent
    if negations != found_negations:
        return False
    return words == found or (
        words[: len(found)] == found and _is_tail(words[len(found) :], claim.tail, claim.expression)
    )


def _bare(expression: exp.Expr) -> exp.Expr:
    """An expression without parentheses that change nothing: around what stands left of a comparison or of IS.

    All these bind alike, from left to right; the parser puts such parentheses around ``a = b`` in ``a = b IS TRUE``.
    """
    copy = expression.copy()
    for paren in list(copy.find_all(exp.Paren)):
        inner = paren.this.this if isinstance(paren.this, exp.Not) else paren.this
        left = isinstance(paren.parent, _COMPARING) and paren.arg_key == "this"
        if left and isinstance(inner, exp.Is if isinstance(paren.this, exp.Not) else _COMPARING):
            paren.replace(paren.this)
    return copy


def _is_tail(words: list[Word], tail: str, expression: exp.Expr) -> bool:
    texts = [text for _, text in words]
    if tail == "alias":
        name = expression.alias.casefold()
        return isinstance(expression, exp.Alias) and texts in (
            ["as", *name.split()],
            ["as", name],
            name.split(),
            [name],
        )
    if tail == "rollup":
        return texts == ["with", "rollup"]
    return tail == "direction" and texts in (["asc"], ["desc"])


def _difference(words: list[Word], sent: list[Word]) -> str:
    at = next((i for i, (a, b) in enumerate(zip(words, sent, strict=False)) if a != b), min(len(words), len(sent)))
    near = _shown(words[max(0, at - 3) : at + 5])
    return f"this way of writing, which cannot be read for sure: ... {near} ...; put it in other words"


def _shown(words: Sequence[Word]) -> str:
    return readable(" ".join(text[:60] for _, text in words))


def _words(tokens: Sequence[Token]) -> tuple[list[Word], int]:
    """Tokens as words to compare, and how many NOTs there were: ``NOT x LIKE y`` and ``x NOT LIKE y`` are the same."""
    words: list[Word] = []
    negations = 0
    for token in tokens:
        kind = token.token_type
        if kind is Kind.STRING:
            words.append(("string", token.text))
        elif kind is Kind.IDENTIFIER:
            words.append(("", token.text.casefold()))
        elif kind is LIST:
            words.append(("list", token.text))
        elif kind is Kind.NOT:
            negations += 1
        else:
            name = kind.name if kind in _LITERALS else ""
            # Some tokens hold several words.
            for word in token.text.casefold().split():
                words.append((name, _SAME.get(word, word)))
    return words, negations
