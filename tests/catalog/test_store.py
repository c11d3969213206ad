from __future__ import annotations

import hashlib
import multiprocessing
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from qproxy.catalog import schema
from qproxy.catalog.model import (
    ChunkRows,
    Column,
    Database,
    DirectorIndex,
    Family,
    Index,
    Table,
    TableKind,
    Worker,
)
from qproxy.catalog.querylog import QueryRecord
from qproxy.catalog.readers import GONE_SECONDS
from qproxy.catalog.store import CatalogStore
from qproxy.catalog.users import Privileges, parse_salted
from qproxy.errors import QproxyError

FAMILY = Family(85, 12, 0.01667)


def url_of(path: Path) -> str:
    return f"sqlite:///{path / 'catalog.sqlite'}"


@pytest.fixture
def store(tmp_path: Path):
    with CatalogStore.open(url_of(tmp_path)) as opened:
        yield opened


def add_workers(store: CatalogStore, count: int) -> None:
    for i in range(count):
        store.add_worker(Worker(f"w{i}", port=4000 + i, password="secret"))


def make_database(physical: str, chunks: list[int], name: str = "sky", family: Family = FAMILY) -> Database:
    ids = np.array(chunks, np.int32)
    rows = ChunkRows(ids, np.arange(len(ids), dtype=np.int64) + 10, np.ones(len(ids), np.bool_))
    columns = (
        Column("objectId", "bigint(20)", "BIGINT NOT NULL", nullable=False, ucd="meta.id;meta.main"),
        Column("ra", "double", "DOUBLE", unit="deg"),
        Column("größe", "varchar(20)", "VARCHAR(20) DEFAULT 'ü'", default="ü"),
    )
    director = Table(
        name,
        "Object",
        TableKind.DIRECTOR,
        columns,
        id="objectId",
        lon="ra",
        lat="decl",
        indexes=(Index("PRIMARY", ("objectId",), unique=True),),
        chunk_rows=rows,
        index=DirectorIndex((("w0", "w1"), ("w1", "w0"))),
        total_rows=rows.total,
        create_sql="CREATE TABLE `Object` (...)",
    )
    child = Table(
        name, "Source", TableKind.CHILD, columns, director=(name, "Object"), director_id="objectId", orphans=True
    )
    match = Table(
        name,
        "Match",
        TableKind.MATCH,
        columns,
        directors=((name, "Object"), ("extra", "Ref")),
        director_ids=("objectId", "refId"),
        flags="flags",
        separation=0.001,
    )
    tables = {t.name: t for t in (director, child, match)}
    return Database(name, physical, family, tables)


def load_database(store: CatalogStore, chunks: list[int], replace: bool = False) -> tuple[str, tuple[str, ...]]:
    generation = store.begin_database("sky", FAMILY, replace)
    store.place_chunks(FAMILY, np.array(chunks), 2)
    return generation.physical, store.publish(make_database(generation.physical, chunks))


def test_a_published_database_comes_back_as_it_was(store: CatalogStore) -> None:
    add_workers(store, 3)
    physical, retired = load_database(store, [7, 9, 4711])
    assert retired == ()
    catalog = store.load()
    wanted = make_database(physical, [7, 9, 4711])
    found = catalog.databases["sky"]
    assert (found.name, found.physical, found.family) == ("sky", physical, FAMILY)
    assert set(found.tables) == set(wanted.tables)
    for name, table in found.tables.items():
        expected = wanted.tables[name]
        for field in expected.__dataclass_fields__:
            if field != "chunk_rows":
                assert getattr(table, field) == getattr(expected, field), (name, field)
        for field in ("chunks", "rows", "has_overlap"):
            got, want = getattr(table.chunk_rows, field), getattr(expected.chunk_rows, field)
            assert got.dtype == want.dtype
            assert np.array_equal(got, want)
    assert catalog.workers == {f"w{i}": Worker(f"w{i}", port=4000 + i, password="secret") for i in range(3)}
    placement = catalog.placements[FAMILY]
    assert placement.chunks.tolist() == [7, 9, 4711]
    assert placement.replicas.shape == (3, 2)
    assert catalog.version == store.version()


