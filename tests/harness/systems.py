"""qproxy as a client meets it: the corpus catalogue ingested, and a proxy that listens on loopback."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from qproxy.backends.base import Backend
from qproxy.backends.duckdb.backend import DuckDBBackend
from qproxy.catalog.model import Worker
from qproxy.catalog.store import CatalogStore
from qproxy.cluster.commands import down, up
from qproxy.config import Config, load_config
from qproxy.ingest.run import ingest
from qproxy.service.app import connect, running
from tests.harness.data import Catalogue
from tests.harness.files import Striping, write_descriptions
from tests.harness.mariadbd import quick_directory, temporary_directory

USER = "qproxy"
WORKERS = 3
REPLICAS = 2

#: Seconds within which a proxy must stop.
STOP_SECONDS = 60.0


@contextmanager
def clustered(
    catalogue: Catalogue, striping: Striping, passwords: Mapping[str, str] = MappingProxyType({})
) -> Iterator[int]:
    """A proxy over three private MariaDB workers with two replicas of each chunk.

    Args:
        passwords: of further users, who log in by caching_sha2_password alone.

    Yields:
        The port of the proxy.
    """
    with quick_directory() as directory:
        cluster = directory / "c"
        try:
            config = load_config(up(cluster, WORKERS))
            with CatalogStore.open(config.catalog.url) as store:
                for user, password in passwords.items():
                    store.add_user(user, password, native=False, databases=("*",))
                backends = connect(store.workers(), config)
                with _served(catalogue, striping, directory / "files", config, store, backends, REPLICAS) as port:
                    yield port
        finally:
            if cluster.exists():
                down(cluster)


@contextmanager
def embedded(catalogue: Catalogue, striping: Striping) -> Iterator[int]:
    """A proxy over the embedded engine, in memory.

    Yields:
        The port of the proxy.
    """
    with temporary_directory() as directory, CatalogStore.open(f"sqlite:///{directory}/catalog.sqlite") as store:
        store.add_worker(Worker("embedded", "duckdb"))
        store.add_user(USER, None, loopback_only=True, databases=("*",))
        backends: dict[str, Backend] = {"embedded": DuckDBBackend("embedded")}
        with _served(catalogue, striping, directory / "files", Config(), store, backends, 1) as port:
            yield port


@contextmanager
def _served(
    catalogue: Catalogue,
    striping: Striping,
    directory: Path,
    config: Config,
    store: CatalogStore,
    backends: dict[str, Backend],
    replicas: int,
) -> Iterator[int]:
    """Ingest and serve on an event loop in a thread of its own: clients of the tests wait in this one."""

    async def serve(ready: Callable[[int], None], stop: asyncio.Event) -> None:
        try:
            for description in write_descriptions(directory, catalogue, striping):
                await ingest(
                    description,
                    store,
                    backends,
                    replicas=replicas,
                    replace=False,
                    max_bad_rows=0,
                    engine=config.ingest.engine,
                )
            async with running(config, store, backends, "127.0.0.1", 0) as server:
                ready(server.port)
                await stop.wait()
        finally:
            await asyncio.gather(*(backend.close() for backend in backends.values()))

    with _in_thread(serve) as port:
        yield port


@contextmanager
def _in_thread(serve: Callable[[Callable[[int], None], asyncio.Event], Awaitable[None]]) -> Iterator[int]:
    started = threading.Event()
    ports: list[int] = []
    failures: list[BaseException] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def ready(port: int) -> None:
        ports.append(port)
        started.set()

    def run() -> None:
        try:
            loop.run_until_complete(serve(ready, stop))
        except BaseException as error:  # carried over to the thread of the tests
            failures.append(error)
        finally:
            started.set()
            loop.close()

    thread = threading.Thread(target=run, name="proxy under test", daemon=True)
    thread.start()
    started.wait()
    if not ports:
        thread.join(STOP_SECONDS)
        raise failures[0]
    try:
        yield ports[0]
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        thread.join(STOP_SECONDS)
        assert not thread.is_alive(), "the proxy did not stop"
        if failures:
            raise failures[0]
