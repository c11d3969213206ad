"""EXPLAIN: a plan in words, for the astronomer who wonders why a query is slow."""

from __future__ import annotations

from collections.abc import Sequence

from qproxy.catalog.model import Catalog
from qproxy.planner.plan import Plan, Relay, Slot, Template


def explain(plan: Plan, catalog: Catalog, chunk_name: str = "%CHUNK%") -> list[tuple[str, str]]:
    """The plan as (what, detail) pairs.

    Args:
        chunk_name: what stands for the chunk's number in the statements shown.
    """
    lines = [
        ("tables", ", ".join(f"{s.table.database}.{s.table.name} ({s.table.kind})" for s in plan.slots) or "none"),
        ("coverage", _coverage(plan)),
        ("workers", _workers(plan, catalog)),
        ("fragment", _logical(plan.partial, plan.slots, chunk_name)),
    ]
    if plan.combined is not None:
        before, _, after = plan.combined.partition(plan.partial)
        lines.append(("combined on the worker", _logical(f"{before}fragments{after}", plan.slots, chunk_name)))
    lines.append(("merge", _merge(plan)))
    if plan.limit is not None:
        lines.append(("stops early", f"when {plan.limit} rows are there"))
    return lines


def _coverage(plan: Plan) -> str:
    if plan.family is None:
        return "no chunks: every worker holds what is needed"
    total = max((len(s.table.chunk_rows.chunks) for s in plan.slots if s.table.partitioned), default=0)
    how = "whole sky" if plan.coverage.is_everything else "restricted by area or id"
    text = f"{len(plan.chunks)} of {total} chunks ({how})"
    if 0 < len(plan.chunks) <= 10:
        text += ": " + ", ".join(map(str, plan.chunks.tolist()))
    return text


def _workers(plan: Plan, catalog: Catalog) -> str:
    if plan.family is None or len(plan.chunks) == 0:
        return "any one"
    placement = catalog.placements[plan.family]
    at = placement.chunks.searchsorted(plan.chunks)
    first = placement.replicas[at, 0]
    return ", ".join(
        f"{name}: {count} chunks" for i, name in enumerate(placement.workers) if (count := int((first == i).sum()))
    )


def _merge(plan: Plan) -> str:
    if isinstance(plan.merge, Relay):
        if len(plan.chunks) <= 1:
            return "none: the worker's rows are the answer"
        return "relay: rows pass through as fragments complete"
    kind = "final statement" if plan.merge.bounded else "rows are gathered, then the final statement runs over them"
    return f"{kind}: {plan.merge.statement.replace('`§merge§`', 'fragments')}"


def _logical(statement: str, slots: Sequence[Slot], chunk_name: str) -> str:
    for slot in slots:
        statement = statement.replace(f"`{slot.physical}`.", f"`{slot.table.database}`.")
    names = [f"{s.table.name}_{chunk_name}" if s.table.partitioned else s.table.name for s in slots]
    return Template.cut(statement, slots).fill(names)
