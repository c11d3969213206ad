"""Keeping up with the catalogue store: a new version is loaded without a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from qproxy.catalog.model import Catalog
from qproxy.catalog.store import CatalogStore

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
        self._interval = interval
        self._changed = changed
        self._catalog = store.load()
        self._task: asyncio.Task[None] | None = None

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

    async def refresh(self) -> None:
        """Load the catalogue where the store has a newer one."""
        if await asyncio.to_thread(self._store.version) != self._catalog.version:
            catalog = await asyncio.to_thread(self._store.load)
            self._changed(catalog)
            self._catalog = catalog
            log.info("catalogue version %d", self._catalog.version)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.refresh()
            except Exception:
                log.exception("the catalogue store cannot be read; the last catalogue stays in use")
