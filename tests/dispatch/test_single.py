"""Queries of one chunk: short answers at once, all others by the way that serves any number of chunks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from types import TracebackType
from typing import Any, cast

import pytest

from qproxy.backends.base import DEFAULT_SETTINGS, Backend, SessionSettings
from qproxy.dispatch.progress import Progress
from qproxy.dispatch.single import Single, Start
from qproxy.errors import SQLError, WorkerError
from qproxy.wire.rowblock import RowBlock, decode_rows, encode_rows

BLOCKS = [encode_rows([[b"%d" % n]]) for n in range(4)]


class Answer:
    """An answer, block by block; an error ends it where there is one."""

    def __init__(self, blocks: Sequence[RowBlock], error: Exception | None, known_end: bool) -> None:
        self._left = list(blocks)
        self._error = error
        self._known_end = known_end
        self.columns = ()

    @property
    def complete(self) -> bool:
        return self._known_end and not self._left and self._error is None

    def __aiter__(self) -> AsyncIterator[RowBlock]:
        return self

    async def __anext__(self) -> RowBlock:
        if self._left:
            return self._left.pop(0)
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration


class Worker:
    """A backend with one answer; notes how its statement was left."""

    name = "w0"

    def __init__(self, blocks: Sequence[RowBlock] = (), error: Exception | None = None, known_end: bool = True) -> None:
        self.answer = Answer(blocks, error, known_end)
        self.refusal: Exception | None = None
        self.asked: list[str] = []
        self.left: list[type[BaseException] | None] = []

    def query(self, sql: str, settings: SessionSettings) -> Worker:
        self.asked.append(sql)
        return self

    async def __aenter__(self) -> Answer:
        if self.refusal is not None:
            raise self.refusal
        return self.answer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left.append(kind)


class Others:
    """The way of all others: goes on with what runs."""

    def __init__(self) -> None:
        self.starts: list[Start] = []

    async def __call__(self, start: Start) -> AsyncGenerator[RowBlock, None]:
        self.starts.append(start)
        if start.begun is not None:
            async with start.begun as stream:
                async for block in stream:
                    yield block
        else:
            yield BLOCKS[3]


def single(worker: Worker, others: Any, progress: Progress | None = None) -> Single:
    backend = cast(Backend, worker)
    return Single("w0", backend, lambda: "SELECT 1", DEFAULT_SETTINGS, progress or Progress(), others)


async def rows(blocks: Single) -> list[int]:
    return [int(row[0] or 0) async for block in blocks for row in decode_rows(block)]


@pytest.mark.parametrize("count", [0, 1])
async def test_what_comes_at_once_is_the_answer(count: int) -> None:
    worker, others, progress = Worker(BLOCKS[:count]), Others(), Progress()
    blocks = single(worker, others, progress)
    assert worker.asked == []
    assert await rows(blocks) == list(range(count))
    await blocks.aclose()
    assert (worker.asked, worker.left, others.starts) == (["SELECT 1"], [None], [])
    assert (progress.chunks, progress.fragments, progress.rows) == (1, 1, count)
    assert progress.nbytes == sum(b.nbytes for b in BLOCKS[:count])


@pytest.mark.parametrize(("count", "known_end"), [(1, False), (2, True), (3, True)])
async def test_more_goes_on_elsewhere_and_nothing_is_asked_twice(count: int, known_end: bool) -> None:
    worker, others, progress = Worker(BLOCKS[:count], known_end=known_end), Others(), Progress()
    assert await rows(single(worker, others, progress)) == list(range(count))
    assert (len(worker.asked), worker.left, len(others.starts)) == (1, [None], 1)
    assert others.starts[0].failure is None
    assert progress.fragments == 0


async def test_an_error_behind_rows_is_not_lost() -> None:
    worker, others = Worker(BLOCKS[:1], SQLError(1317, "killed")), Others()
    with pytest.raises(SQLError, match="killed"):
        await rows(single(worker, others))
    assert worker.left == [SQLError]


async def test_a_refusal_is_the_answer() -> None:
    worker, others = Worker((), SQLError(1054, "no column")), Others()
    with pytest.raises(SQLError, match="no column"):
        await rows(single(worker, others))
    assert (worker.left, others.starts) == ([SQLError], [])


@pytest.mark.parametrize("entered", [True, False])
async def test_a_worker_that_breaks_off_is_told_to_the_others(entered: bool) -> None:
    worker, others = Worker((), WorkerError("w0", "is gone")), Others()
    if not entered:
        worker.refusal = WorkerError("w0", "is gone")
    assert await rows(single(worker, others)) == [3]
    assert [(s.worker, s.failure, s.begun) for s in others.starts] == [("w0", "is gone", None)]
    assert worker.left == ([WorkerError] if entered else [])


async def test_closing_before_the_end_leaves_the_statement() -> None:
    worker = Worker(BLOCKS, known_end=False)
    blocks = single(worker, Others())
    await anext(blocks)
    await blocks.aclose()
    assert worker.left == [GeneratorExit]
    with pytest.raises(StopAsyncIteration):
        await anext(blocks)


async def test_closing_before_anything_runs_asks_nothing() -> None:
    worker = Worker(BLOCKS[:1])
    blocks = single(worker, Others())
    await blocks.aclose()
    assert await rows(blocks) == []
    assert worker.asked == []
