"""What a session tells of databases, tables and itself: SHOW, DESCRIBE and queries on information_schema."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace

from qproxy.backends.base import HeldTable, SessionSettings
from qproxy.dispatch.dispatcher import Dispatcher
from qproxy.errors import SQLError
from qproxy.planner.constants import SessionValues
from qproxy.session.context import ShowContext
from qproxy.session.information_schema.answer import Answer, Filled, answer, digest_of
from qproxy.session.information_schema.statement import PREFIX, mentions, rewrite
from qproxy.session.show import show
from qproxy.session.table import Table, to_rows
from qproxy.wire.columns import BINARY, ColumnDef, ColumnFlag, ColumnType
from qproxy.wire.rowblock import Blocks, RowBlock

_SHOWN = "SHOWN"
_ONCE = "qproxy_once"
_NUMBERS = {
    ColumnType.LONGLONG: "bigint",
    ColumnType.LONG: "int",
    ColumnType.DOUBLE: "double",
    ColumnType.DATETIME: "datetime",
}


@dataclass(frozen=True)
class Engine:
    """Where statements on tables of the proxy run, and with which settings."""

    dispatcher: Dispatcher
    settings: SessionSettings
    filled: Filled


async def information_schema(
    sql: str, context: ShowContext, values: SessionValues, engine: Engine
) -> tuple[Sequence[ColumnDef], Blocks] | None:
    """The answer to a query on information_schema; None where the query is on none of its tables.

    Raises:
        SQLError: as in `rewrite` and `answer`.
    """
    if not mentions(sql, values.database):
        return None
    asked = rewrite(sql, values)
    if asked is None:
        return None
    tables = [await engine.filled.table(name, context) for name in sorted(asked.tables)]
    settings = engine.settings
    if asked.assigned:
        # The same statement again must not find what this one assigned: settings that differ are set anew.
        fresh = (*((name, "NULL") for name in sorted(asked.assigned)), (_ONCE, f"'{secrets.token_hex(8)}'"))
        settings = replace(settings, variables=fresh)
        context.variables.lose(asked.assigned)
    found = await answer(asked, tables, engine.dispatcher, settings)
    return found.columns, _blocks(found, None if asked.limited else values.select_limit)


async def shown(
    sql: str, context: ShowContext, values: SessionValues, engine: Engine, encoding: str
) -> tuple[Sequence[ColumnDef], Blocks]:
    """The answer to SHOW and DESCRIBE.

    Args:
        encoding: Python codec of the client's results.

    Raises:
        SQLError: as in `show`, and whatever an engine refuses in its WHERE.
    """
    table = show(sql, context)
    if table.condition is None:
        return table.columns, _one(to_rows(table, encoding))
    asked = rewrite(f"SELECT * FROM information_schema.{_SHOWN} WHERE {table.condition}", values, {_SHOWN})
    if asked is None:
        raise SQLError(1064, f"You have an error in your SQL syntax near '{table.condition[:80]}'")
    found = await answer(asked, [_held(table)], engine.dispatcher, engine.settings)
    return table.columns, _blocks(found, None)


def _held(table: Table) -> HeldTable:
    columns = ", ".join(f"{_quoted(c.name)} {_type(c)}" for c in table.columns)
    rows = to_rows(table, "utf-8")
    return HeldTable(PREFIX + _SHOWN, columns, rows, digest_of(columns, rows))


def _type(column: ColumnDef) -> str:
    """A type that holds a column of SHOW."""
    number = _NUMBERS.get(ColumnType(column.type))
    if number is not None:
        return number + (" unsigned" if column.flags & ColumnFlag.UNSIGNED else "")
    if column.charset == BINARY:
        return "longblob"
    # Long ones are TEXT, so that a row of several fits.
    return "longtext" if column.length > 4 * 4096 else f"varchar({max(1, column.length // 4)})"


async def _one(block: RowBlock) -> AsyncGenerator[RowBlock, None]:
    if block.rows:
        yield block


async def _blocks(found: Answer, limit: int | None) -> AsyncGenerator[RowBlock, None]:
    try:
        for block in found.blocks(limit):
            yield block
    finally:
        found.rows.close()


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
