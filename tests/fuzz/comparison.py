"""Puts a random query to both systems and judges the answer."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pymysql

from tests.fuzz.draws import VARIABLES
from tests.fuzz.generator import Made
from tests.fuzz.ports import Ports
from tests.fuzz.query import Query, unlimited
from tests.fuzz.shrink import shrink
from tests.fuzz.tables import Schema
from tests.fuzz.tally import Outcome
from tests.harness.answers import Answer, Refusal, ResultColumn, Row, connect
from tests.harness.compare import differences, surplus_rows
from tests.harness.judge import Connections

NOT_SUPPORTED = 1235
COLLATIONS = 1267
OUT_OF_RANGE = 1690
TOO_SLOW = 1969

#: Seconds without an answer after which a proxy counts as hanging, and after which the plain server gives up.
PATIENCE = 60
GIVE_UP = 20

#: Otherwise the plain server joins as it does by default: where it hashes, NULL <=> NULL finds nothing.
_ORACLE_SETTINGS = f"SET SESSION max_statement_time = {GIVE_UP}"

#: Ways to answer that a plain server must not depend on, each as a value of its optimizer_switch. Known to depend on
#: them: IN and ALL of decimals that do not fit those of a materialized subquery, subtotals over a merged query, whether
#: a row is looked at in which a number gets out of range.
PLANS = (
    "materialization=off,semijoin=off",
    "in_to_exists=off",
    "derived_merge=off",
    "condition_pushdown_for_derived=off,condition_pushdown_for_subquery=off,condition_pushdown_from_having=off",
)

_NULL = 6
_NUMBERS = (4, 5, 246)
_TIMES = (7, 10, 11, 12)
_SHORT_TEXTS = (253, 254)
_TEXTS = (249, 250, 251, 252, *_SHORT_TEXTS)

#: Flags that say what values a column of a table holds: unsigned, zero-filled, ENUM, SET. The others tell of keys and
#: temporary tables; NOT NULL among them, which MariaDB gives and takes by what it makes of an outer join.
_FLAGS = 32 | 64 | 256 | 2048


def _definitions(wanted: Answer, got: Answer) -> list[str]:
    """In what column definitions differ, beyond names and types."""
    found = []
    for number, (one, other) in enumerate(zip(wanted.columns, got.columns, strict=False), 1):
        pairs = [("charset", one.charset, other.charset)]
        if one.origin and one.origin == other.origin:
            pairs.append(("flags", one.flags & _FLAGS, other.flags & _FLAGS))
        if one.type in _SHORT_TEXTS and one.type == other.type:
            pairs.append(("length", one.length, other.length))
        if one.type in _TIMES:
            pairs.append(("decimals", one.scale, other.scale))
        found += [f"column {number} has {name} {b}, not {a}" for name, a, b in pairs if a != b]
    return found


def _renamed(wanted: Answer, got: Answer) -> Answer:
    """The plain server's answer, columns named after an area as the proxy was asked for them: its words differ."""
    if len(wanted.columns) != len(got.columns):
        return wanted
    pairs = zip(wanted.columns, got.columns, strict=True)
    return replace(wanted, columns=tuple(replace(w, name=g.name) if "scisql_s2" in w.name else w for w, g in pairs))


def _as_wide(wanted: Answer, got: Answer) -> Answer:
    """The proxy's answer, short integers of expressions as wide as the plain server's.

    MariaDB calls MIN or MAX of an expression INT or BIGINT by whether a temporary table holds it.
    """
    if len(wanted.columns) != len(got.columns):
        return got
    pairs = zip(wanted.columns, got.columns, strict=True)
    return replace(got, columns=tuple(replace(g, type=w.type) if _short(w, g) else g for w, g in pairs))


def _of_a_row(wanted: Answer | Refusal, got: Refusal) -> bool:
    """Whether a value of some row is out of range which the plain server did not compute, as no other row needs it."""
    return got.code == OUT_OF_RANGE and isinstance(wanted, Answer)


