"""Parsing: names of result columns, places of syntax errors, what is refused before anything else."""

from __future__ import annotations

import pytest

from qproxy.errors import SQLError
from qproxy.planner.parse import MAX_DEPTH, parse


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT ra, t.decl, COUNT( * ), a+1 AS b FROM t", ("ra", "decl", "COUNT( * )", "b")),
        ("SELECT DISTINCT  ROUND(x,  2) , 'text' FROM t", ("ROUND(x,  2)", "text")),
        ("SELECT SQL_NO_CACHE CASE WHEN a THEN ',' END, 1", ("CASE WHEN a THEN ',' END", "1")),
        ("/* tool */ SELECT @@version_comment limit 1", ("@@version_comment",)),
        ("(SELECT f(a, (b)) FROM t)", ("f(a, (b))",)),
    ],
)
def test_names_are_what_was_written(sql: str, names: tuple[str, ...]) -> None:
    assert parse(sql).names == names


@pytest.mark.parametrize(
    ("sql", "code", "text"),
    [
        ("SELECT a FROM t WHERE", 1064, "line 1"),
        ("SELECT a\nFROM t\nWHERE a = = 1", 1064, "'= 1' at line 3"),
        ("SELECT 'open", 1064, "syntax"),
        ("", 1065, "empty"),
        ("SELECT 1; SELECT 2", 1064, "one statement"),
        ("SELECT 1 /*!50000 + 1 */", 1235, "executable comments"),
        ("SELECT " + "(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), 1235, "nested deeper"),
        ("SELECT " + "(" * 10_000 + "1" + ")" * 10_000, 1235, "nested deeper"),
        ("SELECT a OR b XOR c LIKE d LIKE e", 1235, "parentheses"),
        ("SELECT 1 ORDER BY 1 UNION SELECT 2", 1064, "near 'UNION' at line 1"),
    ],
)
def test_refusals(sql: str, code: int, text: str) -> None:
    with pytest.raises(SQLError) as refused:
        parse(sql)
    assert refused.value.code == code
    assert text in refused.value.message


def test_long_statements_are_read() -> None:
    parsed = parse("SELECT a FROM t WHERE id IN (" + ", ".join(map(str, range(10_000))) + ")")
    assert parsed.names == ("a",)


@pytest.mark.parametrize(
    "sql", ["SELECT \0\0SLEEP(1)", "SELECT a\0b(1, 2)", "SELECT `a\0b` FROM t", "SELECT 1 FROM t\0u", "SELECT f\0(1)"]
)
def test_nobody_writes_our_marks(sql: str) -> None:
    with pytest.raises(SQLError, match="a NUL character outside of quotes") as caught:
        parse(sql)
    assert caught.value.code == 1064


def test_a_nul_in_quotes_is_text() -> None:
    assert len(parse("SELECT 'a\0b', N'\0'").names) == 2
