"""Planning alone: text to plan, without any server; CPU time of one core."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from benchmarks.options import Options, WrongAnswer
from benchmarks.results import GOALS, Measured, Table, goal
from qproxy.catalog.model import Catalog, Family
from qproxy.errors import SQLError
from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import Final, Plan
from qproxy.planner.planner import Analysis, analyze, make_plan
from qproxy.session.known import LONGEST, Known
from qproxy.sky.chunker import chunker
from qproxy.sky.coverage import Coverage
from tests.harness.catalogs import catalog

#: Seconds of CPU that a turn of one statement takes, and the fewest and most repetitions in it.
_TURN, _FEWEST, _MOST = 0.4, 3, 500
#: Aims, milliseconds.
AIMS = {"point": 0.3, "5 joins": 3.0}
#: How often a statement has to come before it is known.
_BEFORE_KNOWN = 3
_FAMILY = Family(85, 12, 0.01667)
_POINT = "SELECT starId, ra, decl FROM Star WHERE starId = 1234567"
#: Text to analysis.
Reading = Callable[[str, Catalog, SessionValues], Analysis]


@dataclass(frozen=True)
class Statement:
    """A statement to plan.

    Attributes:
        right: whether a plan is the one that was expected.
    """

    name: str
    sql: str
    right: Callable[[Plan], bool]


def statements() -> list[Statement]:
    """What is planned, small statements first."""
    joined = "FROM Star o JOIN Source s ON s.starId = o.starId JOIN Visit v ON v.starId = o.starId"
    long_text = " OR ".join(f"(mag BETWEEN {n}.25 AND {n}.5 AND name <> 'star {n}')" for n in range(18_000))
    return [
        Statement("point", _POINT, _one_chunk),
        Statement("cone", "SELECT starId FROM Star WHERE scisql_s2PtInCircle(ra, decl, 10.5, -3.25, 0.1) = 1", _few),
        Statement(
            "2 joins",
            f"SELECT o.starId, o.mag, s.flux, v.mjd {joined} WHERE o.starId = 1234567 AND s.flux > 0.5",
            _one_chunk,
        ),
        Statement(
            "5 joins",
            f"SELECT o.starId, o.ra, o.decl, s.flux, v.mjd, m.separation, t.flux, b.name {joined} "
            "JOIN StarRef m ON m.starId = o.starId JOIN Source t ON t.starId = o.starId AND t.sourceId > s.sourceId "
            "JOIN Band b ON b.bandId = v.visitId % 6 "
            "WHERE o.mag BETWEEN 10 AND 20 AND s.flux > 0.5 AND m.separation < 0.001 AND b.name IN ('g', 'r') "
            "ORDER BY o.mag, s.flux DESC LIMIT 100",
            lambda plan: len(plan.slots) == 6,
        ),
        Statement(
            "pairs of a match table",
            "SELECT o.starId, r.refId, m.separation FROM Star o JOIN StarRef m ON m.starId = o.starId "
            "JOIN Ref r ON r.refId = m.refId WHERE o.mag < 12",
            lambda plan: len(plan.chunks) > 1,
        ),
        Statement(
            "aggregate",
            "SELECT name, COUNT(*) AS n, AVG(mag), MIN(ra), MAX(ra) - MIN(ra) FROM Star WHERE decl > -20 "
            "GROUP BY name HAVING n > 5 ORDER BY n DESC, name LIMIT 10",
            lambda plan: isinstance(plan.merge, Final) and plan.merge.bounded,
        ),
        Statement(
            "subquery in IN",
            "SELECT starId, mag FROM Star WHERE starId IN (SELECT starId FROM Source WHERE flux > 10)",
            lambda plan: len(plan.chunks) > 1,
        ),
        Statement(
            "UNION",
            "SELECT starId, ra FROM Star WHERE starId = 5 UNION ALL SELECT refId, ra FROM Ref WHERE refId = 6",
            lambda plan: True,
        ),
        Statement("IN of 1,000 ids", _ids(1_000), _one_chunk),
        Statement("IN of 10,000 ids", _ids(10_000), _one_chunk),
        Statement("IN of 20,000 ids", _ids(20_000), _one_chunk),
        Statement(
            "1 MB of conditions", f"SELECT starId FROM Star WHERE {long_text}", lambda plan: len(plan.chunks) > 1
        ),
    ]


def _ids(number: int) -> str:
    return f"SELECT starId, ra FROM Star WHERE starId IN ({', '.join(str(7 * n + 1) for n in range(number))})"


def _one_chunk(plan: Plan) -> bool:
    return len(plan.chunks) == 1


def _few(plan: Plan) -> bool:
    return 0 < len(plan.chunks) < 4


def measure(options: Options) -> Measured:
    """Plan each statement again and again.

    Raises:
        WrongAnswer: a plan is not what it should be.
    """
    sky = _sky()
    lines = []
    milliseconds = {}
    for statement in statements():
        known = Known(lambda: sky)
        remembered = len(statement.sql) <= LONGEST
        for _ in range(_BEFORE_KNOWN if remembered else 1):
            _check(statement, sky, known.analysis)
        fresh, again = [], []
        for _ in range(options.rounds):
            fresh.append(_turn(statement.sql, sky, analyze))
            if remembered:
                again.append(_turn(statement.sql, sky, known.analysis))
        milliseconds[statement.name] = median(fresh) / 1_000
        turns = (" ".join(f"{t:,.0f}" for t in found) for found in (fresh, again))
        middle = median(again) if again else None
        lines.append((statement.name, len(statement.sql), *turns, median(fresh), middle))
    return Measured(
        "planning",
        (
            Table(
                "Text to plan",
                ("statement", "bytes", "us of CPU, in turn", "known: us, in turn", "median us", "known: median us"),
                tuple(lines),
                (
                    "Without the look-up of ids, which asks the workers: its answer is given. UNION and the subquery "
                    "have queries that are planned with them but answered first.",
                    "Known: the same statement came before; with other integers in WHERE too, if it has columns, "
                    "literals and operators alone. Long ones are not remembered.",
                ),
            ),
            Table(
                "Goals",
                GOALS,
                tuple(goal(name, milliseconds[name], "ms", aim, strictly=True) for name, aim in AIMS.items()),
            ),
        ),
        f"analyze() and make_plan() over {len(sky.placements[_FAMILY].chunks):,} chunks, "
        f"{_FAMILY.stripes} x {_FAMILY.sub_stripes}",
    )


def _sky() -> Catalog:
    """The small catalogue of the tests, over all chunks of a fine family."""
    small = catalog(chunker(_FAMILY.stripes, _FAMILY.sub_stripes).all_chunks().tolist(), 2_000)
    databases = {name: replace(database, family=_FAMILY) for name, database in small.databases.items()}
    (placement,) = small.placements.values()
    return replace(small, databases=databases, placements={_FAMILY: placement})


def _check(statement: Statement, sky: Catalog, read: Reading) -> None:
    try:
        plan = _plan(statement.sql, sky, read)
    except SQLError as error:
        raise WrongAnswer(f"{statement.name} is refused: {error}") from error
    if not statement.right(plan):
        raise WrongAnswer(f"{statement.name}: {len(plan.chunks)} chunks, {plan.partial[:200]}")


def _plan(sql: str, sky: Catalog, read: Reading = analyze) -> Plan:
    analysis = read(sql, sky, SessionValues("sky", "bench@here", 7, "10.11", lambda name: name))
    places = Coverage.of_places([(int(sky.placements[_FAMILY].chunks[1_000]), 1)])
    plan = make_plan(analysis, dict.fromkeys(analysis.lookups, places))
    for stage in analysis.stages:
        make_plan(stage.analysis, dict.fromkeys(stage.analysis.lookups, places))
    return plan


def _turn(sql: str, sky: Catalog, read: Reading) -> float:
    """Median microseconds of CPU."""
    spent: list[float] = []
    gc.collect()
    while len(spent) < _FEWEST or (sum(spent) < _TURN and len(spent) < _MOST):
        began = time.process_time()
        _plan(sql, sky, read)
        spent.append(time.process_time() - began)
    return median(spent) * 1e6
