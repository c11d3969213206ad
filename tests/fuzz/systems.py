"""What random queries are put to: two plain servers with the same rows, and a proxy in a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

from qproxy.catalog.store import CatalogStore
from qproxy.cluster.commands import down, up
from qproxy.config import load_config
from qproxy.ingest.run import ingest
from qproxy.service.app import connect as backends_of
from tests.fuzz.ports import Ports
from tests.harness.answers import connect
from tests.harness.data import Catalogue, shuffled
from tests.harness.files import Striping, write_descriptions
from tests.harness.mariadbd import free_port, quick_directory
from tests.harness.oracle import running_oracle

WORKERS = 2
REPLICAS = 1

#: Seconds in which a proxy must be up, and down again.
START_SECONDS = 30.0
STOP_SECONDS = 30.0


@contextmanager
def systems(catalogue: Catalogue, striping: Striping) -> Iterator[Ports]:
    """All three, with the catalogue loaded."""
    with (
        running_oracle(catalogue) as oracle,
        running_oracle(shuffled(catalogue), "--default-storage-engine=MyISAM") as twin,
        _proxy(catalogue, striping) as port,
    ):
        yield Ports(oracle.port, twin.port, port)


@contextmanager
def _proxy(catalogue: Catalogue, striping: Striping) -> Iterator[int]:
    with quick_directory() as directory:
        cluster = directory / "c"
        try:
            path = up(cluster, WORKERS)
            path.write_text(path.read_text() + "\n[log]\nqueries = false\n")
            asyncio.run(_load(path, directory / "files", catalogue, striping))
            with _serving(path) as port:
                yield port
        finally:
            if cluster.exists():
                down(cluster)


async def _load(path: Path, files: Path, catalogue: Catalogue, striping: Striping) -> None:
    config = load_config(path)
    with CatalogStore.open(config.catalog.url) as store:
        backends = backends_of(store.workers(), config)
        try:
            for description in write_descriptions(files, catalogue, striping):
                await ingest(
                    description,
                    store,
                    backends,
                    replicas=REPLICAS,
                    replace=False,
                    max_bad_rows=0,
                    engine=config.ingest.engine,
                )
        finally:
            await asyncio.gather(*(backend.close() for backend in backends.values()))


@contextmanager
def _serving(config: Path) -> Iterator[int]:
    """A proxy as it is started from a shell."""
    port = free_port()
    program = Path(sys.executable).parent / "qproxy"
    log = config.with_name("proxy.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "serve", "--config", config, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_until_up(process, port, log)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connect(port, None).close()
            return
        except pymysql.err.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the proxy does not answer: {error}\n{log.read_text()[-2000:]}") from error
        time.sleep(0.05)
