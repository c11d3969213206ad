"""Functions over windows, with MariaDB's result types; partitions and order by MariaDB's collations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from sqlglot import exp

from qproxy.backends.duckdb import aggregates
from qproxy.backends.duckdb.context import Context
from qproxy.backends.duckdb.typed import Typed, as_double, as_number, equality_key, refused, settled, sort_key
from qproxy.backends.duckdb.types import COUNT, MType
from qproxy.errors import SQLError

Compile = Callable[[exp.Expr, Context], Typed]

#: The type of shares and medians: ten digits behind the point.
_SHARE = MType("double", length=17, decimals=10)

_COUNTING = {
    exp.RowNumber: ("row_number", COUNT),
    exp.Rank: ("rank", COUNT),
    exp.DenseRank: ("dense_rank", COUNT),
    exp.PercentRank: ("percent_rank", _SHARE),
    exp.CumeDist: ("cume_dist", _SHARE),
}
_CHOOSING = {
    exp.FirstValue: "first_value",
    exp.LastValue: "last_value",
    exp.NthValue: "nth_value",
    exp.Lag: "lag",
    exp.Lead: "lead",
}
_REFUSED = frozenset(("groupconcat", "anyvalue"))


def _window(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    call = node.this
    over = _over(node, context, compile_)
    if type(call) in _COUNTING:
        name, kind = _COUNTING[type(call)]
        return Typed(f"{name}(){over}", kind)
    if type(call) in _CHOOSING:
        return _chosen(_CHOOSING[type(call)], call, over, context, compile_)
    if isinstance(call, exp.Ntile):
        return Typed(f"ntile({_number(call.this)}){over}", COUNT)
    if isinstance(call, exp.Median):
        value = as_double(as_number(settled(compile_(call.this, context))))
        return Typed(f"quantile_cont({value}, 0.5){over}", replace(_SHARE, length=18))
    if isinstance(call, exp.WithinGroup):
        return _percentile(call, over, context, compile_)
    if call.key in aggregates.HANDLERS and call.key not in _REFUSED:
        return compile_(call, replace(context, over=over))
    raise refused(f"{call.sql('mysql')} over a window")


def _chosen(function: str, call: exp.Expr, over: str, context: Context, compile_: Compile) -> Typed:
    """A function that gives a value of another row of the window."""
    if call.args.get("default") is not None:
        raise refused(f"{function.upper()} with a default")
    value = settled(compile_(call.this, context))
    offset = call.args.get("offset")
    place = f", {_number(offset)}" if offset is not None else ""
    return Typed(f"{function}({value.sql}{place}){over}", aggregates.chosen_type(call.this, value.type))


def _percentile(call: exp.WithinGroup, over: str, context: Context, compile_: Compile) -> Typed:
    share = call.this.this
    keys = call.expression.expressions
    if not isinstance(share, exp.Literal) or share.is_string or len(keys) != 1:
        raise refused("PERCENTILE_* of anything but a constant share and one key")
    if not 0 <= float(share.this) <= 1:
        name = "percentile_cont" if isinstance(call.this, exp.PercentileCont) else "percentile_disc"
        raise SQLError(4103, f"Argument to the {name} function does not belong to the range [0,1]")
    value = settled(compile_(keys[0].this, context))
    down = bool(keys[0].args.get("desc"))
    if isinstance(call.this, exp.PercentileCont):
        part = f"(1 - {share.this})" if down else str(share.this)
        return Typed(f"quantile_cont({as_double(as_number(value))}, {part}){over}", replace(_SHARE, length=18))
    if down or not value.type.numeric:
        raise refused("PERCENTILE_DISC of text, or with DESC")
    return Typed(f"quantile_disc({value.sql}, {share.this}){over}", aggregates.chosen_type(keys[0].this, value.type))


def _over(node: exp.Expr, context: Context, compile_: Compile) -> str:
    parts = []
    keys = [equality_key(compile_(e, context)) for e in node.args.get("partition_by") or ()]
    if keys:
        parts.append(f"PARTITION BY {', '.join(keys)}")
    order = node.args.get("order")
    if order is not None:
        parts.append("ORDER BY " + ", ".join(_ordered(o, context, compile_) for o in order.expressions))
    spec = node.args.get("spec")
    if spec is not None:
        if spec.args.get("exclude"):
            raise SQLError(4022, "Frame exclusion is not supported yet")
        start, end = (_bound(spec, side) for side in ("start", "end"))
        parts.append(f"{spec.args['kind']} BETWEEN {start} AND {end}")
    return f" OVER ({' '.join(parts)})"


def _ordered(ordered: exp.Expr, context: Context, compile_: Compile) -> str:
    way = "DESC NULLS LAST" if ordered.args.get("desc") else "ASC NULLS FIRST"
    return f"{sort_key(compile_(ordered.this, context))} {way}"


def _bound(spec: exp.Expr, side: str) -> str:
    place = spec.args.get(side)
    if isinstance(place, exp.Expr):
        return f"{_number(place)} {spec.args[f'{side}_side']}"
    return f"{place} {spec.args.get(f'{side}_side') or ''}".strip()


def _number(node: exp.Expr) -> str:
    if not isinstance(node, exp.Literal) or node.is_string:
        raise refused("windows with offsets that are no constant numbers")
    return str(node.this)


HANDLERS: Mapping[str, Callable[[exp.Expr, Context, Compile], Typed]] = MappingProxyType({"window": _window})
