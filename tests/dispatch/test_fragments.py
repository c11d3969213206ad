"""Cutting a plan into fragments: every chunk once, lazily, sized by its rows, and elsewhere when a worker fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from qproxy.catalog.model import ChunkRows
from qproxy.dispatch.fragments import MAX_STATEMENT, Batching, Cursor, Statements
from qproxy.errors import SQLError
from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import Plan
from qproxy.planner.planner import analyze, make_plan
from tests.harness.catalogs import CHUNKS, FAMILY, catalog, placed

SESSION = SessionValues("sky", "me@here", 1, "10.11", lambda name: None)


def plan_of(sql: str, chunks: tuple[int, ...] = CHUNKS, rows: int = 100) -> Plan:
    return make_plan(analyze(sql, catalog(chunks, rows), SESSION), {})


def drained(cursor: Cursor, workers: tuple[str, ...]) -> dict[str, list[list[int]]]:
    taken: dict[str, list[list[int]]] = {w: [] for w in workers}
    for worker in workers:
        while (batch := cursor.next(worker)) is not None:
            taken[worker].append(batch.tolist())
    return taken


def test_a_batch_is_one_union_of_chunk_tables() -> None:
    statements = Statements(plan_of("SELECT ra FROM Star"), str)
    assert statements.batch((36, 37)) == (
        "(SELECT `Star`.`ra` FROM `sky__g1`.`Star_36` AS `Star`) UNION ALL "
        "(SELECT `Star`.`ra` FROM `sky__g1`.`Star_37` AS `Star`)"
    )
    assert statements.batch((36,)) == "SELECT `Star`.`ra` FROM `sky__g1`.`Star_36` AS `Star`"
    assert statements.batch(()) == "SELECT `Star`.`ra` FROM `sky__g1`.`Star_empty` AS `Star`"


def test_tables_of_a_chunk_and_regular_ones_are_named_in_every_chunk() -> None:
    plan = plan_of("SELECT a.ra, b.name FROM Star a JOIN Band b ON b.bandId = a.starId % 6 WHERE a.mag < 3")
    one, two = (Statements(plan, str).batch((chunk,)) for chunk in CHUNKS[:2])
    assert f"`Star_{CHUNKS[0]}`" in one
    assert "`Band` AS `b`" in one
    assert two == one.replace(f"`Star_{CHUNKS[0]}`", f"`Star_{CHUNKS[1]}`")
    assert Statements(plan, str).batch(CHUNKS[:2]) == f"({one}) UNION ALL ({two})"


def test_a_batch_of_an_engine_that_spans_chunks_is_one_statement() -> None:
    plan = plan_of("SELECT o.flux FROM Star s LEFT JOIN Source o ON s.starId = o.starId")
    statements = Statements(plan, str, lambda template: True)
    batch = statements.batch((CHUNKS[0], CHUNKS[-1]))
    assert f"`Star_{CHUNKS[0]},{CHUNKS[-1]}`" in batch
    assert f"`Source_{CHUNKS[0]}`" in batch
    assert "UNION" not in batch
    assert "`Source_empty`" in statements.batch((CHUNKS[-1],))
    assert statements.batch(()).count("_empty`") == 2


def test_aggregates_are_combined_across_the_chunks_of_a_batch() -> None:
    batch = Statements(plan_of("SELECT COUNT(ra) FROM Star"), str).batch((36, 37))
    assert batch.startswith(
        "SELECT SUM(`p0`) AS `p0` FROM ((SELECT COUNT(`Star`.`ra`) AS `p0` FROM `sky__g1`.`Star_36`"
    )
    assert batch.count("UNION ALL") == 1


def test_a_missing_chunk_table_is_stood_in_for() -> None:
    plan = plan_of("SELECT o.flux FROM Star s LEFT JOIN Source o ON s.starId = o.starId")
    batch = Statements(plan, str).batch((CHUNKS[-1],))
    assert f"`Star_{CHUNKS[-1]}`" in batch
    assert "`Source_empty`" in batch


@pytest.mark.parametrize("sql", ["SELECT ra FROM Star", "SELECT COUNT(ra) FROM Star"])
def test_every_chunk_is_read_once(sql: str) -> None:
    chunks = tuple(range(1000))
    plan = plan_of(sql, chunks)
    cursor = Cursor(plan, placed(chunks), Batching(chunks=50), 200)
    taken = drained(cursor, ("w1", "w2", "w3"))
    assert sorted(c for batches in taken.values() for batch in batches for c in batch) == list(chunks)
    assert max(len(b) for batches in taken.values() for b in batches) <= 50
    assert cursor.workers == []


def test_fragments_of_rows_grow_to_their_size() -> None:
    chunks = tuple(range(1000))
    cursor = Cursor(plan_of("SELECT ra FROM Star", chunks), placed(chunks, 1, ("w1",)), Batching(200, 1600, 400), 200)
    sizes = [len(b) for b in drained(cursor, ("w1",))["w1"]]
    assert sizes[:4] == [2, 4, 8, 16]
    assert max(sizes) == 16


@pytest.mark.parametrize(("given", "widest"), [(1600, 16), (800, 32), (100, 64), (0, 64)])
def test_fragments_widen_where_few_rows_travel(given: int, widest: int) -> None:
    chunks = tuple(range(1000))
    batching = Batching(200, 1600, 400, widest=4)
    cursor = Cursor(plan_of("SELECT ra FROM Star", chunks), placed(chunks, 1, ("w1",)), batching, 200)
    sizes, taken = [], []
    while (batch := cursor.next("w1")) is not None:
        cursor.learn(batch, given * len(batch) // 16)
        sizes.append(len(batch))
        taken += batch.tolist()
    assert max(sizes) == widest
    assert taken == list(chunks)


@pytest.mark.parametrize(("share", "combining"), [(1.0, False), (0.97, False), (0.9, True), (0.0, True)])
def test_groups_of_chunks_are_combined_unless_the_first_ones_are_as_many_as_rows(share: float, combining: bool) -> None:
    chunks = tuple(range(400))
    plan = plan_of("SELECT ra, COUNT(*) FROM Star GROUP BY ra", chunks)
    cursor = Cursor(plan, placed(chunks, 1, ("w1",)), Batching(), 200)
    batches = []
    assert cursor.combining
    while (batch := cursor.next("w1")) is not None:
        batches.append(batch.tolist())
        cursor.learn(batch, int(100 * len(batch) * share))
        assert cursor.combining is combining
    assert [len(b) for b in batches] == [13, 13, 100, 100, 100, 74]
    statements = Statements(plan, str)
    assert statements.batch((1, 2)).startswith("SELECT `p0` AS `p0`, SUM(`p1`) AS `p1` FROM (")
    apart = statements.batch((1, 2), combine=False)
    assert apart.startswith("(SELECT `Star`.`ra` AS `p0`, COUNT(*) AS `p1` FROM `sky__g1`.`Star_1` AS `Star` GROUP BY")
    assert apart.count("UNION ALL") == 1


def test_a_single_group_is_always_combined() -> None:
    plan = plan_of("SELECT COUNT(ra) FROM Star")
    cursor = Cursor(plan, placed(CHUNKS, 1, ("w1",)), Batching(), 200)
    batch = cursor.next("w1")
    assert batch is not None and len(batch) == 2
    cursor.learn(batch, 100 * len(batch))
    assert cursor.combining


def test_what_many_rows_come_from_makes_fragments_narrow_again() -> None:
    chunks = tuple(range(2000))
    batching = Batching(200, 1600, 400, widest=4)
    cursor = Cursor(plan_of("SELECT ra FROM Star", chunks), placed(chunks, 1, ("w1",)), batching, 200)
    sizes = []
    while (batch := cursor.next("w1")) is not None:
        cursor.learn(batch, 0 if len(sizes) < 8 else 100 * len(batch))
        sizes.append(len(batch))
    assert max(sizes) == 64
    assert min(sizes[-5:-1]) < 32


def test_wide_fragments_leave_every_worker_some() -> None:
    chunks = tuple(range(100))
    batching = Batching(200, 1600, 400, spread=4, widest=64)
    cursor = Cursor(plan_of("SELECT ra FROM Star", chunks), placed(chunks, 1, ("w1",)), batching, 200)
    sizes = []
    while (batch := cursor.next("w1")) is not None:
        cursor.learn(batch, 0)
        sizes.append(len(batch))
    assert max(sizes) <= 25


def test_long_statements_are_cut() -> None:
    chunks = tuple(range(100))
    cursor = Cursor(
        plan_of("SELECT COUNT(ra) FROM Star", chunks),
        placed(chunks, 1, ("w1",)),
        Batching(spread=1),
        MAX_STATEMENT // 10,
    )
    assert max(len(b) for b in drained(cursor, ("w1",))["w1"]) == 10


def test_a_lost_worker_leaves_its_chunks_to_others() -> None:
    plan = plan_of("SELECT ra FROM Star")
    cursor = Cursor(plan, placed(CHUNKS), Batching(first_rows=100, rows=100), 200)
    first = cursor.next("w1")
    assert first is not None
    cursor.lose("w1", first, "cannot be reached")
    assert "w1" not in cursor.workers
    taken = drained(cursor, ("w1", "w2", "w3"))
    assert taken["w1"] == []
    assert sorted(c for batches in taken.values() for batch in batches for c in batch) == sorted(CHUNKS)


def test_the_last_living_copy_is_known_as_such() -> None:
    plan = plan_of("SELECT ra FROM Star")
    assert Cursor(plan, placed(CHUNKS, 1), Batching(), 200).only_here(plan.chunks[:1])
    cursor = Cursor(plan, placed(CHUNKS), Batching(first_rows=100, rows=100), 200)
    batch = cursor.next("w1")
    assert batch is not None
    assert not cursor.only_here(batch)
    cursor.lose("w1", batch, "cannot be reached")
    assert cursor.only_here(batch)


def test_the_smallest_chunk_of_a_worker_is_its_first() -> None:
    plan = plan_of("SELECT ra FROM Star", (1, 2, 3, 4))
    rows = np.array([500, 400, 40, 300])
    slots = tuple(
        replace(s, table=replace(s.table, chunk_rows=_with_rows(s.table.chunk_rows, rows))) for s in plan.slots
    )
    cursor = Cursor(replace(plan, slots=slots), placed((1, 2, 3, 4), 1, ("w1",)), Batching(30, 30), 200)
    assert drained(cursor, ("w1",))["w1"] == [[3], [1], [2], [4]]


def _with_rows(there: ChunkRows, rows: npt.NDArray[np.int64]) -> ChunkRows:
    return replace(there, rows=rows)


def test_a_chunk_that_nobody_can_read_is_named() -> None:
    cursor = Cursor(plan_of("SELECT ra FROM Star"), placed(CHUNKS), Batching(), 200)
    batch = cursor.next("w1")
    assert batch is not None
    cursor.lose("w1", batch, "cannot be reached")
    batch = cursor.next("w2")
    assert batch is not None
    with pytest.raises(SQLError) as failed:
        cursor.lose("w2", batch, "has no more memory")
    assert "chunk " in failed.value.message
    assert "worker 'w1' cannot be reached; worker 'w2' has no more memory" in failed.value.message


def test_a_lost_worker_gives_up_what_it_had_not_begun() -> None:
    chunks = tuple(range(100))
    placement = placed(chunks, 2, ("w1", "w2"))
    cursor = Cursor(plan_of("SELECT ra FROM Star", chunks), placement, Batching(first_rows=300, rows=300), 200)
    first, second = cursor.next("w1"), cursor.next("w1")
    assert first is not None and second is not None
    cursor.lose("w1", second, "cannot be reached")
    taken = drained(cursor, ("w1", "w2"))
    assert taken["w1"] == []
    assert sorted([*first.tolist(), *(c for b in taken["w2"] for c in b)]) == list(chunks)


def test_a_cursor_over_a_fine_family_is_small() -> None:
    import tracemalloc

    chunks = tuple(range(146_332))
    plan = plan_of("SELECT COUNT(ra) FROM Star", chunks)
    placement = placed(chunks, 2, tuple(f"w{i}" for i in range(500)))
    tracemalloc.start()
    Cursor(plan, placement, Batching(), 200)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20
    assert FAMILY in catalog().placements
    assert np.array_equal(plan.chunks, chunks)


NEAR = "SELECT COUNT(*) FROM Star a JOIN Star b ON scisql_angSep(a.ra, a.decl, b.ra, b.decl) < 0.01"


def test_statements_that_look_for_near_rows_are_of_few_rows() -> None:
    cursor = Cursor(plan_of(NEAR), placed(CHUNKS, 1, ("w1",)), Batching(spread=1, near_rows=250), 200)
    taken = drained(cursor, ("w1",))["w1"]
    assert [len(batch) for batch in taken] == [3, 3, 2]


def test_overlap_tables_are_named_and_stood_in_for() -> None:
    plan = plan_of(NEAR)
    bare = tuple(
        replace(s, table=replace(s.table, chunk_rows=_without_overlap(s.table.chunk_rows))) for s in plan.slots
    )
    for slots, name in ((plan.slots, "StarFullOverlap_36"), (bare, "StarFullOverlap_empty")):
        statement = Statements(replace(plan, slots=slots), str).batch((36,))
        assert statement.count("`Star_36`") == 2
        assert f"`{name}` WHERE `qproxy_neighbour` = 1" in statement


def _without_overlap(rows: ChunkRows) -> ChunkRows:
    return replace(rows, has_overlap=np.zeros(len(rows.chunks), np.bool_))


def test_the_one_chunk_of_a_query_goes_from_replica_to_replica() -> None:
    cursor = Cursor(plan_of("SELECT ra FROM Star", (36,)), placed(CHUNKS), Batching(), 200)
    (first,) = cursor.workers
    batch = cursor.next(first)
    assert batch is not None and batch.tolist() == [36]
    assert cursor.workers == []
    cursor.lose(first, batch, "cannot be reached")
    (second,) = cursor.workers
    assert second != first
    batch = cursor.next(second)
    assert batch is not None and batch.tolist() == [36]
    with pytest.raises(SQLError) as failed:
        cursor.lose(second, batch, "has no more memory")
    assert failed.value.message == (
        f"chunk 36 cannot be read: worker '{first}' cannot be reached; worker '{second}' has no more memory"
    )
