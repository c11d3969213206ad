"""Relay: blocks pass through; of a LIMIT with OFFSET the first rows are skipped and the last ones cut off."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from qproxy.planner.plan import Relay
from qproxy.wire.rowblock import Blocks, RowBlock


def relay(merge: Relay, blocks: Blocks) -> Blocks:
    """The rows within limit and offset; what gives the blocks is closed with it."""
    return blocks if merge.limit is None and not merge.offset else _cut(merge, blocks)


async def _cut(merge: Relay, blocks: Blocks) -> AsyncGenerator[RowBlock, None]:
    skip = merge.offset
    left = merge.limit
    async with aclosing(blocks):
        async for block in blocks:
            if skip:
                skipped = min(skip, block.rows)
                block = block.tail(skipped)
                skip -= skipped
            if left is not None:
                block = block.head(left)
                left -= block.rows
            if block.rows:
                yield block
            if left == 0:
                return
