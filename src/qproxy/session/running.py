"""A query under way: what it holds while it runs, and what the query log learns of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from qproxy.catalog.model import Catalog
from qproxy.catalog.querylog import QueryRecord
from qproxy.dispatch.progress import Progress
from qproxy.dispatch.staging import Staging
from qproxy.errors import SQLError
from qproxy.session.limits import timed
from qproxy.session.services import Services
from qproxy.wire.handler import Client
from qproxy.wire.rowblock import Blocks, RowBlock


@dataclass
class Running:
    """One query.

    Attributes:
        snapshot: held until the last row is out: what it knows of is not dropped before.
        end: when it must be done, by the event loop's clock; None for no end.
        rests: whether the time between two rows that its client takes does not count.
        rows, nbytes: that the client took.
        error: interrupted, unless the last row was taken or an error said why.
    """

    snapshot: Catalog
    staging: Staging
    end: float | None
    rests: bool = False
    progress: Progress = field(default_factory=Progress)
    rows: int = 0
    nbytes: int = 0
    error: str | None = "interrupted"

    def watched(self, blocks: Blocks) -> Blocks:
        """The blocks, as long as there is time, counted as the client takes them.

        Raises:
            SQLError: 1969 where there is no more time; it comes with the blocks.
        """
        return _Watched(self, timed(blocks, self.end, self.rests))


class _Watched(Blocks):
    """Notes what a query gives, and how it ends."""

    def __init__(self, one: Running, blocks: Blocks) -> None:
        self._one = one
        self._blocks = blocks

    async def __anext__(self) -> RowBlock:
        one = self._one
        try:
            block = await anext(self._blocks)
        except SQLError as refusal:
            one.error = refusal.message
            raise
        except StopAsyncIteration:
            one.error = None
            raise
        one.rows += block.rows
        one.nbytes += block.nbytes
        return block

    async def aclose(self) -> None:
        await self._blocks.aclose()


@contextmanager
def running(
    sql: str,
    services: Services,
    client: Client,
    database: str | None,
    staging: Staging,
    end: float | None,
    rests: bool = False,
) -> Iterator[Running]:
    """A query as long as it runs; afterwards it is noted in the query log.

    Args:
        staging: given up at the end.
        end, rests: see `Running`.
    """
    one = Running(services.catalog(), staging, end, rests)
    started = time.time()
    try:
        yield one
    except SQLError as refusal:
        one.error = refusal.message
        raise
    finally:
        staging.close()
        services.record(
            QueryRecord(
                user=client.user,
                connection_id=client.connection_id,
                database=database,
                started=started,
                seconds=time.time() - started,
                statement=sql,
                chunks=one.progress.all_chunks,
                rows=one.rows,
                bytes=one.nbytes,
                error=one.error,
            )
        )
