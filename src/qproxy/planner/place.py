"""Pass 6, place: which parts of a query are answered chunk by chunk, and which beforehand.

Tables whose rows meet inside one chunk are joined there. Of several groups of such tables one stays in its chunks; the
others are read first, as far as their own conditions allow, and sent along to every chunk. A query in FROM or in an
expression stands in the chunks' statement where each of its rows arises in one chunk, and is answered first where not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from sqlglot import exp

from qproxy.catalog.model import Column, Family, Table, TableKind
from qproxy.errors import unsupported
from qproxy.planner import render
from qproxy.planner.areas import name_areas
from qproxy.planner.bounds import bare
from qproxy.planner.chunkwise import chunkwise, result_of, ties_to
from qproxy.planner.digits import divided_outside, in_parts, loses_digits, spreads
from qproxy.planner.expand import expand
from qproxy.planner.faithful import call_name
from qproxy.planner.filled_up import told_apart
from qproxy.planner.inside import standing, text_of, unwrapped
from qproxy.planner.joins import count_pairs_once, family, groups
from qproxy.planner.marks import MARK
from qproxy.planner.near import join_near
from qproxy.planner.percentiles import has_percentile
from qproxy.planner.query import Chain, Inner, Query, Source, Subquery, Text
from qproxy.planner.restrict import Area, Both, Either, Restriction, restrict
from qproxy.planner.result_types import NUMBERS, base_type
from qproxy.planner.scope import distinct_names
from qproxy.planner.sides import compared, cost, rows_of, weight
from qproxy.sky.coverage import EVERYTHING

#: What a scratch table is called in the statement that reads it.
SCRATCH_ROWS = "§s§"


@dataclass(frozen=True)
class Stage:
    """A query that is answered first.

    Attributes:
        table: the scratch table that holds its rows.
        query: what fills it; its columns are called as ``names`` says.
        keys: columns by which its rows are looked for.
        everywhere: whether every worker with chunks needs it; else the one that runs the statement alone.
    """

    table: str
    query: Query
    names: tuple[str, ...]
    keys: tuple[str, ...] = ()
    everywhere: bool = True


@dataclass(frozen=True)
class Placed:
    """A query whose every part has its place.

    Attributes:
        query: ready to be split; queries inside it are text, functions are expanded.
        family: of its partitioned tables; None where there are none.
        stages: what is answered first.
    """

    query: Query
    family: Family | None
    restriction: Restriction
    stages: tuple[Stage, ...]


def place(query: Query, new_table: Callable[[], str]) -> Placed:
    """Decide where each part of a query is answered.

    Args:
        new_table: gives names of scratch tables.

    Raises:
        SQLError: 1235 for what can be answered nowhere.
    """
    return _Placing(new_table).place(told_apart(divided_outside(query)), everything=False)


class _Placing:
    """Places one query and those inside it."""

    def __init__(self, new_table: Callable[[], str]) -> None:
        self._new_table = new_table
        self._tried: dict[tuple[int, bool], tuple[Query, Placed]] = {}

    def place(self, query: Query, everything: bool) -> Placed:
        """Place a query; ``everything`` that lies in chunks is read beforehand."""
        # Queries deep inside others are tried again from every level.
        key = (id(query), everything)
        if key not in self._tried:
            self._tried[key] = (query, self._place(query, everything))
        return self._tried[key][1]

    def _place(self, query: Query, everything: bool) -> Placed:
        stages: list[Stage] = []
        query = name_areas(query)
        told: dict[str, Restriction] = {}
        sources = []
        for source in query.sources:
            if source.inner is not None:
                source, inside = self._in_from(query, source, stages, everything)
                if inside is not EVERYTHING and not source.nullable:
                    told[source.alias] = inside
            sources.append(source)
        if any(source.inner is not None for source in query.sources):
            query = replace(query, sources=tuple(sources))
        anchor = None
        if not everything:
            query, anchor = join_near(query, partial(cost, query))
        query = self._one_group(query, stages, everything, anchor)
        nested = {w: self._in_expression(query, w, s, stages) for w, s in query.nested.items()}
        if nested:
            query = replace(query, nested=nested)
        families = {family(s) for s in query.partitioned}
        restriction = restrict(query, later=lambda e: _known_later(e, nested))
        # What is read beforehand says nothing of the chunks of those that stay.
        parts = [told[s.alias] for s in query.partitioned if s.alias in told]
        if parts:
            restriction = Both((*parts, restriction)) if restriction is not EVERYTHING else Both(tuple(parts))
        found = families.pop() if families else None
        if found is None:
            stages = [replace(s, everywhere=False) for s in stages]
        return Placed(count_pairs_once(expand(query)), found, restriction, tuple(stages))

    def _stage(self, query: Query, stages: list[Stage], keys: tuple[str, ...] = ()) -> Stage:
        """Answer a query first."""
        names = distinct_names(query.names)
        stage = Stage(self._new_table(), query, names, keys)
        stages.append(stage)
        return stage

    def _in_from(
        self, query: Query, source: Source, stages: list[Stage], everything: bool
    ) -> tuple[Source, Restriction]:
        """A query in FROM: its text where it can stand in a chunk's statement, else a table of its rows."""
        inner = source.inner
        assert inner is not None
        own: list[Stage] = []
        if isinstance(inner, Query):
            inner = _unsorted(inner)
            placed = self.place(inner, everything=False)
            if placed.family is None and not has_percentile(*inner.judged):
                stages += placed.stages
                return replace(source, text=self._text(placed.query)), EVERYTHING
            if not everything and chunkwise(placed.query):
                stages += placed.stages
                result = result_of(placed.query, source)
                return replace(result, text=self._text(placed.query)), _by_chunks(placed.restriction)
            if spreads(inner, stored=True):
                placed = self.place(inner, everything=True)
                stages += placed.stages
                return replace(source, text=self._text(placed.query)), EVERYTHING
            return self._read_first(source, self._stage(inner, stages, compared(query, source))), EVERYTHING
        text = self._whole(inner, own)
        if isinstance(inner, Chain) and not everything and own:
            chunked = self._chunkwise_arms(inner, stages, source)
            if chunked is not None:
                return chunked
        stages += own
        return replace(source, text=text), EVERYTHING

    def _text(self, query: Query) -> Text:
        _check_text(query)
        return Text(render.limited(query, query.items, distinct_names(query.names)), query.slots)

    def _whole(self, inner: Inner, stages: list[Stage]) -> Text:
        """A query as text that reads nothing in chunks: what does is read beforehand."""
        own: list[Stage] = []

        def placed(query: Query) -> Query:
            tried = self.place(query, everything=False)
            first = tried.family is not None or has_percentile(*query.judged)
            if first and (spreads(query, stored=True) or not _stands_alone(query)):
                tried = self.place(query, everything=True)
                _check_text(query)
            elif first:
                if loses_digits(query):
                    parts = in_parts(query, SCRATCH_ROWS)
                    rows = _all_rows(parts.query, self._stage(parts.query, own))
                    return expand(replace(rows, items=parts.items, names=query.names, simple=False))
                return _all_rows(query, self._stage(query, own))
            own.extend(tried.stages)
            return tried.query

        text = text_of(inner, placed)
        stages += own
        return text

    def _chunkwise_arms(self, chain: Chain, stages: list[Stage], source: Source) -> tuple[Source, Restriction] | None:
        """UNION ALL of queries whose rows all arise in chunks of one family: it can stand in a chunk's statement."""
        placed = []
        for arm in _arms(chain):
            one = self.place(arm, everything=False) if arm is not None else None
            if one is None or one.family is None or not chunkwise(one.query):
                return None
            placed.append(one)
        if len({p.family for p in placed}) > 1:
            return None
        for one in placed:
            stages += one.stages
        texts = [self._text(p.query) for p in placed]
        slots = tuple(s.optional() for t in texts for s in t.slots)
        first = placed[0].query.partitioned[0]
        table = replace(source.table, kind=TableKind.CHILD, chunk_rows=first.table.chunk_rows)
        text = Text(" UNION ALL ".join(f"({t.sql})" for t in texts), slots)
        restrictions = tuple(_by_chunks(p.restriction) for p in placed)
        restriction = EVERYTHING if EVERYTHING in restrictions else Either(restrictions)
        return replace(source, table=table, database=first.database, text=text), restriction

    def _read_first(self, source: Source, stage: Stage) -> Source:
        columns = tuple(replace(c, name=n) for c, n in zip(source.table.columns, stage.names, strict=True))
        table = replace(source.table, columns=columns)
        return replace(source, table=table, inner=None, name=stage.table)

    def _one_group(self, query: Query, stages: list[Stage], everything: bool, anchor: str | None) -> Query:
        """The query with all partitioned sources but those of one group read beforehand.

        Args:
            anchor: alias of a source whose group stays; None for the one that is most to read.
        """
        found = groups(query)
        if not found:
            return query
        stays: tuple[Source, ...] = ()
        if not everything:
            able = [g for g in found if any(not s.nullable and anchor in (None, s.alias) for s in g)]
            stays = able[0] if len(able) == 1 else max(able, key=lambda g: sum(weight(query, s) for s in g), default=())
        if len(stays) == sum(map(len, found)):
            return query
        sources = []
        for source in query.sources:
            if source.table.partitioned and source not in stays:
                rows = rows_of(query, source)
                stage = self._stage(rows, stages, compared(query, source))
                columns = tuple(source.table.column(n) or Column(n, "int", "") for n in stage.names)
                table = Table("", source.table.name, TableKind.REGULAR, columns)
                source = replace(source, table=table, database=None, inner=None, text=None, name=stage.table)
            sources.append(source)
        return replace(query, sources=tuple(sources))

    def _in_expression(self, query: Query, word: str, subquery: Subquery, stages: list[Stage]) -> Subquery:
        """A query in an expression: text where it can stand there, else a table of its result."""
        inner = unwrapped(subquery.query)
        tried = self.place(subquery.query, everything=False)
        if tried.family is None:
            own: list[Stage] = []
            text = self._whole(inner, own)
            stages += own
        elif not subquery.outer:
            return self._answered_first(subquery, stages)
        elif isinstance(inner, Query) and ties_to(tried.query, subquery, _call(query, word), query):
            stages += tried.stages
            text = self._text(tried.query)
        else:
            everything = self.place(subquery.query, everything=True)
            if isinstance(inner, Chain):
                raise unsupported(
                    "a subquery with UNION that takes columns from the query around it, and whose rows may lie in "
                    "other chunks; write a subquery for each part of the UNION"
                )
            stages += everything.stages
            text = self._text(everything.query)
        return replace(subquery, text=standing(subquery, text))

    def _answered_first(self, subquery: Subquery, stages: list[Stage]) -> Subquery:
        """A query in an expression that takes nothing from outside: a table of its result, or of what it reads."""
        wanted = _as_much_as_needed(subquery)
        scalar = not subquery.before and not subquery.bare
        if scalar and spreads(wanted, stored=False):
            everything = self.place(wanted, everything=True)
            stages += everything.stages
            return replace(subquery, text=standing(subquery, self._text(everything.query)))
        if scalar and loses_digits(wanted):
            parts = in_parts(wanted, SCRATCH_ROWS)
            stage = self._stage(parts.query, stages)
            text = _reading(stage, parts.query, parts.items)
        else:
            keys = distinct_names(wanted.names)[:1] if subquery.bare and _is_looked_for(wanted) else ()
            stage = self._stage(wanted, stages, keys)
            text = _reading(stage, wanted)
        return replace(subquery, text=standing(subquery, text), stage=stage.table)


