"""Random aggregates, and expressions of them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.fuzz.expressions import Expressions
from tests.fuzz.nodes import Node, node
from tests.fuzz.scene import Scene


class Aggregates:
    """Draws aggregates over the rows of a query.

    Args:
        ids: columns that tell its rows apart; None where there are none.
    """

    def __init__(self, scene: Scene, expressions: Expressions, ids: Sequence[str] | None) -> None:
        self.scene = scene
        self.rng: random.Random = scene.rng
        self.e = expressions
        self.ids = ids

    def any(self, simple: bool = False) -> Node:
        """Some aggregate.

        Args:
            simple: one of those that every chunk can compute in part.
        """
        e, d = self.e, self.rng.choice((0, 0, 1, 2))
        distinct = "DISTINCT " if self.rng.random() < 0.15 and not simple else ""
        # Of a quotient of decimals, or of a variable with 38 decimals, sums have other digits in a temporary table.
        drawn = (e.of("int", d), e.of("dec", d), e.column("big", "int"))
        exact = [x for x in drawn if " / " not in str(x) and "@" not in str(x)]
        # Not of ENUM and SET: what number the greatest one is depends on whether a temporary table holds it.
        plain = ("int", "big", "dec", "date", "time", "word", "float", "dbl", "year", "clock")
        found = e.one(
            lambda: Node("COUNT(*)", kind="int"),
            lambda: node("COUNT({})", e.any(d), exact=True, kind="int"),
            lambda: node(f"SUM({distinct}{{}})", self.rng.choice(exact), kind="dec"),
            lambda: node(f"AVG({distinct}{{}})", self.rng.choice(exact), kind="dec"),
            lambda: node(e.form("MIN({})", "MAX({})"), self._whole_type(self.rng.choice(("int", "dec", "date")), d)),
            lambda: node(e.form("MIN({})", "MAX({})"), e.column(*plain)),
            lambda: node(
                "LENGTH({})", node(e.form("MIN({})", "MAX({})"), node("HEX({})", e.of("text", d))), kind="int"
            ),
            self._summed,
        )
        if simple or self.rng.random() < 0.6:
            return found
        self.scene.note("aggregate that is gathered")
        options = [
            lambda: node("COUNT(DISTINCT {})", e.any(d), exact=True, kind="int"),
            lambda: node("COUNT(DISTINCT {}, {})", e.column(), e.column(), kind="int"),
            lambda: node(
                e.form("STD({})", "STDDEV_SAMP({})", "VARIANCE({})", "VAR_SAMP({})", "STDDEV({})", "VAR_POP({})"),
                e.of(self.rng.choice(("int", "dec")), 0),
                exact=False,
                kind="dbl",
            ),
            lambda: node(e.form("BIT_OR({})", "BIT_AND({})", "BIT_XOR({})"), e.column("int", "big"), kind="big"),
            lambda: node(
                f"GROUP_CONCAT(DISTINCT {{0}} ORDER BY {{0}}{e.form('', ' DESC')} SEPARATOR '; ')",
                self._listed(),
                kind="text",
            ),
        ]
        if self.ids and (order := self._order()):
            options.append(
                lambda: node(
                    f"GROUP_CONCAT({{}} ORDER BY {order}{e.form('', ' LIMIT 3')})", self._ordered(), kind="text"
                )
            )
        return e.one(*options)

    def exact(self, simple: bool = True) -> Node:
        """One whose value does not depend on the order of rows."""
        while not (found := self.any(simple)).exact:
            pass
        return found

    def _order(self) -> str:
        """An order of all rows, directions drawn; nothing where columns of two tables share a name.

        Of those MariaDB may sort by one in place of the other inside GROUP_CONCAT.
        """
        ids = self.ids or ()
        order = ", ".join(i + self.rng.choice(("", "", " DESC")) for i in ids)
        return order if len({_unqualified(i) for i in ids}) == len(ids) else ""

    def _ordered(self) -> Node:
        """A column to be listed in that order, of a name that no other column in it has."""
        ids = self.ids or ()
        found = self.e.column("int", "word", "dec", "date", "text")
        shared = str(found) not in ids and _unqualified(str(found)) in map(_unqualified, ids)
        return Node(ids[0], kind="int") if shared else found

    def _listed(self) -> Node:
        found = self.e.column("int", "word")
        # No number: in ORDER BY it would be a position, which MariaDB finds wrong only where there are rows.
        return found if found.kind in ("int", "word") and str(found) != "1" else Node("'2'")

    def _whole_type(self, kind: str, depth: int) -> Node:
        # Of CEIL and FLOOR an extreme is INT or BIGINT by whether a temporary table holds it.
        while "CEIL(" in str(found := self.e.of(kind, depth)) or "FLOOR(" in str(found):
            pass
        return found

    def _summed(self) -> Node:
        """A sum of floating numbers: exact where they are multiples of a power of two."""
        exact = [w for w, c in self.e.columns if c.kind in ("dbl", "float") and not c.messy]
        if exact and self.rng.random() < 0.7:
            return node(self.e.form("SUM({})", "AVG({})"), Node(self.rng.choice(exact)), kind="dbl")
        return node(
            self.e.form("SUM({})", "AVG({})"), self.e.of("dbl", self.rng.choice((0, 1))), exact=False, kind="dbl"
        )

    def around(self, simple: bool) -> Node:
        """An expression of one or two aggregates."""
        inner, other = self.any(simple), self.exact(simple)
        form = self.e.form
        if inner.form.startswith(("STD", "VAR")):
            # Of one row, MariaDB may call a variance 0 and NULL at once. Arithmetic on one has its few digits, and half
            # of the last is rounded up or down by whether a temporary table holds it.
            return inner
        if not inner.exact and any(name in str(inner) for name in ("ROUND(", "TRUNCATE(")):
            # What is computed of it has as few digits: half of the last is rounded by the last bit of the sum.
            return inner
        if not inner.exact:
            return self.e.one(
                lambda: inner,
                lambda: node(form("{} / 2", "{} * 1.5"), inner, kind="dbl"),
                lambda: node("({} IS NULL)", inner, exact=True),
            )
        choices = (
            lambda: node("IFNULL({}, 0)", inner),
            lambda: node(form("{} * 2", "ROUND({}, 2)", "-{}", "ABS({})"), inner),
            lambda: self._arithmetic(inner, other),
            lambda: node(form("IF({} > {}, 'a', 'b')", "CASE WHEN {} IS NULL THEN {} ELSE 1 END"), inner, other),
            lambda: node("CONCAT({}, '-', {})", inner, other, kind="text"),
            lambda: node(form("{} IS NULL", "CAST({} AS CHAR)", "{} BETWEEN 1 AND 10"), inner),
            lambda: node(form("({} > {})", "({} <=> {})"), inner, other, kind="int"),
            # No NULLIF: of aggregates in a temporary table MariaDB takes its arguments at different times.
            # Nor BIT_XOR and its kin, of which a DOUBLE is made with or without a sign.
            lambda: (
                node(form("COALESCE({}, {})", "GREATEST({}, {})"), inner, other)
                if not inner.form.startswith("BIT_")
                else inner
            ),
        )
        return inner if self.rng.random() < 0.4 else self.rng.choice(choices)()

    def _arithmetic(self, one: Node, other: Node) -> Node:
        if any(n.form.startswith("BIT_") for n in (one, other)):
            # Out of range in some row; whether that row is computed at all depends on the rows of other tables.
            return node("({} <=> {})", one, other, kind="int")
        # Divided by text, a column of a temporary table may be too narrow for the quotient, which is then cut.
        quotient = "({} + {})" if other.form.startswith("GROUP_CONCAT") else "{} / {}"
        return node(self.e.form("({} + {})", quotient, "({} - CAST({} AS SIGNED))", "({} * {})"), one, other)


def _unqualified(column: str) -> str:
    return column.rpartition(".")[2]
