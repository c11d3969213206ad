"""String functions. Positions and lengths count characters; NULL in gives NULL out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlglot import exp

from qproxy.backends.duckdb.arithmetic import unsigned_bits
from qproxy.backends.duckdb.comparisons import comparable
from qproxy.backends.duckdb.context import Context
from qproxy.backends.duckdb.numbers import constant_int
from qproxy.backends.duckdb.typed import Typed, as_number, as_text, refused
from qproxy.backends.duckdb.types import MType, small_int, string
from qproxy.errors import SQLError

Compile = Callable[[exp.Expr, Context], Typed]
Handler = Callable[[exp.Expr, Context, Compile], Typed]


def _text(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    return as_text(compile_(node, context))


def _unicode(value: Typed) -> Typed:
    """The value as text whose bytes are those that a worker would hold."""
    if value.type.swedish:
        raise refused("the bytes of latin1 text; it is held as UTF-8 here")
    return as_text(value)


def _int(node: exp.Expr, context: Context, compile_: Compile) -> str:
    number = as_number(compile_(node, context))
    if number.type.kind != "int":
        raise refused("counts and positions that are not whole numbers")
    return f"CAST({number.sql} AS BIGINT)"


def _arguments(node: exp.Expr, count: int) -> list[exp.Expr]:
    given = list(node.expressions)
    if len(given) != count:
        raise SQLError(1582, f"Incorrect parameter count in the call to native function '{node.this!s}'")
    return given


def _same(function: str) -> Handler:
    """A function of one text that gives a text of the same type."""

    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        value = _text(node.this, context, compile_)
        return Typed(f"{function}({value.sql})", string(value.type.length, value.type.binary))

    return handler


def _concat(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    if len(node.expressions) == 1 and (only := compile_(node.expressions[0], context)).type.kind == "bit":
        width = (only.type.length + 7) // 8
        return Typed(f"from_hex(printf('%0{2 * width}x', {only.sql}))", MType("blob", "varbinary", width))
    parts = [_text(e, context, compile_) for e in node.expressions]
    return Typed(
        f"({' || '.join(p.sql for p in parts)})",
        string(sum(p.type.length for p in parts), any(p.type.binary for p in parts)),
    )


def _concat_ws(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    parts = [_text(e, context, compile_) for e in node.expressions]
    width = sum(p.type.length for p in parts[1:]) + parts[0].type.length * max(0, len(parts) - 2)
    return Typed(f"concat_ws({', '.join(p.sql for p in parts)})", string(width))


def _length(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = compile_(node.this, context)
    if value.type.kind == "blob":
        return Typed(f"CAST(octet_length({value.sql}) AS INTEGER)", small_int(10))
    one_byte = value.type.swedish
    function = "strlen" if node.args.get("binary") and not one_byte else "length"
    return Typed(f"CAST({function}({as_text(value).sql}) AS INTEGER)", small_int(10))


def _octet_length(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = _text(_arguments(node, 1)[0], context, compile_)
    function = "length" if value.type.swedish else "strlen"
    return Typed(f"CAST({function}({value.sql}) AS INTEGER)", small_int(10))


def _substring_of(value: Typed, start: str, length: str | None, width: int) -> Typed:
    sql = f"q_substring({value.sql}, {start})"
    if length is not None:
        sql = f"left({sql}, greatest(0, {length}) + 0 * {length})"
    return Typed(sql, string(width, value.type.binary))


def _substring(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = _text(node.this, context, compile_)
    length = node.args.get("length")
    width = value.type.length
    if isinstance(length, exp.Literal) and str(length.this).isdigit():
        width = min(width, int(length.this))
    start = _int(node.args["start"], context, compile_)
    return _substring_of(value, start, _int(length, context, compile_) if length else None, width)


def _mid(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    text, start, length = _arguments(node, 3)
    value = _text(text, context, compile_)
    return _substring_of(value, _int(start, context, compile_), _int(length, context, compile_), value.type.length)


def _side(function: str) -> Handler:
    def handler(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
        value = _text(node.this, context, compile_)
        count = _int(node.expression, context, compile_)
        width = value.type.length
        if isinstance(node.expression, exp.Literal) and str(node.expression.this).isdigit():
            width = min(width, int(node.expression.this))
        # A negative count means an empty text here; DuckDB would count it from the other end.
        sql = f"{function}({value.sql}, greatest(0, {count}) + 0 * {count})"
        return Typed(sql, string(width, value.type.binary))

    return handler


def _trim(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = _text(node.this, context, compile_)
    position = str(node.args.get("position") or "BOTH")
    function = {"BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}[position]
    removed = " "
    if node.args.get("expression"):
        given = compile_(node.expression, context)
        if given.literal is None or len(given.literal) != 1:
            raise refused("TRIM of anything but one constant character")
        removed = given.literal
    mark = "'" + removed.replace("'", "''") + "'"
    return Typed(f"{function}({value.sql}, {mark})", string(value.type.length, value.type.binary))


def _replace(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value, old, new = (_text(e, context, compile_) for e in (node.this, node.expression, node.args["replacement"]))
    grown = value.type.length
    if new.type.length > max(1, old.type.length):
        grown *= new.type.length
    sql = f"(CASE WHEN {old.sql} = '' THEN {value.sql} ELSE replace({value.sql}, {old.sql}, {new.sql}) END)"
    return Typed(sql, string(grown, value.type.binary))


def _position(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    text = _text(node.this, context, compile_)
    wanted = _text(node.args["substr"], context, compile_)
    a, b = text.sql, wanted.sql
    if not (text.type.binary or wanted.type.binary):
        # The server searches by windows of the pattern's bytes: case is ignored, an accent is not.
        a, b = f"upper({a})", f"upper({b})"
    if node.args.get("position"):
        start = constant_int(node.args["position"], "LOCATE")
        if start < 1:
            return Typed("0", small_int(11))
        found = f"strpos(substr({a}, {start}), {b})"
        return Typed(
            f"CAST(CASE WHEN {found} > 0 THEN {found} + {start - 1} ELSE {found} END AS INTEGER)", small_int(11)
        )
    return Typed(f"CAST(strpos({a}, {b}) AS INTEGER)", small_int(11))


def _hex(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = compile_(node.this, context)
    if value.type.numeric:
        return Typed(f"to_hex({unsigned_bits(value)})", string(16))
    if value.type.kind == "blob":
        return Typed(f"hex({value.sql})", string(value.type.length * 2))
    text = _unicode(value)
    return Typed(f"hex(encode({text.sql}))", string(text.type.length * 8))


def _unhex(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = compile_(node.this, context)
    if value.literal is None or not all(c in "0123456789abcdefABCDEF" for c in value.literal):
        raise refused("UNHEX of anything but a constant of hexadecimal digits")
    digits = value.literal if len(value.literal) % 2 == 0 else "0" + value.literal
    return Typed(f"unhex('{digits}')", MType("blob", "varbinary", len(digits) // 2))


def _ascii(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = _unicode(compile_(node.this, context))
    byte = f"('0x' || left(hex(encode({value.sql})), 2))"
    return Typed(f"(CASE WHEN {value.sql} = '' THEN 0 ELSE CAST({byte} AS INTEGER) END)", small_int(3))


def _repeat(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = _text(node.this, context, compile_)
    times = constant_int(node.args["times"], "REPEAT")
    return Typed(f"repeat({value.sql}, {max(0, times)})", string(value.type.length * max(0, times)))


def _space(node: exp.Expr, _: Context, __: Compile) -> Typed:
    count = max(0, constant_int(node.this, "SPACE"))
    return Typed(f"repeat(' ', {count})", string(count))


def _pad(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = _text(node.this, context, compile_)
    width = constant_int(node.expression, "LPAD and RPAD")
    pattern = node.args.get("fill_pattern")
    fill = compile_(pattern, context) if pattern else Typed("' '", string(1), " ")
    if width < 0 or not fill.literal:
        raise refused("LPAD and RPAD with a negative width or a filling that is not a constant")
    function = "lpad" if node.args.get("is_left") else "rpad"
    return Typed(f"{function}({value.sql}, {width}, {fill.sql})", string(width))


def _strcmp(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    left, right = (_text(e, context, compile_) for e in _arguments(node, 2))
    a, b = comparable(left, right)
    sql = f"(CASE WHEN {a} = {b} THEN 0 WHEN {a} < {b} THEN -1 WHEN {a} > {b} THEN 1 END)"
    return Typed(sql, small_int(2))


def _bin(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = compile_(_arguments(node, 1)[0], context)
    return Typed(f"bin({unsigned_bits(value)})", string(65))


def _md5(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    return Typed(f"md5({_unicode(compile_(node.this, context)).sql})", string(32))


def _sha1(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    return Typed(f"sha1({_unicode(compile_(node.this, context)).sql})", string(40))


def _substring_index(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    value = _text(node.this, context, compile_)
    mark = _text(node.args["delimiter"], context, compile_)
    count = constant_int(node.args["count"], "SUBSTRING_INDEX")
    return Typed(f"q_substring_index({value.sql}, {mark.sql}, {count})", string(value.type.length, value.type.binary))


def _field(node: exp.Expr, context: Context, compile_: Compile) -> Typed:
    first, *rest = [compile_(e, context) for e in node.expressions]
    arms = []
    for place, value in enumerate(rest, 1):
        if value.type.kind == "null" or first.type.kind == "null":
            continue
        a, b = comparable(first, value)
        arms.append(f" WHEN {a} = {b} THEN {place}")
    return Typed(f"(CASE{''.join(arms)} ELSE 0 END)" if arms else "0", small_int(3))


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "concat": _concat,
        "concatws": _concat_ws,
        "upper": _same("upper"),
        "lower": _same("lower"),
        "reverse": _same("reverse"),
        "length": _length,
        "substring": _substring,
        "left": _side("left"),
        "right": _side("right"),
        "trim": _trim,
        "replace": _replace,
        "strposition": _position,
        "hex": _hex,
        "unhex": _unhex,
        "ascii": _ascii,
        "repeat": _repeat,
        "space": _space,
        "pad": _pad,
        "md5": _md5,
        "sha": _sha1,
        "substringindex": _substring_index,
    }
)
NAMED: Mapping[str, Handler] = MappingProxyType(
    {"octet_length": _octet_length, "mid": _mid, "strcmp": _strcmp, "bin": _bin, "field": _field}
)
