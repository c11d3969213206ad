"""Chunk files that wait together are loaded together: an INSERT costs the same for one file as for many."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qproxy.backends.duckdb.chunks import stand_in
from qproxy.backends.duckdb.loading import insert_rows, read_files
from qproxy.backends.duckdb.registry import Registry, TableShape

#: Bytes of files that are read at a time, where there is more than one.
_MOST_BYTES = 32 << 20


@dataclass(eq=False)
class _Job:
    """A file to be loaded, and what became of it: the number of its rows or an error."""

    database: str
    table: str
    chunk: int | None
    shape: TableShape
    columns: tuple[str, ...]
    path: Path
    charset: str
    outcome: int | Exception | None = field(default=None)

    @property
    def kind(self) -> tuple[object, ...]:
        """What files that are loaded together have in common; files of a table of its own go one by one."""
        alone = self if self.chunk is None else None
        return self.database, self.table, alone, self.columns, self.charset


class Loader:
    """Loads chunk files into the tables of one database file.

    Args:
        connection: to DuckDB; nobody else writes through it while ``writing`` is held.
        registry: the tables.
        pool: its threads read and insert.
        writing: held while rows are inserted.
    """

    def __init__(self, connection: Any, registry: Registry, pool: Executor, writing: asyncio.Lock) -> None:
        self._connection = connection
        self._registry = registry
        self._pool = pool
        self._writing = writing
        self._waiting: list[_Job] = []

    async def load(self, database: str, table: str, columns: Sequence[str], path: Path, charset: str) -> int:
        """See `Backend.load`; whoever comes first takes along what waits for the same table."""
        shape = self._registry.resolve(database, table)
        member = self._registry.member(database, table)
        place, chunk = (stand_in(member[0]), member[1]) if member else (table, None)
        job = _Job(database, place, chunk, shape, tuple(columns), path, charset)
        self._waiting.append(job)
        try:
            async with self._writing:
                if job.outcome is None:
                    work = asyncio.get_running_loop().run_in_executor(self._pool, self._insert, self._taken(job))
                    try:
                        await asyncio.shield(work)
                    except asyncio.CancelledError:
                        # The thread goes on, for the others too; the connection is not free before it ends.
                        await asyncio.wait([work])
                        raise
        finally:
            if job in self._waiting:
                self._waiting.remove(job)
        assert job.outcome is not None
        if isinstance(job.outcome, Exception):
            raise job.outcome
        return job.outcome

    def _taken(self, first: _Job) -> list[_Job]:
        """The job and those that wait for the same table, no longer waiting."""
        jobs, size = [first], first.path.stat().st_size
        for job in self._waiting:
            if job is not first and job.kind == first.kind:
                size += job.path.stat().st_size
                if size > _MOST_BYTES:
                    break
                jobs.append(job)
        self._waiting = [j for j in self._waiting if j not in jobs]
        return jobs

    def _insert(self, jobs: Sequence[_Job]) -> None:
        try:
            self._insert_together(jobs)
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].outcome = error
                return
            # One file is wrong: on their own, the others go in, and its error names it.
            for job in jobs:
                self._insert((job,))

    def _insert_together(self, jobs: Sequence[_Job]) -> None:
        first = jobs[0]
        rows = read_files(first.shape, first.columns, [j.path for j in jobs], first.charset)
        chunks = [j.chunk for j in jobs if j.chunk is not None]
        insert_rows(self._connection, first.shape, first.database, first.table, first.columns, rows, chunks or None)
        for job, count in zip(jobs, rows.counts, strict=True):
            job.outcome = count
