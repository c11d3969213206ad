"""A small real catalogue on private servers, each behind a fault proxy: for tests of the row path under fire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from qproxy.backends.base import Backend
from qproxy.backends.mariadb import MariaDBBackend
from qproxy.catalog.model import Worker
from qproxy.catalog.store import CatalogStore
from qproxy.config import Config
from qproxy.ingest.run import ingest
from qproxy.service.app import connect, running
from qproxy.wire.server import Server as Proxy
from tests.harness.faults import FaultProxy
from tests.harness.mariadbd import Server, start, temporary_directory

#: Rows of each Object table, and of the regular table that multiplies them.
ROWS = 20_000
FACTORS = 50

_DESCRIPTION = """\
database: {database}
family: {{stripes: {stripes}, sub_stripes: 3, overlap: 0.01}}
tables:
  Object:
    kind: director
    id: id
    lon: ra
    lat: decl
    columns:
      - {{name: id, type: BIGINT NOT NULL}}
      - {{name: ra, type: DOUBLE NOT NULL}}
      - {{name: decl, type: DOUBLE NOT NULL}}
      - {{name: pad, type: VARCHAR({width})}}
    files: [object.tsv]
    format: {{kind: csv}}
  Factor:
    {{kind: regular, columns: [{{name: n, type: INT}}], files: [factor.tsv], format: {{kind: csv}}}}
"""


@dataclass
class Small:
    """Three workers w0, w1, w2; database ``two`` with two replicas of each chunk, ``one`` with one.

    Attributes:
        servers, faults: by worker name; the backends go through the fault proxies.
    """

    store: CatalogStore
    directory: Path
    servers: dict[str, Server] = field(default_factory=dict)
    faults: dict[str, FaultProxy] = field(default_factory=dict)
    backends: dict[str, Backend] = field(default_factory=dict)

    async def load(
        self, database: str, stripes: int, replicas: int, *, width: int = 120, replace: bool = False
    ) -> None:
        """Ingest the catalogue once more, as another database, or in place of one.

        Args:
            width: characters that the column ``pad`` may have.
        """
        folder = self.directory / "files"
        folder.mkdir(exist_ok=True)
        random = np.random.default_rng(5)
        lon = random.uniform(0, 360, ROWS).tolist()
        lat = np.degrees(np.arcsin(random.uniform(-1, 1, ROWS))).tolist()
        lines = [f"{i}\t{x!r}\t{y!r}\t{'pad' * 40}\n" for i, (x, y) in enumerate(zip(lon, lat, strict=True))]
        (folder / "object.tsv").write_text("".join(lines))
        (folder / "factor.tsv").write_text("".join(f"{n}\n" for n in range(FACTORS)))
        path = folder / f"{database}.yaml"
        path.write_text(_DESCRIPTION.format(database=database, stripes=stripes, width=width))
        await ingest(path, self.store, self.backends, replicas=replicas, replace=replace, max_bad_rows=0, engine="Aria")

    def kill(self, name: str) -> None:
        """End a worker as a crash would."""
        self.servers[name].kill()

    async def restart(self, name: str) -> None:
        """Start a killed worker again, on its port and data."""
        server = self.servers[name]
        self.servers[name] = await asyncio.to_thread(start, server.directory, port=server.port)

    def running(self, text: str) -> int:
        """How many statements that hold a text run on the workers."""
        found = 0
        for server in self.servers.values():
            with closing(server.connect()) as connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE %s AND ID <> CONNECTION_ID()",
                    (f"%{text}%",),
                )
                found += int(cursor.fetchone()[0])
        return found

    @property
    def delivered(self) -> int:
        """Bytes that all workers handed out so far."""
        return sum(fault.delivered for fault in self.faults.values())


@asynccontextmanager
async def small_cluster() -> AsyncIterator[Small]:
    """Three servers with the two databases loaded, gone afterwards."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(temporary_directory())
        store = stack.enter_context(CatalogStore.open(f"sqlite:///{directory}/catalog.sqlite"))
        small = Small(store, directory)
        for name in ("w0", "w1", "w2"):
            small.servers[name] = await asyncio.to_thread(start, directory / name)
            stack.callback(lambda n=name: small.servers[n].stop())
            small.faults[name] = await stack.enter_async_context(FaultProxy(small.servers[name].port))
            worker = Worker(name, port=small.faults[name].port, user=small.servers[name].user)
            store.add_worker(worker)
            backend = MariaDBBackend(worker, connect_timeout=2.0)
            stack.push_async_callback(backend.close)
            small.backends[name] = backend
        await small.load("two", 6, 2)
        await small.load("one", 5, 1)
        yield small


@asynccontextmanager
async def serving(small: Small, config: Config) -> AsyncIterator[tuple[Proxy, dict[str, Backend]]]:
    """A proxy on the small cluster, which the user ``qproxy`` may read all of, with backends of its own."""
    if small.store.find_user("qproxy") is None:
        small.store.add_user("qproxy", None, loopback_only=True, databases=("*",))
    backends = connect(small.store.workers(), config)
    try:
        async with running(config, small.store, backends, "127.0.0.1", 0) as server:
            yield server, backends
    finally:
        await asyncio.gather(*(backend.close() for backend in backends.values()))


@asynccontextmanager
async def proxied(small: Small, config: Config) -> AsyncIterator[Proxy]:
    """A proxy as `serving` makes it, for those who look at nothing behind it."""
    async with serving(small, config) as (server, _):
        yield server


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> float:
    """Wait for a condition, looked at in a thread.

    Returns:
        The seconds that it took.
    """
    began = time.monotonic()
    while not await asyncio.to_thread(condition):
        assert time.monotonic() - began < seconds, "it did not come to pass in time"
        await asyncio.sleep(0.02)
    return time.monotonic() - began