def test_every_change_raises_the_version_and_reading_does_not(store: CatalogStore) -> None:
    seen = [store.version()]
    for change in (
        lambda: add_workers(store, 1),
        lambda: store.add_user("a", "x"),
        lambda: store.set_password("a", "y"),
        lambda: store.remove_user("a"),
        lambda: store.begin_database("sky", FAMILY, False),
    ):
        change()
        seen.append(store.version())
    assert seen == sorted(set(seen))
    store.load()
    store.users()
    store.log_queries([QueryRecord("u", 1, None, 0.0, 0.1, "SELECT 1")])
    assert store.version() == seen[-1]


def test_a_published_database_is_replaced_only_on_demand(store: CatalogStore) -> None:
    add_workers(store, 2)
    first, _ = load_database(store, [1, 2])
    with pytest.raises(QproxyError, match="--replace"):
        store.begin_database("sky", FAMILY, replace=False)
    second, retired = load_database(store, [2, 3], replace=True)
    assert retired == (first,)
    assert store.load().databases["sky"].physical == second
    # The retired one may still lie on the workers where the run was cut off before dropping it.
    third = store.begin_database("sky", FAMILY, replace=True)
    assert third.leftovers == (first,)
    assert third.physical not in (first, second)


def test_an_abandoned_run_leaves_nothing_visible_and_is_cleaned_by_the_next(store: CatalogStore) -> None:
    add_workers(store, 2)
    first = store.begin_database("sky", FAMILY, False)
    store.abandon_database("sky", first)
    with pytest.raises(QproxyError, match="given up"):
        store.publish(make_database(first.physical, []))
    assert store.load().databases == {}
    second = store.begin_database("sky", FAMILY, False)
    assert second.leftovers == (first.physical,)
    # A run that is itself cut off passes on what it was to clean.
    store.abandon_database("sky", second.number)
    third = store.begin_database("sky", FAMILY, False)
    assert third.leftovers == (first.physical, second.physical)
    store.publish(make_database(third.physical, []))
    fourth = store.begin_database("sky", FAMILY, True)
    assert fourth.leftovers == ()


