"""The plan of a pattern: where integers of WHERE are but compared with columns, one plan serves for all of them.

What the passes from place on make of such a query depends on an integer in two ways alone: its digits stand in the
statements, and where the column holds a director's ids, it is looked up. A recipe is the query planned with stand-ins;
the integers take their places in the look-ups and in the text. It is made where nothing else can depend on them:

* WHERE is AND, OR and NOT of conditions, and a condition with such an integer compares one column with integers;
* that column is no position, so that no area depends on them;
* they are told of by look-ups of single ids alone: ranges, and what several conditions on one id leave, are not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from qproxy.catalog.model import ChunkIds, TableKind
from qproxy.errors import SQLError
from qproxy.planner.bounds import bare
from qproxy.planner.patterns import Pattern
from qproxy.planner.plan import Final, Lookup, Plan, Slot, with_integers
from qproxy.planner.planner import Analysis, available, make_plan
from qproxy.planner.query import Query
from qproxy.planner.restrict import Both, Either, Restriction, resolve
from qproxy.planner.ties import source_of
from qproxy.sky.coverage import EVERYTHING, Coverage

_CONNECTORS = (exp.And, exp.Or, exp.Not, exp.Paren)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


@dataclass(frozen=True, eq=False)
class Recipe:
    """What all statements of a pattern are answered by.

    Attributes:
        analysis: of the query with stand-ins.
        stand_ins: texts, in the order of the integers.
        slots, chunks: of the query, and the chunks that it reads where nothing restricts it.
    """

    analysis: Analysis
    stand_ins: tuple[str, ...]
    slots: tuple[Slot, ...]
    chunks: ChunkIds
    _plans: dict[tuple[bool, bool], Plan] = field(default_factory=dict)

    def filled(self, integers: Sequence[str]) -> Analysis:
        """The query with integers; in its expressions stand-ins remain."""
        texts = tuple(zip(self.stand_ins, integers, strict=True))
        values = {int(stand_in): int(integer) for stand_in, integer in texts}
        known = self.analysis
        return Analysis(
            query=known.query,
            names=known.names,
            shape=known.shape,
            slots=known.slots,
            family=known.family,
            restriction=_filled(known.restriction, values),
            variables=known.variables,
            constant=known.constant,
            ready=Filled(self, texts),
        )

    def plan(self, texts: tuple[tuple[str, str], ...], coverage: Coverage, in_order: bool) -> Plan:
        """The plan for a coverage.

        Args:
            texts: stand-ins, and the integers in their places.
            in_order: see `make_plan`.
        """
        chunks = coverage.chunks(self.chunks)
        form = self._form(len(chunks) <= 1, in_order)

        merge = form.merge
        if isinstance(merge, Final):
            columns, statement = (with_integers(s, texts) for s in (merge.columns, merge.statement))
            merge = replace(merge, columns=columns, statement=statement)
        return Plan(
            names=form.names,
            shape=form.shape,
            slots=self.slots,
            family=form.family,
            coverage=coverage,
            chunks=chunks,
            partial=with_integers(form.partial, texts),
            combined=None if form.combined is None else with_integers(form.combined, texts),
            together=form.together,
            merge=merge,
            form=form,
            integers=texts,
        )

    def _form(self, one: bool, in_order: bool) -> Plan:
        """The plan with stand-ins: for one chunk at most, where nothing is merged, or for several."""
        form = self._plans.get((one, in_order))
        if form is None:
            some = Coverage(self.chunks[:1]) if one else EVERYTHING
            form = make_plan(replace(self.analysis, restriction=some), {}, in_order)
            self._plans[one, in_order] = form
        return form


@dataclass(frozen=True, eq=False)
class Filled:
    """A recipe with integers; see `Recipe.plan`."""

    recipe: Recipe
    texts: tuple[tuple[str, str], ...]

    def plan(self, restriction: Restriction, found: Mapping[Lookup, Coverage], in_order: bool) -> Plan:
        """The plan, once the look-ups are answered."""
        return self.recipe.plan(self.texts, resolve(restriction, found), in_order)


def recipe(pattern: Pattern, analysis: Analysis, integers: Sequence[str], arranged: Analysis) -> Recipe | None:
    """The recipe of a pattern.

    Args:
        pattern: with its stand-ins.
        analysis: of a statement of the pattern.
        integers: of that statement.
        arranged: of the pattern's query with the stand-ins.

    Returns:
        None where the plan depends on the integers in other ways.
    """
    query = pattern.known.query
    restriction = arranged.restriction
    stand_ins = pattern.stand_ins
    if arranged.stages or arranged.total is not None or arranged.family is None or query.where is None:
        return None
    if any(s.table.kind is TableKind.MATCH for s in query.sources) or not _steady(query, frozenset(stand_ins)):
        return None
    values = {int(s): int(i) for s, i in zip(stand_ins, integers, strict=True)}
    if not all(_alone(leaf, values) for leaf in _leaves(restriction)) or any(s in arranged.shape for s in stand_ins):
        return None
    # As an integer may have told more than its stand-in: of ids beyond those of doubles, for one.
    if _filled(restriction, values) != analysis.restriction:
        return None
    slots = arranged.query.slots
    found = Recipe(arranged, stand_ins, slots, available(slots))
    try:
        return found if _complete(found, stand_ins) else None
    except SQLError:
        return None


def _complete(found: Recipe, stand_ins: Sequence[str]) -> bool:
    """Whether every stand-in is in the statements."""
    forms = [found._form(True, True), *(found._form(False, order) for order in (True, False) if len(found.chunks) > 1)]
    return all(form.narrowed is None and all(s in form.partial for s in stand_ins) for form in forms)


def _steady(query: Query, stand_ins: Collection[str]) -> bool:
    """Whether conditions with stand-ins compare columns that are no positions, and nothing else holds any."""
    assert query.where is not None
    waiting = [query.where]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _CONNECTORS):
            waiting += list(node.iter_expressions())
        elif _stands_in(node, stand_ins) and not _compares(node, query):
            return False
    return True


def _stands_in(node: exp.Expr, stand_ins: Collection[str]) -> bool:
    return any(n.this in stand_ins for n in node.find_all(exp.Literal))


def _compares(node: exp.Expr, query: Query) -> bool:
    """Whether it is a comparison of a column that is no position with plain numbers."""
    if isinstance(node, _COMPARISONS):
        sides = [bare(node.this), bare(node.expression)]
    elif isinstance(node, exp.Between):
        sides = [bare(node.this), bare(node.args["low"]), bare(node.args["high"])]
    elif isinstance(node, exp.In) and node.args.get("query") is None:
        sides = [bare(node.this), *map(bare, node.expressions)]
    else:
        return False
    columns = [s for s in sides if isinstance(s, exp.Column)]
    if len(columns) != 1 or not all(isinstance(s, exp.Column) or _is_number(s) for s in sides):
        return False
    source = source_of(columns[0], query)
    if source is None:
        return False
    positions = [p.lower() for p in (source.table.lon, source.table.lat) if p is not None]
    return columns[0].name.lower() not in positions


def _is_number(node: exp.Expr) -> bool:
    while isinstance(node, exp.Neg | exp.Paren):
        node = node.this
    return isinstance(node, exp.Literal) and not node.is_string


def _leaves(restriction: Restriction) -> Iterator[Restriction]:
    if isinstance(restriction, Both | Either):
        for part in restriction.parts:
            yield from _leaves(part)
    else:
        yield restriction


def _alone(leaf: Restriction, values: Mapping[int, int]) -> bool:
    """Whether a part of a restriction is a look-up of stand-ins, or nothing at all."""
    if isinstance(leaf, Lookup):
        return isinstance(leaf.ids, frozenset) and all(isinstance(i, int) and abs(i) in values for i in leaf.ids)
    return isinstance(leaf, Coverage) and leaf.is_everything


def _filled(restriction: Restriction, values: Mapping[int, int]) -> Restriction:
    """A restriction with integers in the place of stand-ins."""
    if isinstance(restriction, Lookup):
        ids = restriction.ids
        assert isinstance(ids, frozenset)
        chosen = frozenset([values[i] if i > 0 else -values[-i] for i in ids if isinstance(i, int)])
        return Lookup(restriction.director, chosen, restriction.child)
    if isinstance(restriction, Both | Either):
        return type(restriction)(tuple([_filled(part, values) for part in restriction.parts]))
    return restriction
