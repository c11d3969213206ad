"""Asks our information_schema, on the plain server as a worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from qproxy.session.context import ShowContext
from qproxy.session.metadata import Engine, information_schema
from tests.session.asking import Found, as_text, session_values

Query = Callable[..., Awaitable[Found | None]]


@pytest.fixture
def query(engine: Engine, context: ShowContext) -> Query:
    """Asks us: columns and rows as text, None where a statement is on no table of information_schema."""

    async def run(sql: str, told: ShowContext = context, **changes: Any) -> Found | None:
        found = await information_schema(sql, told, session_values(told, **changes), engine)
        if found is None:
            return None
        columns, blocks = found
        return list(columns), as_text([block async for block in blocks])

    return run
