"""Reading ahead of a client that rests: only while others wait, and never out of order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from qproxy.dispatch.spool import Disk, Spool
from qproxy.dispatch.unhurried import PATIENCE, unhurried
from qproxy.errors import SQLError
from qproxy.wire.rowblock import RowBlock, decode_rows, encode_rows

BLOCKS = 20


class Source:
    """Numbered blocks of one row; remembers how many were taken, and whether it was closed."""

    def __init__(self, fail_at: int = -1) -> None:
        self.given = 0
        self.closed = False
        self._fail_at = fail_at

    async def blocks(self) -> AsyncGenerator[RowBlock, None]:
        try:
            for number in range(BLOCKS):
                if number == self._fail_at:
                    raise SQLError(1105, "broken")
                self.given += 1
                yield encode_rows([[str(number).encode()]])
                await asyncio.sleep(0)
        finally:
            self.closed = True


def spool() -> Spool:
    return Spool(20)


def number(block: RowBlock) -> int:
    return int(next(iter(decode_rows(block)))[0] or 0)


async def test_nobody_waits_nothing_is_read_ahead() -> None:
    source = Source()
    found = []
    async with aclosing(unhurried(source.blocks(), lambda: False, spool)) as blocks:
        async for block in blocks:
            if not found:
                await asyncio.sleep(3 * PATIENCE)
                assert source.given == 1
            found.append(number(block))
    assert found == list(range(BLOCKS))


async def test_others_wait_and_all_is_read_and_closed() -> None:
    source = Source()
    found = []
    async with aclosing(unhurried(source.blocks(), lambda: True, spool)) as blocks:
        async for block in blocks:
            if not found:
                await asyncio.sleep(3 * PATIENCE)
                assert source.closed
            found.append(number(block))
    assert found == list(range(BLOCKS))


async def test_rests_of_any_length_keep_the_order() -> None:
    source = Source()
    rests = iter([0.0, 1.05, 0.0, 1.5, 0.2, 2.5] + [0.0] * BLOCKS)
    found = []
    async with aclosing(unhurried(source.blocks(), lambda: source.given % 3 == 0, spool)) as blocks:
        async for block in blocks:
            found.append(number(block))
            await asyncio.sleep(next(rests) * PATIENCE)
    assert found == list(range(BLOCKS))


async def test_what_fails_ahead_is_told() -> None:
    found = []
    with pytest.raises(SQLError, match="broken"):
        async with aclosing(unhurried(Source(fail_at=5).blocks(), lambda: True, spool)) as blocks:
            async for block in blocks:
                found.append(number(block))
                await asyncio.sleep(2.5 * PATIENCE)
    assert found == [0]


async def test_given_up_at_any_moment_leaves_nothing() -> None:
    disk = Disk(1 << 20)
    for rest in (0.0, 1.0, 2.5):
        source = Source()
        async with aclosing(unhurried(source.blocks(), lambda: True, lambda: Spool(20, None, disk))) as blocks:
            await anext(blocks)
            await asyncio.sleep(rest * PATIENCE)
        assert source.closed
        assert disk.used == 0
