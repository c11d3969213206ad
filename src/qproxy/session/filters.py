"""LIKE and WHERE behind SHOW."""

from __future__ import annotations

from dataclasses import replace

from qproxy.session.reader import Reader
from qproxy.session.table import Table


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
    """The table with the rows that the LIKE that comes next asks for, or with the condition of a WHERE.

    Args:
        reader: what follows is its end.
        column: the one that LIKE looks at.
        exact: whether case matters to LIKE.
        titled: whether LIKE writes its pattern into the name of that column.

    Raises:
        SQLError: 1064 where something else comes.
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
        return replace(table, condition=reader.rest())
    reader.end()
    return table
