"""Windows by name and short frames: the words that the parser gets, and what MariaDB refuses."""

from __future__ import annotations

import pytest

from qproxy.errors import SQLError
from qproxy.planner.parse import tokenize
from qproxy.planner.windows import without_names


def words(sql: str) -> str:
    return " ".join(token.text for token in without_names(tokenize(sql)))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("SELECT f() OVER w FROM t WINDOW w AS (ORDER BY a)", "SELECT f ( ) OVER ( ORDER BY a ) FROM t"),
        ("SELECT f() OVER W FROM t WINDOW `w` AS () LIMIT 1", "SELECT f ( ) OVER ( ) FROM t LIMIT 1"),
        (
            "SELECT f() OVER (v ROWS 1 PRECEDING) FROM t WINDOW w AS (PARTITION BY (a)), v AS (w ORDER BY b)",
            "SELECT f ( ) OVER ( PARTITION BY ( a ) ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW ) FROM t",
        ),
        (
            "SELECT f() OVER (ORDER BY a RANGE UNBOUNDED PRECEDING)",
            "SELECT f ( ) OVER ( ORDER BY a RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW )",
        ),
        ("SELECT a AS over_, window FROM t", "SELECT a AS over_ , window FROM t"),
    ],
)
def test_windows_are_written_out(written: str, read: str) -> None:
    assert words(written) == read


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT f() OVER v FROM t WINDOW w AS ()", 4009),
        ("SELECT f() OVER w FROM t WINDOW w AS (v), v AS ()", 4009),
        ("SELECT f() OVER w FROM t WINDOW w AS (), W AS ()", 4010),
        ("SELECT f() OVER (w PARTITION BY a) FROM t WINDOW w AS ()", 4011),
        ("SELECT f() OVER (w ORDER BY a) FROM t WINDOW w AS (ORDER BY b)", 4012),
        ("SELECT f() OVER (w) FROM t WINDOW w AS (ORDER BY b ROWS 1 PRECEDING)", 4013),
        ("SELECT f() OVER (ORDER BY b ROWS 1 FOLLOWING) FROM t", 1064),
    ],
)
def test_refusals_have_the_codes_of_mariadb(sql: str, code: int) -> None:
    with pytest.raises(SQLError) as refused:
        words(sql)
    assert refused.value.code == code
