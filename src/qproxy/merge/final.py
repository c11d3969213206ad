"""Final statement: partial rows go into a scratch table on an engine, the merge statement runs there.

Arithmetic, collations, NULLs, decimals and dates are the engine's own by construction, never an imitation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

from qproxy.backends.base import Backend, SessionSettings
from qproxy.errors import SQLError
from qproxy.planner.plan import SCRATCH, Final
from qproxy.wire.rowblock import RowBlock


async def final(
    merge: Final,
    columns: str,
    blocks: AsyncIterator[RowBlock],
    engine: Backend,
    settings: SessionSettings,
    limit: int,
) -> AsyncIterator[RowBlock]:
    """The rows of the merge statement over all partial rows.

    Args:
        columns: ``merge.columns`` with the names of tables that exist on the engine.
        limit: most bytes of partial rows.

    Raises:
        SQLError: 1104 where the partial rows are more than ``limit``; whatever the engine refuses.
        WorkerError: the engine broke off.
    """
    table = f"qproxy_merge_{uuid4().hex}"
    async with engine.scratch(table, columns, settings) as scratch:
        used = 0
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
