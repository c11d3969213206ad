"""Random expressions whose values are numbers."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.draws import UNITS, Draws
from tests.fuzz.nodes import Node, node

_INTS = ("0", "1", "2", "-1", "3", "7", "10", "100", "NULL", "b'101'", "@n")
_DECS = ("0.5", "1.25", "-2.5", "10.00", "0.001", "@d")
_DBLS = ("@r", "1e0", "2.5e-1", "-1e3", "3e0")
_DIVISORS = ("2", "7", "10", "3", "0")


class Numbers(Draws):
    """Draws integers, decimals and floating numbers."""

    def number(self, depth: int) -> Node:
        """A number of any kind."""
        return self.of(self.rng.choice(("int", "dec", "dbl")), depth)

    def _int(self, depth: int) -> Node:
        if depth <= 0:
            return self.pick(*_INTS) if self.chance(0.25) else self.column("int", "int", "year")
        d = depth - 1
        form = self.form
        return self.one(
            lambda: node(form("({} + {})", "({} * {})", "{} + {}"), self._int(d), self.pick("1", "2", "7")),
            lambda: node("({0} - {1})", *(node("CAST({} AS SIGNED)", self._int(n)) for n in (d, 0))),
            lambda: node("{} DIV {}", self._int(0), self.pick(*_DIVISORS)),
            lambda: node("{} % {}", self.column("int", "big"), self.pick(*_DIVISORS)),
            lambda: node(form("ABS({})", "SIGN({})", "BIT_COUNT({})", "CRC32({})"), self._int(d)),
            lambda: node("FLOOR({})", self.column("dbl", "dec")),
            lambda: node("CEIL({} / 10)", self.column("dbl", "dec")),
            lambda: node("({} & {})", self.column("int", "big"), self.pick("1", "3", "255", "1023", "0xFF")),
            lambda: node("({} | {})", self.column("int"), self.pick("1", "4")),
            lambda: node(form("({} >> {})", "({} << {})", "({} ^ {})"), self.column("int", "big"), self.pick("1", "3")),
            lambda: node("(~{} & 4095)", self.column("int")),
            lambda: node("({} + 0)", self.column("bit", "year")),
            lambda: node(form("LENGTH({})", "CHAR_LENGTH({})", "ASCII({})", "CRC32({})"), self.of("text", d)),
            lambda: node(form("LENGTH({})", "OCTET_LENGTH({})", "BIT_LENGTH({})"), self.column("bytes", "text")),
            lambda: node("INSTR({}, {})", self.of("text", 0), self.pick("'a'", "'E'", "'0'")),
            lambda: node("LOCATE('a', {})", self.of("text", 0)),
            lambda: node("FIELD({}, 'star', 'g', 'galaxy')", self.column("word", "enum")),
            lambda: node("FIND_IN_SET('var', {})", self.column("enum", "word")),
            lambda: node(
                form(
                    "YEAR({})", "MONTH({})", "DAYOFMONTH({})", "DAYOFWEEK({})", "QUARTER({})", "WEEK({})", "WEEKDAY({})"
                ),
                self.when(d),
            ),
            lambda: node(form("HOUR({})", "MINUTE({})", "MICROSECOND({})", "SECOND({})"), self.of("time", d)),
            lambda: node(form("TIME_TO_SEC({})", "HOUR({})", "MINUTE({})"), self.of("clock", d)),
            lambda: node(form("DATEDIFF({}, '2010-01-01')", "TO_DAYS({})", "DAYOFYEAR({})"), self.when(d)),
            lambda: node(f"TIMESTAMPDIFF({self.rng.choice(UNITS)}, '2015-01-01', {{}})", self.when(d)),
            lambda: node(f"EXTRACT({form('YEAR', 'MONTH', 'YEAR_MONTH')} FROM {{}})", self.when(d)),
            lambda: self.of("bool", d),
            lambda: self.choice("int", d),
            lambda: node(form("CAST({} AS SIGNED)", "CONVERT({}, SIGNED)"), self.number(d)),
            lambda: node("ROUND({}, -1)", self._int(d)),
            lambda: node("INTERVAL({}, 1, 10, 100)", self._int(d)),
            lambda: node("STRCMP({}, {})", self.of("text", 0), self.of("text", 0)),
        )

    def _dec(self, depth: int) -> Node:
        if depth <= 0:
            return self.pick(*_DECS) if self.chance(0.3) else self.column("dec")
        d = depth - 1
        form = self.form
        return self.one(
            lambda: node(form("({} + {})", "({} - {})", "({} * {})", "{} / {}"), self._dec(d), self._dec(0)),
            lambda: node("{} / {}", self._int(0), self.pick("2", "7", "3", "0", "10.5")),
            lambda: node(
                form("ROUND({}, 0)", "ROUND({}, 1)", "ROUND({}, 2)", "ROUND({}, -1)"), self._no_id(self._dec, d)
            ),
            lambda: node("TRUNCATE({}, 1)", self._no_id(self._dec, d)),
            lambda: node(form("ABS({})", "-{}"), self.column("dec")),
            lambda: node(form("CAST({} AS DECIMAL(14,3))", "CONVERT({}, DECIMAL(20,5))"), self.number(d)),
            lambda: self.choice("dec", d),
            lambda: node("({} * {})", self._int(0), self._factor()),
            lambda: node(form("MOD({}, 3)", "{} DIV 3"), self._dec(d)),
        )

    def _no_id(self, draw: Callable[[int], Node], depth: int) -> Node:
        """A number below 10^17: a larger DOUBLE that is rounded MariaDB cuts where it stores it (docs/sql.md)."""
        found = (draw(depth) for _ in range(10))
        return next((n for n in found if "Id" not in str(n)), Node("2.5", kind="dec"))

    def _factor(self) -> Node:
        # With an integer in its place the product may be out of range, in rows that MariaDB may never look at.
        found = self._dec(0)
        return found if found.kind in ("dec", "") else self.pick(*_DECS)

    def _dbl(self, depth: int) -> Node:
        if depth <= 0:
            return self.pick(*_DBLS) if self.chance(0.2) else self.column("dbl", "float")
        d = depth - 1
        form = self.form
        return self.one(
            lambda: node(form("({} + {})", "({} - {})", "({} * {})", "{} / {}"), self._dbl(d), self.number(0)),
            lambda: _steady(
                form("SQRT(ABS({}))", "LN(ABS({}) + 1)", "SIN({})", "RADIANS({})", "ATAN({})", "LOG10(ABS({}) + 1)"),
                self._dbl(d),
            ),
            lambda: _steady(form("POW({}, 2)", "EXP({} / 1000)", "COS({})"), self._dbl(0)),
            lambda: node(
                form("ROUND({}, 0)", "ROUND({}, 2)", "ROUND({}, 3)", "TRUNCATE({}, 2)"), self._no_id(self._dbl, 0)
            ),
            lambda: node("{} * 2", self.column("float")),
            lambda: node("-{}", self.column("float", "dbl")),
            lambda: node(
                form("scisql_nanojanskyToAbMag({})", "scisql_fluxToAbMag({})"), self.column("dbl"), exact=False
            ),
            lambda: node("scisql_angSep({} % 360, 0.5, 10.37, 20)", self.column("int"), exact=False),
            lambda: node("MOD({}, 7)", self._dbl(0)),
            lambda: self.choice("dbl", d),
            lambda: node(form("CAST({} AS DOUBLE)", "({} + 0e0)"), self._int(d)),
            lambda: node("({} + {})", self.column("dbl"), self.column("dbl")),
        )

    def when(self, depth: int) -> Node:
        """A date, with or without a time."""
        return self.of(self.rng.choice(("date", "time")), depth)

    def choice(self, kind: str, depth: int) -> Node:
        """One of two expressions of a kind, by a condition."""
        form, of = self.form, self.of
        return self.one(
            lambda: node("IF({}, {}, {})", of("bool", 0), of(kind, depth), of(kind, 0)),
            lambda: node(form("IFNULL({}, {})", "COALESCE({}, {})", "NVL({}, {})"), of(kind, depth), of(kind, 0)),
            lambda: node("NULLIF({}, {})", of(kind, depth), of(kind, 0)),
            lambda: node("CASE WHEN {} THEN {} ELSE {} END", of("bool", 0), of(kind, depth), of(kind, 0)),
            lambda: node("CASE WHEN {} THEN {} END", of("bool", 0), of(kind, depth)),
            lambda: node("CASE {} WHEN 1 THEN {} WHEN 2 THEN {} END", self._int(0), of(kind, depth), of(kind, 0)),
            lambda: node(form("GREATEST({}, {})", "LEAST({}, {})"), of(kind, depth), of(kind, 0)),
        )


def _steady(form: str, of: Node) -> Node:
    """A function of a number; the number itself where its last digits are open, of which SIN may make the first."""
    return node(form, of) if of.exact else of
