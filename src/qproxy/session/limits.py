"""Limits that a session sets on its statements: how long one may take, how many rows it gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from qproxy.errors import SQLError
from qproxy.session.variables import Variables
from qproxy.wire.rowblock import Blocks, RowBlock

#: What sql_select_limit is where nobody has set it (MariaDB Knowledge Base, "sql_select_limit").
_NO_LIMIT = (1 << 64) - 1


def select_limit(variables: Variables) -> int | None:
    """Rows that a SELECT without a LIMIT gives at most; None for all."""
    limit = variables.get("sql_select_limit")
    return None if limit is None or int(limit) >= _NO_LIMIT else int(limit)


def deadline(variables: Variables) -> float | None:
    """When a statement that begins now must be done, by the event loop's clock; None for no end."""
    seconds = float(variables.get("max_statement_time") or 0)
    return asyncio.get_running_loop().time() + seconds if seconds else None


@asynccontextmanager
async def until(moment: float | None) -> AsyncIterator[None]:
    """Interrupt what takes longer.

    Raises:
        SQLError: 1969.
    """
    try:
        async with asyncio.timeout_at(moment):
            yield
    except TimeoutError as error:
        raise _out_of_time() from error


def timed(blocks: Blocks, moment: float | None, rests: bool = False) -> Blocks:
    """The blocks, as long as there is time; behind it they are closed, though their consumer may rest.

    Args:
        rests: whether the time in which the consumer does not wait for a block, from now on, does not count: MariaDB
            runs the statement of a cursor to its end when it is opened, and then takes no time for it.

    Raises:
        SQLError: 1969.
    """
    if moment is None:
        return blocks
    now = asyncio.get_running_loop().time()
    return _rested(blocks, moment, now) if rests else _timed(blocks, moment)


async def _rested(blocks: Blocks, moment: float, since: float) -> AsyncGenerator[RowBlock, None]:
    clock = asyncio.get_running_loop().time
    async with aclosing(blocks):
        while True:
            moment += clock() - since
            try:
                async with until(moment):
                    block = await anext(blocks)
            except StopAsyncIteration:
                return
            since = clock()
            yield block


async def _timed(blocks: Blocks, moment: float) -> AsyncGenerator[RowBlock, None]:
    loop = asyncio.get_running_loop()
    closing: list[asyncio.Task[None]] = []

    def close() -> None:
        closing.append(loop.create_task(blocks.aclose()))

    try:
        while True:
            try:
                async with until(moment):
                    block = await anext(blocks)
            except StopAsyncIteration:
                return
            timer = loop.call_at(moment, close)
            try:
                yield block
            finally:
                timer.cancel()
            if closing:
                raise _out_of_time()
    finally:
        await asyncio.gather(*closing)
        await blocks.aclose()


def _out_of_time() -> SQLError:
    return SQLError(1969, "Query execution was interrupted (max_statement_time exceeded)")
