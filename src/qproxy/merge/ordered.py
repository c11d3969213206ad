"""Ordered merge: rows come in any order and leave in that of their key columns; hidden ones are taken off.

What fits in memory is sorted there; of more, sorted runs go to a file and are merged from there a window at a time.
With a LIMIT nothing is kept that can be no row of the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from qproxy.errors import SQLError
from qproxy.merge.relay import relay
from qproxy.merge.rows import Rows, put_together
from qproxy.merge.runs import WINDOW, RunFile, Window, merged
from qproxy.merge.sort_keys import keyed_rows
from qproxy.planner.plan import Ordered, Relay
from qproxy.wire.rowblock import Blocks, RowBlock

#: Rows that are sorted beside the event loop, as it would stand still.
MANY = 20_000


async def ordered(
    merge: Ordered, blocks: Blocks, memory: int, limit: int, directory: Path | None = None
) -> AsyncGenerator[RowBlock, None]:
    """The rows in order.

    Args:
        merge: the keys, limit and offset.
        blocks: the rows, in whatever order; closed with it.
        memory: bytes of rows that are held at most, about.
        limit: most bytes of rows.
        directory: where more than the memory goes; None for the system's place for temporary files.

    Raises:
        SQLError: 1104 where there are more bytes than ``limit``; 1021 where no file can be written.
    """
    sorter = _Sorter(merge, memory, directory)
    used = 0
    try:
        async with aclosing(blocks):
            async for block in blocks:
                used += block.nbytes
                if used > limit:
                    raise SQLError(
                        1104,
                        f"the query has to sort more than {limit >> 20} MB (merge.gather_limit_mb); restrict it by "
                        "area or id, or give it a LIMIT",
                    )
                await sorter.add(block)
        async with aclosing(relay(Relay(merge.limit, merge.offset), sorter.blocks())) as rows:
            async for block in rows:
                yield block
    finally:
        sorter.close()


class _Sorter:
    """Takes rows in any order and gives them back sorted."""

    def __init__(self, merge: Ordered, memory: int, directory: Path | None) -> None:
        self._keys = merge.keys
        self._wanted = None if merge.limit is None else merge.limit + merge.offset
        # The other half is for what sorting takes beside the rows, and for buffers that are not full.
        self._memory = memory // 2
        self._file = RunFile(directory)
        self._runs: list[list[Window]] = []
        self._held: list[Rows] = []
        self._size = 0

    async def add(self, block: RowBlock) -> None:
        """Take rows."""
        rows = keyed_rows(block, self._keys)
        self._held.append(rows)
        self._size += rows.nbytes
        if self._size > self._memory:
            await self._make_room()

    async def blocks(self) -> AsyncGenerator[RowBlock, None]:
        """All rows, in order."""
        runs = [self._file.run(windows) for windows in self._runs]
        rows = await self._sorted()
        self._held = []
        if rows is not None:
            runs.append(rows.windows(WINDOW))
        for part in merged(runs):
            for window in part.windows(2 * WINDOW):
                yield window.block()
                await asyncio.sleep(0)

    def close(self) -> None:
        """Give the rows up."""
        self._held = []
        self._file.close()

    async def _sorted(self) -> Rows | None:
        """What is held, in order, without what cannot be wanted."""
        if not self._held:
            return None
        rows = put_together(self._held)
        rows = await asyncio.to_thread(rows.sorted) if len(rows) > MANY else rows.sorted()
        return rows if self._wanted is None else rows.part(0, self._wanted)

    async def _make_room(self) -> None:
        rows = await self._sorted()
        assert rows is not None
        self._held = []
        self._size = 0
        if self._wanted is not None and rows.nbytes < self._memory // 4:
            self._held = [rows.compact()]
            self._size = self._held[0].nbytes
            return
        run = []
        for window in rows.windows(WINDOW):
            run.append(self._file.append(window))
            # A run is long: others have their turn.
            await asyncio.sleep(0)
        self._runs.append(run)
