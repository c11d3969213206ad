"""Whole runs on private MariaDB servers and on the embedded engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from qproxy.backends.base import DEFAULT_SETTINGS, Backend
from qproxy.backends.duckdb.backend import DuckDBBackend
from qproxy.backends.mariadb import MariaDBBackend
from qproxy.catalog.model import Database, Family, Table, Worker
from qproxy.catalog.store import CatalogStore
from qproxy.errors import ConfigError, QproxyError, WorkerError
from qproxy.ingest.cleaning import clean
from qproxy.ingest.report import Report
from qproxy.ingest.run import ingest
from qproxy.sky.chunker import chunker
from qproxy.wire.rowblock import decode_rows
from tests.harness.mariadbd import Server, running_server

FAMILY = Family(6, 4, 0.2)
DESCRIPTION = """\
database: sky
family: {stripes: 6, sub_stripes: 4, overlap: 0.2}
tables:
  Object:
    kind: director
    id: id
    lon: ra
    lat: decl
    columns:
      - {name: id, type: BIGINT NOT NULL, description: "the id"}
      - {name: ra, type: DOUBLE NOT NULL, unit: deg}
      - {name: decl, type: DOUBLE NOT NULL, unit: deg}
      - {name: note, type: VARCHAR(20)}
    indexes: [[decl]]
    files: [object-*.tsv]
    format: {kind: csv}
  Source:
    {kind: child, director: Object, id: id, director_id: objectId, lon: ra, lat: decl,
    columns: [{name: id, type: INT}, {name: objectId, type: BIGINT}, {name: ra, type: DOUBLE},
      {name: decl, type: DOUBLE}],
    files: [source.csv], format: {kind: csv, delimiter: ",", "null": ""}}
  Pair:
    {kind: match, directors: [Object, Object], director_ids: [a, b], flags: which,
    columns: [{name: a, type: BIGINT}, {name: b, type: BIGINT}], files: [pair.tsv], format: {kind: csv}}
  Band:
    {kind: regular, columns: [{name: name, type: VARCHAR(8)}], files: [band.txt], format: {kind: csv}}
