"""Coverage as a set: against Python's own sets of places, and cheap for a whole fine family."""

import random
import time

import numpy as np
import pytest

from qproxy.sky.chunker import Chunker
from qproxy.sky.coverage import EVERYTHING, NOTHING, Coverage

CHUNKS, SUBS = range(6), range(4)


def random_coverage(rng: random.Random) -> Coverage:
    """Some chunks whole, some in part."""
    whole = Coverage.of_chunks(rng.sample(CHUNKS, rng.randrange(4)))
    part = Coverage.of_places((rng.choice(CHUNKS), rng.choice(SUBS)) for _ in range(rng.randrange(6)))
    return rng.choice([whole, part, whole | part, EVERYTHING, NOTHING])


def places(coverage: Coverage) -> set[tuple[int, int]]:
    """Every (chunk, sub-chunk) in it, whole chunks written out."""
    found = set()
    for chunk in CHUNKS:
        subs = coverage.sub_chunks(chunk)
        found |= {(chunk, sub) for sub in (SUBS if subs is None else subs)}
    return found


@pytest.mark.parametrize("seed", range(300))
def test_or_and_and_are_those_of_sets(seed):
    rng = random.Random(seed)
    a, b = random_coverage(rng), random_coverage(rng)
    assert places(a | b) == places(a) | places(b)
    assert places(a & b) == places(a) & places(b)
    available = np.array(CHUNKS, np.int32)
    for coverage in (a, b, a | b, a & b):
        assert set(coverage.chunks(available).tolist()) == {chunk for chunk, _ in places(coverage)}
        assert coverage.is_nothing == (not places(coverage))
    assert (a | b) == (b | a)
    assert (a & b) == (b & a)
    assert hash(a & b) == hash(b & a)


@pytest.mark.parametrize("seed", range(100))
def test_many_are_united_as_two_are(seed):
    rng = random.Random(seed)
    some = [random_coverage(rng) for _ in range(rng.randrange(6))]
    one_by_one = NOTHING
    for coverage in some:
        one_by_one = one_by_one | coverage
    assert Coverage.united(some) == one_by_one
    assert places(one_by_one.whole) == {(chunk, sub) for chunk, _ in places(one_by_one) for sub in SUBS}


def test_everything_and_nothing():
    some = Coverage.of_places([(7, 1)])
    assert (some | EVERYTHING).is_everything
    assert (some & EVERYTHING) == some
    assert (some & NOTHING).is_nothing
    assert (some | NOTHING) == some
    assert EVERYTHING.sub_chunks(7) is None
    assert NOTHING.sub_chunks(7) == frozenset()
    assert EVERYTHING != NOTHING
    assert not EVERYTHING.is_nothing
    assert Coverage.of_chunks([]) == NOTHING == Coverage.of_places([])


def test_only_chunks_that_exist():
    coverage = Coverage.of_chunks([9, 3, 3, 5])
    assert coverage.chunks(np.array([1, 3, 4, 9, 12], np.int32)).tolist() == [3, 9]
    assert coverage.chunks(np.array([], np.int32)).tolist() == []
    assert EVERYTHING.chunks(np.array([4, 5], np.int32)).tolist() == [4, 5]
    assert coverage.chunks(np.array([3], np.int32)).dtype == np.int32


def test_sub_chunks_of_both_sides():
    a = Coverage.of_places([(1, 1), (1, 2), (2, 5)])
    b = Coverage.of_places([(1, 2), (1, 3), (2, 6)])
    assert (a & b).sub_chunks(1) == {2}
    assert (a & b).sub_chunks(2) == frozenset()
    assert (a | b).sub_chunks(1) == {1, 2, 3}
    assert (a | Coverage.of_chunks([1])).sub_chunks(1) is None
    assert (a & Coverage.of_chunks([1])).sub_chunks(1) == {1, 2}
    assert a.has_sub_chunks
    assert not Coverage.of_chunks([1]).has_sub_chunks


def test_a_coverage_does_not_change_under_its_holder():
    chunks = np.array([1, 2, 3], np.int32)
    coverage = Coverage.of_chunks(chunks)
    chunks[0] = 2
    assert coverage.chunks(np.arange(10, dtype=np.int32)).tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        coverage._chunks[0] = 5


def test_a_whole_fine_family_is_cheap():
    everywhere = Chunker(340, 3).all_chunks()
    assert len(everywhere) == 146_332
    coverage = Coverage.of_chunks(everywhere)
    start = time.perf_counter()
    for _ in range(10):
        found = (coverage & Coverage.of_places([(int(everywhere[5]), 1)])).chunks(everywhere)
        assert found.tolist() == [int(everywhere[5])]
        assert len((coverage | coverage).chunks(everywhere)) == 146_332
    assert time.perf_counter() - start < 1.0


def test_it_prints_what_it_holds():
    assert repr(EVERYTHING) == "Coverage(everything)"
    assert repr(Coverage.of_places([(5, 2), (5, 1)]) | Coverage.of_chunks([3])) == "Coverage(3, 5: [1, 2])"
    assert repr(Coverage.of_chunks(range(20))) == "Coverage(20 chunks, 0 of them in part)"
