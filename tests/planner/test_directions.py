"""Directions of GROUP BY: which keys sort downwards, and what is left for the parser."""

from __future__ import annotations

import pytest

from qproxy.planner.directions import without_directions
from qproxy.planner.parse import tokenize


@pytest.mark.parametrize(
    ("written", "read", "descending"),
    [
        ("SELECT a FROM t GROUP BY a", "SELECT a FROM t GROUP BY a", ()),
        ("SELECT a FROM t GROUP BY a DESC", "SELECT a FROM t GROUP BY a", (True,)),
        (
            "SELECT a FROM t GROUP BY f(a, b), c ASC, d DESC HAVING a ORDER BY a DESC",
            "SELECT a FROM t GROUP BY f ( a , b ) , c , d HAVING a ORDER BY a DESC",
            (False, False, True),
        ),
        ("SELECT a FROM t GROUP BY a DESC WITH ROLLUP", "SELECT a FROM t GROUP BY a WITH ROLLUP", (True,)),
        ("SELECT f(a ORDER BY b DESC) FROM t GROUP BY a", "SELECT f ( a ORDER BY b DESC ) FROM t GROUP BY a", ()),
    ],
)
def test_directions_are_told_apart_from_keys(written: str, read: str, descending: tuple[bool, ...]) -> None:
    tokens, found = without_directions(tokenize(written))
    assert " ".join(token.text for token in tokens) == read
    assert found == descending
