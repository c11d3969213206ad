"""Several processes that ask at once; which query has which number does not depend on how many there are."""

from __future__ import annotations

import multiprocessing
import queue
import sys
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from tests.fuzz.comparison import GIVE_UP, PATIENCE, comparing
from tests.fuzz.generator import make
from tests.fuzz.ports import Ports
from tests.fuzz.tables import Schema
from tests.fuzz.tally import Outcome, Tally

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

#: Processes that ask at once, and queries that one of them takes at a time.
ASKERS = 6
BATCH = 10

#: Seconds between two lines of progress.
PROGRESS_SECONDS = 20.0

#: Seconds after which processes that told nothing count as lost: every query of a batch as slow as can be.
SILENCE = BATCH * (PATIENCE + 3 * GIVE_UP)


def run(
    ports: Ports,
    schema: Schema,
    seed: int,
    numbers: range,
    seconds: float | None = None,
    askers: int = ASKERS,
    without: tuple[str, ...] = (),
) -> Tally:
    """Ask the queries of all numbers.

    Args:
        seconds: after which no further query is asked; None for no limit.
        askers: processes that ask at once.
        without: texts; queries that hold one of them are not asked.

    Raises:
        RuntimeError: a process ended before its work was done.
    """
    context = multiprocessing.get_context("spawn")
    tasks: Queue[range | None] = context.Queue()
    results: Queue[list[Outcome] | None] = context.Queue()
    processes = [
        context.Process(target=_ask, args=(ports, schema, seed, without, tasks, results)) for _ in range(askers)
    ]
    for process in processes:
        process.start()
    try:
        return _collect(processes, numbers, tasks, results, seconds)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _ask(
    ports: Ports,
    schema: Schema,
    seed: int,
    without: tuple[str, ...],
    tasks: Queue[range | None],
    results: Queue[list[Outcome] | None],
) -> None:
    with comparing(ports, schema.database) as comparison:
        while (numbers := tasks.get()) is not None:
            batch = [(n, make(seed, n, schema)) for n in numbers]
            wanted = [(n, made) for n, made in batch if not any(text in made.query.sql() for text in without)]
            results.put([comparison.outcome(n, made) for n, made in wanted])
    results.put(None)


def _collect(
    processes: Sequence[BaseProcess],
    numbers: range,
    tasks: Queue[range | None],
    results: Queue[list[Outcome] | None],
    seconds: float | None,
) -> Tally:
    """Hand out the numbers and take what comes of them."""
    tally = Tally()
    waiting = iter([numbers[at : at + BATCH] for at in range(0, len(numbers), BATCH)])
    # One batch more than there are processes, so that none of them waits for this one.
    for _ in range(len(processes) + 1):
        tasks.put(next(waiting, None))
    ended = 0
    began = said = time.monotonic()
    while ended < len(processes):
        outcomes = _next(processes, results)
        if outcomes is None:
            ended += 1
            continue
        tally.add(outcomes)
        now = time.monotonic()
        tasks.put(next(waiting, None) if seconds is None or now - began < seconds else None)
        if now - said > PROGRESS_SECONDS:
            said = now
            print(tally.summary(now - began), file=sys.stderr, flush=True)
    return tally


def _next(processes: Sequence[BaseProcess], results: Queue[list[Outcome] | None]) -> list[Outcome] | None:
    deadline = time.monotonic() + SILENCE
    while True:
        try:
            return results.get(timeout=1.0)
        except queue.Empty:
            broken = [p for p in processes if p.exitcode]
            if broken or time.monotonic() > deadline:
                raise RuntimeError(f"processes that ask ended or hang: {broken or processes}") from None
