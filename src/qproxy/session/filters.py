"""LIKE and WHERE behind SHOW."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType

from sqlglot.tokenizer_core import TokenType

from qproxy.errors import SQLError, unsupported
from qproxy.session.reader import Reader
from qproxy.session.table import Cell, Table

#: Whether a row is wanted; None where SQL says NULL.
Test = Callable[[Sequence[Cell]], bool | None]
#: A value of a row, or a literal.
Operand = Callable[[Sequence[Cell]], Cell | float]

_COMPARISONS = MappingProxyType(
    {
        "=": operator.eq,
        "<>": operator.ne,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
)


def like(value: str, pattern: str, exact: bool = False) -> bool:
    """Whether a value matches a LIKE pattern: % any text, _ any character, a backslash takes their meaning away.

    Args:
        exact: whether case matters.
    """
    if not exact:
        value, pattern = value.lower(), pattern.lower()
    parts = _pattern(pattern)
    at = part = 0
    # Where to go on when what follows the last % did not fit: one character further on.
    retry_at, retry_part = 0, -1
    while at < len(value):
        if part < len(parts) and parts[part] == "%%":
            retry_at, retry_part = at, part
            part += 1
        elif part < len(parts) and parts[part] in ("__", value[at]):
            at += 1
            part += 1
        elif retry_part >= 0:
            retry_at += 1
            at, part = retry_at, retry_part + 1
        else:
            return False
    return all(p == "%%" for p in parts[part:])


def _pattern(pattern: str) -> list[str]:
    """The pattern's characters, wildcards doubled."""
    parts = []
    escaped = False
    for character in pattern:
        if escaped:
            parts.append(character)
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            parts.append(character * 2 if character in "%_" else character)
    return [*parts, "\\"] if escaped else parts


def filtered(reader: Reader, table: Table, column: int = 0, exact: bool = False, titled: bool = False) -> Table:
    """The table with the rows that the LIKE or WHERE that comes next asks for; all where nothing comes.

    Args:
        reader: at its end afterwards.
        column: the one that LIKE looks at.
        exact: whether case matters to LIKE.
        titled: whether LIKE writes its pattern into the name of that column.

    Raises:
        SQLError: 1064 where something else comes; 1054 for an unknown column; 1235 for conditions that are more
            than comparisons of columns with literals.
    """
    if reader.accept("LIKE"):
        pattern = reader.text()
        reader.end()
        columns = list(table.columns)
        if titled:
            columns[column] = replace(columns[column], name=f"{columns[column].name} ({pattern})")
        rows = [row for row in table.rows if like(str(row[column] or ""), pattern, exact)]
        return Table(tuple(columns), rows)
    if reader.accept("WHERE"):
        test = _Where(reader, [c.name.lower() for c in table.columns]).whole()
        reader.end()
        return Table(table.columns, [row for row in table.rows if test(row)])
    reader.end()
    return table


class _Where:
    def __init__(self, reader: Reader, names: Sequence[str]) -> None:
        self._reader = reader
        self._names = names

    def whole(self) -> Test:
        test = self._all()
        while self._reader.accept_any("OR", "||"):
            test = _either(test, self._all())
        return test

    def _all(self) -> Test:
        test = self._one()
        while self._reader.accept_any("AND", "&&"):
            test = _both(test, self._one())
        return test

    def _one(self) -> Test:
        negated = False
        while self._reader.accept_any("NOT", "!"):
            negated = not negated
        if self._reader.accept("("):
            test = self.whole()
            self._reader.expect(")")
        else:
            test = self._comparison()
        return _opposite(test) if negated else test

    def _comparison(self) -> Test:
        reader = self._reader
        left = self._operand()
        sign = reader.accept_any(*_COMPARISONS)
        if sign:
            return _compared(sign, left, self._operand())
        if reader.accept("IS"):
            negated = reader.accept("NOT")
            reader.expect("NULL")
            return lambda row: (left(row) is None) != negated
        negated = reader.accept("NOT")
        if reader.accept("LIKE"):
            pattern = reader.text()
            test: Test = lambda row: None if left(row) is None else like(str(left(row)), pattern)  # noqa: E731
        elif reader.accept("IN"):
            test = self._among(left)
        elif not negated and (reader.done or reader.word() in ("AND", "OR", "&&", "||", ")")):
            return lambda row: _truth(left(row))
        else:
            raise unsupported(
                f"'{reader.word() or 'this'}' in the WHERE of SHOW; compare columns with literals by =, LIKE or IN"
            )
        return _opposite(test) if negated else test

    def _among(self, left: Operand) -> Test:
        self._reader.expect("(")
        test = _compared("=", left, self._operand())
        while self._reader.accept(","):
            test = _either(test, _compared("=", left, self._operand()))
        self._reader.expect(")")
        return test

    def _operand(self) -> Operand:
        reader = self._reader
        kind = reader.kind()
        if kind is TokenType.STRING:
            text = reader.text()
            return lambda row: text
        negative = reader.accept("-")
        if negative or kind in (TokenType.NUMBER, TokenType.DOT):
            number = float(reader.number()) * (-1 if negative else 1)
            return lambda row: number
        for word, value in (("NULL", None), ("TRUE", 1), ("FALSE", 0)):
            if reader.accept(word):
                return lambda row, value=value: value  # type: ignore[misc]
        if reader.word(1) == "(":
            raise unsupported(f"the function {reader.word()} in the WHERE of SHOW; compare columns with literals")
        name = reader.name()
        if name.lower() not in self._names:
            raise SQLError(1054, f"Unknown column '{name}' in 'WHERE'")
        at = self._names.index(name.lower())
        return lambda row: row[at]


def _compared(sign: str, left: Operand, right: Operand) -> Test:
    compare = _COMPARISONS[sign]

    def test(row: Sequence[Cell]) -> bool | None:
        first, second = left(row), right(row)
        if first is None or second is None:
            return None
        if isinstance(first, str) and isinstance(second, str):
            return bool(compare(first.lower().rstrip(" "), second.lower().rstrip(" ")))
        return bool(compare(_number(first), _number(second)))

    return test


def _number(value: str | int | float) -> float:
    """A value where a number is wanted: text counts as what it begins with, as in MariaDB."""
    if not isinstance(value, str):
        return float(value)
    text = value.strip()
    for end in range(len(text), 0, -1):
        try:
            return float(text[:end].replace("_", "x"))
        except ValueError:
            continue
    return 0.0


def _truth(value: Cell | float) -> bool | None:
    return None if value is None else _number(value) != 0


def _both(first: Test, second: Test) -> Test:
    def test(row: Sequence[Cell]) -> bool | None:
        results = (first(row), second(row))
        return False if False in results else None if None in results else True

    return test


def _either(first: Test, second: Test) -> Test:
    def test(row: Sequence[Cell]) -> bool | None:
        results = (first(row), second(row))
        return True if True in results else None if None in results else False

    return test


def _opposite(test: Test) -> Test:
    def opposite(row: Sequence[Cell]) -> bool | None:
        result = test(row)
        return None if result is None else not result

    return opposite