"""
ROWS = 3000


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, ...]]:
    with running_server() as one, running_server() as two, running_server() as three:
        yield one, two, three


@pytest.fixture(params=["mariadb", "duckdb"])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[tuple[CatalogStore, Mapping[str, Backend]]]:
    store = CatalogStore.open("sqlite://")
    backends: dict[str, Backend] = {}
    for i in range(3):
        worker = Worker(f"w{i}", kind=request.param)
        if request.param == "mariadb":
            server: Server = request.getfixturevalue("servers")[i]
            for name in _databases(server):
                server.script([f"DROP DATABASE `{name}`"])
            worker = Worker(f"w{i}", user=server.user, socket=str(server.socket))
            backends[worker.name] = MariaDBBackend(worker)
        else:
            backends[worker.name] = DuckDBBackend(worker.name)
        store.add_worker(worker)
    yield store, backends
    for backend in backends.values():
        await backend.close()
    store.close()


def _databases(server: Server) -> list[str]:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW DATABASES LIKE '%\\_\\_g%'")
        return [str(row[0]) for row in cursor.fetchall()]


class Sky:
    """Files of a small catalogue."""

    def __init__(self, folder: Path) -> None:
        random = np.random.default_rng(11)
        self.folder = folder
        self.path = folder / "sky.yaml"
        self.path.write_text(DESCRIPTION)
        self.lon = random.uniform(0, 360, ROWS)
        self.lat = np.degrees(np.arcsin(random.uniform(-1, 1, ROWS)))
        lines = [
            f"{i}\t{x!r}\t{y!r}\tn\\t{i}\\\\\n"
            for i, (x, y) in enumerate(zip(self.lon.tolist(), self.lat.tolist(), strict=True))
        ]
        (folder / "object-1.tsv").write_text("".join(lines[:1000]))
        (folder / "object-2.tsv").write_text("".join(lines[1000:]))
        # Director ids from 2900 to 3099: the last hundred are unknown; some are NULL.
        self.children = [i if i % 7 else None for i in range(2900, 3100)]
        (folder / "source.csv").write_text(
            "".join(f"{n},{'' if i is None else i},{n % 360},{n % 90}\n" for n, i in enumerate(self.children))
        )
        # Each object with its nearest neighbours, as far as they lie within the overlap.
        self.pairs = self._pairs()
        self.pairs += [(5, None), (None, 6)]
        (folder / "pair.tsv").write_text(
            "".join("\t".join("\\N" if v is None else str(v) for v in pair) + "\n" for pair in self.pairs)
        )
        (folder / "band.txt").write_text("g\nr\n")

    def _pairs(self) -> list[tuple[int | None, int | None]]:
        lon, lat = np.radians(self.lon), np.radians(self.lat)
        xyz = np.stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)), 1)
        near = np.argwhere(xyz @ xyz.T > np.cos(np.radians(0.19)))
        return [(a, b) for a, b in near.tolist() if a != b]

    def edit(self, old: str, new: str) -> None:
        text = self.path.read_text()
        assert old in text
        self.path.write_text(text.replace(old, new))


@pytest.fixture
def sky(tmp_path: Path) -> Sky:
    return Sky(tmp_path)


async def run(
    sky: Sky, store: CatalogStore, backends: Mapping[str, Backend], replace: bool = False, bad: int = 0
) -> Report:
    return await ingest(
        sky.path, store, backends, replicas=2, replace=replace, max_bad_rows=bad, engine="Aria", folder=sky.folder
    )


async def rows(backend: Backend, sql: str) -> list[list[bytes | None]]:
    found: list[list[bytes | None]] = []
    async with backend.query(backend.translate(sql), DEFAULT_SETTINGS) as stream:
        async for block in stream:
            found += decode_rows(block)
    return found


async def chunk_rows(
    store: CatalogStore, backends: Mapping[str, Backend], database: Database, table: Table, select: str, name: str
) -> list[list[bytes | None]]:
    """Rows of all chunk (or overlap) tables, which must be alike on both replicas."""
    placement = store.load().placements[database.family]
    found = []
    for chunk, overlap in zip(table.chunk_rows.chunks.tolist(), table.chunk_rows.has_overlap.tolist(), strict=True):
        if name.startswith("ObjectFull") and not overlap:
            continue
        workers = placement.replicas[int(np.searchsorted(placement.chunks, chunk))].tolist()
        copies = [
            sorted(
                await rows(backends[placement.workers[w]], f"SELECT {select} FROM {database.physical}.{name}_{chunk}")
            )
            for w in workers
        ]
        assert len(copies) == 2 and copies[0] == copies[1]
        found += copies[0]
    return found


async def test_everything_lies_where_it_must(sky: Sky, cluster: tuple[CatalogStore, Mapping[str, Backend]]) -> None:
    store, backends = cluster
    report = await run(sky, store, backends)
    stored = {t.name: (t.rows_in, t.rows_stored, t.bad_rows) for t in report.tables}
    assert stored["Object"] == (ROWS, ROWS, 0)
    assert stored["Source"] == (200, 200, 0)
    assert stored["Pair"] == (len(sky.pairs), len(sky.pairs), 0)
    assert stored["Band"] == (2, 2, 0)
    database = store.load().databases["sky"]
    cut = chunker(6, 4)

    chunk, sub = cut.locate(sky.lon, sky.lat)
    expected = [
        [str(v).encode() for v in (i, chunk[i], sub[i], f"n\t{i}\\")] for i in range(ROWS)
    ]  # fmt: skip
    objects = database.tables["Object"]
    found = await chunk_rows(store, backends, database, objects, "id, chunkId, subChunkId, note", "Object")
    assert sorted(found) == sorted(expected)
    copies = zip(*(v.tolist() for v in cut.overlap(sky.lon, sky.lat, 0.2)), strict=True)
    found = await chunk_rows(store, backends, database, objects, "id, chunkId, subChunkId", "ObjectFullOverlap")
    assert sorted(found) == sorted([str(v).encode() for v in copy] for copy in copies)
    marked = await chunk_rows(
        store, backends, database, objects, "id, chunkId, subChunkId, qproxy_neighbour", "ObjectFullOverlap"
    )
    neighbours = [(int(i or 0), int(c or 0)) for i, c, _, mark in marked if mark == b"1"]
    places = zip(*(v.tolist() for v in cut.overlap(sky.lon, sky.lat, 0.2)), strict=True)
    assert sorted(neighbours) == sorted({(i, c) for i, c, _ in places if c != chunk[i]})

    own, own_sub = cut.locate(np.arange(200) % 360, np.arange(200) % 90)
    expected = []
    for n, i in enumerate(sky.children):
        place = (chunk[i], sub[i]) if i is not None and i < ROWS else (own[n], own_sub[n])
        expected.append([str(v).encode() for v in (n, *place)])
    sources = database.tables["Source"]
    found = await chunk_rows(store, backends, database, sources, "id, chunkId, subChunkId", "Source")
    assert sorted(found) == sorted(expected)
    assert sources.orphans and objects.index is not None
    orphans = []
    for p, workers in enumerate(objects.index.partitions):
        assert len(workers) == 2
        parts = [
            sorted(await rows(backends[w], f"SELECT id, chunkId FROM {database.physical}.Source__orphans_{p}"))
            for w in workers
        ]
        assert parts[0] == parts[1] and all(int(r[0] or 0) % 3 == p for r in parts[0])
        orphans += parts[0]
        ids = await rows(
            backends[workers[0]], f"SELECT id, chunkId, subChunkId FROM {database.physical}.Object__id_{p}"
        )
        wanted = [[str(v).encode() for v in (i, chunk[i], sub[i])] for i in range(p, ROWS, 3)]
        assert sorted(ids) == sorted(wanted)
    unknown = [(n, i) for n, i in enumerate(sky.children) if i is not None and i >= ROWS]
    assert sorted(orphans) == sorted([str(i).encode(), str(own[n]).encode()] for n, i in unknown)

    pairs = database.tables["Pair"]
    found = await chunk_rows(store, backends, database, pairs, "a, b, chunkId, which", "Pair")  # type: ignore[assignment]
    expected_pairs = []
    for a, b in sky.pairs:
        places = [None if v is None else int(chunk[v]) for v in (a, b)]
        flags = (
            [(places[0], 3)] if places[0] == places[1] else [(p, f) for p, f in zip(places, (1, 2), strict=True) if p]
        )
        expected_pairs += [[None if v is None else str(v).encode() for v in (a, b, p, f)] for p, f in flags]
    key = str
    assert sorted(found, key=key) == sorted(expected_pairs, key=key)
    assert {r[3] for r in found} == {b"1", b"2", b"3"}
    for backend in backends.values():
        assert await rows(backend, f"SELECT name FROM {database.physical}.Band ORDER BY name") == [[b"g"], [b"r"]]
        for name in ("Object", "Object_empty", "ObjectFullOverlap_empty", "Source_empty", "Pair_empty"):
            assert await rows(backend, f"SELECT * FROM {database.physical}.{name}") == []
    assert not list(sky.folder.glob("qproxy-ingest-*"))


async def test_refusal_and_replacement(sky: Sky, cluster: tuple[CatalogStore, Mapping[str, Backend]]) -> None:
    store, backends = cluster
    await run(sky, store, backends)
    first = store.load().databases["sky"]
    with pytest.raises(QproxyError, match="sky"):
        await run(sky, store, backends)
    (sky.folder / "band.txt").write_text("g\nr\ni\n")
    await run(sky, store, backends, replace=True)
    second = store.load().databases["sky"]
    assert second.physical != first.physical
    assert second.tables["Band"].total_rows == 3
    for backend in backends.values():
        with pytest.raises((QproxyError, WorkerError)):
            await rows(backend, f"SELECT * FROM {first.physical}.Band")


async def test_bad_rows(sky: Sky, cluster: tuple[CatalogStore, Mapping[str, Backend]]) -> None:
    store, backends = cluster
    with (sky.folder / "object-2.tsv").open("a") as file:
        file.write(
            "9001\t1\t\\N\tx\n9002\t1\t91\tx\n9003\t1\n9004\tx1\t2\tx\n17\t1\t2\tx\n99999999999999999999\t1\t2\tx\n"
        )
    with pytest.raises(QproxyError) as caught:
        await run(sky, store, backends, bad=5)
    text = str(caught.value)
    for line, reason in (
        (2001, "column 'decl': is NULL"),
        (2002, "'decl' is 91.0: beyond 90 degrees"),
        (2003, "2 columns instead of 4"),
        (2004, "column 'ra': 'x1' is no number"),
        (2005, "the id 17 in 'id' is there already"),
        (2006, "column 'id': '99999999999999999999' is out of range for bigint(20)"),
    ):
        assert f"object-2.tsv, line {line}: {reason}" in text
    assert store.load().databases == {}
    report = await run(sky, store, backends, bad=6)
    assert report.tables[0].bad_rows == 6 and len(report.bad) == 6
    assert store.load().databases["sky"].tables["Object"].total_rows == ROWS


async def test_an_interrupted_run_leaves_nothing_visible(
    sky: Sky, cluster: tuple[CatalogStore, Mapping[str, Backend]]
) -> None:
    store, backends = cluster

    class Interrupts:
        def begin(self, stage: str, total: float) -> None:
            if stage == "loading Pair":
                task.cancel()

        def advance(self, stage: str, done: float, rows: int) -> None: ...

    task = asyncio.create_task(
        ingest(
            sky.path, store, backends, replicas=2, replace=False, max_bad_rows=0, engine="Aria",
            progress=Interrupts(), folder=sky.folder,
        )
    )  # fmt: skip
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.load().databases == {}
    assert not list(sky.folder.glob("qproxy-ingest-*"))
    await run(sky, store, backends)
    assert store.load().databases["sky"].tables["Object"].total_rows == ROWS


async def test_director_of_another_database(sky: Sky, cluster: tuple[CatalogStore, Mapping[str, Backend]]) -> None:
    store, backends = cluster
    await run(sky, store, backends)
    chunk, _ = chunker(6, 4).locate(sky.lon, sky.lat)
    (sky.folder / "extra.tsv").write_text("".join(f"{i}\t{i + 1}\n" for i in range(0, 3000, 5)))
    near = [p for p in sky.pairs if None not in p]
    (sky.folder / "pair.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in near))
    sky.path.write_text("""\
