"""Counting: a database is published only when every table of every replica has the rows that it must have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qproxy.backends.base import Backend
from qproxy.errors import QproxyError
from qproxy.ingest.load import Loads, on_workers


async def verify(loads: Sequence[Loads], backends: Mapping[str, Backend], physical: str) -> None:
    """Compare the rows of all tables on all workers with what was sent there.

    Args:
        loads: everything that was loaded.
        backends: by worker.
        physical: database on the workers.

    Raises:
        QproxyError: a table has another number of rows; names the first few.
    """
    wrong: list[str] = []

    async def one_worker(backend: Backend) -> None:
        expected = [load for part in loads for load in part.get(backend.name, ())]
        found = await backend.count(physical, [load.table for load in expected])
        for load, rows in zip(expected, found, strict=True):
            if rows != load.rows:
                wrong.append(f"worker '{backend.name}', {load.table}: {rows} rows instead of {load.rows}")

    await on_workers(backends, one_worker)
    if wrong:
        shown = "\n  ".join(wrong[:10])
        raise QproxyError(f"{len(wrong)} tables have lost or gained rows; nothing is published:\n  {shown}")
