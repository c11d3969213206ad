"""``make mutate``: mutated packets sent to a whole proxy, half of them before login and half behind it."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pymysql

from qproxy.config import Config
from tests.wire.mutations import INTERNAL, Mutator, Told

USER, PASSWORD = "guard", "the right one"
#: Growth of the proxy's memory between the first tenth of the packets and the last. MiB.
GROWTH_MIB = 32.0


async def serve() -> None:
    """The demo's proxy with a user who has a password, until it is stopped; it prints its port first."""
    from qproxy.demo.build import build_demo
    from qproxy.service.app import running, stopped

    store, backends = await build_demo()
    # Whoever guesses would be slowed down, and this is nothing but guessing.
    config = replace(Config(), server=replace(Config().server, free_login_failures=10**9, handshake_timeout=5.0))
    store.remove_user("demo")
    store.add_user(USER, PASSWORD, databases=("*",))
    try:
        async with running(config, store, backends, "127.0.0.1", 0) as server:
            print(server.port, flush=True)
            await stopped()
    finally:
        await asyncio.gather(*(backend.close() for backend in backends.values()))
        store.close()


def main() -> int:
    """Send the packets and judge the proxy; 1 where it did not stand."""
    parser = argparse.ArgumentParser(prog="python -m tests.wire.run_mutations", description="mutated packets")
    parser.add_argument("--number", type=int, default=100_000, metavar="N", help="of packets (100000)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn (1)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        import uvloop

        uvloop.run(serve())
        return 0
    command = [sys.executable, "-m", "tests.wire.run_mutations", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None and proxy.stderr is not None
        try:
            problems = run(int(proxy.stdout.readline()), psutil.Process(proxy.pid), args.number, args.seed)
        finally:
            proxy.terminate()
            written = proxy.stderr.read()
    if written:
        problems.append("the proxy wrote:\n" + written[-4000:])
    for problem in problems:
        print(f"FAILED: {problem}", file=sys.stderr)
    return int(bool(problems))


def run(port: int, proxy: psutil.Process, number: int, seed: int) -> list[str]:
    """Send the packets; what went wrong."""
    mutator = Mutator(port, USER, PASSWORD, seed)
    told, began = mutator.told, time.monotonic()
    base = 0.0
    for phase in (mutator.before_login, mutator.after_login):
        half = told.sent + number // 2
        warm = told.sent + number // 20
        start = None
        while told.sent < half:
            phase()
            if start is None and told.sent >= warm:
                start = proxy.memory_info().rss / 2**20
        end = proxy.memory_info().rss / 2**20
        base = max(base, end - (start or end))
        print(f"{told.sent} packets, {time.monotonic() - began:.0f} s, proxy {end:.0f} MiB", flush=True)
    mutator.close()
    print(f"errors by code: {dict(sorted(told.codes.items()))}; closed without a word: {told.closed}")
    print(f"memory grew by {base:.1f} MiB")
    return judged(told, base, port)


def judged(told: Told, growth: float, port: int) -> list[str]:
    """What a run tells against the proxy."""
    problems = []
    if told.entered:
        problems.append(f"{told.entered} mutated logins were let in")
    if told.codes[INTERNAL]:
        problems.append(f"{told.codes[INTERNAL]} internal errors")
    if growth > GROWTH_MIB:
        problems.append(f"memory grew by {growth:.1f} MiB")
    with (
        pymysql.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT COUNT(*) FROM sky.Star")
        if cursor.fetchall() != ((200_000,),):
            problems.append("a plain query is answered wrongly afterwards")
        cursor.execute("SHOW PROCESSLIST")
        if len(cursor.fetchall()) != 1:
            problems.append("connections are left over")
    return problems


if __name__ == "__main__":
    sys.exit(main())
