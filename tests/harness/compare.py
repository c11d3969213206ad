"""Whether two answers are the same answer, and in what they differ.

Values are compared as bytes. Only DOUBLE values may differ, by a relative tolerance: sums come in another order where
rows come from many chunks, and two formulas for one angle round differently. Where a server shows no more than a number
of digits behind the point, the last of them may be rounded otherwise.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tests.harness.answers import Answer, ResultColumn, Row

#: Relative difference that two DOUBLE values may have.
RELATIVE = 1e-12

#: Differences named in a report before it says "and so on".
SHOWN = 5

_DOUBLE = 5
#: Digits behind the point that a server shows of a DOUBLE of its own accord, as of VAR_POP of integers; ROUND gives
#: fewer, and what has no such number of digits has 31.
_SHOWN_DIGITS = range(6, 31)
_BLOB = 252
_BLOBS = frozenset((249, 250, 251, 252))


def differences(
    wanted: Answer,
    got: Answer,
    *,
    order: bool | Sequence[int] = False,
    relative: float = RELATIVE,
    types: bool = True,
) -> list[str]:
    """In what two answers differ, in words; empty where they are equal.

    Args:
        wanted: the oracle's answer.
        order: True compares row by row; column numbers from 1 compare the order of those columns alone, and the rows
            as a multiset; False compares multisets.
        relative: tolerance of DOUBLE values; values below it in size count as equal to 0 only where it is larger
            than `RELATIVE`.
        types: whether column types are compared as well as names.
    """
    found = _columns(wanted.columns, got.columns, types)
    if len(wanted.columns) != len(got.columns):
        return found
    doubles = _tolerances(wanted.columns, relative)
    if order is True:
        return found + _sequences(wanted.rows, got.rows, doubles, relative)
    if order:
        picked = [number - 1 for number in order]
        keys = [[tuple(row[n] for n in picked) for row in answer.rows] for answer in (wanted, got)]
        found += _sequences(keys[0], keys[1], [doubles[n] for n in picked], relative)
    missing, surplus = unmatched(wanted.rows, got.rows, doubles, relative)
    return found + _named("missing row", missing) + _named("surplus row", surplus)


def surplus_rows(pool: Answer, got: Answer, relative: float = RELATIVE) -> list[str]:
    """Rows of an answer that a larger answer does not have (each row of the larger one counts once).

    Args:
        pool: the answer without LIMIT.
    """
    doubles = _tolerances(pool.columns, relative)
    return _named("row that is not in the answer", unmatched(pool.rows, got.rows, doubles, relative)[1])


def unmatched(
    wanted: Iterable[Row], got: Iterable[Row], doubles: Sequence[float | None], relative: float
) -> tuple[list[Row], list[Row]]:
    """Rows of either side that have no partner on the other one.

    Args:
        doubles: for each column of DOUBLE values their absolute tolerance; None for others.
    """
    left, right = Counter(wanted), Counter(got)
    only_left, only_right = list((left - right).elements()), list((right - left).elements())
    if all(d is None for d in doubles):
        return only_left, only_right
    groups: dict[Row, list[Row]] = defaultdict(list)
    for row in only_right:
        groups[_exact(row, doubles)].append(row)
    missing = []
    for row in only_left:
        candidates = groups[_exact(row, doubles)]
        partner = next((n for n, c in enumerate(candidates) if _same(row, c, doubles, relative)), None)
        if partner is None:
            missing.append(row)
        else:
            del candidates[partner]
    return missing, [row for group in groups.values() for row in group]


def _columns(wanted: Sequence[ResultColumn], got: Sequence[ResultColumn], types: bool) -> list[str]:
    if len(wanted) != len(got):
        return [f"{len(got)} columns, not {len(wanted)}: {[c.name for c in got]}"]
    found = []
    for number, (one, other) in enumerate(zip(wanted, got, strict=True), 1):
        if one.name != other.name:
            found.append(f"column {number} is called {other.name!r}, not {one.name!r}")
        elif types and _sized(one) != _sized(other):
            found.append(f"column {number} is {other}, not {one}")
    return found


def _tolerances(columns: Sequence[ResultColumn], relative: float) -> list[float | None]:
    """For each column of DOUBLE values the difference that is none whatever their size; None for others."""
    least = relative if relative > RELATIVE else 0.0
    return [
        (max(least, 1.001 * 10.0**-c.scale) if c.scale in _SHOWN_DIGITS else least) if c.type == _DOUBLE else None
        for c in columns
    ]


def _sized(column: ResultColumn) -> ResultColumn:
    """The column without the size class of a TEXT or BLOB.

    MariaDB itself gives one expression different classes, by whether its rows went through a temporary table.
    """
    return replace(column, type=_BLOB) if column.type in _BLOBS else column


def _sequences(
    wanted: Sequence[Row], got: Sequence[Row], doubles: Sequence[float | None], relative: float
) -> list[str]:
    found = [] if len(wanted) == len(got) else [f"{len(got)} rows, not {len(wanted)}"]
    for number, (one, other) in enumerate(zip(wanted, got, strict=False), 1):
        if not _same(one, other, doubles, relative):
            found.append(f"row {number} is {other}, not {one}")
            break
    return found


def _exact(row: Row, doubles: Sequence[float | None]) -> Row:
    return tuple(value if double is None or value is None else b"" for value, double in zip(row, doubles, strict=True))


def _same(one: Row, other: Row, doubles: Sequence[float | None], relative: float) -> bool:
    return all(
        a == b or (double is not None and a is not None and b is not None and _close(a, b, relative, double))
        for a, b, double in zip(one, other, doubles, strict=True)
    )


def _close(one: bytes, other: bytes, relative: float, absolute: float) -> bool:
    return math.isclose(float(one), float(other), rel_tol=relative, abs_tol=absolute)


def _named(what: str, rows: Sequence[Row]) -> list[str]:
    more = [f"... and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return [f"{what}: {row}" for row in rows[:SHOWN]] + more
