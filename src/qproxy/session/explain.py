"""EXPLAIN and ANALYZE of queries: what is asked for, and how the client gets it."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import dataclass

from qproxy.dispatch.progress import Progress
from qproxy.errors import SQLError, read_only, unsupported
from qproxy.planner.explain import Bounds, Ran, Step, explained
from qproxy.planner.explain_text import document, rows
from qproxy.planner.planned import Planned
from qproxy.planner.planner import Analysis
from qproxy.session.reader import Reader
from qproxy.session.select import Means, merged_rows, planned
from qproxy.session.statements import beginning, verb
from qproxy.session.table import Table
from qproxy.wire.columns import ColumnDef, ColumnType

#: Verbs of statements that give rows of tables.
QUERIES = frozenset("SELECT WITH VALUES TABLE (".split())  # noqa: SIM905
_DESCRIBES = frozenset(("EXPLAIN", "DESCRIBE", "DESC"))
_CHANGES = frozenset(("INSERT", "UPDATE", "DELETE", "REPLACE"))
_EXPLAINED = QUERIES | _CHANGES | {"FORMAT", "EXTENDED", "ANALYZE", "PARTITIONS", "FOR"}
# Not ANALYZE TABLE, which writes.
_ANALYZED = (QUERIES - {"TABLE"}) | _CHANGES | {"FORMAT"}


@dataclass(frozen=True)
class Asked:
    """An EXPLAIN or ANALYZE.

    Attributes:
        query: what stands behind it.
        json: whether one JSON text is wanted, not rows.
        run: whether the query is to be run.
    """

    query: str
    json: bool
    run: bool

    @property
    def columns(self) -> tuple[ColumnDef, ...]:
        """Columns of the answer: those of JSON are called as MariaDB calls them."""
        if self.json:
            return (_text("ANALYZE" if self.run else "EXPLAIN", 1 << 22),)
        return _text("step", 64), _text("what", 64), _text("detail", 1 << 22)

    def table(self, step: Step) -> Table:
        """The answer."""
        if self.json:
            return Table(self.columns, [(json.dumps(document(step), indent=2, ensure_ascii=False),)])
        return Table(self.columns, [tuple(line) for line in rows(step)])


def asked(sql: str) -> Asked | None:
    """What a statement asks to be explained; None for one that is no EXPLAIN or ANALYZE of a query.

    Raises:
        SQLError: 1064, 1290 for statements that write, 1235 for what cannot be explained, 1791 for an unknown format.
    """
    first, behind, third = _words(sql)
    if behind == "FORMAT" and third != "=":
        # A table of that name.
        return None
    wanted = behind in _ANALYZED if first == "ANALYZE" else first in _DESCRIBES and behind in _EXPLAINED
    return _read(sql) if wanted else None


def _words(sql: str) -> list[str]:
    found = [(token.text.split() or [""])[0].upper() for token in beginning(sql)[:3]]
    return [*found, "", "", ""][:3]


def _read(sql: str) -> Asked:
    reader = Reader(sql)
    run = reader.take().text.upper() == "ANALYZE"
    form = "TRADITIONAL"
    while word := reader.accept_any("FORMAT", "EXTENDED", "PARTITIONS", "ANALYZE"):
        if word == "FORMAT":
            reader.expect("=")
            form = reader.name().upper()
        run = run or word == "ANALYZE"
    if form not in ("JSON", "TRADITIONAL"):
        raise SQLError(1791, f"Unknown EXPLAIN format name: '{form}'; there are JSON and TRADITIONAL")
    query = reader.rest()
    what = verb(query)
    if what in _CHANGES:
        raise read_only(what)
    if what == "FOR":
        raise unsupported("EXPLAIN FOR CONNECTION; explain the text of the query, which SHOW FULL PROCESSLIST tells")
    if what not in QUERIES:
        raise reader.error()
    return Asked(query, form == "JSON", run)


async def analyzed_run(analysis: Analysis, means: Means) -> tuple[Planned, Ran]:
    """A query, run; its rows are thrown away."""
    found = await planned(analysis, means)
    async with aclosing(merged_rows(found.plan, means)) as blocks:
        async for _ in blocks:
            pass
    return found, _report(means.progress, analysis)


def explanation(found: Planned, ran: Ran | None, means: Means) -> Step:
    """A plan as EXPLAIN shows it.

    Args:
        ran: what all of it did, where it was run.
    """
    dispatcher, catalog = means.dispatcher, means.catalog
    bounds = Bounds(means.share_limit, means.merge_limit)
    return explained(found, lambda plan: dispatcher.shares(plan, catalog), bounds, ran)


def _report(progress: Progress, analysis: Analysis) -> Ran:
    return Ran(
        rows=progress.given,
        nbytes=progress.given_bytes,
        seconds=progress.seconds,
        fragments=progress.fragments,
        retries=progress.retries,
        chunks=progress.chunks,
        fragment_rows=progress.rows,
        fragment_bytes=progress.nbytes,
        first=tuple(_report(progress.of(s.table), s.analysis) for s in analysis.stages),
    )


def _text(name: str, length: int) -> ColumnDef:
    return ColumnDef(name, ColumnType.VAR_STRING, length=length * 4)
