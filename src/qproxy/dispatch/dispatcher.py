"""Fragments in flight: each runs on one worker, is released when complete, and runs again elsewhere when it breaks.

No row is lost and none comes twice, because nothing of a fragment is passed on before its last row is here, unless it
could not run again anyway: rows of chunks that lie on one living worker alone go out as they come. A client that reads
slowly holds complete fragments back, these hold new ones back, and a fragment that has used its memory
waits with its worker's socket unread as long as others can feed the client; it spills when nobody else can, or when
another query waits for its connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from qproxy.backends.base import Backend, SessionSettings
from qproxy.catalog.model import Catalog, ChunkIds
from qproxy.dispatch.forms import Forms
from qproxy.dispatch.fragments import Batching, Cursor, Statements, first_replica
from qproxy.dispatch.index import Index
from qproxy.dispatch.progress import Progress
from qproxy.dispatch.shares import shares
from qproxy.dispatch.single import Single, Start
from qproxy.dispatch.spool import Disk, Spool
from qproxy.dispatch.staging import Staging
from qproxy.dispatch.unhurried import wanted_or_crowded
from qproxy.errors import SQLError, WorkerError
from qproxy.planner.plan import Plan
from qproxy.wire.rowblock import Blocks, RowBlock

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
#: A worker that failed is asked last for so long, where another one can answer as well. Seconds.
AVOIDED = 10.0


@dataclass(frozen=True)
class Limits:
    """What one query may use.

    Attributes:
        parallel: fragments at a time on one worker.
        waiting: complete fragments that may wait for the client.
        memory: bytes of a fragment kept in memory before it waits or spills.
        spool: directory of spill files; None for the system's.
        disk: bytes that rows of clients which rest may take in files, those of all queries together.
        sorting: bytes of rows that are put in order in memory.
        index: bytes of places of ids that are remembered, those of all queries together.
    """

    batching: Batching = field(default_factory=Batching)
    parallel: int = 2
    waiting: int = 4
    memory: int = 4 << 20
    spool: Path | None = None
    disk: int = 20 << 30
    sorting: int = 64 << 20
    index: int = 64 << 20


class Dispatcher:
    """Runs plans on the workers.

    Attributes:
        backends: by worker name.
        limits: of each query.
        disk: what rows of clients which rest take in files.
        index: where ids lie.
    """

    def __init__(self, backends: Mapping[str, Backend], limits: Limits) -> None:
        self.backends = backends
        self.limits = limits
        self.disk = Disk(limits.disk)
        self.index = Index(backends, limits.index)
        self._forms = Forms()
        self._turn = 0
        self._failed: dict[str, float] = {}
        self._later: set[asyncio.Task[None]] = set()

    @property
    def keeps_variables(self) -> bool:
        """Whether statements of all workers may read user variables."""
        return all(b.keeps_variables for b in self.backends.values())

    def staging(self, settings: SessionSettings) -> Staging:
        """Room for what a query reads first."""
        return Staging(settings, self.later)

    def spool(self) -> Spool:
        """Room for rows of a query."""
        return Spool(self.limits.memory, self.limits.spool)

    def spool_for_resting(self) -> Spool:
        """Room for rows that the client does not take for now."""
        return Spool(self.limits.memory, self.limits.spool, self.disk)

    def crowded(self) -> bool:
        """Whether statements wait for a connection to some worker."""
        return any(backend.crowded for backend in self.backends.values())

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what nobody waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def sweep(self, age: timedelta) -> None:
        """Free the workers of scratch tables that a proxy left behind, as far as they answer."""
        for backend in list(self.backends.values()):
            try:
                count = await backend.sweep(age)
            except (WorkerError, SQLError) as error:
                log.info("%s: old scratch tables are left where they are: %s", backend.name, error)
            else:
                if count:
                    log.info("%s: %d scratch tables of an earlier proxy dropped", backend.name, count)

    async def close(self) -> None:
        """Wait for what nobody waited for."""
        await asyncio.gather(*self._later, self.index.close(), return_exceptions=True)

    def shares(self, plan: Plan, catalog: Catalog) -> dict[str, tuple[int, int]]:
        """Chunks and statements of each worker, as far as they can be foreseen; the plan's chunks are some."""
        return shares(_Statements(plan).cursor(catalog, self.backends, self.limits.batching))

    def run(
        self, plan: Plan, catalog: Catalog, settings: SessionSettings, progress: Progress, staging: Staging
    ) -> Blocks:
        """The rows of all fragments of a plan, in the order in which fragments complete.

        Args:
            staging: what the plan's statements read beside chunks.

        Raises:
            SQLError: a worker refused the statement, or some chunk cannot be read anywhere. It comes with the rows.
        """
        if plan.family is None or len(plan.chunks) == 0:
            return self._anywhere(plan, settings, progress, staging)
        if len(plan.chunks) == 1 and staging.empty:
            chunk = int(plan.chunks[0])
            worker = first_replica(catalog.placements[plan.family], chunk)
            backend = None if worker is None else self.backends.get(worker)
            if worker is not None and backend is not None:
                asked = backend
                return Single(
                    worker,
                    backend,
                    lambda: self._forms.statement(plan, asked, chunk),
                    settings,
                    progress,
                    lambda start: self._all(plan, catalog, settings, progress, staging, start),
                )
        return self._all(plan, catalog, settings, progress, staging)

    async def _all(
        self,
        plan: Plan,
        catalog: Catalog,
        settings: SessionSettings,
        progress: Progress,
        staging: Staging,
        start: Start | None = None,
    ) -> AsyncGenerator[RowBlock, None]:
        """The way that serves any number of chunks.

        Args:
            start: where the plan has one, what is known of it.
        """
        for backend in {type(b): b for b in self.backends.values()}.values():
            # An engine that translates must know the scratch tables of a statement beforehand.
            with suppress(WorkerError):
                await staging.on(backend)
        run = _Run(self, plan, catalog, settings, self.limits, progress, staging, start)
        try:
            async with aclosing(run.blocks()) as blocks:
                async for block in blocks:
                    yield block
        finally:
            await run.stop()

    async def _anywhere(
        self, plan: Plan, settings: SessionSettings, progress: Progress, staging: Staging
    ) -> AsyncGenerator[RowBlock, None]:
        """One statement that any worker can answer."""

        async def ask(backend: Backend) -> Spool:
            await staging.on(backend)
            sql = Statements(plan, backend.translate).batch(())
            return await self._collect(backend, sql, settings)

        spool = await self.first_answer(ask)
        progress.fragments += 1
        progress.rows += spool.rows
        progress.nbytes += spool.nbytes
        with closing(spool):
            for block in spool.blocks():
                yield block

    async def first_answer(self, ask: Callable[[Backend], Awaitable[Answer]]) -> Answer:
        """What ``ask(backend)`` gives on the first worker that can answer.

        Raises:
            SQLError: the statement was refused, or no worker can be reached; the message names them.
        """
        reasons = []
        for backend in self._in_turn():
            try:
                answer = await ask(backend)
            except WorkerError as error:
                self._failed[backend.name] = asyncio.get_running_loop().time()
                reasons.append(f"worker '{error.worker}' {error.reason}")
            else:
                self._failed.pop(backend.name, None)
                return answer
        raise SQLError(1105, "no worker can answer: " + ("; ".join(reasons) or "none is registered"))

    def _in_turn(self) -> list[Backend]:
        """All workers, another one first each time; those that failed of late come last."""
        backends = list(self.backends.values())
        self._turn = (self._turn + 1) % max(1, len(backends))
        since = asyncio.get_running_loop().time() - AVOIDED
        rotated = backends[self._turn :] + backends[: self._turn]
        return sorted(rotated, key=lambda backend: self._failed.get(backend.name, since) > since)

    async def _collect(self, backend: Backend, sql: str, settings: SessionSettings) -> Spool:
        spool = self.spool()
        try:
            async with backend.query(sql, settings) as stream:
                async for block in stream:
                    spool.add(block)
        except BaseException:
            spool.close()
            raise
        return spool


