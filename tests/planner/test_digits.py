"""Quotients and spreads inside queries: what travels instead of them, and where they are divided."""

from __future__ import annotations

import pytest

from qproxy.planner.constants import SessionValues
from qproxy.planner.planner import Analysis, analyze, make_plan
from tests.harness.catalogs import catalog

SKY = catalog()
SESSION = SessionValues("sky", "me@here", 7, "10.11", lambda name: None)


def analyzed(sql: str) -> Analysis:
    return analyze(sql, SKY, SESSION)


def steps(sql: str) -> list[str]:
    """What is read first, as statements of a chunk."""
    return [make_plan(stage.analysis, {}).partial for stage in analyzed(sql).stages]


def answer(sql: str) -> str:
    return make_plan(analyzed(sql), {}).partial


@pytest.mark.parametrize(
    ("subquery", "travels"),
    [
        ("SELECT AVG(starId) FROM Star", "SELECT SUM(`Star`.`starId`) AS `p0`, COUNT(`Star`.`starId`) AS `p1`"),
        ("SELECT AVG(mag) FROM Star", "SELECT SUM(`Star`.`mag`) AS `p0`, COUNT(`Star`.`mag`) AS `p1`"),
        ("SELECT starId / 7 FROM Star WHERE starId = 1", "SELECT `Star`.`starId`"),
        ("SELECT starId DIV 7 FROM Star", "SELECT `Star`.`starId` DIV 7"),
    ],
)
def test_what_of_a_scalar_subquery_travels(subquery: str, travels: str) -> None:
    (step,) = steps(f"SELECT bandId FROM Band WHERE bandId > 2 * ({subquery})")
    assert step.startswith(travels)


def test_the_statement_around_divides() -> None:
    assert "`p0` / `§s§`.`p1`" in answer("SELECT bandId FROM Band WHERE bandId > 2 * (SELECT AVG(starId) FROM Star)")
    assert "`p0` / `§s§`" not in answer("SELECT bandId FROM Band WHERE bandId > 2 * (SELECT AVG(mag) FROM Star)")


@pytest.mark.parametrize(
    "around",
    ["SELECT d.q * 7 FROM ({}) AS d", "SELECT SUM(q) FROM ({}) AS d", "SELECT q, COUNT(*) FROM ({}) AS d GROUP BY q"],
)
def test_a_query_in_from_leaves_division_to_the_one_around(around: str) -> None:
    sql = around.format("SELECT starId / 7 AS q, mag FROM Star")
    text = answer(sql)
    assert "`Star`.`starId` AS `part0`" in text
    assert "/ 7) AS" not in text.replace("`d`.`part0` / 7", "")


@pytest.mark.parametrize(
    "inner",
    [
        "SELECT DISTINCT starId / 7 AS q FROM Star",
        "SELECT starId / 7 AS q FROM Star LIMIT 3",
        "SELECT AVG(starId) AS q FROM Star GROUP BY mag",
        "SELECT mag / 7 AS q FROM Star",
    ],
)
def test_results_that_are_stored_and_doubles_stay_as_they_are(inner: str) -> None:
    analysis = analyzed(f"SELECT d.q * 7 FROM ({inner}) AS d")
    texts = [analysis.query.sources[0].text, *(s.analysis.query.sources[0].text for s in analysis.stages)]
    assert not any("part0" in text.sql for text in texts if text is not None)


def test_columns_that_are_called_as_parts_would_be() -> None:
    text = answer("SELECT d.q, part0 FROM (SELECT starId / 7 AS q, mag AS part0 FROM Star) AS d")
    assert "`part0_0`" in text


def test_rows_that_an_outer_join_fills_up_have_no_quotient() -> None:
    join = "Band b LEFT JOIN (SELECT {} AS q, starId FROM Star) AS d ON d.starId = b.bandId"
    assert "WHEN `d`.`part1` IS NOT NULL" in answer("SELECT q FROM " + join.format("IFNULL(starId / 7, 0)"))
    assert "WHEN" not in answer("SELECT q FROM " + join.format("starId / 7"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT bandId FROM Band WHERE bandId > 2 * (SELECT STDDEV_POP(starId) FROM Star)",
        "SELECT AVG(s) FROM (SELECT STDDEV_POP(starId) AS s FROM Star) AS d",
    ],
)
def test_spreads_of_exact_numbers_are_taken_where_they_are_used(sql: str) -> None:
    assert "STDDEV_POP(`" in answer(sql)
    assert "STDDEV_POP(`" not in answer(sql.replace("starId", "mag"))
