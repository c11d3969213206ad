"""A query with its plan and those that are answered before it: what was run, or what can be foreseen of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qproxy.planner.plan import Lookup, Plan
from qproxy.planner.planner import Analysis, make_plan
from qproxy.sky.coverage import Coverage


@dataclass(frozen=True)
class Planned:
    """A query and how it is answered.

    Attributes:
        first: the queries before it, as the analysis lists them.
    """

    analysis: Analysis
    plan: Plan
    first: tuple[Planned, ...] = ()


def all_lookups(analysis: Analysis) -> frozenset[Lookup]:
    """What the director index has to tell of a query and of all that come before it."""
    return analysis.lookups.union(*(all_lookups(stage.analysis) for stage in analysis.stages))


def foreseen(analysis: Analysis, found: Mapping[Lookup, Coverage]) -> Planned:
    """The plans of a query and of all before it, as far as they are known when nothing has run.

    Args:
        found: the places of the ids of each look-up. Ids that a query gives which comes first are not among them:
            they narrow nothing yet.
    """
    first = tuple(foreseen(stage.analysis, found) for stage in analysis.stages)
    return Planned(analysis, make_plan(analysis, found), first)
