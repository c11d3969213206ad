"""What tests of statements on tables of the proxy share."""

from __future__ import annotations

from typing import Any

from qproxy.planner.constants import SessionValues
from qproxy.session.context import ShowContext
from qproxy.wire.columns import ColumnDef
from qproxy.wire.rowblock import RowBlock, decode_rows

#: Columns and rows, values as text.
Found = tuple[list[ColumnDef], list[tuple[str | None, ...]]]


def session_values(context: ShowContext, **changes: Any) -> SessionValues:
    given: dict[str, Any] = {
        "database": context.database,
        "user": f"{context.user}@127.0.0.1",
        "connection_id": 7,
        "version": "10.11.6-MariaDB",
        "variable": context.variables.get,
        "user_variables": context.variables.user,
        "variables_travel": True,
    }
    return SessionValues(**(given | changes))


def as_text(blocks: list[RowBlock]) -> list[tuple[str | None, ...]]:
    """The rows of blocks."""
    rows = [row for block in blocks for row in decode_rows(block)]
    return [tuple(None if v is None else v.decode() for v in row) for row in rows]
