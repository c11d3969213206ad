"""Golden plans: every query is planned, or refused, as its file says; ``make plans`` writes the files anew."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plans.catalogue import PLACES, plan_of, planned
from tests.plans.files import FOLDER, TOPICS, dump, load
from tests.plans.page import EXAMPLE, EXPLAIN_PAGE, PAGE, example, page

FILES = {name: load(name) for name in TOPICS}
ENTRIES = [
    pytest.param(entry, id=f"{name}-{number}") for name in TOPICS for number, entry in enumerate(FILES[name]["entries"])
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_plan_is_the_golden_one(entry: dict[str, Any]) -> None:
    made = planned(entry["query"], entry.get("places", PLACES))
    assert made == {key: entry[key] for key in ("plan", "error") if key in entry}, entry["query"]


@pytest.mark.parametrize("entry", ENTRIES)
def test_nobody_sees_marks_of_the_planner(entry: dict[str, Any]) -> None:
    shown = str(planned(entry["query"], entry.get("places", PLACES)))
    if "§" not in entry["query"]:
        assert "§" not in shown
    assert "\x00" not in shown
    assert "qproxy_scratch" not in shown


def test_all_files_are_topics() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(TOPICS)


@pytest.mark.parametrize("name", TOPICS)
def test_files_stand_as_they_are_written(name: str) -> None:
    assert (FOLDER / f"{name}.yaml").read_text() == dump(FILES[name])


def test_topics_hold_what_they_are_called() -> None:
    for name, topic in FILES.items():
        kinds = {"error" if "error" in entry else "plan" for entry in topic["entries"]}
        assert kinds == ({"error"} if name == "refused" else {"plan"}), name


def test_no_query_twice() -> None:
    queries = [entry["query"] for topic in FILES.values() for entry in topic["entries"]]
    assert sorted(queries) == sorted(set(queries))


def test_the_page_of_sql_is_current() -> None:
    assert PAGE.read_text() == page(FILES), "docs/sql.md is not what the golden plans say: make plans"


def test_the_example_of_explain_is_current() -> None:
    shown = EXPLAIN_PAGE.read_text()
    assert f"EXPLAIN {EXAMPLE}\n\n{example(plan_of(EXAMPLE))}\n```" in shown
