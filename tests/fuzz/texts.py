"""Random expressions whose values are text, dates or times."""

from __future__ import annotations

from tests.fuzz.draws import UNITS
from tests.fuzz.nodes import Node, node
from tests.fuzz.numbers import Numbers


class Texts(Numbers):
    """Draws text, dates and times."""

    def _text(self, depth: int) -> Node:
        if depth <= 0:
            if self.chance(0.15):
                return self.pick("'x'", "''", "'Né'", "'vega'", "0x4142", "@s", "_utf8mb4'Ég'", "N'a'")
            return self.column("text", "word", "enum")
        d = depth - 1
        form = self.form
        return self.one(
            lambda: node("CONCAT({}, {})", self._text(d), self._text(0)),
            lambda: node("CONCAT({}, '-', {})", self._text(d), self.of("int", 0)),
            lambda: node("CONCAT_WS(',', {}, {})", self.of("int", 0), self._text(d)),
            lambda: node(
                form("UPPER({})", "LOWER({})", "TRIM({})", "REVERSE({})", "HEX({})", "RTRIM({})", "QUOTE({})"),
                self._text(d),
            ),
            lambda: node("HEX({})", self.column("bytes", "bit", "big")),
            lambda: node(form("SUBSTRING({}, 2)", "SUBSTRING({} FROM 2 FOR 3)", "TRIM('a' FROM {})"), self._text(d)),
            lambda: node(form("LEFT({}, 3)", "RIGHT({}, 2)", "SUBSTR({}, 1, 2)", "MID({}, 2, 3)"), self._text(d)),
            lambda: node(form("REPLACE({}, 'a', 'b')", "INSERT({}, 2, 1, 'Q')"), self._text(d)),
            lambda: node(form("LPAD({}, 6, '*')", "RPAD({}, 5, '-')", "REPEAT({}, 2)"), self._text(d)),
            lambda: node(
                form("CAST({} AS CHAR)", "CONVERT({}, CHAR)", "CAST({} AS CHAR(3))"),
                self.of(self.rng.choice(("int", "dec", "date", "time")), d),
            ),
            lambda: node("CONVERT({} USING utf8mb4)", self._text(d)),
            lambda: node(form("DATE_FORMAT({}, '%Y-%m')", "DATE_FORMAT({}, '%W %j')", "MONTHNAME({})"), self.when(d)),
            lambda: node("TIME_FORMAT({}, '%H.%i')", self._clock(d)),
            lambda: node("FORMAT({}, 2)", self.of("dec", d)),
            lambda: node(form("MD5({})", "SHA1({})", "TO_BASE64({})", "SOUNDEX({})"), self._text(d)),
            lambda: node(
                form("SUBSTRING_INDEX({}, 'a', 1)", "REGEXP_REPLACE({}, '[aeg]', '.')", "REGEXP_SUBSTR({}, '[a-z]+')"),
                self._text(0),
            ),
            lambda: self.choice("text", d),
            lambda: node(
                form("IFNULL({}, {})", "COALESCE({}, {})", "IF(1 = 1, {}, {})", "CASE WHEN 1 = 0 THEN {} ELSE {} END"),
                self.column("float", "int", "date"),
                self._text(d),
            ),
            lambda: node("ELT({} % 3 + 1, 'one', {}, 'three')", self.column("int"), self._text(d)),
            lambda: node(form("CONV({}, 10, 16)", "BIN({})", "OCT({})"), self.column("int")),
        )

    def _date(self, depth: int) -> Node:
        if depth <= 0:
            if self.chance(0.15):
                return self.pick("'2012-02-29'", "DATE '2001-12-31'", "DATE'2016-01-01'")
            return self.column("date", "time")
        d = depth - 1
        unit = self.form("DAY", "MONTH", "YEAR")
        return self.one(
            lambda: node(self.form("DATE({})", "CAST({} AS DATE)"), self._time(d)),
            lambda: node("LAST_DAY({})", self.when(d)),
            lambda: node(f"({{}} + INTERVAL {{}} {unit})", self._date(d), self.pick("1", "-3", "40")),
            lambda: node(f"DATE_SUB({{}}, INTERVAL 1 {unit})", self._date(d)),
            lambda: node("ADDDATE({}, {})", self._date(d), self.pick("1", "31")),
            lambda: node("({} + INTERVAL '1-2' YEAR_MONTH)", self._date(d)),
            lambda: self.choice("date", d),
            lambda: node("MAKEDATE(2000 + {} % 20, 45)", self.column("int")),
        )

    def _time(self, depth: int) -> Node:
        if depth <= 0:
            if self.chance(0.15):
                return self.pick("'2021-05-05 05:05:05'", "TIMESTAMP '2020-02-02 02:02:02.25'")
            return self.column("time", "date")
        d = depth - 1
        return self.one(
            lambda: node(f"DATE_ADD({{}}, INTERVAL 90 {self.rng.choice(UNITS)})", self._time(d)),
            lambda: node(f"({{}} - INTERVAL 1 {self.rng.choice(UNITS)})", self._time(d)),
            lambda: node(self.form("CAST({} AS DATETIME)", "CONVERT({}, DATETIME(3))"), self.when(d)),
            lambda: node("TIMESTAMP({})", self._date(d)),
            lambda: node("STR_TO_DATE({}, '%Y-%m-%d')", self._date(0)),
            lambda: self.choice("time", d),
        )

    def _clock(self, depth: int) -> Node:
        if depth <= 0:
            return self.pick("'10:11:12'", "TIME '01:02:03'") if self.chance(0.15) else self.column("clock")
        d = depth - 1
        return self.one(
            lambda: node("TIME({})", self._time(d)),
            lambda: node("SEC_TO_TIME({})", self.column("int")),
            lambda: node("ADDTIME({}, '01:00:01')", self._clock(d)),
            lambda: node("CAST({} AS TIME)", self._clock(0)),
            lambda: self.choice("clock", d),
        )
