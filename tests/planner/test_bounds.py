"""Which constants stand for an id."""

from __future__ import annotations

import pytest
from sqlglot import exp

from qproxy.planner.bounds import integral
from qproxy.planner.constants import SessionValues
from qproxy.planner.parse import parse
from qproxy.planner.planner import analyze
from tests.harness.catalogs import catalog

SKY = catalog()
SESSION = SessionValues("sky", "me@here", 7, "10.11", lambda name: None)


def constant(text: str) -> exp.Expr:
    return parse(f"SELECT {text}").select.expressions[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("(-00000000000000000005)", -5),
        ("5e0", 5),
        ("(-5e0)", -5),
        ("1.5e1", 15),
        ("7.0", 7),
        ("9007199254740991e0", 9007199254740991),
        ("9007199254740992e0", None),
        ("9007199254740993", 9007199254740993),
        ("1.5", None),
        ("1.00000000000000000000001", None),
        ("1e300", None),
        ("'5'", None),
    ],
)
def test_integers_written_as_reals(text: str, value: int | None) -> None:
    assert integral(constant(text)) == value


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("starId = 5e0", {5}),
        ("starId IN (5, 7e0)", {5, 7}),
        ("starId IN (9007199254740993, 7)", {9007199254740993, 7}),
        # Compared as doubles, the first equals its neighbours too.
        ("starId IN (9007199254740993, 7e0)", None),
        ("starId = 5.5", None),
    ],
)
def test_ids_that_are_looked_up(condition: str, ids: set[int] | None) -> None:
    found = analyze(f"SELECT starId FROM Star WHERE {condition}", SKY, SESSION).lookups
    assert {i for lookup in found for i in lookup.ids or ()} == (ids or set())
