from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qproxy.catalog.codec import decode_chunk_rows, decode_placement, encode_chunk_rows, encode_placement
from qproxy.catalog.model import NO_CHUNKS, ChunkRows
from qproxy.catalog.placing import empty_placement, extend_placement, replica_counts
from qproxy.errors import QproxyError

chunk_sets = st.lists(st.integers(0, 200_000), max_size=60)


@given(st.integers(1, 7), st.integers(1, 7), st.lists(chunk_sets, min_size=1, max_size=4))
def test_any_run_of_extensions(workers: int, replicas: int, steps: list[list[int]]) -> None:
    names = [f"w{i}" for i in range(workers)]
    placement = empty_placement(names)
    if replicas > workers:
        with pytest.raises(QproxyError, match=f"only {workers} workers"):
            extend_placement(placement, np.array([1]), replicas, names, {})
        return
    seen: dict[int, list[int]] = {}
    for chunks in steps:
        placement = extend_placement(placement, np.array(chunks, np.int32), replicas, names, replica_counts(placement))
        seen = {chunk: [] for chunk in chunks} | seen
        assert placement.chunks.tolist() == sorted(seen)
        found = dict(zip(placement.chunks.tolist(), placement.replicas.tolist(), strict=True))
        for chunk, holders in found.items():
            assert seen[chunk] in ([], holders)
            assert len(set(holders)) == replicas
        seen = found
        counts = list(replica_counts(placement).values())
        assert max(counts) - min(counts) <= 1
    again = decode_placement(encode_placement(placement))
    assert np.array_equal(again.replicas, placement.replicas)
    assert (again.chunks.tolist(), again.workers) == (placement.chunks.tolist(), placement.workers)


def test_new_chunks_go_to_workers_with_least_and_neighbours_lie_apart() -> None:
    placement = extend_placement(empty_placement(["a", "b"]), np.arange(4), 1, ["a", "b"], {})
    assert placement.replicas[:, 0].tolist() == [0, 1, 0, 1]
    more = extend_placement(placement, np.arange(8), 1, ["a", "b", "c"], {"a": 2, "b": 2})
    assert [more.workers[i] for i in more.replicas[4:, 0]] == ["c", "c", "a", "b"]


def test_a_worker_that_is_gone_keeps_its_name_but_gets_nothing_new() -> None:
    placement = extend_placement(empty_placement(["a", "b"]), np.arange(2), 1, ["a", "b"], {})
    more = extend_placement(placement, np.arange(6), 1, ["b"], {"a": 1, "b": 1})
    assert [more.workers[i] for i in more.replicas[:, 0]] == ["a", "b", "b", "b", "b", "b"]


@given(st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**62), st.booleans()), max_size=50))
def test_row_counts_survive_the_store(rows: list[tuple[int, int, bool]]) -> None:
    ordered = sorted({r[0]: r for r in rows}.values())
    columns = list(zip(*ordered, strict=True)) or [(), (), ()]
    counts = ChunkRows(np.array(columns[0], np.int32), np.array(columns[1], np.int64), np.array(columns[2], np.bool_))
    again = decode_chunk_rows(encode_chunk_rows(counts))
    for field in ("chunks", "rows", "has_overlap"):
        assert np.array_equal(getattr(again, field), getattr(counts, field))
        assert getattr(again, field).dtype == getattr(counts, field).dtype


def test_no_chunks_survive_the_store() -> None:
    assert decode_chunk_rows(encode_chunk_rows(NO_CHUNKS)).total == 0
