"""Random expressions over the columns of a FROM clause, by the kind of value that they give."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.fuzz.nodes import Node, node
from tests.fuzz.tables import Column

#: Kinds whose values are bare numbers for comparison and arithmetic.
NUMBERS = ("int", "dbl", "dec", "float")

_INTS = ("0", "1", "2", "-1", "3", "7", "10", "100", "NULL")
_DECS = ("0.5", "1.25", "-2.5", "10.00", "0.001")
_DBLS = ("1e0", "2.5e-1", "-1e3", "3e0")
_UNITS = ("DAY", "MONTH", "HOUR", "YEAR", "MINUTE", "WEEK", "SECOND")


class Expressions:
    """Draws expressions.

    Args:
        columns: as the query writes them, with what they hold.
    """

    def __init__(self, rng: random.Random, columns: Sequence[tuple[str, Column]]) -> None:
        self.rng = rng
        self.columns = columns

    def of(self, kind: str, depth: int) -> Node:
        """An expression that gives a value of a kind: int, dec, dbl, text, date, time, bool."""
        return getattr(self, f"_{kind}")(depth)  # type: ignore[no-any-return]

    def any(self, depth: int) -> Node:
        """Some expression, often a plain column."""
        if depth <= 0 or self.rng.random() < 0.35:
            return self.column()
        return self.of(
            self.rng.choice(("int", "int", "dec", "dbl", "dbl", "text", "text", "date", "time", "bool")), depth
        )

    def column(self, *kinds: str) -> Node:
        """A column of one of the kinds; a constant where there is none."""
        fitting = [written for written, column in self.columns if not kinds or column.kind in kinds]
        return Node(self.rng.choice(fitting)) if fitting else Node("1")

    def _one(self, *choices: Callable[[], Node]) -> Node:
        return self.rng.choice(choices)()

    def _pick(self, values: Sequence[str]) -> Node:
        return Node(self.rng.choice(values))

    def number(self, depth: int) -> Node:
        """A number of any kind."""
        return self.of(self.rng.choice(("int", "dec", "dbl")), depth)

    def _int(self, depth: int) -> Node:
        if depth <= 0:
            return self._pick(_INTS) if self.rng.random() < 0.25 else self.column("int")
        d = depth - 1
        return self._one(
            lambda: node(
                self.rng.choice(("({} + {})", "({} * {})", "{} + {}")), self._int(d), self._pick(("1", "2", "7"))
            ),
            lambda: node("({} - {})", node("CAST({} AS SIGNED)", self._int(d)), self._int(0)),
            lambda: node("{} DIV {}", self._int(0), self._pick(("2", "7", "10", "3", "0"))),
            lambda: node("{} % {}", self.column("int", "big"), self._pick(("2", "7", "10", "3", "0"))),
            lambda: node(self.rng.choice(("ABS({})", "SIGN({})", "BIT_COUNT({})", "CRC32({})")), self._int(d)),
            lambda: node("FLOOR({})", self.column("dbl", "dec")),
            lambda: node("CEIL({} / 10)", self.column("dbl", "dec")),
            lambda: node("({} & {})", self.column("int", "big"), self._pick(("1", "3", "255", "1023"))),
            lambda: node("({} | {})", self.column("int"), self._pick(("1", "4"))),
            lambda: node("({} >> {})", self.column("int", "big"), self._pick(("1", "3"))),
            lambda: node("({} ^ {})", self.column("int", "big"), self._pick(("1", "3"))),
            lambda: node("({} + 0)", self.column("bit")),
            lambda: node(self.rng.choice(("LENGTH({})", "CHAR_LENGTH({})", "ASCII({})", "CRC32({})")), self._text(d)),
            lambda: node(self.rng.choice(("LENGTH({})", "OCTET_LENGTH({})")), self.column("bytes", "text")),
            lambda: node("INSTR({}, {})", self._text(0), self._pick(("'a'", "'E'", "'0'"))),
            lambda: node("LOCATE('a', {})", self._text(0)),
            lambda: node("FIELD({}, 'star', 'g', 'galaxy')", self.column("word")),
            lambda: node(
                self.rng.choice(
                    (
                        "YEAR({})",
                        "MONTH({})",
                        "DAYOFMONTH({})",
                        "DAYOFWEEK({})",
                        "QUARTER({})",
                        "WEEK({})",
                        "DAYOFYEAR({})",
                    )
                ),
                self._when(d),
            ),
            lambda: node(self.rng.choice(("HOUR({})", "MINUTE({})", "MICROSECOND({})", "SECOND({})")), self._time(d)),
            lambda: node("DATEDIFF({}, '2010-01-01')", self._when(d)),
            lambda: node("TIMESTAMPDIFF(" + self.rng.choice(_UNITS) + ", '2015-01-01', {})", self._when(d)),
            lambda: node("EXTRACT(" + self.rng.choice(("YEAR", "MONTH", "YEAR_MONTH")) + " FROM {})", self._when(d)),
            lambda: self._bool(d),
            lambda: self._choice("int", d),
            lambda: node("CAST({} AS SIGNED)", self.number(d)),
            lambda: node("ROUND({}, -1)", self._int(d)),
            lambda: node("INTERVAL({}, 1, 10, 100)", self._int(d)),
        )

    def _dec(self, depth: int) -> Node:
        if depth <= 0:
            return self._pick(_DECS) if self.rng.random() < 0.3 else self.column("dec")
        d = depth - 1
        return self._one(
            lambda: node(
                self.rng.choice(("({} + {})", "({} - {})", "({} * {})", "{} / {}")), self._dec(d), self._dec(0)
            ),
            lambda: node("{} / {}", self._int(0), self._pick(("2", "7", "3", "0", "10.5"))),
            lambda: node("ROUND({}, " + self.rng.choice(("0", "1", "2", "-1")) + ")", self._dec(d)),
            lambda: node("TRUNCATE({}, 1)", self._dec(d)),
            lambda: node(self.rng.choice(("ABS({})", "-{}")), self.column("dec")),
            lambda: node("CAST({} AS DECIMAL(14,3))", self.number(d)),
            lambda: self._choice("dec", d),
            lambda: node("({} * {})", self._int(0), self._dec(0)),
            lambda: node("MOD({}, 3)", self._dec(d)),
        )

    def _dbl(self, depth: int) -> Node:
        if depth <= 0:
            return self._pick(_DBLS) if self.rng.random() < 0.2 else self.column("dbl", "float")
        d = depth - 1
        lon, lat = self.column("dbl"), self.column("dbl")
        return self._one(
            lambda: node(
                self.rng.choice(("({} + {})", "({} - {})", "({} * {})", "{} / {}")), self._dbl(d), self.number(0)
            ),
            lambda: node(
                self.rng.choice(("SQRT(ABS({}))", "LN(ABS({}) + 1)", "SIN({})", "RADIANS({})", "ATAN({})")),
                self._dbl(d),
            ),
            lambda: node("POW({}, 2)", self._dbl(0)),
            lambda: node("ROUND({}, " + self.rng.choice(("0", "2", "3")) + ")", self._dbl(0)),
            lambda: node("{} * 2", self.column("float")),
            lambda: node("-{}", self.column("float", "dbl")),
            lambda: node(
                self.rng.choice(("scisql_nanojanskyToAbMag({})", "scisql_fluxToAbMag({})")), self.column("dbl")
            ),
            lambda: node("scisql_angSep({} % 360, 0.5, 10, 20)", self.column("int"), exact=False),
            lambda: node("MOD({}, 7)", self._dbl(0)),
            lambda: self._choice("dbl", d),
            lambda: node("CAST({} AS DOUBLE)", self._int(d)),
            lambda: node("({} + {})", lon, lat),
            lambda: node("TRUNCATE({}, 2)", self._dbl(0)),
        )

    def _text(self, depth: int) -> Node:
        if depth <= 0:
            return self._pick(("'x'", "''", "'Né'")) if self.rng.random() < 0.15 else self.column("text", "word")
        d = depth - 1
        return self._one(
            lambda: node("CONCAT({}, {})", self._text(d), self._text(0)),
            lambda: node("CONCAT({}, '-', {})", self._text(d), self._int(0)),
            lambda: node("CONCAT_WS(',', {}, {})", self._int(0), self._text(d)),
            lambda: node(
                self.rng.choice(("UPPER({})", "LOWER({})", "TRIM({})", "REVERSE({})", "HEX({})")), self._text(d)
            ),
            lambda: node("HEX({})", self.column("bytes", "bit", "big")),
            lambda: node("SUBSTRING({}, 2)", self._text(d)),
            lambda: node(
                self.rng.choice(("LEFT({}, 3)", "RIGHT({}, 2)", "SUBSTR({}, 1, 2)", "MID({}, 2, 3)")), self._text(d)
            ),
            lambda: node("REPLACE({}, 'a', 'b')", self._text(d)),
            lambda: node("LPAD({}, 6, '*')", self._text(d)),
            lambda: node(
                "CAST({} AS CHAR)", self._one(lambda: self._int(d), lambda: self._dec(d), lambda: self._when(d))
            ),
            lambda: node("DATE_FORMAT({}, '%Y-%m')", self._when(d)),
            lambda: node("MONTHNAME({})", self._when(d)),
            lambda: node("FORMAT({}, 2)", self._dec(d)),
            lambda: node("MD5({})", self._text(d)),
            lambda: node("REPEAT({}, 2)", self._text(0)),
            lambda: node("SUBSTRING_INDEX({}, 'a', 1)", self._text(0)),
            lambda: self._choice("text", d),
            lambda: node("ELT({} % 3 + 1, 'one', {}, 'three')", self.column("int"), self._text(d)),
            lambda: node("CONV({}, 10, 16)", self.column("int")),
        )

    def _when(self, depth: int) -> Node:
        return self._date(depth) if self.rng.random() < 0.5 else self._time(depth)

    def _date(self, depth: int) -> Node:
        if depth <= 0:
            return (
                self._pick(("'2012-02-29'", "DATE '2001-12-31'"))
                if self.rng.random() < 0.15
                else self.column("date", "time")
            )
        d = depth - 1
        return self._one(
            lambda: node("DATE({})", self._time(d)),
            lambda: node("LAST_DAY({})", self._when(d)),
            lambda: node(
                "({} + INTERVAL {} " + self.rng.choice(("DAY", "MONTH", "YEAR")) + ")",
                self._date(d),
                self._pick(("1", "-3", "40")),
            ),
            lambda: node("DATE_SUB({}, INTERVAL 1 " + self.rng.choice(("DAY", "MONTH", "HOUR")) + ")", self._date(d)),
            lambda: node("CAST({} AS DATE)", self._time(0)),
            lambda: self._choice("date", d),
            lambda: node("MAKEDATE(2000 + {} % 20, 45)", self.column("int")),
        )

    def _time(self, depth: int) -> Node:
        if depth <= 0:
            return (
                self._pick(("'2021-05-05 05:05:05'", "TIMESTAMP '2020-02-02 02:02:02.25'"))
                if self.rng.random() < 0.15
                else self.column("time", "date")
            )
        d = depth - 1
        return self._one(
            lambda: node("DATE_ADD({}, INTERVAL 90 " + self.rng.choice(_UNITS) + ")", self._time(d)),
            lambda: node("({} - INTERVAL 1 " + self.rng.choice(_UNITS) + ")", self._time(d)),
            lambda: node("CAST({} AS DATETIME)", self._when(d)),
            lambda: node("TIMESTAMP({})", self._date(d)),
            lambda: self._choice("time", d),
        )

    def _choice(self, kind: str, depth: int) -> Node:
        return self._one(
            lambda: node("IF({}, {}, {})", self._bool(0), self.of(kind, depth), self.of(kind, 0)),
            lambda: node("IFNULL({}, {})", self.of(kind, depth), self.of(kind, 0)),
            lambda: node("COALESCE({}, {})", self.of(kind, depth), self.of(kind, 0)),
            lambda: node("NULLIF({}, {})", self.of(kind, depth), self.of(kind, 0)),
            lambda: node("CASE WHEN {} THEN {} ELSE {} END", self._bool(0), self.of(kind, depth), self.of(kind, 0)),
            lambda: node("CASE WHEN {} THEN {} END", self._bool(0), self.of(kind, depth)),
            lambda: node(
                "CASE {} WHEN 1 THEN {} WHEN 2 THEN {} END", self._int(0), self.of(kind, depth), self.of(kind, 0)
            ),
            lambda: node(
                self.rng.choice(("GREATEST({}, {})", "LEAST({}, {})")), self.of(kind, depth), self.of(kind, 0)
            ),
        )

    def comparison(self) -> Node:
        """A column against literals."""
        written, column = self.rng.choice(list(self.columns))
        left, value, other = Node(written), self._pick(column.values), self._pick(column.values)
        compared = node("{} " + self.rng.choice(("=", "<", ">", "<=", ">=", "<>", "!=", "<=>")) + " {}", left, value)
        options = [compared, compared, compared]
        options.append(node("{} BETWEEN {} AND {}", left, value, other))
        options.append(node("{} NOT BETWEEN {} AND {}", left, value, other))
        options.append(node("{} IN ({}, {})", left, value, other))
        options.append(node("{} NOT IN ({}, {})", left, value, other))
        options.append(node(self.rng.choice(("{} IS NULL", "{} IS NOT NULL")), left))
        options.append(node("{} " + self.rng.choice(("=", "<", ">")) + " {}", value, left))
        if column.kind in ("text", "word"):
            pattern = self._pick(("'%a%'", "'V%'", "'_a%'", "'%\\\\_%'", "'%2'", "''", "'É%'"))
            options += [node("{} LIKE {}", left, pattern), node("{} NOT LIKE {}", left, pattern)]
            options.append(node("{} REGEXP {}", left, self._pick(("'^[a-m]'", "'a$'", "'[0-9]+'"))))
        return self.rng.choice(options)

    def _bool(self, depth: int) -> Node:
        if depth <= 0:
            return self.comparison()
        d = depth - 1
        return self._one(
            lambda: node("({} AND {})", self._bool(d), self._bool(0)),
            lambda: node("({} OR {})", self._bool(d), self._bool(0)),
            lambda: node("({} XOR {})", self._bool(d), self._bool(0)),
            lambda: node("(NOT {})", node("({})", self._bool(d))),
            lambda: node(
                "({} " + self.rng.choice(("<", ">", "<=", ">=", "=")) + " {})", self.number(d), self.number(0)
            ),
            lambda: node("({} " + self.rng.choice(("<", ">", "=", "<>")) + " {})", self._text(d), self._text(0)),
            lambda: node("({} < {})", self._when(d), self._when(0)),
            lambda: node(
                "({} " + self.rng.choice(("IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NULL")) + ")",
                node("({})", self._bool(d)),
            ),
            lambda: node("({})", self.comparison()),
        )
