"""Statements that differ in their integers: what is cut out, and what a pattern makes of other ones."""

from __future__ import annotations

import pytest

from qproxy.planner.constants import SessionValues
from qproxy.planner.patterns import Pattern, cut, free, pattern
from qproxy.planner.planner import understood
from qproxy.planner.render import condition
from tests.harness.catalogs import catalog

SKY = catalog()
SESSION = SessionValues("sky", "me@here", 7, "10.11", lambda name: name)


def pattern_of(sql: str) -> tuple[tuple[str, ...], Pattern | None]:
    parts = cut(sql)
    places = free(sql, parts, understood(sql, SKY, SESSION).query)
    return parts.chosen(places), pattern(parts, places, SKY, SESSION)


@pytest.mark.parametrize(
    ("sql", "integers"),
    [
        ("SELECT 1, 23 , -4,(5)", ["1", "23", "4", "5"]),
        ("a=0 AND b=9223372036854775807", ["0", "9223372036854775807"]),
        ("a=00 AND b=07 AND c=12345678901234567890", []),
        ("1.5 .5 5. 1e3 0x41 1a a1 t.1 `1` @1 $1 '1' x'1' \"1\"", []),
        ("'a 1 b' /* 2 */ -- 3", ["1", "2", "3"]),
    ],
)
def test_cut(sql: str, integers: list[str]) -> None:
    parts = cut(sql)
    assert list(parts.integers) == integers
    assert "".join(a + b for a, b in zip(parts.pieces, [*integers, ""], strict=True)) == sql


@pytest.mark.parametrize(
    ("sql", "integers"),
    [
        ("SELECT ra FROM Star WHERE starId = 7", ["7"]),
        ("SELECT ra + 1 FROM Star WHERE starId IN (7, -8) AND mag BETWEEN 1 AND 2 LIMIT 5", ["7", "8", "1", "2"]),
        ("SELECT ra FROM Star /* 1 */ WHERE name <> ' 2 ' AND mag < 3 /* 4 */ ORDER BY 1", ["3"]),
        ("SELECT COUNT(*) FROM Star WHERE starId = 7", []),
        ("SELECT ra FROM Star WHERE starId = ABS(7)", []),
        ("SELECT ra FROM Star WHERE starId IN (SELECT starId FROM Source WHERE sourceId = 7)", []),
        ("SELECT x FROM (SELECT ra AS x FROM Star WHERE starId = 7) AS t WHERE x = 8", []),
        ("WITH t AS (SELECT ra FROM Star WHERE starId = 7) SELECT ra FROM t WHERE ra = 8", []),
        ("SELECT s.ra FROM Star s JOIN Source o ON s.starId = o.starId AND o.flux = 1 WHERE s.starId = 2", ["2"]),
        ("SELECT mag FROM Star WHERE mag > 1 HAVING mag > 2 ORDER BY mag LIMIT 3 OFFSET 4", ["1"]),
    ],
)
def test_what_is_left_open(sql: str, integers: list[str]) -> None:
    found, made = pattern_of(sql)
    assert list(found) == integers
    assert made is not None


def test_filled() -> None:
    _, made = pattern_of("SELECT ra FROM Star WHERE starId IN (1, -1) AND mag > 1 AND name <> '1'")
    assert made is not None
    for integers in (["5", "6", "7"], ["5", "5", "5"], ["0", "1", "9223372036854775807"]):
        a, b, c = integers
        wanted = f"SELECT ra FROM Star WHERE starId IN ({a}, -{b}) AND mag > {c} AND name <> '1'"
        assert condition(made.filled(integers).query) == condition(understood(wanted, SKY, SESSION).query)


def test_an_integer_that_is_no_literal_of_where_is_not_left_open() -> None:
    sql = "SELECT ra FROM Star WHERE starId = 7 LIMIT 3"
    assert pattern(cut(sql), (0,), SKY, SESSION) is not None
    assert pattern(cut(sql), (1,), SKY, SESSION) is None
    assert pattern(cut("SELECT 1 FROM Star"), (0,), SKY, SESSION) is None
    quoted = "SELECT ra FROM Star WHERE name = 'star 7 '"
    assert pattern(cut(quoted), (0,), SKY, SESSION) is None
