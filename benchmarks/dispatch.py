"""What a query over the whole sky costs the proxy, by chunks and workers; the workers are simulated."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.options import Options, WrongAnswer
from benchmarks.plots import Line, write
from benchmarks.processes import cpu_seconds, forget_peak, peak_bytes
from benchmarks.results import GOALS, Cell, Measured, Table, goal
from benchmarks.simulator.sky import DATABASE, Sky, all_chunks, running
from benchmarks.systems import Endpoint

WORKERS = 500
#: Stored rows of a chunk: 20 billion objects in all chunks of the whole sky.
ROWS = 136_675
#: Microseconds of CPU a chunk; seconds of a query; MiB of the proxy.
AGGREGATE_US, ROW_US, SECONDS, MEMORY_MIB = 20.0, 100.0, 3.0, 200.0
#: A question is asked until it took so many CPU seconds, at most so often.
_ENOUGH, _MOST = 0.5, 40
_MIB = 2**20
_PLOTS = Path(__file__).parent / "plots"


@dataclass(frozen=True)
class Question:
    """A query over all chunks.

    Attributes:
        every: whether each chunk gives a row to the client; else one row comes, which begins with their number.
    """

    name: str
    sql: str
    every: bool


AGGREGATE = Question("aggregate", "SELECT COUNT(*), AVG(gFlux), MAX(gFlux) FROM Object WHERE gFlux > 10", False)
ROW = Question("a row a chunk", "SELECT objectId, gFlux FROM Object WHERE gFlux > 1000", True)
QUESTIONS = (AGGREGATE, ROW)


@dataclass(frozen=True)
class Cost:
    """What a question costs.

    Attributes:
        cpu: seconds of the proxy.
        seconds: of wall time, median.
        first: the same of the first time, when connections are opened.
        first_cpu: CPU seconds of the proxy then.
        peak: bytes of the proxy.
    """

    cpu: float
    seconds: float
    first: float
    first_cpu: float
    peak: int


def measure(options: Options) -> Measured:
    """The whole sky on 500 workers.

    Raises:
        WrongAnswer: a chunk was not asked, or twice.
    """
    chunks = all_chunks()
    costs = _costs(Sky(chunks, WORKERS, ROWS))
    aggregate, row = costs[AGGREGATE.name], costs[ROW.name]
    peak = max(c.peak for c in costs.values()) / _MIB
    return Measured(
        "dispatch",
        (
            Table(
                "A query over the whole sky",
                ("query", "CPU us a chunk", "CPU s", "s", "first time: CPU s", "first time: s", "peak MiB"),
                tuple(_line(name, cost, chunks) for name, cost in costs.items()),
                (
                    "CPU is the proxy's. The aggregate's first time opens the connections to the workers. "
                    "Simulated workers answer 5 ms after a statement came; they share the cores with the proxy.",
                ),
            ),
            Table(
                "Goals",
                GOALS,
                (
                    goal("aggregate", aggregate.cpu * 1e6 / chunks, "us of CPU a chunk", AGGREGATE_US, strictly=True),
                    goal("aggregate", aggregate.cpu, "s of CPU", SECONDS, strictly=True),
                    goal("aggregate", aggregate.seconds, "s", SECONDS, strictly=True),
                    goal("a row a chunk", row.cpu * 1e6 / chunks, "us of CPU a chunk", ROW_US, strictly=True),
                    goal("proxy", peak, "MiB", MEMORY_MIB, strictly=True),
                ),
            ),
        ),
        f"{chunks:,} chunks (stripes 340, sub-stripes 3) of {ROWS:,} stored rows on {WORKERS} simulated workers",
    )


def grow(options: Options) -> Measured:
    """The same with fewer chunks and workers, as tables and plots.

    Raises:
        WrongAnswer: a chunk was not asked, or twice.
    """
    whole = all_chunks()
    by_chunks = [(n, _costs(Sky(n, WORKERS, ROWS))) for n in (10, 100, 1_000, 10_000, whole)]
    by_workers = [(n, _costs(Sky(whole, n, ROWS))) for n in (1, 10, 100)] + [(WORKERS, by_chunks[-1][1])]
    tables = []
    for of, found, where in (
        ("chunks", by_chunks, f"on {WORKERS} workers"),
        ("workers", by_workers, f"that hold {whole:,} chunks"),
    ):
        lines = [Line(q.name, tuple((n, costs[q.name].cpu * 1000) for n, costs in found)) for q in QUESTIONS]
        waits = [Line(q.name, tuple((n, costs[q.name].seconds * 1000) for n, costs in found)) for q in QUESTIONS]
        write(_PLOTS / f"dispatch_by_{of}.svg", f"CPU of the proxy, {of} {where}", of, "CPU ms of a query", lines)
        write(_PLOTS / f"time_by_{of}.svg", f"Time of a query, {of} {where}", of, "ms of a query", waits)
        head = (of, *(f"{q.name}: {what}" for q in QUESTIONS for what in ("CPU ms", "ms", "peak MiB")))
        tables.append(Table(f"{of.capitalize()} {where}", head, tuple(_grown(n, costs) for n, costs in found)))
    return Measured("growth", tuple(tables), f"{ROWS:,} stored rows a chunk, simulated workers, medians")


def _grown(number: int, costs: dict[str, Cost]) -> tuple[Cell, ...]:
    found = [costs[q.name] for q in QUESTIONS]
    return (number, *(cell for c in found for cell in (c.cpu * 1000, c.seconds * 1000, c.peak / _MIB)))


def _line(name: str, cost: Cost, chunks: int) -> tuple[Cell, ...]:
    return (
        name,
        cost.cpu * 1e6 / chunks,
        cost.cpu,
        cost.seconds,
        cost.first_cpu,
        cost.first,
        cost.peak / _MIB,
    )


def _costs(sky: Sky) -> dict[str, Cost]:
    with running(sky) as proxy:
        return {q.name: _cost(proxy, q, sky.chunks) for q in QUESTIONS}


def _cost(proxy: Endpoint, question: Question, chunks: int) -> Cost:
    forget_peak(proxy.pids[0])
    before = cpu_seconds(proxy.pids)
    first = _ask(proxy, question, chunks)
    first_cpu = cpu_seconds(proxy.pids) - before
    taken: list[float] = []
    before = cpu_seconds(proxy.pids)
    while len(taken) < _MOST and (len(taken) < 3 or cpu_seconds(proxy.pids) - before < _ENOUGH):
        taken.append(_ask(proxy, question, chunks))
    cpu = (cpu_seconds(proxy.pids) - before) / len(taken)
    return Cost(cpu, median(taken), first, first_cpu, peak_bytes(proxy.pids[0]))


def _ask(proxy: Endpoint, question: Question, chunks: int) -> float:
    """Seconds that a question took, from sending to the last row."""
    with proxy.connect(DATABASE) as connection, connection.cursor() as cursor:
        began = time.monotonic()
        cursor.execute(question.sql)
        rows = cursor.fetchall()
        seconds = time.monotonic() - began
    counted = len(rows) if question.every else int(rows[0][0])
    if counted != chunks:
        raise WrongAnswer(f"{question.name}: {counted} of {chunks} chunks answered")
    return seconds
