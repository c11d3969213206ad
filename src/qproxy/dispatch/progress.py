"""What queries have done so far: for the query log and EXPLAIN ANALYZE."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from qproxy.wire.rowblock import RowBlock


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

    async def watched(self, answer: AsyncGenerator[RowBlock, None]) -> AsyncGenerator[RowBlock, None]:
        """The rows of the query, counted as they are taken."""
        began = time.perf_counter()
        async with aclosing(answer):
            async for block in answer:
                self.given += block.rows
                self.given_bytes += block.nbytes
                yield block
        self.seconds = time.perf_counter() - began
