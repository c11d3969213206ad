"""A query of one chunk: most are answered by the first bytes that come, and then nothing else is set up for them.

What is longer, or breaks off, goes the way of all others: with the statement that runs, or with the word that its
worker failed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType

from qproxy.backends.base import Backend, ResultStream, SessionSettings
from qproxy.dispatch.progress import Progress
from qproxy.errors import WorkerError
from qproxy.wire.rowblock import Blocks, RowBlock


class Begun:
    """A statement that runs, and what it gave so far; leaving it ends the statement.

    Args:
        query: entered already.
        block: the first rows.
    """

    def __init__(self, query: AbstractAsyncContextManager[ResultStream], stream: ResultStream, block: RowBlock) -> None:
        self._query = query
        self._stream = stream
        self._first: RowBlock | None = block

    async def __aenter__(self) -> Begun:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._query.__aexit__(kind, error, trace)

    def __aiter__(self) -> AsyncIterator[RowBlock]:
        return self

    async def __anext__(self) -> RowBlock:
        block, self._first = self._first, None
        return block if block is not None else await anext(self._stream)


@dataclass(frozen=True)
class Start:
    """What is known of a plan of one chunk when it goes the way of all others.

    Attributes:
        worker: that is asked, or was.
        begun: its statement, which runs; None where there is none.
        failure: why it cannot answer; None where it can.
    """

    worker: str
    begun: Begun | None = None
    failure: str | None = None


class Single(Blocks):
    """The rows of a plan of one chunk. Nothing runs before they are asked for.

    Args:
        worker: that holds the chunk.
        backend: its backend.
        statement: gives what it is asked.
        others: the way of all others.
    """

    def __init__(
        self,
        worker: str,
        backend: Backend,
        statement: Callable[[], str],
        settings: SessionSettings,
        progress: Progress,
        others: Callable[[Start], AsyncGenerator[RowBlock, None]],
    ) -> None:
        self._worker = worker
        self._backend = backend
        self._statement = statement
        self._settings = settings
        self._progress = progress
        self._others = others
        self._asked = False
        self._rest: AsyncGenerator[RowBlock, None] | None = None

    async def __anext__(self) -> RowBlock:
        if not self._asked:
            self._asked = True
            block = await self._first()
            if block is not None:
                return block
        if self._rest is None:
            raise StopAsyncIteration
        return await anext(self._rest)

    async def aclose(self) -> None:
        """End what runs."""
        self._asked = True
        if self._rest is not None:
            await self._rest.aclose()

    async def _first(self) -> RowBlock | None:
        """The whole answer, where it is here at once; else the rest gives it."""
        progress = self._progress
        start = Start(self._worker)
        try:
            query = self._backend.query(self._statement(), self._settings)
            stream = await query.__aenter__()
            try:
                block = await anext(stream, None)
            except BaseException as error:
                await query.__aexit__(type(error), error, error.__traceback__)
                raise
            if block is None or stream.complete:
                await query.__aexit__(None, None, None)
                progress.chunks += 1
                progress.fragments += 1
                if block is not None:
                    progress.rows += block.rows
                    progress.nbytes += block.nbytes
                return block
            start = Start(self._worker, Begun(query, stream, block))
        except WorkerError as error:
            start = Start(self._worker, failure=error.reason)
        self._rest = self._others(start)
        return None
