"""The catalogue of the golden plans, and what the planner makes of a query on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from qproxy.catalog.model import Catalog, Database, DirectorIndex, Family, Table, TableKind
from qproxy.dispatch.fragments import Batching, Cursor, Statements
from qproxy.dispatch.shares import shares
from qproxy.errors import SQLError
from qproxy.planner.constants import SessionValues
from qproxy.planner.explain import Bounds, Step, explained
from qproxy.planner.explain_text import rows
from qproxy.planner.plan import Plan
from qproxy.planner.planned import all_lookups, foreseen
from qproxy.planner.planner import Analysis, analyze
from qproxy.sky.coverage import Coverage
from tests.harness.catalogs import CHUNKS, FAMILY, WORKERS, catalog, columns, placed, rows_in

#: Chunks that the director index tells of an id where an entry does not say which.
PLACES = (36,)
BOUNDS = Bounds(share=64 << 20, gather=5000 << 20)
RADIO = Family(9, 4, 0.1)
#: Rows of each chunk: so many that a plan shows batches.
ROWS = 10_000


def _director(database: str, name: str, key: str, chunks: Sequence[int], *more: str, rows: int = ROWS) -> Table:
    return Table(
        database,
        name,
        TableKind.DIRECTOR,
        columns(f"{key} bigint(20)", "ra double", "decl double", *more),
        id=key,
        lon="ra",
        lat="decl",
        chunk_rows=rows_in(chunks, rows),
        index=DirectorIndex(tuple((w,) for w in WORKERS)),
        total_rows=rows * len(chunks),
    )


def golden() -> Catalog:
    """Database ``sky`` of `tests.harness.catalogs`; ``deep`` of the same family, with the director Galaxy, whose
    ``class`` is an ENUM; ``radio`` of another family, with the director Beam."""
    base = catalog(CHUNKS, ROWS)
    sky = base.databases["sky"]
    tables = {
        name: replace(t, total_rows=t.chunk_rows.total) if t.kind is not TableKind.REGULAR else t
        for name, t in sky.tables.items()
    }
    galaxy = _director("deep", "Galaxy", "galaxyId", CHUNKS[2:6], "z float", "class enum('spiral','dwarf')")
    beam = _director("radio", "Beam", "beamId", (3, 40, 41), "flux double", rows=50)
    databases = {
        "sky": replace(sky, tables=tables),
        "deep": Database("deep", "deep__g1", FAMILY, {"Galaxy": galaxy}),
        "radio": Database("radio", "radio__g1", RADIO, {"Beam": beam}),
    }
    placements = {**base.placements, RADIO: placed((3, 40, 41))}
    return replace(base, databases=databases, placements=placements)


def _variable(name: str) -> str:
    raise SQLError(1193, f"Unknown system variable '{name}'")


SKY = golden()
SESSION = SessionValues(
    database="sky",
    user="me@here",
    connection_id=7,
    version="10.11.6-MariaDB",
    variable=_variable,
    user_variables={"faint": 20},
    variables_travel=True,
    now=datetime(2026, 1, 2, 3, 4, 5),
    statement="x",
)


def planned(sql: str, places: Sequence[int] = PLACES) -> dict[str, Any]:
    """What an entry of the golden plans holds beside its query: a plan, or an error.

    Args:
        places: chunks of every id that is looked up.
    """
    try:
        step = plan_of(sql, places)
    except SQLError as error:
        return {"error": {"code": error.code, "text": error.message}}
    return {"plan": _by_step(step)}


def plan_of(sql: str, places: Sequence[int] = PLACES) -> Step:
    """The plan of a query, as EXPLAIN shows it.

    Raises:
        SQLError: it is refused.
    """
    return step_of(analyze(sql, SKY, SESSION), places)


def step_of(analysis: Analysis, places: Sequence[int] = PLACES) -> Step:
    """The plan of a query that is understood."""
    found = {lookup: Coverage.of_chunks(places) for lookup in all_lookups(analysis)}
    return explained(foreseen(analysis, found), _shares, BOUNDS)


def _shares(plan: Plan) -> Mapping[str, tuple[int, int]]:
    assert plan.family is not None
    size = Statements(plan, str).chunk_size
    return shares(Cursor(plan, SKY.placements[plan.family], Batching(), size))


def _by_step(step: Step) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, what, detail in rows(step):
        found.setdefault(name.strip(), {})[what] = detail
    return found