def _check_text(query: Query) -> None:
    """Refuse what can stand in no other statement: percentiles take two of their own."""
    if has_percentile(*query.judged):
        raise unsupported(
            "scisql_median and scisql_percentile in a subquery that takes columns from the query around it, or in a "
            "recursive one; write them with GROUP BY in a query in FROM, and join it"
        )


def _known_later(expression: exp.Expr, nested: Mapping[str, Subquery]) -> str | None:
    """The scratch table that holds the value of an expression, or the list that it is."""
    while isinstance(expression, exp.Paren):
        expression = expression.this
    if not isinstance(expression, exp.Anonymous):
        return None
    subquery = nested.get(str(expression.this).lstrip(MARK))
    return subquery.stage if subquery is not None and not subquery.before else None


def _by_chunks(restriction: Restriction) -> Restriction:
    """What a restriction of a query says of chunks: the query around it has tables of its own."""
    if isinstance(restriction, Area):
        return restriction.places.whole
    if isinstance(restriction, Both | Either):
        return type(restriction)(tuple(_by_chunks(p) for p in restriction.parts))
    return restriction


def _arms(chain: Chain) -> list[Query | None]:
    """The arms of a chain of UNION ALLs; None among them where it is another one."""
    if chain.operator != "UNION" or chain.distinct:
        return [None]
    found: list[Query | None] = []
    for arm in (chain.left, chain.right):
        found += [arm] if isinstance(arm, Query) else _arms(arm)
    return found


