"""``python -m tests.service.run_cancels``: stop many queries at random moments, and tell what the workers did."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from statistics import median

from qproxy.backends.base import Backend
from qproxy.config import Config
from qproxy.service.app import connect, running
from tests.harness.small import Small, small_cluster, until
from tests.service.cancels import Stopped, Storm, check_every_connection


@asynccontextmanager
async def served(small: Small) -> AsyncIterator[tuple[int, list[Backend], int]]:
    """A proxy on the small cluster: its port, its backends, and the connections that it keeps to each."""
    config = replace(Config(), catalog=replace(Config().catalog, refresh_seconds=0.05))
    if small.store.find_user("qproxy") is None:
        small.store.add_user("qproxy", None, loopback_only=True, databases=("*",))
    backends = connect(small.store.workers(), config)
    try:
        async with running(config, small.store, backends, "127.0.0.1", 0) as server:
            yield server.port, list(backends.values()), config.workers.connections
    finally:
        await asyncio.gather(*(backend.close() for backend in backends.values()))


async def run(number: int, seed: int) -> None:
    """Stop so many queries and print what was found."""
    async with small_cluster() as small, served(small) as (port, backends, connections):
        began = time.monotonic()
        with closing(Storm(small, port, seed)) as storm:
            stopped = await asyncio.to_thread(lambda: list(storm.run(number)))
            seconds = await until(lambda: not storm.scratch_tables(), 30.0)
            answered = await check_every_connection(backends, connections)
        print(f"{number} queries, seed {seed}, {time.monotonic() - began:.0f} s")
        for way in dict.fromkeys(one.way for one in stopped):
            _tell(way, [one for one in stopped if one.way == way])
        for part in dict.fromkeys(one.part for one in stopped):
            _tell(f"while {part}", [one for one in stopped if one.part == part])
        print(f"no scratch table after {seconds:.2f} s more; {answered} pooled connections in step")


def _tell(name: str, stopped: list[Stopped]) -> None:
    quiet = [one.quiet * 1000 for one in stopped]
    cut = sum(one.cut for one in stopped)
    times = f"{median(quiet):.0f} ms, at most {max(quiet):.0f}"
    print(f"  {name:<20} {len(stopped):4} queries, {cut:4} cut; quiet after {times}")


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.service.run_cancels", description=__doc__)
    parser.add_argument("--number", type=int, default=200, help="queries (200)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (1)")
    args = parser.parse_args()
    asyncio.run(run(args.number, args.seed))


if __name__ == "__main__":
    main()
