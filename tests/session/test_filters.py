"""LIKE of SHOW, held against a plain MariaDB."""

from __future__ import annotations

import random
from contextlib import closing

import pytest

from qproxy.session.filters import like
from tests.harness.mariadbd import Server


@pytest.mark.parametrize(
    ("value", "pattern", "matches"),
    [
        ("abc", "ABC", True),
        ("abc", "a%", True),
        ("abc", "%c", True),
        ("abc", "_b_", True),
        ("abc", "b", False),
        ("abc", "%b", False),
        ("", "%", True),
        ("", "", True),
        ("a_c", "a\\_c", True),
        ("abc", "a\\_c", False),
        ("50%", "50\\%", True),
        ("501", "50\\%", False),
        ("a\nb", "a%b", True),
        ("x" * 3000, "%x" * 1000 + "y", False),
    ],
)
def test_like(value: str, pattern: str, matches: bool) -> None:
    assert like(value, pattern) is matches


def test_case_matters_where_asked() -> None:
    assert like("Object", "O%", exact=True)
    assert not like("Object", "o%", exact=True)


def test_like_as_a_plain_server_has_it(server: Server) -> None:
    chance = random.Random(5)
    pairs = [
        (
            "".join(chance.choices("ab_%", k=chance.randrange(6))),
            "".join(chance.choices(["a", "b", "_", "%", "%", "\\_", "\\%", "\\a"], k=chance.randrange(6))),
        )
        for _ in range(2000)
    ]
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        rows = ", ".join(f"({connection.escape(v)}, {connection.escape(p)})" for v, p in pairs)
        cursor.execute(f"WITH t (v, p) AS (VALUES {rows}) SELECT v, p, v LIKE p FROM t")
        for value, pattern, matches in cursor.fetchall():
            assert like(value, pattern) == bool(matches), (value, pattern)