database: more
family: {stripes: 6, sub_stripes: 4, overlap: 0.2}
tables:
  Extra: {kind: child, director: sky.Object, director_id: o, files: [extra.tsv], format: {kind: csv},
    columns: [{name: o, type: BIGINT}, {name: x, type: INT}]}
  Pair: {kind: match, directors: [sky.Object, sky.Object], director_ids: [a, b], files: [pair.tsv],
    format: {kind: csv}, columns: [{name: a, type: BIGINT}, {name: b, type: BIGINT}]}
""")
    await run(sky, store, backends)
    database = store.load().databases["more"]
    found = await chunk_rows(store, backends, database, database.tables["Extra"], "o, chunkId", "Extra")
    assert sorted(found) == sorted([str(i).encode(), str(chunk[i]).encode()] for i in range(0, 3000, 5))
    assert database.tables["Pair"].total_rows == len(near)
    sky.edit("stripes: 6", "stripes: 5")
    with pytest.raises(
        ConfigError, match=r"line 4, key 'tables.Extra': its director 'sky.Object' belongs to the family"
    ):
        await run(sky, store, backends, replace=True)


async def test_a_pair_too_far_apart(sky: Sky, cluster: tuple[CatalogStore, Mapping[str, Backend]]) -> None:
    store, backends = cluster
    far = int(np.argmax(np.abs(sky.lat - sky.lat[0])))
    (sky.folder / "pair.tsv").write_text(f"0\t{far}\n")
    with pytest.raises(QproxyError, match=r"pair.tsv, line 1: the partners are .* deg apart, further than the overlap"):
        await run(sky, store, backends)
    assert store.load().databases == {}


@pytest.mark.parametrize("cluster", ["mariadb"], indirect=True)
async def test_values_that_are_too_long(sky: Sky, cluster: tuple[CatalogStore, Mapping[str, Backend]]) -> None:
    store, backends = cluster
    (sky.folder / "band.txt").write_text("much too long\n")
    with pytest.raises(QproxyError, match=r"band.txt, line 1: column 'name': 'much too long' is too long for varchar"):
        await run(sky, store, backends)
    assert store.load().databases == {}


@pytest.mark.parametrize("cluster", ["mariadb"], indirect=True)
async def test_replaced_data_stay_while_a_proxy_reads_them(
    sky: Sky, cluster: tuple[CatalogStore, Mapping[str, Backend]]
) -> None:
    store, backends = cluster
    await run(sky, store, backends)
    first = store.load().databases["sky"].physical
    store.note_reader("proxy")
    await run(sky, store, backends, replace=True)
    assert store.load().databases["sky"].physical != first
    for backend in backends.values():
        assert await rows(backend, f"SELECT name FROM {first}.Band ORDER BY name") == [[b"g"], [b"r"]]
    assert await clean(store, backends) == (first,)
    store.note_reader("proxy")
    assert await clean(store, backends) == ()
    for backend in backends.values():
        with pytest.raises((QproxyError, WorkerError)):
            await rows(backend, f"SELECT * FROM {first}.Band")


@pytest.mark.parametrize("cluster", ["mariadb"], indirect=True)
async def test_refusals_of_workers_name_table_and_row(
    sky: Sky, cluster: tuple[CatalogStore, Mapping[str, Backend]]
) -> None:
    store, backends = cluster
    sky.edit("note, type: VARCHAR(20)", "note, type: VARCHAR(99999)")
    with pytest.raises(QproxyError, match="table 'Object': its columns or keys are refused by MariaDB: Column length"):
        await run(sky, store, backends)
    sky.edit("note, type: VARCHAR(99999)", "note, type: VARCHAR(20) CHARACTER SET greek")
    with (sky.folder / "object-2.tsv").open("a") as file:
        file.write("9001\t1\t2\tя\n")
    with pytest.raises(QproxyError, match=r"table 'Object': MariaDB refuses a row: Incorrect string .*9001  1  2  я"):
        await run(sky, store, backends)
    assert store.load().databases == {}
