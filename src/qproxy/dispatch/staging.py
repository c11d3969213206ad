"""Scratch tables of one query: rows that were read first, put on a worker when a statement there needs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from qproxy.backends.base import Backend, ScratchTable, SessionSettings
from qproxy.dispatch.spool import Spool
from qproxy.errors import SQLError, WorkerError
from qproxy.wire.rowblock import RowBlock, decode_rows

#: Ids that the director index is asked for one by one at most.
MOST_IDS = 100_000


@dataclass(frozen=True)
class Staged:
    """The rows of a query that was answered first.

    Attributes:
        table: that takes them.
    """

    table: ScratchTable
    rows: Spool


class Staging:
    """What a query has read first.

    Attributes:
        settings: session variables with which scratch tables are made.

    Args:
        later: runs what the query need not wait for.
    """

    def __init__(self, settings: SessionSettings, later: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self.settings = settings
        self._later = later
        self._staged: list[Staged] = []
        self._made: dict[str, set[str]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._backends: dict[str, Backend] = {}

    async def take(self, table: ScratchTable, rows: AsyncGenerator[RowBlock, None], spool: Spool, limit: int) -> None:
        """Read the rows of a scratch table to come.

        Args:
            limit: most bytes of them.

        Raises:
            SQLError: 1104 where there are more.
        """
        try:
            await self._fill(spool, rows, limit)
        except BaseException:
            spool.close()
            raise
        # Not before it is full: its own query asks for all that is staged.
        self._staged.append(Staged(table, spool))

    @staticmethod
    async def _fill(spool: Spool, rows: AsyncGenerator[RowBlock, None], limit: int) -> None:
        async with aclosing(rows):
            async for block in rows:
                spool.add(block)
                if spool.nbytes > limit:
                    raise SQLError(
                        1104,
                        f"a part of the query that must be read before the rest gives more than {limit >> 20} MB "
                        "(merge.share_limit_mb where every worker needs it, else merge.gather_limit_mb); restrict it "
                        "by area or id, or join its tables by their director ids",
                    )

    def ids(self, table: str, integer: bool) -> list[int | str | None] | None:
        """The first column of a scratch table to come.

        Args:
            integer: whether it should hold integers.

        Returns:
            None where the rows are too many to be asked for one by one, or no integers.
        """
        rows = next(s.rows for s in self._staged if s.table.name == table)
        if rows.rows > MOST_IDS:
            return None
        found: list[int | str | None] = []
        for block in rows.again():
            for value, *_ in decode_rows(block):
                if value is None:
                    found.append(None)
                elif not integer:
                    found.append(value.decode())
                elif value.lstrip(b"-").isdigit():
                    found.append(int(value))
                else:
                    return None
        return found

    async def on(self, backend: Backend) -> None:
        """Make sure that a worker has all scratch tables.

        Raises:
            WorkerError, SQLError: as `Backend.share`.
        """
        made = self._made.setdefault(backend.name, set())
        if len(made) == len(self._staged):
            return
        async with self._locks.setdefault(backend.name, asyncio.Lock()):
            self._backends[backend.name] = backend
            for staged in self._staged:
                name = staged.table.name
                if name in made:
                    continue
                try:
                    await backend.share(staged.table, staged.rows.again(), self.settings)
                except (WorkerError, SQLError):
                    # It may be half filled: whoever comes next must find none.
                    await self._drop(backend, [name])
                    raise
                except BaseException:
                    self._later(self._drop(backend, [name]))
                    raise
                # Not before it is full: others look whether it is there.
                made.add(name)

    def close(self) -> None:
        """Give up the rows, and drop the tables behind the query's back."""
        for staged in self._staged:
            staged.rows.close()
        for name, backend in self._backends.items():
            if self._made[name]:
                self._later(self._drop(backend, sorted(self._made[name])))

    @staticmethod
    async def _drop(backend: Backend, tables: list[str]) -> None:
        try:
            for table in tables:
                await backend.execute(f"DROP TABLE IF EXISTS {table}")
        except (WorkerError, SQLError):
            # What a worker keeps, it is freed of when a proxy next finds it there.
            return
