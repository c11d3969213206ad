"""Clients that rest in the midst of an answer must not keep from others what the rest of it holds.

Rows that nobody takes hold back the statement that makes them, and its connection to the worker. That is as it should
be until somebody else waits for a connection: then the rest is read and kept, and the connection is free.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator

from qproxy.dispatch.spool import Spool
from qproxy.wire.rowblock import Blocks, RowBlock

#: A client that has taken nothing for so long rests. Seconds.
PATIENCE = 0.2


async def wanted_or_crowded(wanted: asyncio.Event, crowded: Callable[[], bool]) -> bool:
    """Wait until rows are wanted, or their place.

    Args:
        wanted: set when the client can take more.
        crowded: whether others wait for what is held; looked at while the client rests.

    Returns:
        Whether the place is wanted rather than the rows.
    """
    while not wanted.is_set():
        limit = asyncio.timeout(PATIENCE)
        try:
            async with limit:
                await wanted.wait()
        except TimeoutError:
            if not limit.expired():
                raise
            if crowded():
                return True
    return False


async def unhurried(
    blocks: Blocks, crowded: Callable[[], bool], room: Callable[[], Spool]
) -> AsyncGenerator[RowBlock, None]:
    """The blocks as they are asked for; where nobody asks and others wait, they are read ahead until somebody does.

    Args:
        blocks: closed with this.
        crowded: whether others wait for what ``blocks`` holds.
        room: gives a place for what is read ahead.

    Raises:
        SQLError: as ``blocks``; 1021 where there is no room on disk for what is read ahead.
    """
    ahead = _Ahead(blocks, crowded, room)
    try:
        while (block := await ahead.next()) is not None:
            ahead.watch()
            yield block
            await ahead.stop()
    finally:
        await ahead.close()
        await blocks.aclose()


class _Ahead:
    """Reads ahead while the consumer rests."""

    def __init__(self, blocks: Blocks, crowded: Callable[[], bool], room: Callable[[], Spool]) -> None:
        self._blocks = blocks
        self._crowded = crowded
        self._room = room
        self._complete = False
        self._kept: deque[tuple[Spool, Iterator[RowBlock]]] = deque()
        self._wanted = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def next(self) -> RowBlock | None:
        """The next block, read ahead or not; None behind the last."""
        while self._kept:
            block = next(self._kept[0][1], None)
            if block is not None:
                return block
            self._kept.popleft()
        return None if self._complete else await anext(self._blocks, None)

    def watch(self) -> None:
        """The consumer has its block, and may rest now."""
        if not self._complete:
            self._wanted.clear()
            # Most ask again before a task were worth its while.
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._start)

    async def stop(self) -> None:
        """The consumer asks again."""
        self._wanted.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None:
            task = self._task
            # Cancelled with us, and looked at by `close`.
            await task
            self._task = None

    async def close(self) -> None:
        """Read no further and forget what was read."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for spool, _ in self._kept:
            spool.close()

    def _start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        if not await wanted_or_crowded(self._wanted, self._crowded):
            return
        spool = self._room()
        try:
            while not self._wanted.is_set():
                block = await anext(self._blocks, None)
                if block is None:
                    self._complete = True
                    break
                spool.add(block)
        except BaseException:
            spool.close()
            raise
        self._kept.append((spool, spool.blocks()))
