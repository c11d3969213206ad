"""What a proxy's queries still need, as loaders learn it from the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qproxy.catalog.model import Database, Family
from qproxy.catalog.store import CatalogStore
from qproxy.service.watch import CatalogWatch

FAMILY = Family(6, 4, 0.1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CatalogStore]:
    with CatalogStore.open(f"sqlite:///{tmp_path / 'c.sqlite'}") as one:
        yield one


def load(store: CatalogStore, replace: bool = False) -> str:
    physical = store.begin_database("sky", FAMILY, replace).physical
    store.publish(Database("sky", physical, FAMILY, {}))
    return physical


async def test_data_stay_until_the_last_query_has_ended(store: CatalogStore) -> None:
    first = load(store)
    here, elsewhere = CatalogWatch(store, 60, lambda catalog: None), CatalogWatch(store, 60)
    query = here.current()
    load(store, replace=True)
    assert store.out_of_use().read == (first,)
    await here.refresh()
    await elsewhere.refresh()
    # Both know the new data, but a query goes on with the old ones; a new load must not drop them either.
    assert store.out_of_use().read == (first,)
    run = store.begin_database("sky", FAMILY, True)
    assert run.leftovers == ()
    store.abandon_database("sky", run)
    assert query.databases["sky"].physical == first
    del query
    await here.refresh()
    found = store.out_of_use()
    assert found.read == () and set(found.unused.values()) == {first, run.physical}
    store.forget(found.unused)
    assert store.out_of_use().unused == {}
    await here.stop()
    await elsewhere.stop()


async def test_a_proxy_that_has_not_looked_yet_or_has_ended(store: CatalogStore) -> None:
    first = load(store)
    watch = CatalogWatch(store, 60)
    load(store, replace=True)
    assert store.out_of_use().read == (first,)
    await watch.stop()
    assert tuple(store.out_of_use().unused.values()) == (first,)


async def test_dropped_databases_wait_for_queries_too(store: CatalogStore) -> None:
    first = load(store)
    watch = CatalogWatch(store, 60)
    store.drop_database("sky")
    assert store.out_of_use().read == (first,)
    await watch.refresh()
    assert tuple(store.out_of_use().unused.values()) == (first,)
    await watch.stop()
