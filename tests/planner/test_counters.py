"""Which queries the row counters answer, and with what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import Plan, Relay
from qproxy.planner.planner import analyze, make_plan
from tests.harness.catalogs import catalog


def planned(sql: str, select_limit: int | None = None) -> Plan:
    sky = catalog()
    database = sky.databases["sky"]
    tables = {name: replace(table, total_rows=4321) for name, table in database.tables.items()}
    sky = replace(sky, databases={"sky": replace(database, tables=tables)})
    session = SessionValues("sky", "me@here", 7, "10.11", lambda name: None, select_limit=select_limit)
    return make_plan(analyze(sql, sky, session), {})


@pytest.mark.parametrize(
    ("sql", "statement"),
    [
        ("SELECT COUNT(*) FROM Star", "SELECT 4321"),
        ("SELECT COUNT( * ) AS n FROM sky.Star s ORDER BY 1", "SELECT 4321"),
        ("SELECT COUNT(*) FROM Source LIMIT 5", "SELECT 4321 LIMIT 5"),
        ("SELECT COUNT(*) FROM StarRef LIMIT 5 OFFSET 1", "SELECT 4321 LIMIT 5 OFFSET 1"),
        ("SELECT (COUNT(*)) FROM Band", "SELECT 4321"),
    ],
)
def test_a_whole_table_is_counted_without_its_chunks(sql: str, statement: str) -> None:
    plan = planned(sql)
    assert (plan.partial, plan.slots, plan.chunks.tolist(), plan.merge) == (statement, (), [], Relay())
    assert plan.shape.startswith(("SELECT COUNT(*) FROM `sky__g1`.", "SELECT (COUNT(*)) FROM `sky__g1`."))


def test_the_limit_of_a_session_is_kept() -> None:
    assert planned("SELECT COUNT(*) FROM Star", select_limit=0).partial == "SELECT 4321 LIMIT 0"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) FROM Star WHERE mag < 5",
        "SELECT COUNT(*) FROM Star GROUP BY name",
        "SELECT COUNT(*) FROM Star HAVING COUNT(*) > 5",
        "SELECT DISTINCT COUNT(*) FROM Star",
        "SELECT COUNT(*), 1 FROM Star",
        "SELECT COUNT(*) + 0 FROM Star",
        "SELECT COUNT(mag) FROM Star",
        "SELECT COUNT(DISTINCT starId) FROM Star",
        "SELECT COUNT(1) FROM Star",
        "SELECT COUNT(*) OVER () FROM Star",
        "SELECT COUNT(*) FROM Star s JOIN Source o ON s.starId = o.starId",
        "SELECT COUNT(*) FROM Star s JOIN Band b",
        "SELECT COUNT(*) FROM Star ORDER BY RAND()",
        "SELECT COUNT(*)",
    ],
)
def test_all_else_is_read(sql: str) -> None:
    assert "4321" not in planned(sql).partial