def test_two_runs_of_one_database_cannot_overlap_but_a_killed_one_is_no_obstacle(
    store: CatalogStore, tmp_path: Path
) -> None:
    code = (
        "import sys\nfrom qproxy.catalog.store import CatalogStore\nfrom qproxy.catalog.model import Family\n"
        f"s = CatalogStore.open({url_of(tmp_path)!r})\n"
        f"print(s.begin_database('sky', Family(85, 12, 0.01667), False).physical, flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        physical = other.stdout.readline().strip()
        with pytest.raises(QproxyError, match=f"is being loaded by process {other.pid} on "):
            store.begin_database("sky", FAMILY, True)
        store.begin_database("other", FAMILY, False)
        other.kill()
    assert store.begin_database("sky", FAMILY, False).leftovers == (physical,)


def test_placed_chunks_stay_and_copies_of_a_chunk_lie_on_distinct_workers(store: CatalogStore) -> None:
    add_workers(store, 3)
    first = store.place_chunks(FAMILY, np.arange(0, 100), 2)
    second = store.place_chunks(FAMILY, np.arange(50, 200), 2)
    assert second.chunks.tolist() == list(range(200))
    assert np.array_equal(second.replicas[:100], first.replicas)
    assert (second.replicas[:, 0] != second.replicas[:, 1]).all()
    with pytest.raises(QproxyError, match="only 3 workers"):
        store.place_chunks(FAMILY, np.arange(3), 4)


def test_a_family_without_data_is_placed_anew(store: CatalogStore) -> None:
    add_workers(store, 3)
    run = store.begin_database("sky", FAMILY, False)
    store.place_chunks(FAMILY, np.arange(5), 1)
    store.abandon_database("sky", run)
    store.begin_database("sky", FAMILY, False)
    assert store.place_chunks(FAMILY, np.arange(5), 3).replicas.shape == (5, 3)


def test_published_chunks_cannot_gain_copies_that_do_not_exist(store: CatalogStore) -> None:
    add_workers(store, 3)
    load_database(store, [1, 2, 3])
    store.begin_database("extra", FAMILY, False)
    with pytest.raises(QproxyError, match="already lie on 2 worker"):
        store.place_chunks(FAMILY, np.array([3, 4]), 3)
    assert store.place_chunks(FAMILY, np.array([3, 4]), 1).chunks.tolist() == [1, 2, 3, 4]


def test_a_replacement_may_have_other_replicas_and_the_old_data_keep_theirs_until_then(store: CatalogStore) -> None:
    add_workers(store, 3)
    load_database(store, [1, 2, 3])
    before = store.load().placements[FAMILY]
    run = store.begin_database("sky", FAMILY, True)
    store.place_chunks(FAMILY, np.array([2]), 3)
    store.place_chunks(FAMILY, np.array([3, 4]), 3)
    still = store.load().placements[FAMILY]
    assert np.array_equal(still.replicas, before.replicas)
    store.publish(make_database(run.physical, [2, 3, 4]))
    after = store.load().placements[FAMILY]
    assert after.chunks.tolist() == [2, 3, 4]
    assert (np.sort(after.replicas, axis=1) == [0, 1, 2]).all()
    # An abandoned replacement leaves all as it was.
    run = store.begin_database("sky", FAMILY, True)
    store.place_chunks(FAMILY, np.array([9]), 1)
    store.abandon_database("sky", run)
    assert store.load().placements[FAMILY].chunks.tolist() == [2, 3, 4]


def test_while_chunks_may_move_no_other_database_of_the_family_is_loaded(store: CatalogStore) -> None:
    add_workers(store, 2)
    load_database(store, [1])
    run = store.begin_database("sky", FAMILY, True)
    with pytest.raises(QproxyError, match="'sky' of the same family is being replaced"):
        store.begin_database("extra", FAMILY, False)
    store.begin_database("third", Family(1, 1, 0.0), False)
    store.abandon_database("sky", run)
    store.begin_database("extra", FAMILY, False)


def test_nothing_is_published_with_a_chunk_that_has_no_worker(store: CatalogStore) -> None:
    add_workers(store, 1)
    run = store.begin_database("sky", FAMILY, False)
    store.place_chunks(FAMILY, np.array([1]), 1)
    with pytest.raises(QproxyError, match="chunk 2 of table 'Object' has no workers"):
        store.publish(make_database(run.physical, [1, 2]))
    assert store.load().databases == {}


def test_a_dropped_database_is_gone_and_its_name_free(store: CatalogStore) -> None:
    add_workers(store, 2)
    physical, _ = load_database(store, [1])
    assert store.drop_database("sky") == (physical,)
    assert store.load().databases == {}
    with pytest.raises(QproxyError, match="no published database 'sky'"):
        store.drop_database("sky")
    assert store.begin_database("sky", FAMILY, False).leftovers == (physical,)


def test_users(store: CatalogStore) -> None:
    store.add_user("amélie", "gëheim")
    store.add_user("local", None, loopback_only=True)
    data = "gëheim".encode()
    found = store.find_user("amélie")
    assert found is not None
    assert found.native_hash == hashlib.sha1(hashlib.sha1(data).digest()).hexdigest()
    assert found.sha2 is not None
    salt, digest, rounds = parse_salted(found.sha2)
    stamp = hashlib.sha256(hashlib.sha256(data).digest()).digest()
    assert digest == hashlib.pbkdf2_hmac("sha256", stamp, salt, rounds)
    assert found.native_hash not in repr(found) and found.sha2 not in repr(found)
    local = store.find_user("local")
    assert local is not None
    assert (local.native_hash, local.loopback_only) == (None, True)
    assert store.find_user("Local") is None
    with pytest.raises(QproxyError, match="exists already"):
        store.add_user("local", "x")
    store.set_password("local", "x")
    changed = store.find_user("local")
    assert changed is not None
    assert changed.native_hash is not None
    assert changed.loopback_only
    store.remove_user("local")
    assert [u.name for u in store.users()] == ["amélie"]
    for call in (lambda: store.remove_user("nobody"), lambda: store.set_password("nobody", "x")):
        with pytest.raises(QproxyError, match="no user 'nobody'"):
            call()
    for name in ("", "a\nb", "x" * 81):
        with pytest.raises(QproxyError, match="printable"):
            store.add_user(name, "x")
    with pytest.raises(QproxyError, match="empty"):
        store.add_user("x", "")


def test_ways_in_of_a_user(store: CatalogStore) -> None:
    store.add_user("a", "x", native=False, require_tls=True, certificate="/CN=a", max_connections=3)
    found = store.find_user("a")
    assert found is not None
    assert (found.native_hash, found.require_tls, found.certificate, found.max_connections) == (None, True, "/CN=a", 3)
    assert (store.load().users["a"], store.users()) == (found, (found,))
    other = store.find_user("a")
    store.set_password("a", "x", native=False)
    again = store.find_user("a")
    assert other is not None and again is not None
    assert other.sha2 != again.sha2


def test_what_is_no_salted_hash_is_refused() -> None:
    for text in ("", "md5$1$00$00", "pbkdf2_sha256$x$00$00", "pbkdf2_sha256$1$0g$00"):
        with pytest.raises(QproxyError, match="set it anew"):
            parse_salted(text)


def test_privileges(store: CatalogStore) -> None:
    store.add_user("a", None, databases=("sky",))
    store.add_user("b", None)
    before = store.version()
    store.grant("a", "Sky")
    store.grant("a", "Sky")
    store.grant("b", "*")
    assert store.version() > before
    users = store.load().users
    assert users["a"].privileges == Privileges(frozenset(("sky", "Sky")))
    assert users["a"].privileges.may_read("Sky") and not users["a"].privileges.may_read("SKY")
    assert users["b"].privileges.may_read("anything") and users["b"].privileges.everywhere
    store.revoke("a", "sky")
    assert not store.load().users["a"].privileges.may_read("sky")
    with pytest.raises(QproxyError, match=r"'a' has no privilege on database 'sky'$"):
        store.revoke("a", "sky")
    with pytest.raises(QproxyError, match=r"may read all databases: revoke '\*'"):
        store.revoke("b", "sky")
    store.revoke("b", "*")
    assert store.load().users["b"].privileges == Privileges()
    for call in (store.grant, store.revoke):
        with pytest.raises(QproxyError, match="no user 'c'"):
            call("c", "sky")
    for name in ("", "x" * 65, "a\n"):
        with pytest.raises(QproxyError, match="database name"):
            store.grant("a", name)
    store.remove_user("a")
    store.add_user("a", None)
    assert store.load().users["a"].privileges == Privileges()


def test_query_log(store: CatalogStore) -> None:
    store.log_queries([QueryRecord("u", i, "sky", 100.0 + i, 0.5, f"SELECT {i}", 3, 4, 5, None) for i in range(5)])
    store.log_queries([QueryRecord("u", 9, None, 200.0, 0.5, "SELECT 'é\U0001f30c'", error="no such")])
    first, second = store.recent_queries(2)
    assert first == QueryRecord("u", 9, None, 200.0, 0.5, "SELECT 'é\U0001f30c'", error="no such", query_id=6)
    assert second.statement == "SELECT 4"


def test_the_file_is_for_its_owner_alone(store: CatalogStore, tmp_path: Path) -> None:
    add_workers(store, 1)
    modes = {p.name: stat.S_IMODE(os.stat(p).st_mode) for p in tmp_path.iterdir()}
    assert modes["catalog.sqlite"] == 0o600
    assert set(modes.values()) == {0o600}


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    with CatalogStore.open(url_of(tmp_path)) as store, store._engine.begin() as connection:
        connection.execute(update(schema.schema_version).values(version=99))
    with pytest.raises(QproxyError, match="schema version 99, this qproxy knows version 3"):
        CatalogStore.open(url_of(tmp_path))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "not understood"),
        ("nosuchdb://x/y", "not understood"),
        ("sqlite:////nowhere/at/all.sqlite", "No such file"),
        ("mysql+pymysql://u:verysecret@127.0.0.1:1/x", "Can't connect"),
    ],
)
def test_an_address_that_cannot_be_used(url: str, words: str) -> None:
    with pytest.raises(QproxyError, match=words) as caught:
        CatalogStore.open(url)
    assert "verysecret" not in str(caught.value)


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"something else entirely" * 100)
    with pytest.raises(QproxyError, match="not a database"):
        CatalogStore.open(url_of(tmp_path))


