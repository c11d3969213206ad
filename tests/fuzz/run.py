"""Random queries put to plain servers and to a proxy: ``python -m tests.fuzz.run --number 1000 --seed 1``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz import catalogue, real
from tests.fuzz.comparison import comparing
from tests.fuzz.generator import make
from tests.fuzz.pool import ASKERS, run
from tests.fuzz.ports import Ports
from tests.fuzz.systems import systems
from tests.fuzz.tables import Schema, schema_of
from tests.fuzz.tally import Outcome
from tests.harness.answers import Answer, Refusal
from tests.harness.files import Striping

#: Differences that are cut down at most.
CUT_DOWN = 25

#: Rows of an answer, and letters of a line, that a report shows.
SHOWN_ROWS = 6
SHOWN_LETTERS = 600


def main(arguments: list[str] | None = None) -> int:
    """Run as a command; the exit status is 1 where an answer differed."""
    parser = argparse.ArgumentParser(description="Compare random queries with a plain MariaDB.")
    parser.add_argument("--number", type=int, default=1000, help="of queries")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first query")
    parser.add_argument("--stripes", default="6x2", help="3x1 or 18x10, for example")
    parser.add_argument("--askers", type=int, default=ASKERS, help="queries at once")
    parser.add_argument("--seconds", type=float, help="after which no further query is asked")
    parser.add_argument("--without", action="append", default=[], help="leave out queries that hold this text")
    parser.add_argument("--show", action="store_true", help="print the queries and ask nobody")
    parser.add_argument("--data", type=Path, help="directory of real catalogues (see tests/fuzz/real.py)")
    parser.add_argument("--rows", type=int, default=400, help="stars of the real catalogues, about")
    parser.add_argument("--whole", action="store_true", help="do not cut down what differs")
    parser.add_argument("--keep-open", action="store_true", help="print queries without one right answer too")
    chosen = parser.parse_args(arguments)
    stripes, sub_stripes = map(int, chosen.stripes.split("x"))
    made = real.make(chosen.data, chosen.rows) if chosen.data else catalogue.make()
    schema = schema_of(made)
    numbers = range(chosen.first, chosen.first + chosen.number)
    if chosen.show:
        for number in numbers:
            print(f"{number}: {make(chosen.seed, number, schema).query.sql()}")
        return 0
    with systems(made, Striping(stripes, sub_stripes)) as ports:
        began = time.monotonic()
        askers = min(chosen.askers, chosen.number)
        tally = run(ports, schema, chosen.seed, numbers, chosen.seconds, askers, tuple(chosen.without))
        seconds = time.monotonic() - began
        print("\n".join(tally.lines()))
        data = f" --data {chosen.data} --rows {chosen.rows}" if chosen.data else ""
        again = f"{sys.executable} -m tests.fuzz.run --seed {chosen.seed} --stripes {chosen.stripes}{data}"
        again += " --number 1 --first"
        for outcome in tally.left_open if chosen.keep_open else ():
            print(f"\nno single right answer: {outcome.number}: {outcome.sql}\n  {outcome.faults[:2]}")
        for line in _reports(ports, schema, chosen.seed, tally.different, 0 if chosen.whole else CUT_DOWN):
            print(line.replace("{again}", again))
        print(tally.summary(seconds), flush=True)
    return 1 if tally.different else 0


def _reports(ports: Ports, schema: Schema, seed: int, different: list[Outcome], cut_down: int) -> Iterator[str]:
    """What differed, cut down where there is not too much of it."""
    with comparing(ports, schema.database) as comparison:
        for at, outcome in enumerate(sorted(different, key=lambda o: o.number)):
            yield f"\ndifferent: {{again}} {outcome.number}"
            if at >= cut_down:
                yield f"  {outcome.sql}"
                yield from (f"  {fault[:SHOWN_LETTERS]}" for fault in outcome.faults[:4])
                continue
            query, less = comparison.reduced(outcome, make(seed, outcome.number, schema), schema)
            wanted, got = comparison.answers(query)
            yield f"  {query.sql()}"
            yield f"  cut down from: {outcome.sql[: 4 * SHOWN_LETTERS]}"
            if query.sql() != query.sql(oracle=True):
                yield f"  plain: {query.sql(oracle=True)}"
            yield from (f"  {fault[:SHOWN_LETTERS]}" for fault in less.faults[:4])
            yield f"  plain server: {_shown(wanted)}"
            yield f"  proxy:        {_shown(got)}"


def _shown(answer: Answer | Refusal) -> str:
    if isinstance(answer, Refusal):
        return f"error {answer.code}: {answer.text[:SHOWN_LETTERS]}"
    columns = ", ".join(f"{c.name[:40]} (type {c.type})" for c in answer.columns)
    return f"{columns}; {len(answer.rows)} rows: {answer.rows[:SHOWN_ROWS]}"[:SHOWN_LETTERS]


if __name__ == "__main__":
    sys.exit(main())
