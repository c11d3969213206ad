"""What queries have done so far: for the query log and EXPLAIN ANALYZE."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from qproxy.wire.rowblock import Blocks, RowBlock


@dataclass
class Progress:
    """What one query has done so far.

    Attributes:
        chunks: chunks whose rows are here.
        fragments: statements that are complete.
        retries: statements that broke off, and whose chunks went to other workers.
        rows, nbytes: of complete fragments.
        given, given_bytes: of the answer, merged.
        seconds: from the first fragment to the last row of the answer.
        first: queries that were answered before it, by their scratch tables.
    """

    chunks: int = 0
    fragments: int = 0
    retries: int = 0
    rows: int = 0
    nbytes: int = 0
    given: int = 0
    given_bytes: int = 0
    seconds: float = 0.0
    first: dict[str, Progress] = field(default_factory=dict)

    def of(self, table: str) -> Progress:
        """The progress of the query that fills a scratch table."""
        return self.first.setdefault(table, Progress())

    @property
    def all_chunks(self) -> int:
        """Chunks read, those of the queries before it too."""
        return self.chunks + sum(p.all_chunks for p in self.first.values())

    def watched(self, answer: Blocks) -> Blocks:
        """The rows of the query, counted as they are taken."""
        return _Watched(self, answer)


class _Watched(Blocks):
    """Counts rows as they are taken."""

    def __init__(self, progress: Progress, answer: Blocks) -> None:
        self._progress = progress
        self._answer = answer
        self._began: float | None = None

    async def __anext__(self) -> RowBlock:
        progress = self._progress
        if self._began is None:
            self._began = time.perf_counter()
        try:
            block = await anext(self._answer)
        except StopAsyncIteration:
            progress.seconds = time.perf_counter() - self._began
            raise
        progress.given += block.rows
        progress.given_bytes += block.nbytes
        return block

    async def aclose(self) -> None:
        await self._answer.aclose()
