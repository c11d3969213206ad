"""Random queries put to the plain server and to a proxy: ``python -m tests.fuzz.run --number 1000 --seed 1``."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pymysql

from tests.fuzz.generator import make
from tests.fuzz.query import Made
from tests.fuzz.shrink import shrink
from tests.harness import data
from tests.harness.answers import Answer, Refusal, Row, connect
from tests.harness.corpus import Case
from tests.harness.files import Striping
from tests.harness.judge import Connections, Verdicts
from tests.harness.oracle import running_oracle
from tests.harness.systems import clustered

NOT_SUPPORTED = 1235

#: How the plain server is to join: equal keys by hashing, as it has few indexes; and when to give up (seconds).
_ORACLE_SETTINGS = "SET SESSION join_cache_level = 8, join_buffer_size = 8388608, max_statement_time = 20"


_NUMBERS = (4, 5, 246)


def _signless(answer: Answer | Refusal) -> Answer | Refusal:
    """An answer with ``-0`` as ``0``, and CHAR as VARCHAR.

    MariaDB itself drops that sign, and that type, by whether a value goes through a temporary table.
    """
    if isinstance(answer, Refusal):
        return answer
    answer = replace(answer, columns=tuple(replace(c, type=253) if c.type == 254 else c for c in answer.columns))
    numbers = [n for n, column in enumerate(answer.columns) if column.type in _NUMBERS]
    return replace(answer, rows=tuple(_positive(row, numbers) for row in answer.rows)) if numbers else answer


def _positive(row: Row, numbers: Sequence[int]) -> Row:
    zeros = [n for n in numbers if (value := row[n]) is not None and value[:1] == b"-" and not value.strip(b"-0.")]
    return tuple(v[1:] if v is not None and n in zeros else v for n, v in enumerate(row)) if zeros else row


@dataclass
class Tally:
    """What came of a run.

    Attributes:
        refused: reasons of error 1235, with how often each was given.
        failed: queries that MariaDB refuses, and the proxy too.
        faults: seed, query and what is wrong with the answer.
    """

    asked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    faults: list[tuple[int, Made, list[str]]] = field(default_factory=list)

    @property
    def share_refused(self) -> float:
        """Of all queries, 0 to 1."""
        return self.refused.total() / max(self.asked, 1)

    def __str__(self) -> str:
        lines = [
            f"{self.asked} queries: {self.refused.total()} refused, {self.failed} refused by MariaDB too, "
            f"{len(self.faults)} answered differently"
        ]
        lines += [f"  refused {count} times: {reason}" for reason, count in self.refused.most_common(12)]
        for seed, query, faults in self.faults:
            lines += [f"seed {seed}: {query.sql()}", *(f"    {fault[:400]}" for fault in faults[:4])]
        return "\n".join(lines)


class Comparison:
    """Asks both systems.

    Args:
        oracle, proxy: connections to each.
    """

    def __init__(self, oracle: Connections, proxy: Connections) -> None:
        self._oracle = oracle
        self._proxy = proxy

    def faults(self, query: Made) -> list[str] | Refusal:
        """What is wrong with the proxy's answer; the refusal where both refuse or it is one of 1235."""
        wanted = self._oracle.ask(query.for_oracle(), "sky")
        got = self._proxy.ask(query.sql(), "sky")
        if isinstance(got, Refusal) and got.code == NOT_SUPPORTED:
            return got
        if isinstance(wanted, Refusal):
            if not isinstance(got, Refusal):
                return [f"{len(got.rows)} rows instead of error {wanted.code}: {wanted.text}"]
            return got if got.code == wanted.code else [f"error {got.code}: {got.text}, not {wanted}"]
        return self._judged(query, wanted, got)

    def _judged(self, query: Made, wanted: Answer, got: Answer | Refusal) -> list[str]:
        case = Case(
            "fuzz",
            query.sql(),
            query.for_oracle(),
            ordered=query.total,
            limited=query.for_oracle(limited=False) if query.limit is not None and not query.total else None,
            loose=query.relative,
        )

        if case.limited is not None and isinstance(self._oracle.ask(case.limited, case.database), Refusal):
            # An error in some row: whether it is met depends on the rows that are taken.
            return []

        def ask(sql: str, database: str) -> Answer | Refusal:
            return _signless(wanted if sql == query.for_oracle() else self._oracle.ask(sql, database))

        return Verdicts(ask).faults(case, _signless(got))


def oracle_connection(port: int, database: str) -> pymysql.Connection[Any]:
    """A connection to the plain server, set up for joins of tables without indexes."""
    connection = connect(port, database)
    connection.query(_ORACLE_SETTINGS)
    return connection


def run(comparison: Comparison, seeds: range, seconds: float | None = None) -> Tally:
    """Ask the queries of all seeds.

    Args:
        seconds: after which no further query is asked; None for no limit.
    """
    tally = Tally()
    began = time.monotonic()
    for seed in seeds:
        if seconds is not None and time.monotonic() - began > seconds:
            break
        query = make(seed)
        tally.asked += 1
        found = comparison.faults(query)
        if isinstance(found, Refusal):
            if found.code == NOT_SUPPORTED:
                tally.refused[found.text[:150]] += 1
            else:
                tally.failed += 1
        elif found:
            tally.faults.append((seed, query, found))
    return tally


def reduced(comparison: Comparison, query: Made) -> Made:
    """A smaller query that is answered differently in the same way: refused, or with rows."""

    def faulty(less: Made) -> bool:
        found = comparison.faults(less)
        return not isinstance(found, Refusal) and bool(found)

    return shrink(query, faulty)


def main(arguments: list[str] | None = None) -> int:
    """Run as a command; the exit status is 1 where an answer differed."""
    parser = argparse.ArgumentParser(description="Compare random queries with a plain MariaDB.")
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stripes", default="3x1", help="3x1 or 18x10, for example")
    chosen = parser.parse_args(arguments)
    stripes, sub_stripes = map(int, chosen.stripes.split("x"))
    catalogue = data.make()
    first = chosen.seed * 1_000_000
    with running_oracle(catalogue) as server, clustered(catalogue, Striping(stripes, sub_stripes)) as port:
        oracle = Connections(lambda database: oracle_connection(server.port, database))
        proxy = Connections(lambda database: connect(port, database))
        comparison = Comparison(oracle, proxy)
        tally = run(comparison, range(first, first + chosen.number))
        tally.faults = [
            (seed, less, found)
            for seed, query, _ in tally.faults
            for less in (reduced(comparison, query),)
            if not isinstance(found := comparison.faults(less), Refusal)
        ]
        oracle.close()
        proxy.close()
    print(tally)
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