def _nothing(wanted: Answer, got: Answer) -> Answer:
    """The proxy's answer, columns of the type NULL as the plain server has them: a temporary table makes them text."""
    if len(wanted.columns) != len(got.columns):
        return got
    pairs = zip(wanted.columns, got.columns, strict=True)
    return replace(got, columns=tuple(w if _NULL in (w.type, g.type) and w.name == g.name else g for w, g in pairs))


def _short(one: ResultColumn, other: ResultColumn) -> bool:
    both = {one.type, other.type} == {3, 8}
    return both and one.length == other.length <= 11 and not one.origin and not other.origin


def _signless(answer: Answer) -> Answer:
    """An answer with ``-0`` as ``0``, and every text as VARCHAR.

    MariaDB itself drops that sign, and that type, by whether a value goes through a temporary table.
    """
    answer = replace(answer, columns=tuple(replace(c, type=253) if c.type in _TEXTS else c for c in answer.columns))
    numbers = [n for n, column in enumerate(answer.columns) if column.type in _NUMBERS]
    return replace(answer, rows=tuple(_positive(row, numbers) for row in answer.rows)) if numbers else answer


def _positive(row: Row, numbers: Sequence[int]) -> Row:
    zeros = [n for n in numbers if (value := row[n]) is not None and value[:1] == b"-" and not value.strip(b"-0.")]
    return tuple(v[1:] if v is not None and n in zeros else v for n, v in enumerate(row)) if zeros else row


