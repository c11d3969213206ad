"""Statements of plans that differ in integers alone: they are taken apart once."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from qproxy.backends.base import Backend
from qproxy.dispatch.fragments import Statements
from qproxy.planner.plan import Plan, with_integers


class Forms:
    """What is known of plans' forms, as long as these are."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Plan, dict[type[Backend], Statements | None]] = WeakKeyDictionary()

    def statement(self, plan: Plan, backend: Backend, chunk: int) -> str:
        """The statement of a plan for one chunk."""
        known = None if plan.form is None else self._of(plan.form, backend)
        if known is None:
            return Statements(plan, backend.translate, backend.spans).batch((chunk,))
        return with_integers(known.batch((chunk,)), plan.integers)

    def _of(self, form: Plan, backend: Backend) -> Statements | None:
        by_kind = self._known.get(form)
        if by_kind is None:
            by_kind = self._known[form] = {}
        kind = type(backend)
        if kind not in by_kind:
            # An engine that translates may see more in an integer than its text.
            as_it_is = backend.translate(form.partial) is form.partial
            by_kind[kind] = Statements(form, backend.translate, backend.spans) if as_it_is else None
        return by_kind[kind]
