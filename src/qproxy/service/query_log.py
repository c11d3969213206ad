"""Writing the query log beside the serving path: sessions hand records over and never wait for the store."""

from __future__ import annotations

import asyncio
import logging

from qproxy.catalog.querylog import QueryRecord
from qproxy.catalog.store import CatalogStore

log = logging.getLogger(__name__)

#: Records that may wait for the store; beyond it the oldest news is lost, not the proxy.
WAITING = 10_000
#: Between two transactions. Seconds.
PAUSE = 0.2


class QueryLog:
    """Takes records at once and writes them in the background."""

    def __init__(self, store: CatalogStore) -> None:
        self._store = store
        self._queue: asyncio.Queue[QueryRecord] = asyncio.Queue(WAITING)
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def record(self, record: QueryRecord) -> None:
        """Take a record; it is dropped, with a warning, where the store is far behind."""
        try:
            self._queue.put_nowait(record)
        except asyncio.QueueFull:
            log.warning("query log: the store is too slow, a record is lost")

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write())

    async def stop(self) -> None:
        """Write what waits, then stop."""
        self._stopping = True
        if self._task is not None:
            await self._queue.join()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            records = [await self._queue.get()]
            if not self._stopping:
                # One transaction for what comes together: alone, it costs more than a small query.
                await asyncio.sleep(PAUSE)
            while not self._queue.empty():
                records.append(self._queue.get_nowait())
            try:
                await asyncio.to_thread(self._store.log_queries, records)
            except Exception:
                log.exception("query log: %d records are lost", len(records))
            for _ in records:
                self._queue.task_done()
