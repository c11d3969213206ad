"""Ids and ranges of ids asked of a director index on real servers."""

from __future__ import annotations

import asyncio
import random

import pytest

from qproxy.backends.base import DEFAULT_SETTINGS
from qproxy.dispatch import lookup as room
from qproxy.dispatch.lookup import find_places
from qproxy.errors import SQLError
from qproxy.planner.plan import IdRange, Lookup
from qproxy.wire.rowblock import decode_rows
from tests.harness.small import ROWS, Small, until

OBJECT = ("two", "Object")


async def chunks_of(small: Small, lookup: Lookup) -> set[int]:
    """The chunks that a look-up gives."""
    catalog = small.store.load()
    found = await find_places([lookup], catalog, small.backends)
    return set(found[lookup].chunks(catalog.databases["two"].tables["Object"].chunk_rows.chunks).tolist())


async def chunks_with(small: Small, condition: str) -> set[int]:
    """The chunks whose tables hold rows that satisfy a condition."""
    catalog = small.store.load()
    database = catalog.databases["two"]
    placement = catalog.placements[database.family]
    found = set()
    for chunk in database.tables["Object"].chunk_rows.chunks.tolist():
        at = int(placement.chunks.searchsorted(chunk))
        backend = small.backends[placement.workers[int(placement.replicas[at][0])]]
        sql = f"SELECT COUNT(*) FROM `{database.physical}`.`Object_{chunk}` WHERE {condition}"
        async with backend.query(sql, DEFAULT_SETTINGS) as stream:
            rows = [row async for block in stream for row in decode_rows(block)]
        if rows != [[b"0"]]:
            found.add(chunk)
    return found


@pytest.mark.parametrize(
    ("ids", "condition"),
    [
        (frozenset((5,)), "id = 5"),
        (frozenset((-1, 10**12)), "FALSE"),
        (frozenset(), "FALSE"),
        (IdRange(5, 9), "id BETWEEN 5 AND 9"),
        (IdRange(19_990, None), "id >= 19990"),
        (IdRange(None, 12), "id <= 12"),
        (IdRange(9, 5), "FALSE"),
    ],
)
async def test_chunks_are_those_that_hold_the_ids(small: Small, ids: frozenset[int] | IdRange, condition: str) -> None:
    assert await chunks_of(small, Lookup(OBJECT, ids)) == await chunks_with(small, condition)


async def test_more_ids_than_a_statement_takes(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_STATEMENT_IDS", 3)
    ids = frozenset(random.Random(4).sample(range(ROWS), 20))
    wanted = await chunks_with(small, f"id IN ({', '.join(map(str, ids))})")
    assert await chunks_of(small, Lookup(OBJECT, ids)) == wanted


async def test_a_range_of_too_many_ids_covers_everything(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_RANGE_ENTRIES", 100)
    wide, narrow = Lookup(OBJECT, IdRange(0, 2000)), Lookup(OBJECT, IdRange(0, 290))
    found = await find_places([wide, narrow], small.store.load(), small.backends)
    assert found[wide].is_everything
    # A third of the ids is in each partition.
    assert not found[narrow].is_everything


async def test_what_fails_ends_the_other_look_ups(small: Small) -> None:
    """A partition that no worker can read refuses the query, and nothing goes on behind it."""
    catalog = small.store.load()
    backends = {name: backend for name, backend in small.backends.items() if name == "w0"}
    with pytest.raises(SQLError) as refused:
        await find_places([Lookup(("one", "Object"), frozenset(range(3000)))], catalog, backends)
    assert refused.value.code == 1105
    assert "is not known to this proxy" in refused.value.message
    assert not [task for task in asyncio.all_tasks() if "_read" in str(task.get_coro())]
    await until(lambda: small.running("Object__id_") == 0)
