"""``python -m benchmarks [CASE ...]``: measure, show, and keep what was measured at full size."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks import (
    cancels,
    compare,
    cones,
    connections,
    dispatch,
    ingest,
    memory,
    neighbours,
    pairs,
    planning,
    points,
    queries,
    results,
    slow_client,
    volume,
)
from benchmarks.options import NotMeasured, Options, WrongAnswer
from benchmarks.results import Measured
from benchmarks.yardsticks import YARDSTICKS
from qproxy.errors import QproxyError

HERE = Path(__file__).parent
FULL_ROWS = 1_000_000
CASES: Mapping[str, Callable[[Options], Measured]] = {
    "ingest": ingest.measure,
    "memory": memory.measure,
    "slow_client": slow_client.measure,
    "volume": volume.measure,
    "queries": queries.measure,
    "cones": cones.measure,
    "neighbours": neighbours.measure,
    "pairs": pairs.measure,
    "cancels": cancels.measure,
    "connections": connections.measure,
    "points": points.measure,
    "planning": planning.measure,
    "dispatch": dispatch.measure,
    "growth": dispatch.grow,
}
#: Those that share their servers; a run of several loads them once.
COMPARED = {y.name: y for y in YARDSTICKS}


def main() -> int:
    """Run the cases that were asked for.

    Returns:
        1 where one failed; one that could not be measured, or missed its aim, is no failure.
    """
    args = _arguments()
    options = Options(args.data, args.every, args.rows, args.rounds)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("benchmarks: stopped"))
    found: list[Measured] = []
    failed = False
    sample = args.every > 1 or args.rows != FULL_ROWS
    wanted = args.cases or [*COMPARED, *CASES]
    compared = [COMPARED[c] for c in wanted if c in COMPARED]
    works: list[tuple[str, Callable[[Options], Iterator[Measured]]]] = []
    if compared:
        works.append((", ".join(y.name for y in compared), lambda o: compare.measure(o, compared)))
    works += [(c, _one(CASES[c])) for c in wanted if c in CASES]
    for name, work in works:
        print(f"== {name}", flush=True)
        try:
            machine = results.machine()
            for measured in work(options):
                print(f"{measured.case}: {measured.size}")
                print("\n\n".join(results.plain(table) for table in measured.tables), end="\n\n", flush=True)
                found.append(replace(measured, machine=machine))
                if not sample:
                    # At once: a later case may be stopped.
                    results.write(HERE, found)
        except NotMeasured as missing:
            print(f"not measured: {missing}", flush=True)
        except (WrongAnswer, QproxyError, RuntimeError, OSError) as error:
            print(f"failed: {error}", file=sys.stderr, flush=True)
            failed = True
    if sample:
        print("RESULTS.md was left as it is: this was a sample")
    elif found:
        print(f"written: {HERE / 'RESULTS.md'}")
    return int(failed)


def _one(measure: Callable[[Options], Measured]) -> Callable[[Options], Iterator[Measured]]:
    return lambda options: iter((measure(options),))


def _arguments() -> argparse.Namespace:
    known = (*COMPARED, *CASES)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="measurements, side by side in one run")
    parser.add_argument(
        "cases",
        nargs="*",
        choices=[[], *known],
        metavar="CASE",
        help=f"{', '.join((*COMPARED, *CASES))} (all)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("QPROXY_DATA", HERE.parent.parent / "shared" / "data")),
        metavar="DIR",
        help="where the real catalogues lie (QPROXY_DATA)",
    )
    parser.add_argument("--every", type=_count, default=1, metavar="N", help="take every N-th real star only (1)")
    parser.add_argument(
        "--rows", type=_count, default=FULL_ROWS, metavar="N", help=f"of the table that is streamed ({FULL_ROWS:,})"
    )
    parser.add_argument("--rounds", type=_count, default=5, metavar="N", help="turns of each party (5)")
    return parser.parse_args()


def _count(word: str) -> int:
    number = int(word)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main())
