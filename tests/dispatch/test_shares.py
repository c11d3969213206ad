"""How chunks fall to workers and statements, before anything is sent."""

from __future__ import annotations

import pytest

from qproxy.dispatch.fragments import Batching, Cursor, Statements
from qproxy.dispatch.shares import shares
from qproxy.planner.constants import SessionValues
from qproxy.planner.planner import analyze, make_plan
from tests.harness.catalogs import CHUNKS, FAMILY, catalog

SKY = catalog()
SESSION = SessionValues("sky", "me@here", 7, "10.11", lambda name: None)


def shared(sql: str, batching: Batching) -> dict[str, tuple[int, int]]:
    plan = make_plan(analyze(sql, SKY, SESSION), {})
    return shares(Cursor(plan, SKY.placements[FAMILY], batching, Statements(plan, str).chunk_size))


@pytest.mark.parametrize("sql", ["SELECT ra FROM Star", "SELECT COUNT(ra) FROM Star", "SELECT ORD(name) FROM Star"])
@pytest.mark.parametrize("chunks", [1, 2, 400])
def test_every_chunk_falls_to_one_worker(sql: str, chunks: int) -> None:
    found = shared(sql, Batching(chunks=chunks))
    assert sum(c for c, _ in found.values()) == len(CHUNKS)
    assert all(-(-c // chunks) <= statements <= c for c, statements in found.values())
    assert list(found) == sorted(found)


def test_statements_grow() -> None:
    assert shared("SELECT ra FROM Star", Batching(first_rows=100)) == {"w1": (3, 2), "w2": (3, 2), "w3": (2, 1)}
    assert shared("SELECT ORD(name) FROM Star", Batching()) == {"w1": (3, 3), "w2": (3, 3), "w3": (2, 2)}
