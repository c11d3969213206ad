"""Backends for the workers of the catalogue store, kept up with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from qproxy.backends.base import Backend
from qproxy.catalog.model import Worker

log = logging.getLogger(__name__)


class Workers:
    """The backends that queries use.

    Args:
        given: backends by worker name, open for as long as this is in use.
        known: workers as the store had them when those were made.
        connect: makes a backend for a worker; nothing is connected before it is used.

    Attributes:
        backends: by worker name; changes in place.
    """

    def __init__(
        self, given: Mapping[str, Backend], known: Mapping[str, Worker], connect: Callable[[Worker], Backend]
    ) -> None:
        self.backends: dict[str, Backend] = dict(given)
        self._known = {name: worker for name, worker in known.items() if name in given}
        self._connect = connect
        self._own: list[Backend] = []

    def follow(self, workers: Mapping[str, Worker]) -> None:
        """Take the workers as the store has them now.

        Statements that run on a replaced or removed worker go on: its backend stays open until `close`.
        """
        for name in self._known.keys() - workers.keys():
            log.info("worker %s: no longer registered", name)
            self.backends.pop(name, None)
        for name, worker in workers.items():
            if worker != self._known.get(name):
                log.info("worker %s: registered", name)
                self.backends[name] = self._connect(worker)
                self._own.append(self.backends[name])
        self._known = dict(workers)

    async def close(self) -> None:
        """Close the backends that were made here."""
        await asyncio.gather(*(backend.close() for backend in self._own))
