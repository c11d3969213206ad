"""The demo put together: a catalogue store in memory, one embedded engine, the sample loaded into it."""

from __future__ import annotations

import asyncio
import shutil
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from qproxy.backends.base import Backend
from qproxy.backends.duckdb.backend import DuckDBBackend
from qproxy.catalog.model import Worker
from qproxy.catalog.store import CatalogStore
from qproxy.catalog.users import ALL
from qproxy.demo.detections import write_detections
from qproxy.ingest.run import ingest

WORKER = "embedded"
USER = "demo"
_FILES = ("demo.yaml", "tycho2_bright.parquet", "band.tsv")


async def build_demo(url: str = "sqlite://") -> tuple[CatalogStore, dict[str, Backend]]:
    """Load the demo's database into an embedded engine.

    Args:
        url: of the catalogue store; by default one in memory.

    Returns:
        The store, with the user ``demo`` (no password, loopback only), and the backends by worker name.
        The caller closes both.

    Raises:
        QproxyError: the sample could not be loaded, e.g. because the disk is full.
    """
    store = CatalogStore.open(url)
    backends: dict[str, Backend] = {WORKER: DuckDBBackend(WORKER)}
    try:
        store.add_worker(Worker(WORKER, "duckdb"))
        store.add_user(USER, None, loopback_only=True, databases=(ALL,))
        with TemporaryDirectory(prefix="qproxy-demo-") as directory:
            description = await asyncio.to_thread(_lay_out, Path(directory))
            await ingest(
                description,
                store,
                backends,
                replicas=1,
                replace=False,
                max_bad_rows=0,
                engine="Aria",
                folder=Path(directory),
            )
    except BaseException:
        await backends[WORKER].close()
        store.close()
        raise
    return store, backends


def _lay_out(directory: Path) -> Path:
    """Put the description and its files into a directory, the synthetic ones made there."""
    for name in _FILES:
        with as_file(files("qproxy") / "data" / name) as source:
            shutil.copyfile(source, directory / name)
    write_detections(directory / "tycho2_bright.parquet", directory / "detection.parquet")
    return directory / "demo.yaml"