class _Statements:
    """A plan's statements. Workers of one kind share the template; only its dialect depends on the backend."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._by_kind: dict[type[Backend], Statements] = {}

    def of(self, backend: Backend) -> Statements:
        """Those for a worker."""
        kind = type(backend)
        if kind not in self._by_kind:
            self._by_kind[kind] = Statements(self._plan, backend.translate, backend.spans)
        return self._by_kind[kind]

    def cursor(self, catalog: Catalog, backends: Mapping[str, Backend], batching: Batching) -> Cursor:
        """The chunks of the plan, none of them read yet.

        Raises:
            SQLError: there is no worker, or none that holds some chunk.
        """
        plan = self._plan
        assert plan.family is not None
        first = next(iter(backends.values()), None)
        if first is None:
            raise SQLError(1105, "no worker can answer: none is registered")
        spanning = all(self.of(b).spanning for b in backends.values())
        size = self.of(first).chunk_size
        return Cursor(plan, catalog.placements[plan.family], batching, size, plan.together or spanning)


class _Run:
    """One plan under way."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        plan: Plan,
        catalog: Catalog,
        settings: SessionSettings,
        limits: Limits,
        progress: Progress,
        staging: Staging,
        start: Start | None = None,
    ) -> None:
        self._staging = staging
        self._begun = start.begun if start is not None else None
        self._failure = start if start is not None and start.failure is not None else None
        self._dispatcher = dispatcher
        self._settings = settings
        self._limits = limits
        self._progress = progress
        self._wanted = plan.limit
        self._statements = _Statements(plan)
        self._cursor = self._statements.cursor(catalog, dispatcher.backends, limits.batching)
        self._running: dict[asyncio.Task[Spool], str] = {}
        # Fragments on each worker, and the workers that may have room and chunks: with hundreds of them, and a
        # fragment a chunk, going through all of them for each fragment would be most of the work.
        self._busy: Counter[str] = Counter()
        self._roomy: dict[str, None] = dict.fromkeys(self._cursor.workers)
        # Where rows travel, the first fragment has its worker for itself: what runs beside it holds the first row back.
        self._at_once = limits.parallel if plan.combined is not None else 1
        self._complete: asyncio.Queue[Spool | BaseException] = asyncio.Queue()
        self._starving = asyncio.Event()
        self._starving.set()

    async def blocks(self) -> AsyncGenerator[RowBlock, None]:
        """Blocks of complete fragments until all are there, or no more are wanted."""
        given = 0
        if self._failure is not None:
            batch = self._cursor.next(self._failure.worker)
            assert batch is not None
            self._lose(self._failure.worker, batch, self._failure.failure or "")
        self._fill()
        while self._running or not self._complete.empty():
            if self._complete.empty():
                self._starving.set()
            item = await self._complete.get()
            self._starving.clear()
            if isinstance(item, BaseException):
                raise item
            if self._at_once < self._limits.parallel:
                self._at_once = self._limits.parallel
                self._roomy.update(dict.fromkeys(self._cursor.workers))
                self._fill()
            with closing(item):
                for block in item.blocks():
                    given += block.rows
                    yield block
            if self._wanted is not None and given >= self._wanted:
                return
            self._fill()

    async def stop(self) -> None:
        """Cancel what still runs, on the workers too."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._begun is not None:
            # The task that was to take it over never ran.
            await self._begun.__aexit__(None, None, None)
        while not self._complete.empty():
            item = self._complete.get_nowait()
            if isinstance(item, Spool):
                item.close()

    def _fill(self) -> None:
        """Start fragments wherever a worker has room and the client keeps up. Decides; waits for nothing."""
        while self._roomy and self._complete.qsize() < self._limits.waiting:
            worker = next(iter(self._roomy))
            del self._roomy[worker]
            while self._busy[worker] < self._at_once:
                batch = self._cursor.next(worker)
                if batch is None:
                    break
                task = asyncio.get_running_loop().create_task(self._fragment(worker, batch))
                self._running[task] = worker
                self._busy[worker] += 1
                task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Spool]) -> None:
        # Not running any more and complete in one step, so that `blocks` never waits for what will not come.
        worker = self._running.pop(task)
        self._busy[worker] -= 1
        self._roomy[worker] = None
        if not task.cancelled():
            self._complete.put_nowait(task.exception() or task.result())

    async def _fragment(self, worker: str, batch: ChunkIds) -> Spool:
        spool = self._dispatcher.spool()
        given = 0
        try:
            backend = self._dispatcher.backends.get(worker)
            if backend is None:
                raise WorkerError(worker, "is not known to this proxy")
            await self._staging.on(backend)
            sql = self._statements.of(backend).batch(batch.tolist(), self._cursor.combining)
            only = self._cursor.only_here(batch)
            begun, self._begun = self._begun, None
            async with begun or backend.query(sql, self._settings) as stream:
                leaving = False
                async for block in stream:
                    if not leaving and spool.would_spill(block):
                        # Its client may rest for hours: then the connection is for others, and the rows for a file.
                        leaving = await wanted_or_crowded(self._starving, lambda: backend.crowded)
                        if leaving:
                            spool.bound(self._dispatcher.disk)
                    given += block.rows
                    asked = only and self._starving.is_set()
                    if asked and spool.would_spill(block):
                        spool = self._release(spool)
                    spool.add(block)
                    if asked:
                        spool = self._release(spool)
        except WorkerError as error:
            spool.close()
            self._lose(worker, batch, error.reason)
            # An empty spool wakes the consumer, which starts the chunks where they went.
            return Spool(0)
        except BaseException:
            spool.close()
            raise
        self._cursor.learn(batch, given)
        self._progress.chunks += len(batch)
        self._progress.fragments += 1
        self._count(spool)
        return spool

    def _lose(self, worker: str, batch: ChunkIds, reason: str) -> None:
        """Let the chunks of a worker that failed go to others."""
        self._progress.retries += 1
        # Fails the query where rows are out: their chunks have no other replica.
        self._cursor.lose(worker, batch, reason)
        self._roomy.update(dict.fromkeys(self._cursor.workers))

    def _release(self, spool: Spool) -> Spool:
        """Pass on what a fragment has, and have room for the rest of it."""
        self._count(spool)
        self._complete.put_nowait(spool)
        return self._dispatcher.spool()

    def _count(self, spool: Spool) -> None:
        self._progress.rows += spool.rows
        self._progress.nbytes += spool.nbytes
