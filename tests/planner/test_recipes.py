"""Plans of patterns: filled with integers they are what planning the statement would give, or there is none."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from qproxy.planner.patterns import cut, free, pattern
from qproxy.planner.plan import Plan
from qproxy.planner.planner import Analysis, analyze, arranged, make_plan, understood
from qproxy.planner.recipes import Recipe, recipe
from qproxy.sky.coverage import Coverage
from tests.plans.catalogue import SESSION, SKY

#: Small ones, equal ones, the ends of types, and what no type holds.
INTEGERS = ("0", "1", "7", "7", "36", "255", "4294967296", "9007199254740993", "9223372036854775807", "9" * 19)
STEADY = [
    "SELECT * FROM Star WHERE starId = 7",
    "SELECT ra, mag FROM Star WHERE 7 = starId AND mag > 3",
    "SELECT ra FROM Star WHERE starId IN (7, 8, 9) ORDER BY mag LIMIT 3",
    "SELECT ra FROM Star WHERE starId = 7 OR starId = -8",
    "SELECT ra FROM Star WHERE starId = 7 OR (starId = 8 AND NOT mag = 3)",
    "SELECT name, mag FROM Star WHERE mag BETWEEN 7 AND 12 ORDER BY mag",
    "SELECT name, mag FROM Star WHERE mag > 7 ORDER BY name LIMIT 5",
    "SELECT s.ra, o.flux FROM Star s JOIN Source o ON o.starId = s.starId WHERE s.starId = 7 AND o.flux > 9",
    "SELECT s.ra, o.flux FROM Star s LEFT JOIN Source o ON o.starId = s.starId WHERE s.starId = 7",
    "SELECT flux FROM Source WHERE starId = 7 AND sourceId <> 9",
]
NOT_STEADY = [
    "SELECT ra FROM Star WHERE starId = 7 AND starId = 8",
    "SELECT ra FROM Star WHERE starId BETWEEN 7 AND 9",
    "SELECT ra FROM Star WHERE starId > 7",
    "SELECT ra FROM Star WHERE starId = 7 % 5",
    "SELECT ra FROM Star WHERE starId = 7 + 5",
    "SELECT ra FROM Star WHERE starId - 7 = 5",
    "SELECT ra FROM Star WHERE starId IN (7, 8.0)",
    "SELECT ra FROM Star WHERE starId = 7 AND ra > 10",
    "SELECT ra FROM Star WHERE starId = 7 AND decl BETWEEN 10.5 AND 11.5",
    "SELECT ra FROM Star WHERE (mag > 7) = 1",
    "SELECT ra FROM Star WHERE mag > 7 + decl",
    "SELECT m.separation FROM StarRef m WHERE m.starId = 7",
    "SELECT b.name FROM Band b WHERE b.bandId = 3",
    "SELECT a.ra FROM Star a, Star b WHERE a.starId = 7 AND b.starId = 8",
]


def recipe_of(sql: str) -> Recipe | None:
    parts = cut(sql)
    known = understood(sql, SKY, SESSION)
    places = free(sql, parts, known.query)
    found = pattern(parts, places, SKY, SESSION) if places else None
    if found is None:
        return None
    return recipe(found, arranged(known, SESSION), parts.chosen(places), arranged(found.known, SESSION))


def shown(plan: Plan) -> tuple[object, ...]:
    statements = (plan.partial, plan.combined, plan.merge, plan.narrowed, plan.shape, plan.names, plan.together)
    return *statements, plan.family, plan.slots, plan.coverage, plan.chunks.tolist()


def plan_at(analysis: Analysis, places: Sequence[int], in_order: bool) -> Plan:
    return make_plan(analysis, {lookup: Coverage.of_chunks(places) for lookup in analysis.lookups}, in_order)


@pytest.mark.parametrize("sql", STEADY)
def test_a_filled_recipe_is_the_plan_of_the_statement(sql: str) -> None:
    made = recipe_of(sql)
    assert made is not None
    parts = cut(sql)
    places = free(sql, parts, understood(sql, SKY, SESSION).query)
    numbers = random.Random(sql)
    for _ in range(8):
        integers = list(parts.integers)
        for place in places:
            integers[place] = numbers.choice(INTEGERS)
        other = "".join(a + b for a, b in zip(parts.pieces, [*integers, ""], strict=True))
        filled, anew = made.filled([integers[p] for p in places]), analyze(other, SKY, SESSION)
        assert filled.lookups == anew.lookups
        assert (filled.shape, filled.names, filled.slots) == (anew.shape, anew.names, anew.slots)
        for chunks in ((), (36,), (36, 37, 38), (1,)):
            for in_order in (True, False):
                assert shown(plan_at(filled, chunks, in_order)) == shown(plan_at(anew, chunks, in_order)), other


@pytest.mark.parametrize("sql", NOT_STEADY)
def test_where_more_depends_on_the_integers_there_is_none(sql: str) -> None:
    assert recipe_of(sql) is None
