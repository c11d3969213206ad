"""Counting: a database is published only when every table of every replica has the rows that it must have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qproxy.backends.base import DEFAULT_SETTINGS, Backend
from qproxy.errors import QproxyError
from qproxy.ingest.ddl import qualified
from qproxy.ingest.load import Loads, TableLoad, on_workers
from qproxy.wire.rowblock import decode_rows

#: Tables that one statement counts.
TABLES_A_STATEMENT = 100


async def count(backend: Backend, physical: str, loads: Sequence[TableLoad]) -> list[int]:
    """Rows that the tables have, in their order."""
    found: dict[int, int] = {}
    for start in range(0, len(loads), TABLES_A_STATEMENT):
        parts = (
            f"SELECT {start + i} AS n, COUNT(*) AS c FROM {qualified(physical, load.table)}"
            for i, load in enumerate(loads[start : start + TABLES_A_STATEMENT])
        )
        sql = backend.translate(" UNION ALL ".join(parts))
        async with backend.query(sql, DEFAULT_SETTINGS) as stream:
            async for block in stream:
                for number, rows in decode_rows(block):
                    found[int(number or -1)] = int(rows or -1)
    return [found.get(i, -1) for i in range(len(loads))]


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
        for load, rows in zip(expected, await count(backend, physical, expected), strict=True):
            if rows != load.rows:
                wrong.append(f"worker '{backend.name}', {load.table}: {rows} rows instead of {load.rows}")

    await on_workers(backends, one_worker)
    if wrong:
        shown = "\n  ".join(wrong[:10])
        raise QproxyError(f"{len(wrong)} tables have lost or gained rows; nothing is published:\n  {shown}")
