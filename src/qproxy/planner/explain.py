"""EXPLAIN: a plan as a value, for the astronomer who wonders why a query is slow.

`explained` builds it from plans alone; `qproxy.planner.explain_text` writes it as rows and as JSON.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qproxy.planner.ids import Later
from qproxy.planner.plan import SCRATCH, SUB_CHUNK_LIST, IdRange, Lookup, Ordered, Plan, Relay, Slot, Template, carriers
from qproxy.planner.planned import Planned
from qproxy.planner.planner import Analysis, Stage
from qproxy.planner.query import Query
from qproxy.planner.restrict import Area, Both, Either, Restriction
from qproxy.sky.coverage import Coverage

ANSWER = "answer"
#: What stands for the number of a chunk, and for a list of sub-chunks, in the statements shown.
CHUNK = "%CHUNK%"
SUB_CHUNKS = "%SUB_CHUNKS%"
#: More numbers of chunks than this are not listed.
_LISTED = 10
_MARK = re.compile("§([a-z]*)([0-9]*)§")
_WORDS = {"s": "rows", "u": "union", "c": "corners", "h": "item"}

#: Chunks and statements of each worker that a plan asks.
Shares = Callable[[Plan], Mapping[str, tuple[int, int]]]


@dataclass(frozen=True)
class Bounds:
    """Most bytes of rows: sent to every worker, and gathered on one."""

    share: int
    gather: int


@dataclass(frozen=True)
class Ran:
    """What a step did when it was run.

    Attributes:
        rows, nbytes: that it gave.
        seconds: from its first statement to its last row.
        fragments, retries, chunks: statements that were complete, those that broke off, and the chunks read.
        fragment_rows, fragment_bytes: that came from the workers.
        first: of the steps before it, in their order.
    """

    rows: int
    nbytes: int
    seconds: float
    fragments: int
    retries: int
    chunks: int
    fragment_rows: int
    fragment_bytes: int
    first: tuple[Ran, ...] = ()


@dataclass(frozen=True)
class Reads:
    """Which chunks a step reads.

    Attributes:
        chunks: how many; of those in which there are rows, ``of``.
        at_most: whether a step that runs before it may leave fewer.
        why: what narrows them: areas and ids, in the order in which they are written.
        listed: their numbers; none where they are many.
        in_part: how many of them are read but in part, and how many of their sub-chunks.
    """

    chunks: int
    of: int
    at_most: bool
    why: tuple[str, ...]
    listed: tuple[int, ...]
    in_part: int = 0
    sub_chunks: int = 0


@dataclass(frozen=True)
class Feeds:
    """What becomes of the rows of a step that is not the answer.

    Attributes:
        step: the one that reads them as a table.
        ids: whether they also tell which chunks that one reads.
        everywhere: whether they are sent to every worker that it asks; else to the one that it runs on.
        limit: most bytes of them.
        keys: columns by which the table is looked in.
    """

    step: str
    ids: bool
    everywhere: bool
    limit: int
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Merge:
    """How the rows of fragments become the step's.

    Attributes:
        kind: ``counted`` from the row counters of the catalogue, ``none`` where one statement gives all rows, ``relay``
            where they pass through, ``ordered`` where the proxy puts them in order, ``final`` where a statement runs
            over them, ``gather`` where they are not yet reduced then.
        statement: of the last two; the order of ``ordered``.
        limit: most bytes that are gathered or put in order.
    """

    kind: str
    statement: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Step:
    """A query and how it is answered.

    Attributes:
        name: ``answer``, or ``step 1`` and so on, in the order in which they run.
        tables: those that it reads, with their kinds; results of other steps left out.
        reads: None where no table lies in chunks.
        shares: chunks and statements of each worker; none where any one worker answers.
        apart: whether every chunk has a statement of its own, as a UNION would change values.
        fragment: the statement of a chunk, tables called as users call them.
        in_part: that of a chunk of which some sub-chunks are read.
        combined: what the chunks of one statement are put together by.
        chunk_limit: rows that a chunk gives at most, by the query's LIMIT.
        enough: rows after which no more fragments are asked for.
        first: the steps before it whose rows it needs.
        feeds: None for the answer.
        ran: None where nothing has been run.
    """

    name: str
    tables: tuple[str, ...]
    reads: Reads | None
    shares: Mapping[str, tuple[int, int]]
    apart: bool
    fragment: str
    in_part: str | None
    combined: str | None
    chunk_limit: int | None
    enough: int | None
    merge: Merge
    first: tuple[Step, ...] = ()
    feeds: Feeds | None = None
    ran: Ran | None = None


def explained(planned: Planned, shares: Shares, bounds: Bounds, ran: Ran | None = None) -> Step:
    """A plan as EXPLAIN shows it.

    Args:
        planned: the query and all before it.
        shares: how a plan's chunks fall to the workers.
        ran: what all of it did, where it was run.
    """
    return _Explaining(shares, bounds, ran is not None).step(planned, None, ran)


@dataclass
class _Explaining:
    shares: Shares
    bounds: Bounds
    was_run: bool
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    names: dict[str, str] = field(default_factory=dict)

    def step(self, planned: Planned, stage: Stage | None, ran: Ran | None) -> Step:
        """One query; those before it get their numbers first."""
        analysis, plan = planned.analysis, planned.plan
        first = [
            self.step(one, before, ran.first[at] if ran is not None else None)
            for at, (one, before) in enumerate(zip(planned.first, analysis.stages, strict=True))
        ]
        name = ANSWER if stage is None else f"step {next(self.numbers)}"
        if stage is not None:
            self.names[stage.table] = name
        told = {later.key for later in analysis.laters}
        fed = tuple(
            replace(one, feeds=Feeds(name, before.table in told, before.everywhere, self._limit(before), before.keys))
            for one, before in zip(first, analysis.stages, strict=True)
        )
        asked = {} if plan.family is None or not len(plan.chunks) else self.shares(plan)
        several = plan.family is not None and len(plan.chunks) > 1
        combined = None
        if plan.combined is not None and several:
            before_it, _, behind = plan.combined.partition(plan.partial)
            combined = self._logical(f"{before_it}`chunks`{behind}", plan).replace("(`chunks`)", "`chunks`")
        return Step(
            name=name,
            tables=tuple(dict.fromkeys(map(_table, analysis.query.slots))),
            reads=self._reads(analysis, plan) if plan.family is not None else None,
            shares=asked,
            apart=several and not plan.together,
            fragment=self._logical(plan.partial, plan),
            in_part=self._logical(plan.narrowed, plan) if plan.narrowed is not None else None,
            combined=combined,
            chunk_limit=_chunk_limit(analysis.query, plan) if several else None,
            enough=plan.limit if several else None,
            merge=self._merge(analysis, plan, several),
            first=fed,
            ran=ran,
        )

    def _limit(self, stage: Stage) -> int:
        return self.bounds.share if stage.everywhere else self.bounds.gather

    def _merge(self, analysis: Analysis, plan: Plan, several: bool) -> Merge:
        if analysis.total is not None:
            return Merge("counted")
        if isinstance(plan.merge, Relay):
            return Merge("relay" if several else "none")
        if isinstance(plan.merge, Ordered):
            named = zip(carriers(plan.merge.keys), plan.merge.keys, strict=True)
            keys = ", ".join(f"`{name}`" + (" DESC" if k.descending else "") for name, k in named)
            return Merge("ordered", f"ORDER BY {keys}{_limit(plan.merge)}", self.bounds.gather)
        statement = self._logical(plan.merge.statement.replace(SCRATCH, "fragments"), plan)
        return Merge("final" if plan.merge.bounded else "gather", statement, self.bounds.gather)

    def _reads(self, analysis: Analysis, plan: Plan) -> Reads:
        total = max((len(s.table.chunk_rows.chunks) for s in plan.slots if s.table.partitioned), default=0)
        chunks = plan.chunks.tolist()
        narrowed = [len(subs) for c in chunks if (subs := plan.coverage.sub_chunks(c)) is not None]
        if plan.narrowed is None:
            narrowed = []
        return Reads(
            chunks=len(chunks),
            of=total,
            at_most=bool(analysis.laters) and not self.was_run,
            why=tuple(dict.fromkeys(self._reasons(analysis.restriction))),
            listed=tuple(chunks) if len(chunks) <= _LISTED else (),
            in_part=len(narrowed),
            sub_chunks=sum(narrowed),
        )

    def _reasons(self, restriction: Restriction) -> Iterator[str]:
        if isinstance(restriction, Both | Either):
            for part in restriction.parts:
                yield from self._reasons(part)
        elif isinstance(restriction, Later):
            yield f"ids of {self.names[restriction.key]}"
        elif isinstance(restriction, Lookup):
            yield _ids(restriction)
        elif isinstance(restriction, Area) or (isinstance(restriction, Coverage) and not restriction.is_everything):
            yield "area"

    def _logical(self, statement: str, plan: Plan) -> str:
        """A statement on tables as users call them."""
        for slot in plan.slots:
            statement = statement.replace(f"`{slot.physical}`.", f"`{slot.table.database}`.")
        names = [f"{s.name}_{CHUNK}" if s.table.partitioned else s.name for s in plan.slots]
        statement = Template.cut(statement, plan.slots).fill(names).replace(SUB_CHUNK_LIST, SUB_CHUNKS)
        for table, name in self.names.items():
            statement = statement.replace(table, f"`{name}`")
        return _MARK.sub(_shown, statement)


def _table(slot: Slot) -> str:
    return f"{slot.table.database}.{slot.table.name} ({'overlap' if slot.overlap else slot.table.kind})"


def _shown(mark: re.Match[str]) -> str:
    """A name of the planner's own, as a plain one."""
    return f"{_WORDS.get(mark[1], mark[1] or '_')}{mark[2] if mark[1] not in ('s', 'u') else ''}"


def _limit(merge: Ordered) -> str:
    limit = "" if merge.limit is None else f" LIMIT {merge.limit}"
    return f"{limit} OFFSET {merge.offset}" if merge.offset else limit


def _chunk_limit(query: Query, plan: Plan) -> int | None:
    if query.limit is None:
        return None
    most = query.limit + query.offset
    return most if plan.partial.endswith(f" LIMIT {most}") else None


def _ids(lookup: Lookup) -> str:
    of = ".".join(lookup.director)
    if isinstance(lookup.ids, IdRange):
        low, high = lookup.ids.low, lookup.ids.high
        if low is None or high is None:
            return f"ids of {of} {'up to' if low is None else 'from'} {high if low is None else low}"
        return f"ids of {of} from {low} to {high}"
    return f"{len(lookup.ids)} ids of {of}" if len(lookup.ids) != 1 else f"one id of {of}"


def in_order(step: Step, depth: int = 0) -> Sequence[tuple[Step, int]]:
    """A step and all before it in the order in which they run, each with its depth below the answer."""
    found = [pair for one in step.first for pair in in_order(one, depth + 1)]
    return [*found, (step, depth)]
