"""Random expressions over the columns of a query, by the kind of value that they give."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.fuzz.draws import Written
from tests.fuzz.nodes import Node, node
from tests.fuzz.tables import EXACT
from tests.fuzz.texts import Texts

_ANY = ("int", "int", "dec", "dbl", "dbl", "text", "text", "date", "time", "clock", "bool")


class Expressions(Texts):
    """Draws expressions of any kind.

    Args:
        scalar: draws a subquery that gives one value of a kind; None where there shall be none.
    """

    def __init__(
        self, rng: random.Random, columns: Sequence[Written], scalar: Callable[[str], Node] | None = None
    ) -> None:
        super().__init__(rng, columns)
        self.scalar = scalar

    def of(self, kind: str, depth: int) -> Node:
        """An expression that gives a value of a kind: int, dec, dbl, text, date, time, clock, bool."""
        if self.scalar is not None and kind in ("int", "dec", "date") and self.chance(0.03):
            return replace(self.scalar(kind), kind=kind)
        drawn: Node = getattr(self, f"_{kind}")(depth)
        return replace(drawn, kind=kind)

    def any(self, depth: int) -> Node:
        """Some expression, often a plain column."""
        if depth <= 0 or self.chance(0.35):
            return self.column()
        return self.of(self.rng.choice(_ANY), depth)

    def like(self, kind: str) -> Node:
        """An expression of any of the kinds that columns have: for arms of a union, which must agree."""
        if self.chance(0.75) and any(c.kind == kind for _, c in self.columns):
            return self.column(kind)
        if kind in ("big", "bit", "year", "float", "bytes", "word", "enum"):
            simple = {"big": "int", "bit": "int", "year": "int", "float": "dbl"}.get(kind)
            if simple is None and not any(c.kind in ("word", "bytes") for _, c in self.columns):
                return Node("'g'", kind=kind)
            return replace(self.of(simple, 0) if simple else self.column("word", "bytes"), kind=kind)
        return self.of(kind, self.rng.choice((0, 1)))

    def key(self) -> Node:
        """An expression whose equal values are the same to the byte."""
        found = self.one(
            lambda: self.column(*EXACT),
            lambda: self.column("int", "word", "enum", "date", "time", "big"),
            lambda: self.column("int", "word"),
            lambda: self.column("big"),
            lambda: self.column("dec", "float", "date", "year", "clock"),
            lambda: node("FLOOR({} / 30)", self.column("dbl", "dec"), kind="int"),
            lambda: node("{} % 5", self.column("int", "big"), kind="int"),
            lambda: node("HEX({})", self.column("text", "bytes", "big"), kind="word"),
            lambda: node("YEAR({})", self.column("date", "time"), kind="int"),
            lambda: node("{} IS NULL", self.column(), kind="int"),
            lambda: node("({} > {})", self.column("dbl", "int"), Node("10"), kind="int"),
            lambda: node("IFNULL({}, 0)", self.column("int"), kind="int"),
            lambda: node("CASE WHEN {} THEN 'yes' ELSE 'no' END", self.of("bool", 0), kind="word"),
            lambda: node("LENGTH({})", self.of("text", 1), kind="int"),
            lambda: self.of("int", 2),
            lambda: node("ROUND({}, 0)", self.column("dec"), kind="dec"),
            lambda: node("DATE({})", self.column("time", "date"), kind="date"),
            lambda: self.column("bytes", "float"),
        )
        # A constant is no key: MariaDB takes shortcuts with it that lose rows.
        if any(w in str(found) for w, _ in self.columns) and found.kind != "text":
            return found
        exact = self.column(*EXACT)
        return exact if exact.kind != "text" else node("HEX({})", exact, kind="word")

    def comparison(self) -> Node:
        """A column against literals."""
        written, column = self.rng.choice(list(self.columns))
        left, value, other = Node(written), self.pick(*column.values), self.pick(*column.values)
        compared = node("{} " + self.form("=", "<", ">", "<", ">", "<=", ">=", "<>", "!=", "<=>") + " {}", left, value)
        options = [compared, compared, compared]
        options.append(node(self.form("{} BETWEEN {} AND {}", "{} NOT BETWEEN {} AND {}"), left, value, other))
        options.append(node(self.form("{} IN ({}, {})", "{} NOT IN ({}, {})"), left, value, other))
        options.append(node(self.form("{} IS NULL", "{} IS NOT NULL"), left))
        options.append(node("{} " + self.form("=", "<", ">") + " {}", value, left))
        second, its = self.rng.choice(list(self.columns))
        options.append(
            node(
                # No <>: of rows, MariaDB takes it for false where a part is NULL and other conditions let it.
                self.form("({}, {}) = ({}, {})", "({}, {}) IN (({}, {}), (1, 2))", "({}, {}) IN (({}, {}), (3, 4))"),
                left,
                Node(second),
                value,
                self.pick(*its.values),
            )
        )
        if column.kind in ("text", "word", "enum"):
            pattern = self.pick("'%a%'", "'V%'", "'_a%'", "'%\\\\_%'", "'%2'", "''", "'É%'")
            options.append(node(self.form("{} LIKE {}", "{} NOT LIKE {}"), left, pattern))
            options.append(node(self.form("{} REGEXP {}", "{} RLIKE {}", "{} NOT REGEXP {}"), left, self._pattern()))
            options.append(node(self.form("BINARY {} = {}", "{} = BINARY {}", "{} = CAST({} AS BINARY)"), left, value))
            options.append(node("CONVERT({} USING utf8mb4) COLLATE utf8mb4_bin = {}", left, value))
            options.append(node("CONVERT({} USING utf8mb4) COLLATE utf8mb4_unicode_ci < {}", left, value))
        return self.rng.choice(options)

    def _pattern(self) -> Node:
        return self.pick("'^[a-m]'", "'a$'", "'[0-9]+'", "'^.?$'", "'[[:upper:]]'")

    def _bool(self, depth: int) -> Node:
        if depth <= 0:
            return self.comparison()
        d = depth - 1
        return self.one(
            lambda: node(
                self.form("({} AND {})", "({} OR {})", "({} XOR {})", "({} && {})"), self._bool(d), self._bool(0)
            ),
            lambda: node(self.form("(NOT {})", "!{}"), node("({})", self._bool(d))),
            # No "=": of an integer with a key and a fraction, MariaDB says otherwise than of one without.
            lambda: node("({} " + self.form("<", ">", "<=", ">=") + " {})", self.number(d), self.number(0)),
            lambda: node("({} " + self.form("<", ">", "=", "<>") + " {})", self._text(d), self._text(0)),
            lambda: node("({} < {})", self.when(d), self.when(0)),
            lambda: node("({} > {})", self._clock(d), self._clock(0)),
            lambda: node(
                "({} " + self.form("IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NULL", "IS UNKNOWN") + ")",
                node("({})", self._bool(d)),
            ),
            lambda: node("({} BETWEEN {} AND {})", self.number(d), self.number(0), self.number(0)),
            lambda: node("({})", self.comparison()),
        )