def _stands_alone(query: Query) -> bool:
    """Whether a query can be answered by itself: it neither reads the recursive expression that it is a part of, nor
    takes anything from a query around it."""
    outside = any("§o" in str(c.this) for e in query.expressions() for c in e.find_all(exp.Anonymous))
    return not outside and all(s.name is None for s in query.sources)


def _all_rows(query: Query, stage: Stage) -> Query:
    """``SELECT * FROM`` the scratch table of a query."""
    types = [base_type(i, query) for i in query.items]
    columns = tuple(Column(n, t, "") for n, t in zip(stage.names, types, strict=True))
    source = Source(SCRATCH_ROWS, 0, Table("", SCRATCH_ROWS, TableKind.REGULAR, columns), name=stage.table)
    # NULL has a type of its own, which a column of a table cannot have.
    items = tuple(
        exp.Null() if _is_null(bare(i)) else source.column(n) for i, n in zip(query.items, stage.names, strict=True)
    )
    return Query(query.catalog, query.names, items, (source,), source.alias)


def _is_null(item: exp.Expr) -> bool:
    """Whether an expression is nothing but NULL."""
    if isinstance(item, exp.Anonymous) and call_name(item).upper() == "NULLIF":
        return _is_null(bare(item.expressions[0]))
    return isinstance(item, exp.Null)


