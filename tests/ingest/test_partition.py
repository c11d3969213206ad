"""Where rows go, against row-by-row Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from qproxy.catalog.model import Column, TableKind
from qproxy.ingest.batch import Batch
from qproxy.ingest.description import TableSpec
from qproxy.ingest.formats import Format
from qproxy.ingest.ids import IdIndex, SeenIds, build_index, id_keys, partition_of
from qproxy.ingest.numerals import stored
from qproxy.ingest.partition import Partitioner, separation
from qproxy.ingest.schema import TableSchema
from qproxy.ingest.yamlfile import Place
from qproxy.sky.chunker import Chunker

BIGINT = Column("id", "bigint(20)", "bigint(20) NOT NULL", False)
OVERLAP = 0.5
CHUNKER = Chunker(6, 4)


def spec(kind: TableKind, columns: list[str], **keys: object) -> TableSpec:
    schema = TableSchema(tuple(Column(c, "double" if c in ("lon", "lat") else "bigint(20)", "") for c in columns))
    return TableSpec(Place(Path("d.yaml"), 1), "T", kind, schema, (), (), Format("csv"), **keys)  # type: ignore[arg-type]


def batch(*columns: list[object]) -> Batch:
    rows = len(columns[0])
    arrays = tuple(pa.array(c) for c in columns)
    return Batch(Path("t.tsv"), arrays, np.arange(1, rows + 1), "line", False)


def random_index(seed: int, rows: int) -> tuple[IdIndex, dict[int, tuple[int, int, float, float]]]:
    random = np.random.default_rng(seed)
    ids = random.permutation(rows * 3)[:rows].astype(np.int64)
    lon, lat = random.uniform(10, 14, rows), random.uniform(-3, 3, rows)
    chunk, sub = CHUNKER.locate(lon, lat)
    index = build_index(BIGINT, [ids], [chunk], [sub], [lon], [lat])
    places = zip(chunk.tolist(), sub.tolist(), lon.tolist(), lat.tolist(), strict=True)
    return index, dict(zip(ids.tolist(), places, strict=True))


def test_director() -> None:
    random = np.random.default_rng(1)
    lon, lat = random.uniform(0, 360, 500), np.degrees(np.arcsin(random.uniform(-1, 1, 500)))
    lat[7], lon[8], lat[9] = 90.5, np.nan, np.nan
    ids: list[object] = list(range(500))
    ids[20], ids[21] = 3, None
    table = spec(TableKind.DIRECTOR, ["id", "lon", "lat"], id="id", lon="lon", lat="lat", unique_id=True)
    placed = Partitioner(table, CHUNKER, OVERLAP, ()).director(batch(ids, lon.tolist(), lat.tolist()))
    assert [(b.line, b.reason) for b in sorted(placed.bad, key=lambda b: b.line)] == [
        (8, "'lat' is 90.5: beyond 90 degrees"),
        (9, "the position is incomplete: 'lon' is NULL or NaN"),
        (10, "the position is incomplete: 'lat' is NULL or NaN"),
        (21, "the id 3 in 'id' is there already, but unique_id is true"),
        (22, "the id 'id' is NULL"),
    ]
    good = np.ones(500, bool)
    good[[7, 8, 9, 20, 21]] = False
    chunk, sub = CHUNKER.locate(lon[good], lat[good])
    assert placed.own.chunk.tolist() == chunk.tolist()
    assert placed.own.sub_chunk.tolist() == sub.tolist()
    rows, chunks, subs = CHUNKER.overlap(lon[good], lat[good], OVERLAP)
    assert placed.overlap is not None
    assert placed.overlap.row.tolist() == rows.tolist()
    assert placed.overlap.chunk.tolist() == chunks.tolist()
    assert placed.overlap.sub_chunk.tolist() == subs.tolist()
    marks = placed.overlap.flags
    assert marks is not None
    kept = list(zip(rows[marks == 1].tolist(), chunks[marks == 1].tolist(), strict=True))
    there = {(r, c) for r, c in zip(rows.tolist(), chunks.tolist(), strict=True) if c != chunk[r]}
    # One copy of each row in each chunk that receives it from another, and some rows reach several sub-chunks of one.
    assert sorted(kept) == sorted(there)
    assert len(there) < np.count_nonzero(chunks != chunk[rows]) < len(rows)


def test_a_row_lies_where_its_column_keeps_it() -> None:
    """A position that its column rounds across a border belongs behind the border."""
    border = 72.0
    assert CHUNKER.locate(np.array([border - 1e-4, border]), np.array([20.0, 20.0]))[0].tolist() == [37, 38]
    written = np.random.default_rng(4).uniform(border - 1e-3, border + 1e-3, 2000)
    for kind, kept in (
        ("float", written.astype(np.float32).astype(np.float64)),
        ("float(7,3)", np.round(written, 3).astype(np.float32).astype(np.float64)),
        ("decimal(8,3)", np.round(written, 3)),
        ("double", written),
    ):
        columns = (BIGINT, Column("lon", kind, kind), Column("lat", "double", "double"))
        table = spec(TableKind.DIRECTOR, [], id="id", lon="lon", lat="lat")
        table = replace(table, schema=TableSchema(columns))
        rows = batch(list(range(2000)), written.tolist(), [20.0] * 2000)
        placed = Partitioner(table, CHUNKER, 0.0, ()).director(rows)
        assert placed.own.chunk.tolist() == CHUNKER.locate(kept, np.full(2000, 20.0))[0].tolist(), kind


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("decimal(8,3)", 15.6525, 15.653),
        ("decimal(8,3)", -15.6525, -15.653),
        ("decimal(8,3)", 15.6524999, 15.652),
        ("decimal(10,0)", 2.5, 3.0),
        ("int(11)", -2.5, -3.0),
        ("decimal(20,15)", 359.999999999999943, 359.999999999999943),
        ("double", 0.1, 0.1),
        ("float", 0.1, 0.10000000149011612),
        ("float(53)", 0.1, 0.1),
    ],
)
def test_numbers_as_columns_keep_them(kind: str, value: float, kept: float) -> None:
    assert stored(np.array([value]), Column("x", kind, kind)).tolist() == [kept]


def test_child_follows_its_director_not_its_position() -> None:
    index, places = random_index(2, 400)
    random = np.random.default_rng(3)
    ids: list[object] = random.integers(0, 1200, 600).tolist()
    ids[5] = None
    lon, lat = random.uniform(0, 360, 600), random.uniform(-80, 80, 600)
    lon[6] = np.nan
    ids[6] = 1_000_000
    table = spec(TableKind.CHILD, ["id", "lon", "lat"], director_id="id", lon="lon", lat="lat")
    placed = Partitioner(table, CHUNKER, OVERLAP, (index,)).child(batch(ids, lon.tolist(), lat.tolist()))
    assert [b.line for b in placed.bad] == [7]
    expected = []
    for i, name in enumerate(ids):
        if i == 6:
            continue
        chunk, sub = CHUNKER.locate(lon[i], lat[i])
        expected.append(places[name][:2] if name in places else (int(chunk[0]), int(sub[0])))  # type: ignore[index]
    assert list(zip(placed.own.chunk.tolist(), placed.own.sub_chunk.tolist(), strict=True)) == expected
    unknown = [i for i, name in enumerate(ids) if name not in places and i != 6]
    assert placed.orphans is not None and len(placed.orphans) == len(unknown)

    table = spec(TableKind.CHILD, ["id"], director_id="id")
    placed = Partitioner(table, CHUNKER, OVERLAP, (index,)).child(batch(ids))
    assert len(placed.bad) == len(unknown) + 1
    assert "neither director nor position" in placed.bad[0].reason


def test_child_of_an_id_in_several_chunks_is_refused() -> None:
    ids = np.array([1, 1, 2, 2], np.int64)
    chunks, subs = np.array([4, 5, 6, 6], np.int32), np.array([0, 0, 1, 2], np.int32)
    index = build_index(BIGINT, [ids], [chunks], [subs], [], [])
    placed = Partitioner(spec(TableKind.CHILD, ["id"], director_id="id"), CHUNKER, OVERLAP, (index,)).child(
        batch([2, 1])
    )
    assert [b.reason for b in placed.bad] == ["the director 1 in 'id' has rows in several chunks"]
    assert placed.own.chunk.tolist() == [6]


def test_match_against_the_rule_pair_by_pair() -> None:
    (first, places1), (second, places2) = random_index(4, 300), random_index(5, 300)
    random = np.random.default_rng(6)
    ids1: list[object] = random.choice(first.keys, 2000).tolist()
    ids2: list[object] = random.choice(second.keys, 2000).tolist()
    ids1[0] = ids2[1] = None
    ids1[2] = ids2[2] = None
    ids1[3] = 10**9
    table = spec(
        TableKind.MATCH, ["a", "b"], director_ids=("a", "b"), flags="flags",
        directors=(("d", "A"), ("d", "B")),
    )  # fmt: skip
    placed = Partitioner(table, CHUNKER, OVERLAP, (first, second)).match(batch(ids1, ids2))
    expected, bad, stored = [], [], 0
    for i, (a, b) in enumerate(zip(ids1, ids2, strict=True)):
        one, two = places1.get(a), places2.get(b)  # type: ignore[call-overload]
        if (a is None and b is None) or (a is not None and one is None):
            bad.append(i + 1)
            continue
        if one and two:
            apart = separation(*(np.array([v]) for v in (*one[2:], *two[2:])))[0]
            if apart > OVERLAP:
                bad.append(i + 1)
                continue
        if one and two and one[0] == two[0]:
            expected.append((stored, *one[:2], 3))
        else:
            expected += [(stored, *place[:2], flag) for place, flag in ((one, 1), (two, 2)) if place]
        stored += 1
    assert sorted(b.line for b in placed.bad) == bad
    own = placed.own
    assert own.flags is not None
    found = zip(own.row.tolist(), own.chunk.tolist(), own.sub_chunk.tolist(), own.flags.tolist(), strict=True)
    assert sorted(found) == sorted(expected)
    assert {f for *_, f in expected} == {1, 2, 3}


def test_seen_ids() -> None:
    random = np.random.default_rng(7)
    seen, known = SeenIds(), set()
    for _ in range(40):
        keys = random.integers(0, 3000, random.integers(0, 200))
        expected = []
        for key in keys.tolist():
            expected.append(key in known)
            known.add(key)
        assert seen.add(keys).tolist() == expected


def test_ids_of_text_and_unsigned_and_negative_partitions() -> None:
    text = Column("id", "varchar(10)", "")
    keys, missing = id_keys(pa.array([b"a\\tb", None, b""], pa.binary()), text, True)
    assert keys.tolist() == [b"a\tb", b"", b""]
    assert missing.tolist() == [False, True, False]
    unsigned = Column("id", "bigint(20) unsigned", "")
    keys, missing = id_keys(pa.array([b"18446744073709551615", b"-1"], pa.binary()), unsigned, True)
    assert keys[0] == 2**64 - 1 and missing.tolist() == [False, True]
    assert partition_of(np.array([-1, -3, 0, 5], np.int64), 3).tolist() == [2, 0, 0, 2]
