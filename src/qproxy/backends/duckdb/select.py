"""SELECT statements of MariaDB as DuckDB SQL: tables in scope, grouping, ordering, DISTINCT, LIMIT, UNION."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from sqlglot import exp

from qproxy.backends.duckdb.chunks import CHUNK
from qproxy.backends.duckdb.comment import described
from qproxy.backends.duckdb.context import Context, Source
from qproxy.backends.duckdb.expressions import compile_expression
from qproxy.backends.duckdb.recursive import recursive
from qproxy.backends.duckdb.registry import Registry, quote
from qproxy.backends.duckdb.setops import Columns, matched, united
from qproxy.backends.duckdb.typed import Typed, cast_to, equality_key, refused, settled, sort_key, truth
from qproxy.backends.duckdb.types import MType
from qproxy.errors import SQLError

_KNOWN = frozenset(
    [
        "expressions",
        "from_",
        "joins",
        "where",
        "group",
        "having",
        "order",
        "limit",
        "offset",
        "distinct",
        "kind",
        "hint",
        "operation_modifiers",
    ]
)


@dataclass(frozen=True)
class Item:
    """One item of a SELECT list."""

    name: str
    node: exp.Expr | None
    value: Typed


class Selects:
    """Translates statements over the tables of a registry.

    Args:
        registry: the tables and their types.
        local: columns of common table expressions, by name.
    """

    def __init__(self, registry: Registry, local: Mapping[str, Columns] = MappingProxyType({})) -> None:
        self._registry = registry
        self._local = local

    def statement(self, node: exp.Expr, outer: Context | None = None) -> tuple[str, Columns]:
        """DuckDB SQL of a SELECT or UNION, and the columns that it gives.

        Raises:
            SQLError: 1235 for what cannot be translated faithfully, 1146, 1054 and 1052 for names.
        """
        if isinstance(node, exp.Subquery) and not node.args.get("alias"):
            sql, columns = self.statement(node.this, outer)
            tail = self._tail(node, columns)
            return (f"SELECT * FROM ({sql}) AS q_inner{tail}" if tail else f"({sql})"), columns
        if node.args.get("with_"):
            return recursive(node, lambda arm, name, columns: self._seeing(name, columns).statement(arm, outer))
        if isinstance(node, exp.SetOperation):
            return self._combined(node, outer)
        if isinstance(node, exp.Select):
            return self._select(node, outer, None)
        raise refused(f"the statement {node.key.upper()}")

    def _seeing(self, name: str, columns: Columns) -> Selects:
        """The same with one more common table expression; none where it has no columns yet."""
        return Selects(self._registry, {**self._local, name: columns}) if columns else self

    def _nested(self, node: exp.Expr, context: Context) -> tuple[str, Columns]:
        return self.statement(node, context)

    # -- FROM ------------------------------------------------------------------------------------------------

    def _table(self, node: exp.Expr, outer: Context | None) -> tuple[str, list[Source]]:
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            database = node.text("db") or None
            alias = node.alias or node.name
            if database is None and node.name in self._local:
                return f"{quote(node.name)} AS {quote(alias)}", [Source(alias, dict(self._local[node.name]))]
            shape = self._registry.resolve(database, node.name)
            place = f"{quote(database)}.{quote(node.name)}" if database else quote(node.name)
            chunked = self._registry.chunked(database, node.name)
            return f"{place} AS {quote(alias)}", [Source(alias, shape.columns, chunked)]
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery):
            sql, sources = self._joined(node.this, node.this.args.get("joins") or (), outer)
            return f"({sql})", sources
        if isinstance(node, exp.Subquery):
            if not node.alias:
                raise SQLError(1248, "Every derived table must have its own alias")
            sql, columns = self.statement(node.this, outer)
            return f"({described(sql, columns)}) AS {quote(node.alias)}", [Source(node.alias, dict(columns))]
        raise refused(f"{node.sql('mysql')!r} in FROM")

    def _from(self, node: exp.Select, outer: Context | None) -> tuple[str, list[Source]]:
        clause = node.args.get("from_")
        if clause is None:
            return "", []
        sql, sources = self._joined(clause.this, node.args.get("joins") or (), outer)
        return f" FROM {sql}", sources

    def _joined(self, first: exp.Expr, joins: Sequence[exp.Expr], outer: Context | None) -> tuple[str, list[Source]]:
        """Tables and joins from left to right."""
        sql, sources = self._table(first, outer)
        parts = [sql]
        for join in joins:
            if join.args.get("using") or str(join.args.get("method") or ""):
                raise refused("JOIN ... USING and NATURAL JOIN")
            sql, brought = self._table(join.this, outer)
            together = _same_chunk(sources, brought)
            sources += brought
            side = str(join.args.get("side") or "").upper()
            on = join.args.get("on")
            if on is None:
                if side:
                    raise SQLError(1064, f"{side} JOIN without ON")
                parts.append(f" JOIN {sql} ON {together}" if together else f" CROSS JOIN {sql}")
                continue
            context = Context(tuple(sources), self._nested, outer)
            condition = truth(compile_expression(on, context))
            if together:
                condition = f"({condition}) AND {together}"
            parts.append(f" {side + ' ' if side else ''}JOIN {sql} ON {condition}")
        return "".join(parts), sources

    # -- the SELECT list ---------------------------------------------------------------------------------------

    def _items(self, node: exp.Select, context: Context) -> list[Item]:
        items: list[Item] = []
        for e in node.expressions:
            inner = e.this if isinstance(e, exp.Alias) else e
            name = e.alias if isinstance(e, exp.Alias) else (e.name if isinstance(e, exp.Column) else e.sql("mysql"))
            items.append(Item(name, inner, compile_expression(inner, context)))
        return items

    # -- one SELECT ----------------------------------------------------------------------------------------

    def _select(self, node: exp.Select, outer: Context | None, kinds: Sequence[MType] | None) -> tuple[str, Columns]:
        extra = [k for k, v in node.args.items() if v and k not in _KNOWN]
        if extra:
            raise refused(f"SELECT with {extra[0].rstrip('_').upper()}")
        from_sql, sources = self._from(node, outer)
        rows = Context(tuple(sources), self._nested, outer)
        node = _without_stars(node, sources)
        aliases = {e.alias.lower(): e.this for e in node.expressions if isinstance(e, exp.Alias)}
        group = node.args.get("group")
        having = node.args.get("having")
        order = node.args.get("order")
        having_node = _expand(having.this, aliases, sources, False) if having else None
        orders = [_order_node(o, node, aliases, sources) for o in (order.expressions if order else ())]
        aggregated = group is not None or any(
            _aggregates(e) for e in (*node.expressions, having_node, *(o for o, _ in orders)) if e is not None
        )
        context = rows
        group_sql = ""
        if aggregated:
            group_sql, keys = self._group(group, node, aliases, rows) if group else ("", [])
            context = replace(rows, grouped=True, keys=tuple(keys))
        items = self._items(node, context)
        values = [settled(i.value) for i in items]
        if group is not None:
            # Groups are gathered in a temporary table, whose long texts are TEXT columns.
            values = [Typed(v.sql, _stored(v.type)) for v in values]
        if kinds is not None:
            values = [Typed(cast_to(v, k), k) for v, k in zip(values, kinds, strict=True)]
        columns = [(i.name, v.type) for i, v in zip(items, values, strict=True)]
        conditions = [truth(compile_expression(node.args["where"].this, rows))] if node.args.get("where") else []
        having_sql = ""
        if having_node is not None:
            condition = truth(compile_expression(having_node, context))
            if aggregated:
                having_sql = f" HAVING {condition}"
            else:
                conditions.append(condition)
        where_sql = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        order_sql = _order_sql([(compile_expression(o, context), desc) for o, desc in orders if not _constant(o)])
        word = ""
        if node.args.get("distinct"):
            if node.args["distinct"].args.get("on"):
                raise refused("DISTINCT ON")
            word = f"DISTINCT ON ({', '.join(equality_key(v) for v in values)}) "
        listed = ", ".join(f"{v.sql} AS {quote(n)}" for v, (n, _) in zip(values, columns, strict=True))
        sql = f"SELECT {word}{listed}{from_sql}{where_sql}{group_sql}{having_sql}{order_sql}{_limit(node)}"
        return sql, columns

    def _group(
        self, group: exp.Expr, node: exp.Select, aliases: Mapping[str, exp.Expr], rows: Context
    ) -> tuple[str, list[tuple[exp.Expr, Typed]]]:
        extra = [k for k, v in group.args.items() if v and k not in ("expressions", "all")]
        if extra:
            raise refused(f"GROUP BY ... {extra[0].upper()}")
        keys: list[tuple[exp.Expr, Typed]] = []
        parts: list[str] = []
        for given in group.expressions:
            e = _positioned(given, node)
            if isinstance(e, exp.Column) and not e.text("table") and not any(s.find(e.name) for s in rows.sources):
                e = aliases.get(e.name.lower(), e)
            value = settled(compile_expression(e, rows))
            key = equality_key(value)
            if _constant(e):
                key = f"coalesce({key}, {key})"
            parts.append(key)
            keys.append((e, value if key == value.sql else Typed(f"first({value.sql})", value.type)))
        return f" GROUP BY {', '.join(parts)}", keys

    # -- UNION ---------------------------------------------------------------------------------------------

    def _combined(self, node: exp.SetOperation, outer: Context | None) -> tuple[str, Columns]:
        distinct = bool(node.args.get("distinct"))
        arms: list[exp.Expr] = [node.expression]
        current: exp.Expr = node.this
        # Long chains of UNION nest to the left.
        while (
            isinstance(node, exp.Union)
            and isinstance(current, exp.Union)
            and bool(current.args.get("distinct")) == distinct
            and not self._tail(current, [])
        ):
            arms.append(current.expression)
            current = current.this
        shapes = [self.statement(_bare(a), outer) for a in (current, *reversed(arms))]
        if isinstance(node, exp.Union):
            sql, result = united(shapes, distinct)
        else:
            sql, result = matched(*shapes, inside=isinstance(node, exp.Intersect), distinct=distinct)
        tail = self._tail(node, result)
        return (f"SELECT * FROM ({sql}) AS q_union{tail}" if tail else sql), result

    def _tail(self, node: exp.Expr, columns: Columns) -> str:
        """ORDER BY and LIMIT behind a UNION or a parenthesised statement."""
        order = node.args.get("order")
        keys: list[tuple[Typed, bool]] = []
        for o in order.expressions if order and columns else ():
            e = o.this
            if isinstance(e, exp.Literal) and not e.is_string:
                position = int(e.this)
                if not 1 <= position <= len(columns):
                    raise SQLError(1054, f"Unknown column '{position}' in 'ORDER BY'")
                name, kind = columns[position - 1]
            elif isinstance(e, exp.Column) and not e.text("table"):
                found = [(n, k) for n, k in columns if n.lower() == e.name.lower()]
                if not found:
                    raise SQLError(1054, f"Unknown column '{e.name}' in 'ORDER BY'")
                name, kind = found[0]
            else:
                raise refused("ORDER BY an expression behind a UNION")
            keys.append((Typed(quote(name), kind), bool(o.args.get("desc"))))
        return _order_sql(keys) + _limit(node)


def _same_chunk(before: Sequence[Source], brought: Sequence[Source]) -> str:
    """The condition by which chunked sources that a join brings meet those before in equal chunks only; or nothing."""
    sides = [[f"{quote(s.alias)}.{quote(CHUNK)}" for s in part if s.chunked] for part in (brought, before)]
    if not all(sides):
        return ""
    # Behind an outer join any may be NULL; those that are not are equal.
    first, second = (names[0] if len(names) == 1 else f"coalesce({', '.join(names)})" for names in sides)
    return f"{first} = {second}"


def _stored(kind: MType) -> MType:
    long = kind.kind == "string" and kind.word == "varchar" and kind.length * 4 > 0xFFFF
    return replace(kind, word="text") if long else kind


def _without_stars(node: exp.Select, sources: Sequence[Source]) -> exp.Select:
    """The statement with ``*`` and ``t.*`` written out."""
    listed: list[exp.Expr] = []
    for e in node.expressions:
        star = isinstance(e, exp.Star)
        if not star and not (isinstance(e, exp.Column) and isinstance(e.this, exp.Star)):
            listed.append(e)
            continue
        only = None if star else e.text("table")
        for source in sources:
            if only is None or source.alias == only:
                alias = exp.to_identifier(source.alias, True)
                listed += [exp.column(exp.to_identifier(name, True), alias.copy()) for name in source.columns]
    if all(a is b for a, b in zip(listed, node.expressions, strict=False)):
        return node
    changed = node.copy()
    changed.set("expressions", listed)
    return changed


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Subquery) and not (node.args.get("order") or node.args.get("limit")):
        node = node.this
    return node


def _aggregates(node: exp.Expr) -> bool:
    if isinstance(node, (exp.Select, exp.Union)):
        return False
    if isinstance(node, exp.AggFunc):
        return True
    if isinstance(node, exp.Window):
        # What is over a window sums up rows of the result.
        call = node.this.this if isinstance(node.this, exp.WithinGroup) else node.this
        inside = [*call.iter_expressions(), *(c for c in node.iter_expressions() if c is not node.this)]
        inside += node.this.expression.expressions if call is not node.this else []
        return any(_aggregates(child) for child in inside)
    return any(_aggregates(child) for child in node.iter_expressions())


def _constant(node: exp.Expr) -> bool:
    return next(node.find_all(exp.Column, exp.AggFunc, exp.Subquery), None) is None


def _positioned(node: exp.Expr, select: exp.Select) -> exp.Expr:
    if isinstance(node, exp.Literal) and not node.is_string and str(node.this).isdigit():
        position = int(node.this)
        if not 1 <= position <= len(select.expressions):
            raise SQLError(1054, f"Unknown column '{position}' in 'ORDER BY'")
        chosen: exp.Expr = select.expressions[position - 1]
        return chosen.unalias()
    return node


def _expand(
    node: exp.Expr, aliases: Mapping[str, exp.Expr], sources: Sequence[Source], columns_first: bool
) -> exp.Expr:
    """The expression with aliases of the SELECT list replaced by what they name."""

    def replaced(e: exp.Expr) -> exp.Expr:
        if isinstance(e, exp.Column) and not e.text("table") and e.name.lower() in aliases:
            if columns_first and any(s.find(e.name) for s in sources):
                return e
            return exp.paren(aliases[e.name.lower()].copy())
        return e

    if isinstance(node, exp.Column):
        found = replaced(node)
        return found.this if isinstance(found, exp.Paren) else found
    return node.copy().transform(replaced)


def _order_node(
    ordered: exp.Expr, select: exp.Select, aliases: Mapping[str, exp.Expr], sources: Sequence[Source]
) -> tuple[exp.Expr, bool]:
    node = _positioned(ordered.this, select)
    if node is ordered.this:
        node = _expand(node, aliases, sources, False)
    return node, bool(ordered.args.get("desc"))


def _order_sql(keys: Sequence[tuple[Typed, bool]]) -> str:
    if not keys:
        return ""
    return " ORDER BY " + ", ".join(
        f"{sort_key(value)} {'DESC NULLS LAST' if desc else 'ASC NULLS FIRST'}" for value, desc in keys
    )


def _limit(node: exp.Expr) -> str:
    sql = ""
    limit = node.args.get("limit")
    offset = node.args.get("offset")
    for word, clause in (("LIMIT", limit), ("OFFSET", offset)):
        if clause is None:
            continue
        value = clause.args.get("expression")
        if not isinstance(value, exp.Literal) or not str(value.this).isdigit():
            raise refused(f"{word} with anything but a number")
        sql += f" {word} {min(int(value.this), (1 << 63) - 1)}"
    return sql
