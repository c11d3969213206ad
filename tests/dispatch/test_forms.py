"""Statements of plans that differ in integers alone are those that each plan would give."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import cast

from qproxy.backends.base import Backend
from qproxy.dispatch.forms import Forms
from qproxy.dispatch.fragments import Statements
from qproxy.planner.plan import Plan
from qproxy.planner.planner import make_plan
from qproxy.session.known import Known
from qproxy.sky.coverage import Coverage
from tests.plans.catalogue import SESSION, SKY


class Asis:
    """A backend that takes statements as they are."""

    def translate(self, sql: str) -> str:
        return sql

    def spans(self, template: str) -> bool:
        return False


class Shouting(Asis):
    """A backend with a dialect of its own."""

    def translate(self, sql: str) -> str:
        return sql.upper()


def plans(*sqls: str) -> list[Plan]:
    known = Known(lambda: SKY)
    for sql in sqls[:1] * 3:
        known.analysis(sql, SKY, SESSION)
    found = []
    for sql in sqls:
        analysis = known.analysis(sql, SKY, SESSION)
        found.append(make_plan(analysis, {lookup: Coverage.of_chunks([36]) for lookup in analysis.lookups}))
    return found


POINTS = [f"SELECT ra FROM Star s WHERE starId = {n} AND mag < {n + 1}" for n in (7, 8, 123456789)]
JOINS = [
    f"SELECT s.ra, o.flux FROM Star s LEFT JOIN Source o ON o.starId = s.starId WHERE s.starId = {n}" for n in (7, 8)
]


def test_each_plan_has_its_own_statement() -> None:
    forms = Forms()
    for sqls in (POINTS, JOINS):
        made = plans(*sqls)
        assert len({id(p.form) for p in made}) == 1 and made[0].form is not None
        for kind in (Asis, Shouting):
            backend = cast(Backend, kind())
            for plan in made:
                wanted = Statements(replace(plan, form=None), backend.translate).batch((36,))
                assert forms.statement(plan, backend, 36) == wanted
                assert forms.statement(replace(plan, form=None), backend, 36) == wanted


def test_forms_are_forgotten_with_their_plans() -> None:
    forms = Forms()
    made = plans(*POINTS)
    for plan in made:
        forms.statement(plan, cast(Backend, Asis()), 36)
    assert len(forms._known) == 1
    del made, plan
    gc.collect()
    assert len(forms._known) == 0