class Comparison:
    """Asks the systems.

    Args:
        oracle, twin, proxy: connections to each.
        database: the default one.
    """

    def __init__(self, oracle: Connections, twin: Connections, proxy: Connections, database: str) -> None:
        self._oracle = oracle
        self._twin = twin
        self._proxy = proxy
        self._database = database

    def outcome(self, number: int, made: Made) -> Outcome:
        """What comes of a query."""
        query = made.query
        wanted = self._oracle.ask(query.sql(oracle=True), self._database)
        if isinstance(wanted, Refusal) and wanted.code == TOO_SLOW:
            return Outcome(number, "slow", made.features, sql=query.sql())
        got = self._proxy.ask(query.sql(), self._database)
        if isinstance(wanted, Refusal) and isinstance(got, Refusal) and got.code in (wanted.code, NOT_SUPPORTED):
            return Outcome(number, "failed", made.features, f"{wanted.code}: {wanted.text}")
        if isinstance(wanted, Refusal) and isinstance(got, Refusal) and wanted.code == COLLATIONS:
            # Which of two mistakes is told is open: the proxy looks at names first, MariaDB clause by clause.
            return Outcome(number, "failed", made.features, f"{wanted.code}: {wanted.text}")
        if isinstance(got, Refusal) and (got.code == NOT_SUPPORTED or _of_a_row(wanted, got)):
            return Outcome(number, "refused", made.features, got.text)
        faults = self._judged(query, wanted, got)
        if not faults:
            return Outcome(number, "alike", made.features, rows=len(got.rows) if isinstance(got, Answer) else 0)
        kind = "open" if self._open(query, wanted, _way(faults)) else "different"
        return Outcome(number, kind, made.features, faults=tuple(faults), sql=query.sql())

    def _open(self, query: Query, wanted: Answer | Refusal, way: str) -> bool:
        """Whether plain servers differ too: with rows in another order, or in that way by another plan."""
        if self._judged(query, wanted, self._twin.ask(query.sql(oracle=True), self._database)):
            return True
        faults = (self._judged(query, wanted, self._by(plan, query)) for plan in PLANS)
        return any(way in {_way((fault,)) for fault in found} for found in faults)

    def _by(self, plan: str, query: Query) -> Answer | Refusal:
        """What the other plain server answers where it goes a way of `PLANS`."""
        self._twin.ask(f"SET SESSION optimizer_switch = '{plan}'", self._database)
        try:
            return self._twin.ask(query.sql(oracle=True), self._database)
        finally:
            self._twin.ask("SET SESSION optimizer_switch = 'default'", self._database)

    def _judged(self, query: Query, wanted: Answer | Refusal, got: Answer | Refusal) -> list[str]:
        if isinstance(wanted, Refusal):
            if isinstance(got, Refusal):
                return [] if got.code == wanted.code else [f"error {got.code}: {got.text}, not {wanted}"]
            return [f"{len(got.rows)} rows instead of error {wanted.code}: {wanted.text}"]
        if isinstance(got, Refusal):
            return [f"refused with {got.code}: {got.text}"]
        wanted, got = _renamed(wanted, got), _nothing(wanted, _as_wide(wanted, got))
        defined = _definitions(wanted, got)
        wanted, got = _signless(wanted), _signless(got)
        if query.limit is None or query.total:
            return differences(wanted, got, order=query.total) + defined
        return self._first_rows(query, wanted, got)

    def _first_rows(self, query: Query, wanted: Answer, got: Answer) -> list[str]:
        """Faults of a LIMIT without an order: as many rows as wanted, each of them one of all rows."""
        pool = self._oracle.ask(unlimited(query).sql(oracle=True), self._database)
        if isinstance(pool, Refusal):
            # An error in some row: whether it is met depends on the rows that are taken.
            return []
        found = differences(Answer(wanted.columns, ()), Answer(got.columns, ()))
        if len(got.rows) != len(wanted.rows):
            found.append(f"{len(got.rows)} rows, not {len(wanted.rows)}")
        return found + surplus_rows(_signless(pool), got) + _definitions(wanted, got)

    def reduced(self, outcome: Outcome, made: Made, schema: Schema) -> tuple[Query, Outcome]:
        """A smaller query that is answered differently in the same way, and what came of it."""
        way = _way(outcome.faults)
        rng = random.Random(outcome.number)

        def faulty(less: Query) -> bool:
            # What is cut may leave a query without one right answer: the twin's rows lie in another order each time.
            for table in schema.tables:
                column = rng.choice(table.columns).name + rng.choice(("", " DESC"))
                self._twin.ask(f"ALTER TABLE {table.name} ORDER BY {column}", self._database)
            found = self.outcome(outcome.number, Made(less))
            return found.kind == "different" and _way(found.faults) == way

        query = shrink(made.query, faulty)
        return query, self.outcome(outcome.number, Made(query))

    def answers(self, query: Query) -> tuple[Answer | Refusal, Answer | Refusal]:
        """Of the plain server and of the proxy."""
        return (
            self._oracle.ask(query.sql(oracle=True), self._database),
            self._proxy.ask(query.sql(), self._database),
        )


def _way(faults: Sequence[str]) -> str:
    """In which way an answer is wrong: by its error, its columns or its rows."""
    first = faults[0] if faults else ""
    if first.startswith(("refused with", "error ")):
        return " ".join(first.split()[:3])
    if " instead of error" in first:
        return "no error"
    return "columns" if first.startswith("column") or "columns, not" in first else "rows"


@contextmanager
def comparing(ports: Ports, database: str) -> Iterator[Comparison]:
    """A comparison with connections of its own, which are opened when they are needed."""

    def plain(port: int, default: str) -> pymysql.Connection[Any]:
        connection = connect(port, default, patience=PATIENCE)
        connection.query(_ORACLE_SETTINGS)
        return _prepared(connection)

    oracle = Connections(lambda default: plain(ports.oracle, default))
    twin = Connections(lambda default: plain(ports.twin, default))
    proxy = Connections(lambda default: _prepared(connect(ports.proxy, default, patience=PATIENCE)))
    try:
        yield Comparison(oracle, twin, proxy, database)
    finally:
        for one in (oracle, twin, proxy):
            one.close()


def _prepared(connection: pymysql.Connection[Any]) -> pymysql.Connection[Any]:
    """A connection with the user variables that queries read."""
    connection.query("SET " + ", ".join(f"{name} = {value}" for name, value, _ in VARIABLES))
    return connection