def test_threads_share_a_store_in_memory() -> None:
    with CatalogStore.open("sqlite://") as store:
        before = store.version()
        threads = [threading.Thread(target=lambda i=i: store.add_worker(Worker(f"w{i}"))) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.workers()) == 20
        assert store.version() == before + 20


def _add_users(url: str, start: int) -> None:
    with CatalogStore.open(url) as store:
        for i in range(20):
            store.add_user(f"u{start + i}", None)


def test_processes_open_and_change_one_store_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_users, args=(url_of(tmp_path), 100 * i)) for i in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [p.exitcode for p in processes] == [0, 0, 0]
    with CatalogStore.open(url_of(tmp_path)) as store:
        assert len(store.users()) == 60
        assert store.version() == 60


def test_a_whole_sky_at_340_stripes_loads_fast(store: CatalogStore) -> None:
    family = Family(340, 3, 0.01667)
    for i in range(500):
        store.add_worker(Worker(f"w{i:03}"))
    chunks = np.arange(146_332, dtype=np.int32)
    run = store.begin_database("sky", family, False)
    placement = store.place_chunks(family, chunks, 3)
    per_worker = np.bincount(placement.replicas.ravel(), minlength=500)
    assert per_worker.max() - per_worker.min() <= 1
    preferred = np.bincount(placement.replicas[:, 0], minlength=500)
    assert preferred.max() < 1.5 * preferred.mean()
    store.publish(make_database(run.physical, chunks.tolist(), family=family))
    began = time.perf_counter()
    catalog = store.load()
    assert time.perf_counter() - began < 0.5
    assert len(catalog.placements[family].chunks) == 146_332


