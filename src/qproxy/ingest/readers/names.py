"""Which column of a file belongs to which column of the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qproxy.catalog.model import Column
from qproxy.ingest.batch import InputError


def positions(names: Sequence[str], columns: Sequence[Column], path: Path) -> list[int]:
    """For each column of the table, the place of the file's column of that name, whatever its case.

    Raises:
        InputError: the file lacks a column, or has two of a name.
    """
    lower = [n.lower() for n in names]
    found = []
    for column in columns:
        count = lower.count(column.name.lower())
        if count > 1 and column.name in names:
            found.append(list(names).index(column.name))
        elif count == 1:
            found.append(lower.index(column.name.lower()))
        else:
            problem = "several columns" if count else "no column"
            raise InputError(f"{path}: has {problem} '{column.name}'; its columns are {', '.join(names)[:500]}")
    return found
