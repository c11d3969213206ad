"""The same queries on the embedded engine: answered as MariaDB answers them, or refused by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from qproxy.backends.duckdb.backend import DuckDBBackend
from qproxy.dispatch.dispatcher import Dispatcher, Limits
from qproxy.errors import SQLError
from qproxy.session.context import ShowContext
from qproxy.session.metadata import Engine, information_schema, shown
from tests.session.asking import Found, as_text, session_values
from tests.session.information_schema.test_answer import SAME
from tests.session.test_metadata import SAME as CONDITIONS

#: What the embedded engine does not know, here as elsewhere.
REFUSED = ("JOIN ... USING", "WITH")


@pytest.fixture(scope="module")
async def embedded(engine: Engine) -> AsyncIterator[Engine]:
    backend = DuckDBBackend("embedded")
    yield replace(engine, dispatcher=Dispatcher({"embedded": backend}, Limits()))
    await backend.close()


async def told(sql: str, context: ShowContext, engine: Engine) -> Found:
    values = session_values(context)
    if sql.startswith("SHOW"):
        columns, blocks = await shown(sql, context, values, engine, "utf-8")
    else:
        answered = await information_schema(sql, context, values, engine)
        assert answered is not None
        columns, blocks = answered
    return list(columns), as_text([block async for block in blocks])


@pytest.mark.parametrize("sql", [*SAME, *CONDITIONS])
async def test_like_mariadb(sql: str, context: ShowContext, engine: Engine, embedded: Engine) -> None:
    wanted = await told(sql, context, engine)
    try:
        found = await told(sql, context, embedded)
    except SQLError as refusal:
        assert refusal.code == 1235
        assert any(word in refusal.message for word in REFUSED)
        return
    assert found[1] == wanted[1]
    # An expression without a name is called by its text, which the embedded engine writes in its own way.
    pairs = zip(found[0], wanted[0], strict=True)
    assert all(ours.name == theirs.name for ours, theirs in pairs if theirs.name.isidentifier() and theirs.org_name)