def test_a_store_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    with CatalogStore.open(url_of(tmp_path)) as store, store._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE readers")
        connection.exec_driver_sql("ALTER TABLE generations DROP COLUMN retired_version")
        connection.execute(update(schema.schema_version).values(version=1))
    for _ in range(2):
        with CatalogStore.open(url_of(tmp_path)) as store:
            store.note_reader("proxy")
            assert store.out_of_use().unused == {}


def test_readers_of_other_machines_are_gone_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with CatalogStore.open(url_of(tmp_path)) as store:
        add_workers(store, 2)
        physical, _ = load_database(store, [1])
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr("socket.gethostname", lambda: "elsewhere")
            store.note_reader("proxy")
        load_database(store, [1], replace=True)
        assert store.out_of_use().read == (physical,)
        now = time.time()
        monkeypatch.setattr("time.time", lambda: now + GONE_SECONDS + 1)
        assert tuple(store.out_of_use().unused.values()) == (physical,)


def test_users_of_version_2_keep_their_passwords_and_may_read_all(tmp_path: Path) -> None:
    stamp = hashlib.sha256(hashlib.sha256(b"gr\xc3\xbcn").digest()).digest()
    with CatalogStore.open(url_of(tmp_path)) as store, store._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE grants")
        connection.exec_driver_sql("DROP TABLE users")
        connection.exec_driver_sql(
            "CREATE TABLE users (name VARCHAR(128) NOT NULL PRIMARY KEY, native_hash VARCHAR(40), "
            "sha2_hash VARCHAR(64), loopback_only BOOLEAN NOT NULL)"
        )
        connection.exec_driver_sql(f"INSERT INTO users VALUES ('a', '{'0a' * 20}', '{stamp.hex()}', 0)")
        connection.exec_driver_sql("INSERT INTO users VALUES ('b', NULL, NULL, 1)")
        connection.execute(update(schema.schema_version).values(version=2))
    with CatalogStore.open(url_of(tmp_path)) as store:
        first, second = store.users()
        store.set_password("b", "x")
    assert (first.native_hash, second.loopback_only) == ("0a" * 20, True)
    assert first.privileges.everywhere and second.privileges.everywhere
    salt, digest, rounds = parse_salted(first.sha2 or "")
    assert digest == hashlib.pbkdf2_hmac("sha256", stamp, salt, rounds)
    assert stamp.hex().encode() not in (tmp_path / "catalog.sqlite").read_bytes()
