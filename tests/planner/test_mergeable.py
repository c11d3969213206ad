"""Aggregates that are taken of the chunks first, and those whose columns travel instead."""

from __future__ import annotations

import pytest

from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import Final
from qproxy.planner.planner import analyze, make_plan
from tests.harness.catalogs import catalog


def merges(items: str) -> bool:
    """Whether chunks aggregate by themselves."""
    session = SessionValues("sky", "me@here", 7, "10.11", lambda name: None)
    plan = make_plan(analyze(f"SELECT {items} FROM Star", catalog(), session), {})
    assert isinstance(plan.merge, Final)
    return plan.merge.bounded


@pytest.mark.parametrize(
    "items",
    [
        "COUNT(*), SUM(starId), AVG(ra), MIN(name), MAX(mag) - MIN(mag)",
        "MAX(HEX(starId))",
        "CONCAT(MAX(HEX(starId)), '!')",
        "COUNT(*) / MAX(name)",
        "MIN(DISTINCT name)",
    ],
)
def test_chunks_aggregate_by_themselves(items: str) -> None:
    assert merges(items)


@pytest.mark.parametrize(
    "items",
    [
        "COUNT(DISTINCT name)",
        "GROUP_CONCAT(name)",
        "STD(mag)",
        "SUM(starId / 7)",
        "MAX(starId / 7) * 7",
        "AVG(starId) * 1e0",
        "MAX(DATE(name))",
        "COUNT(*) / MAX(HEX(starId))",
        "ROUND(MAX(CAST(starId AS CHAR)), 2)",
        "IFNULL(MAX(DATE_FORMAT('2020-01-01', '%Y')), 0) + 1",
        "-MIN('2020-01-01' + INTERVAL 1 DAY)",
    ],
)
def test_columns_travel(items: str) -> None:
    assert not merges(items)
