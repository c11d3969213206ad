"""A running proxy over simulated workers that hold some chunks of a fine family."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.systems import Endpoint, proxy_process
from qproxy.catalog.model import ChunkRows, Column, Database, DirectorIndex, Family, Table, TableKind, Worker
from qproxy.catalog.store import CatalogStore
from qproxy.sky.chunker import Chunker

DATABASE = "sky"
FAMILY = Family(340, 3, 0.01667)
#: Simulated workers in one process.
_PER_PROCESS = 250
_USER = "bench"
_COLUMNS = (("objectId", "bigint(20)"), ("ra", "double"), ("decl", "double"), ("gFlux", "double"))


@dataclass(frozen=True)
class Sky:
    """What is simulated.

    Attributes:
        chunks: that exist, spread over the whole sky.
        workers: that hold them, each chunk one of them.
        rows: stored rows that the catalogue tells of a chunk.
        delay: seconds that a worker takes for a statement.
    """

    chunks: int
    workers: int
    rows: int = 1
    delay: float = 0.005


def all_chunks() -> int:
    """Chunks of the whole sky."""
    return len(Chunker(FAMILY.stripes, FAMILY.sub_stripes).all_chunks())


@contextmanager
def running(sky: Sky) -> Iterator[Endpoint]:
    """The proxy, in a process of its own, and the workers behind it; all gone afterwards."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qproxy-bench-")))
        for first in range(0, sky.workers, _PER_PROCESS):
            stack.enter_context(_workers(home, first, min(_PER_PROCESS, sky.workers - first), sky.delay))
        _publish(home, sky)
        config = home / "qproxy.toml"
        config.write_text(f'[catalog]\nurl = "sqlite:///{home}/catalog.sqlite"\n[log]\nqueries = false\n')
        yield stack.enter_context(proxy_process(config, _USER))


@contextmanager
def _workers(home: Path, first: int, count: int, delay: float) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.simulator.workers", str(home), str(first), str(count), str(delay)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("simulated workers did not start; their own words stand above")
            yield
        finally:
            process.kill()
            process.wait()


def _publish(home: Path, sky: Sky) -> None:
    """Make the catalogue as loading would have made it."""
    chunker = Chunker(FAMILY.stripes, FAMILY.sub_stripes)
    every = np.sort(np.asarray(chunker.all_chunks(), np.int32))
    chunks = every[np.linspace(0, len(every) - 1, min(sky.chunks, len(every))).astype(np.int64)]
    count = len(chunks)
    held = ChunkRows(chunks, np.full(count, sky.rows, np.int64), np.ones(count, np.bool_))
    names = tuple(f"w{n}" for n in range(sky.workers))
    with CatalogStore.open(f"sqlite:///{home}/catalog.sqlite") as store:
        for name in names:
            store.add_worker(Worker(name, socket=str(home / name)))
        generation = store.begin_database(DATABASE, FAMILY, replace=False)
        store.place_chunks(FAMILY, chunks, 1)
        table = Table(
            DATABASE,
            "Object",
            TableKind.DIRECTOR,
            tuple(Column(name, kind, kind) for name, kind in _COLUMNS),
            id="objectId",
            lon="ra",
            lat="decl",
            chunk_rows=held,
            index=DirectorIndex(tuple((name,) for name in names)),
            total_rows=count * sky.rows,
        )
        store.publish(Database(DATABASE, generation.physical, FAMILY, {"Object": table}))
        store.add_user(_USER, None, loopback_only=True, databases=("*",))
