"""Scratch tables of one query: rows that were read first, put on a worker when a statement there needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from qproxy.backends.base import Backend, ScratchTable, SessionSettings
from qproxy.dispatch.spool import Spool
from qproxy.errors import SQLError, WorkerError
from qproxy.wire.rowblock import Blocks, decode_rows

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
        self._making: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._backends: dict[str, Backend] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing is staged."""
        return not self._staged

    async def take(self, table: ScratchTable, rows: Blocks, spool: Spool, limit: int) -> None:
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
    async def _fill(spool: Spool, rows: Blocks, limit: int) -> None:
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
        for staged in self._staged:
            place = (backend.name, staged.table.name)
            if place not in self._making:
                self._backends[backend.name] = backend
                self._making[place] = asyncio.get_running_loop().create_task(self._make(backend, staged))
            try:
                # Whoever waits may be stopped, as others wait for the same table.
                await asyncio.shield(self._making[place])
            except (WorkerError, SQLError):
                self._making.pop(place, None)
                raise

    async def _make(self, backend: Backend, staged: Staged) -> None:
        try:
            await backend.share(staged.table, staged.rows.again(), self.settings)
        except (WorkerError, SQLError):
            # It may be half filled: whoever comes next must find none.
            await self._drop(backend, staged.table.name)
            raise

    def close(self) -> None:
        """Give up the rows, and drop the tables behind the query's back."""
        if not self._staged and not self._making:
            return
        self._later(self._give_up())

    async def _give_up(self) -> None:
        for task in self._making.values():
            task.cancel()
        await asyncio.gather(*self._making.values(), return_exceptions=True)
        for staged in self._staged:
            staged.rows.close()
        for name, table in self._making:
            await self._drop(self._backends[name], table)

    @staticmethod
    async def _drop(backend: Backend, table: str) -> None:
        try:
            await backend.execute(f"DROP TABLE IF EXISTS {table}")
        except (WorkerError, SQLError):
            # What a worker keeps, it is freed of when a proxy next finds it there.
            return
