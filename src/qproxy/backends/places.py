"""Places for so many statements at a time; who waits for one is known."""

from __future__ import annotations

import asyncio


class Places:
    """An async context manager: entering it takes a place, leaving it gives it back.

    Args:
        number: of places.
    """

    def __init__(self, number: int) -> None:
        self._free = asyncio.Semaphore(number)
        self._waiting = 0

    @property
    def crowded(self) -> bool:
        """Whether somebody waits."""
        return self._waiting > 0

    async def enter(self) -> None:
        """Take a place, as soon as there is one."""
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1

    def leave(self) -> None:
        """Give it back."""
        self._free.release()

    async def __aenter__(self) -> None:
        await self.enter()

    async def __aexit__(self, *_: object) -> None:
        self.leave()
