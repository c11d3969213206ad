"""``python -m benchmarks [CASE ...]``: measure, show, and keep what was measured at full size."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks import connections, ingest, neighbours, pairs, planning, queries, results, slow_client, stream
from benchmarks.options import NotMeasured, Options, WrongAnswer
from benchmarks.results import Measured
from qproxy.errors import QproxyError

HERE = Path(__file__).parent
FULL_ROWS = 1_000_000
CASES: Mapping[str, Callable[[Options], Measured]] = {
    "ingest": ingest.measure,
    "stream": stream.measure,
    "slow_client": slow_client.measure,
    "queries": queries.measure,
    "neighbours": neighbours.measure,
    "pairs": pairs.measure,
    "connections": connections.measure,
    "planning": planning.measure,
}


def main() -> int:
    """Run the cases that were asked for.

    Returns:
        1 where one failed; one that could not be measured, or missed its aim, is no failure.
    """
    args = _arguments()
    options = Options(args.data, args.every, args.rows, args.rounds)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("benchmarks: stopped"))
    found, failed = [], False
    for case in args.cases or CASES:
        print(f"== {case}", flush=True)
        try:
            machine = results.machine()
            measured = replace(CASES[case](options), machine=machine)
        except NotMeasured as missing:
            print(f"not measured: {missing}", flush=True)
            continue
        except (WrongAnswer, QproxyError, RuntimeError, OSError) as error:
            print(f"failed: {error}", file=sys.stderr, flush=True)
            failed = True
            continue
        print(measured.size)
        print("\n\n".join(results.plain(table) for table in measured.tables), end="\n\n", flush=True)
        found.append(measured)
    if args.every > 1 or args.rows != FULL_ROWS:
        print("RESULTS.md was left as it is: this was a sample")
    elif found:
        results.write(HERE, found)
        print(f"written: {HERE / 'RESULTS.md'}")
    return int(failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="measurements, side by side in one run")
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], metavar="CASE", help=f"{', '.join(CASES)} (all)")
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
    parser.add_argument("--rounds", type=_count, default=3, metavar="N", help="turns of each party (3)")
    return parser.parse_args()


def _count(word: str) -> int:
    number = int(word)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main())
