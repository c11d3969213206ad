"""Final statement: partial rows go into a scratch table on an engine, the merge statement runs there.

Arithmetic, collations, NULLs, decimals and dates are the engine's own by construction, never an imitation.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from uuid import uuid4

from qproxy.backends.base import Backend, SessionSettings
from qproxy.errors import SQLError, WorkerError
from qproxy.planner.plan import SCRATCH, Final
from qproxy.wire.rowblock import Blocks, RowBlock

#: Bytes of the answer that are held back: until more have come, an engine that breaks off is replaced unseen.
HELD_BACK = 1 << 20


async def final(
    merge: Final,
    columns: str,
    partial: Callable[[], Blocks],
    engines: Sequence[Backend],
    settings: SessionSettings,
    limit: int,
    prepare: Callable[[Backend], Awaitable[None]],
) -> AsyncGenerator[RowBlock, None]:
    """The rows of the merge statement over all partial rows.

    Args:
        merge: the statement.
        columns: ``merge.columns`` with the names of tables that exist on the engines.
        partial: gives the partial rows, from the beginning at each call.
        engines: those that may run it; the next one is taken where one breaks off.
        settings: session variables of the client.
        limit: most bytes of partial rows.
        prepare: makes sure that an engine has what the statement reads beside partial rows.

    Raises:
        SQLError: 1104 where the partial rows are more than ``limit``; 1105 where no engine could finish; whatever
            an engine refuses.
    """
    reasons = []
    for engine in engines:
        held: list[RowBlock] = []
        size = 0
        try:
            await prepare(engine)
            async with aclosing(_merged(merge, columns, partial, engine, settings, limit)) as rows:
                async for block in rows:
                    size += block.nbytes
                    held.append(block)
                    if size > HELD_BACK:
                        for ready in held:
                            yield ready
                        held.clear()
            for block in held:
                yield block
            return
        except WorkerError as error:
            reasons.append(f"worker '{error.worker}' {error.reason}")
            if size > HELD_BACK:
                # Rows are out already: what follows would have to begin behind them.
                break
    raise SQLError(1105, f"the merge failed: {'; '.join(reasons) or 'no worker is registered'}; try again")


async def _merged(
    merge: Final,
    columns: str,
    partial: Callable[[], Blocks],
    engine: Backend,
    settings: SessionSettings,
    limit: int,
) -> AsyncGenerator[RowBlock, None]:
    """The rows of the merge statement, run on one engine."""
    table = f"qproxy_merge_{uuid4().hex}"
    async with engine.scratch(table, columns, settings, merge.uncounted) as scratch:
        used = 0
        async with aclosing(partial()) as blocks:
            async for block in blocks:
                used += block.nbytes
                if used > limit:
                    raise SQLError(
                        1104,
                        f"the query needs more than {limit >> 20} MB of intermediate rows (merge.gather_limit_mb); "
                        "restrict it by area or id, or aggregate more",
                    )
                await scratch.append(block)
        async with scratch.query(merge.statement.replace(SCRATCH, table)) as stream:
            async for block in stream:
                yield block
