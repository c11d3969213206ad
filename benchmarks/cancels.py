"""Queries stopped at random moments: how soon workers are rid of them, and that nothing is left or out of step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from statistics import median

from benchmarks.options import Options, WrongAnswer
from benchmarks.results import GOALS, Cell, Measured, Table, goal
from tests.harness.small import small_cluster, until
from tests.service.cancels import LONGEST, Stopped, Storm, check_every_connection, served

NUMBER, SEED = 200, 1
#: Milliseconds after which workers are to be quiet.
AIM_MS = 1000.0
#: Seconds within which scratch tables are dropped behind the last query.
_DROPPED_SECONDS = 30.0


def measure(options: Options) -> Measured:
    """Stop the queries one by one on three small workers.

    Raises:
        WrongAnswer: a worker still ran one after seconds, or a connection answered something else.
    """
    try:
        stopped, dropped, answered = asyncio.run(_stopped())
    except AssertionError as error:
        raise WrongAnswer(str(error)) from error
    slowest = max(one.quiet for one in stopped)
    return Measured(
        "cancels",
        (
            Table(
                f"Stopped within {LONGEST} s of their beginning, in turn by every way and during every part",
                ("stopped by", "queries", "stopped before their end", "quiet after ms, median", "at most"),
                _lines(stopped, [one.way for one in stopped]),
                ("Quiet: no worker runs a statement of the query any more.",),
            ),
            Table(
                "The same queries by what was under way most of their time",
                ("under way", "queries", "stopped before their end", "quiet after ms, median", "at most"),
                _lines(stopped, [one.part for one in stopped]),
                (
                    f"Scratch tables left on the workers {dropped:.2f} s behind the last query: none. Pooled "
                    f"connections that answered rightly afterwards: {answered} of {answered}.",
                ),
            ),
            Table(
                "Goals",
                GOALS,
                (goal("slowest query to be gone", slowest * 1000, "ms", AIM_MS, strictly=True),),
            ),
        ),
        f"{NUMBER} queries, seed {SEED}, 3 workers",
    )


async def _stopped() -> tuple[list[Stopped], float, int]:
    """The queries; seconds until the last scratch table was dropped; pooled connections that answered."""
    async with small_cluster() as small, served(small) as (port, backends, connections):
        with closing(Storm(small, port, SEED)) as storm:
            stopped = await asyncio.to_thread(lambda: list(storm.run(NUMBER)))
            dropped = await until(lambda: not storm.scratch_tables(), _DROPPED_SECONDS)
        return stopped, dropped, await check_every_connection(backends, connections)


def _lines(stopped: Sequence[Stopped], names: Sequence[str]) -> tuple[tuple[Cell, ...], ...]:
    lines: list[tuple[Cell, ...]] = []
    for name in dict.fromkeys(names):
        found = [one for one, its in zip(stopped, names, strict=True) if its == name]
        quiet = [one.quiet * 1000 for one in found]
        lines.append((name, len(found), sum(one.cut for one in found), median(quiet), max(quiet)))
    return tuple(lines)