def _reading(stage: Stage, query: Query, items: tuple[exp.Expr, ...] = ()) -> Text:
    """The statement that reads the scratch table of a query; ``items`` of its columns instead of all."""
    rows = _all_rows(query, stage)
    if items:
        rows = expand(replace(rows, items=items, simple=False))
    return Text(render.limited(rows, rows.items))


def _as_much_as_needed(subquery: Subquery) -> Query:
    """A subquery that gives no more rows than the expression around it looks at."""
    query = subquery.query
    if subquery.before == "EXISTS":
        most = 1
    elif not subquery.before and not subquery.bare:
        most = 2  # of which the second one is an error
    else:
        return query
    limit = most if query.limit is None else min(most, query.limit)
    return replace(query, limit=limit)


def _unsorted(query: Query) -> Query:
    """A query in FROM without an order that nothing depends on; one with an aggregate makes a single row of all."""
    if query.limit is not None or query.offset:
        return query
    if query.groups is None and any(o.expression.find(exp.AggFunc, exp.Window) for o in query.orders):
        return query
    return replace(query, orders=())


def _is_looked_for(query: Query) -> bool:
    """Whether a list is worth a key: numbers are. In a key of text narrower than what is looked for, MariaDB 10.11
    finds its beginning, so that ``'ref 000' NOT IN (SELECT band ...)`` is false for the band ``r``."""
    return len(query.items) == 1 and base_type(query.items[0], query) in NUMBERS


def _call(query: Query, word: str) -> exp.Anonymous | None:
    """The call of a subquery in WHERE or wherever else it stands first."""
    for expression in query.expressions():
        for call in expression.find_all(exp.Anonymous):
            if str(call.this).endswith(word):
                return call
    return None
