"""What commands that work on workers share: connections to them, and a clean end at Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from qproxy.backends.base import Backend
from qproxy.catalog.model import Worker
from qproxy.catalog.store import CatalogStore
from qproxy.config import Config
from qproxy.errors import QproxyError

Result = TypeVar("Result")


class Interrupted(Exception):
    """A signal ended a command, which has cleaned up behind itself."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run_interruptible(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end; SIGINT and SIGTERM cancel it, and it may clean up.

    Raises:
        Interrupted: it was cancelled by a signal.
    """
    import uvloop

    # What a worker said is in the error that ends the command.
    logging.getLogger("qproxy.backends").setLevel(logging.ERROR)

    async def run() -> Result:
        task = asyncio.ensure_future(work)
        received: list[int] = []

        def interrupt(number: int) -> None:
            # Once: a second signal must not break off the cleaning up.
            if not received:
                received.append(number)
                task.cancel()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt, number)
        try:
            return await task
        except asyncio.CancelledError:
            raise Interrupted(received[0] if received else signal.SIGINT) from None

    result: Result = uvloop.run(run())
    return result


@asynccontextmanager
async def connected(store: CatalogStore, config: Config) -> AsyncIterator[Mapping[str, Backend]]:
    """Backends of all registered workers, for loading.

    Raises:
        QproxyError: a worker is embedded in another process.
    """
    backends = {name: _backend(worker, config) for name, worker in store.workers().items()}
    try:
        yield backends
    finally:
        for backend in backends.values():
            await backend.close()


def patience(config: Config) -> float:
    """Seconds that proxies are given to notice a change and to end their queries on what went out of use."""
    return 3 * config.catalog.refresh_seconds + 2


def _backend(worker: Worker, config: Config) -> Backend:
    from qproxy.backends.mariadb import MariaDBBackend

    if worker.kind != "mariadb":
        raise QproxyError(
            f"worker '{worker.name}' is embedded ({worker.kind}): it cannot be loaded from another process"
        )
    return MariaDBBackend(worker, config.ingest.load_connections, config.workers.connect_timeout)
