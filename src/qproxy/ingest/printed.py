"""A table's CREATE statement in the letters of MariaDB, which SHOW CREATE TABLE repeats to users."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from qproxy.backends.base import DEFAULT_SETTINGS, Backend
from qproxy.errors import SQLError, WorkerError
from qproxy.ingest.ddl import public_table, qualified
from qproxy.ingest.description import TableSpec
from qproxy.wire.rowblock import decode_rows


async def printed(table: TableSpec, backends: Iterable[Backend], physical: str, engine: str) -> str:
    """The statement as the first worker prints it that can; ours where none does, as the embedded engine.

    Args:
        table: whose public table lies on every worker.
        backends: the workers.
        physical: database on the workers.
        engine: storage engine.
    """
    sql = f"SHOW CREATE TABLE {qualified(physical, table.name)}"
    for backend in backends:
        with contextlib.suppress(SQLError, WorkerError):
            async with backend.query(sql, DEFAULT_SETTINGS) as stream:
                rows = [row async for block in stream for row in decode_rows(block)]
            if rows and rows[0][1] is not None:
                return rows[0][1].decode()
    return public_table(f"`{table.name}`", table, engine)
