"""Keeping up with the catalogue store: a new version is loaded without a restart."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Callable
from uuid import uuid4
from weakref import ReferenceType, ref

from qproxy.catalog.model import Catalog
from qproxy.catalog.readers import BEAT_SECONDS
from qproxy.catalog.store import CatalogStore
from qproxy.errors import QproxyError

log = logging.getLogger(__name__)


class CatalogWatch:
    """Holds the current snapshot and replaces it when the store changes.

    Args:
        store: whose catalogue.
        interval: seconds between looks.
        changed: told of a new snapshot before queries use it.
    """

    def __init__(
        self, store: CatalogStore, interval: float, changed: Callable[[Catalog], None] = lambda catalog: None
    ) -> None:
        self._store = store
        self._reader = f"proxy-{uuid4().hex}"
        # Before the catalogue is read, so that nothing of it is dropped in between.
        store.note_reader(self._reader)
        self._interval = interval
        self._changed = changed
        self._catalog = store.load()
        self._task: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()
        self._asked = self._seen = 0
        # A query holds its snapshot for as long as it runs: when the last one ends, the reference is dead.
        self._earlier: list[ReferenceType[Catalog]] = []
        self._noted = (self._catalog.version, time.monotonic())

    def current(self) -> Catalog:
        """The snapshot that a new query uses."""
        return self._catalog

    def start(self) -> None:
        """Begin to look for changes."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await asyncio.to_thread(self._store.forget_reader, self._reader)
        except QproxyError as error:
            log.warning("%s", error)

    async def refresh(self) -> None:
        """Load the catalogue where the store has a newer one; changes made before this call are seen after it."""
        self._asked += 1
        mine = self._asked
        async with self._looking:
            # Many may ask at once: a look that began after they did is theirs too.
            if self._seen < mine:
                seen = self._asked
                await self._look()
                self._seen = seen

    async def _look(self) -> None:
        if await asyncio.to_thread(self._store.version) != self._catalog.version:
            catalog = await asyncio.to_thread(self._store.load)
            self._changed(catalog)
            self._earlier.append(ref(self._catalog))
            self._catalog = catalog
            log.info("catalogue version %d", self._catalog.version)
        await self._note()

    async def _note(self) -> None:
        """Tell the store which version the oldest running query holds, when that changes and every now and then."""
        due = time.monotonic() - self._noted[1] > BEAT_SECONDS
        if due and self._earlier:
            # A query that failed may have left its snapshot in a cycle of references.
            gc.collect()
        held = [(r, found.version) for r in self._earlier if (found := r()) is not None]
        self._earlier = [r for r, _ in held]
        oldest = min([version for _, version in held], default=self._catalog.version)
        if due or oldest != self._noted[0]:
            await asyncio.to_thread(self._store.note_reader, self._reader, oldest)
            self._noted = (oldest, time.monotonic())

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.refresh()
            except Exception:
                log.exception("the catalogue store cannot be read; the last catalogue stays in use")
