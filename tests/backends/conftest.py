"""A private MariaDB and the embedded engine, holding the same rows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from qproxy.backends.duckdb.backend import DuckDBBackend
from tests.backends.duckdb_pair import Pair
from tests.harness.mariadbd import running_server


@pytest_asyncio.fixture(scope="session")
async def pair() -> AsyncIterator[Pair]:
    backend = DuckDBBackend("embedded")
    with running_server() as server:
        made = Pair(server, backend)
        await made.fill()
        yield made
    await backend.close()
