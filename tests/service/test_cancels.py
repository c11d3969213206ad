"""Queries stopped at random moments: nothing of them is left on any worker, and no connection is out of step."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing

from tests.harness.small import Small, until
from tests.service.cancels import QUERIES, Storm, check_every_connection, served

NUMBER = 36


async def test_stopped_queries_leave_nothing(small: Small) -> None:
    async with served(small) as (port, backends, connections):
        with closing(Storm(small, port, 7)) as storm:
            stopped = await asyncio.to_thread(lambda: list(storm.run(NUMBER)))
            assert len(stopped) == NUMBER
            cut = Counter(one.way for one in stopped if one.cut)
            assert len(cut) == 6, cut
            assert {one.part for one in stopped if one.cut} == set(QUERIES)
            assert cut.total() > NUMBER // 2, stopped
            await until(lambda: not storm.scratch_tables())
            assert await check_every_connection(backends, connections) == connections * len(backends)
