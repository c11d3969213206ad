"""UNION, INTERSECT and EXCEPT: rows of several statements, equal where MariaDB finds them equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qproxy.backends.duckdb.registry import quote
from qproxy.backends.duckdb.typed import Typed, cast_to, equality_key
from qproxy.backends.duckdb.types import MType, common
from qproxy.errors import SQLError

Columns = list[tuple[str, MType]]
Shape = tuple[str, Columns]

_TEXTS = ("char", "varchar", "enum", "set")


def united(shapes: Sequence[Shape], distinct: bool) -> Shape:
    """All rows of several statements.

    Args:
        shapes: DuckDB SQL and columns of each; the first tells the names.
        distinct: whether equal rows count once.

    Raises:
        SQLError: 1222 for different numbers of columns.
    """
    columns = _columns(shapes)
    sql = " UNION ALL ".join(f"({_cast(shape, columns)})" for shape in shapes)
    if not distinct:
        return sql, columns
    labels = _labels(columns)
    return (
        f"SELECT DISTINCT ON ({', '.join(_keys('q_all', columns))}) {_listed('q_all', columns)} "
        f"FROM ({sql}) AS q_all({', '.join(labels)})",
        columns,
    )


def matched(left: Shape, right: Shape, *, inside: bool, distinct: bool) -> Shape:
    """The rows of a statement that are, or are not, among those of another one.

    Args:
        inside: INTERSECT; else EXCEPT.
        distinct: whether equal rows count once; else each row on the right answers for one on the left.

    Raises:
        SQLError: 1222 for different numbers of columns.
    """
    columns = _columns([left, right])
    same = [
        f"{a} IS NOT DISTINCT FROM {b}"
        for a, b in zip(_keys("q_left", columns), _keys("q_right", columns), strict=True)
    ]
    word = f"DISTINCT ON ({', '.join(_keys('q_left', columns))}) " if distinct else ""
    if not distinct:
        same.append("q_left.q_copy = q_right.q_copy")
    return (
        f"SELECT {word}{_listed('q_left', columns)} FROM {_rows(left, columns, 'q_left', numbered=not distinct)} "
        f"WHERE {'' if inside else 'NOT '}EXISTS (SELECT 1 FROM "
        f"{_rows(right, columns, 'q_right', numbered=not distinct)} WHERE {' AND '.join(same)})",
        columns,
    )


def _columns(shapes: Sequence[Shape]) -> Columns:
    if len({len(columns) for _, columns in shapes}) != 1:
        raise SQLError(1222, "The used SELECT statements have a different number of columns")
    names = [name for name, _ in shapes[0][1]]
    return [(name, _common([columns[i][1] for _, columns in shapes])) for i, name in enumerate(names)]


def _common(kinds: list[MType]) -> MType:
    """The type of a column: text is CHAR where there is no VARCHAR (MariaDB's rules of merging field types)."""
    kind = common(kinds)
    words = {k.word for k in kinds if k.kind == "string"}
    if kind.kind != "string" or not words <= set(_TEXTS):
        return kind
    if words & {"enum", "set"}:
        kind = replace(kind, word="varchar", members=())
    return replace(kind, word="char") if "char" in words and "varchar" not in words else kind


def _labels(columns: Columns) -> list[str]:
    return [f"c{i}" for i in range(len(columns))]


def _listed(alias: str, columns: Columns) -> str:
    return ", ".join(f"{alias}.c{i} AS {quote(name)}" for i, (name, _) in enumerate(columns))


def _keys(alias: str, columns: Columns) -> list[str]:
    return [equality_key(Typed(f"{alias}.c{i}", kind)) for i, (_, kind) in enumerate(columns)]


def _cast(shape: Shape, columns: Columns) -> str:
    """A statement's rows as the types of the result."""
    sql, own = shape
    if [k for _, k in own] == [k for _, k in columns]:
        return sql
    casts = ", ".join(
        f"{cast_to(Typed(f'q_arm.c{i}', kind), wanted)} AS {quote(name)}"
        for i, ((_, kind), (name, wanted)) in enumerate(zip(own, columns, strict=True))
    )
    return f"SELECT {casts} FROM ({sql}) AS q_arm({', '.join(_labels(own))})"


def _rows(shape: Shape, columns: Columns, alias: str, *, numbered: bool) -> str:
    """A statement's rows in FROM; with the number of each among its equals."""
    rows = f"({_cast(shape, columns)}) AS {alias}({', '.join(_labels(columns))})"
    if not numbered:
        return rows
    copy = f"row_number() OVER (PARTITION BY {', '.join(_keys(alias, columns))}) AS q_copy"
    return f"(SELECT {alias}.*, {copy} FROM {rows}) AS {alias}"
