"""The query log beside the serving path."""

from __future__ import annotations

from pathlib import Path

from qproxy.catalog.querylog import QueryRecord
from qproxy.catalog.store import CatalogStore
from qproxy.service.query_log import QueryLog


def record(number: int) -> QueryRecord:
    return QueryRecord(
        user="me",
        connection_id=1,
        database="sky",
        started=float(number),
        seconds=0.5,
        statement=f"SELECT {number}",
        chunks=0,
        rows=1,
        bytes=10,
        error=None,
    )


async def test_what_was_taken_is_written_before_the_end(tmp_path: Path) -> None:
    with CatalogStore.open(f"sqlite:///{tmp_path}/c.sqlite") as store:
        log = QueryLog(store)
        log.start()
        for number in range(100):
            log.record(record(number))
        await log.stop()
        assert [r.statement for r in store.recent_queries(100)] == [f"SELECT {n}" for n in reversed(range(100))]


async def test_a_store_that_fails_stops_nothing(tmp_path: Path) -> None:
    with CatalogStore.open(f"sqlite:///{tmp_path}/c.sqlite") as store:
        log = QueryLog(store)
        log.start()
        store.log_queries = None  # type: ignore[method-assign,assignment]
        log.record(record(1))
        await log.stop()
        del store.log_queries
        assert store.recent_queries(1) == ()
