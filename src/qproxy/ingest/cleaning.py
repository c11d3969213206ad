"""Dropping of physical databases that are out of use, as soon as no query can read them any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from qproxy.backends.base import Backend
from qproxy.catalog.store import CatalogStore
from qproxy.ingest.ddl import drop_database
from qproxy.ingest.load import execute_everywhere

#: Seconds between looks whether the last query has ended.
LOOK_SECONDS = 0.2


async def drop_everywhere(backends: Mapping[str, Backend], names: Sequence[str]) -> None:
    """Drop physical databases on all workers, whether they exist there or not.

    Raises:
        QproxyError: a worker cannot be reached, or refused.
    """
    await execute_everywhere(backends, (drop_database(n) for n in names))


async def clean(store: CatalogStore, backends: Mapping[str, Backend], patience: float = 0.0) -> tuple[str, ...]:
    """Drop what nobody reads any more: replaced and dropped databases, and what failed runs left.

    Args:
        store: the catalogue store.
        backends: of all workers, by name.
        patience: seconds to wait for proxies and queries that still read some of it.

    Returns:
        Physical databases that running queries still read; a later call drops them.

    Raises:
        QproxyError: a worker cannot be reached, or refused.
    """
    deadline = time.monotonic() + patience
    while True:
        found = await asyncio.to_thread(store.out_of_use)
        if found.unused:
            await drop_everywhere(backends, tuple(found.unused.values()))
            await asyncio.to_thread(store.forget, tuple(found.unused))
        if not found.read or time.monotonic() > deadline:
            return found.read
        await asyncio.sleep(LOOK_SECONDS)
