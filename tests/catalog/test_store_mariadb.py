"""The store on a MariaDB that several proxies share, loopback and real."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from qproxy.catalog.model import Family, Worker
from qproxy.catalog.querylog import QueryRecord
from qproxy.catalog.store import CatalogStore
from qproxy.errors import QproxyError
from tests.catalog.test_store import load_database, make_database
from tests.harness.mariadbd import Server, running_server

FAMILY = Family(85, 12, 0.01667)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as started:
        yield started


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    server.script(["CREATE DATABASE store CHARACTER SET latin1"])
    yield f"mysql+pymysql://{server.user}@127.0.0.1:{server.port}/store"
    server.script(["DROP DATABASE store"])


def test_databases_users_and_log(url: str) -> None:
    with CatalogStore.open(url) as store:
        for name in ("w0", "W0", "w1"):
            store.add_worker(Worker(name, password="x"))
        physical, _ = load_database(store, list(range(0, 9000, 3)))
        with pytest.raises(QproxyError, match="--replace"):
            store.begin_database("sky", FAMILY, False)
        store.add_user("Müller 🌌", "x")
        store.add_user("müller 🌌", "y")
        with pytest.raises(QproxyError, match="exists already"):
            store.add_user("müller 🌌", "z")
        store.log_queries([QueryRecord("u", 1, None, 1700000000.123456, 0.5, "🌌" * 100_000)])
    with CatalogStore.open(url) as store:
        catalog = store.load()
        assert list(catalog.workers) == ["W0", "w0", "w1"]
        assert catalog.databases["sky"].physical == physical
        assert catalog.databases["sky"].tables["Object"].columns == make_database("", []).tables["Object"].columns
        assert np.array_equal(catalog.placements[FAMILY].chunks, np.arange(0, 9000, 3))
        (record,) = store.recent_queries(5)
        assert record.started == 1700000000.123456
        assert record.statement == "🌌" * 100_000


def test_several_open_a_new_one_and_change_it_at_once(url: str) -> None:
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with CatalogStore.open(url) as store:
                store.add_worker(Worker(f"w{number}"))
                for i in range(5):
                    store.add_user(f"u{number}-{i}", None)
                    store.place_chunks(FAMILY, np.arange(number * 50, number * 50 + 10 * i + 10), 1)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    with CatalogStore.open(url) as store:
        assert len(store.users()) == 20
        assert len(store.workers()) == 4
        assert store.load().placements[FAMILY].chunks.tolist() == list(range(200))
        assert store.version() == 4 * (1 + 5 + 5)
