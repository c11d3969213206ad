"""The answer to a query on information_schema: its tables, filled, and an engine that answers the statement on them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from qproxy.backends.base import Backend, HeldTable, SessionSettings
from qproxy.catalog.model import Catalog
from qproxy.dispatch.dispatcher import Dispatcher
from qproxy.dispatch.spool import Spool
from qproxy.errors import SQLError
from qproxy.session.context import ShowContext
from qproxy.session.information_schema.definitions import NAME, Definition, definitions
from qproxy.session.information_schema.rows_catalog import CATALOG_ROWS
from qproxy.session.information_schema.rows_server import SERVER_ROWS
from qproxy.session.information_schema.statement import PREFIX, Rewritten
from qproxy.session.table import Cell
from qproxy.wire.columns import ColumnDef, ColumnFlag
from qproxy.wire.rowblock import RowBlock, encode_rows

#: Bytes of an answer that are kept in memory before they go to a file.
MEMORY = 4 << 20


class Filled:
    """Tables as they were filled for the catalogue's last versions, so that they are made once a version.

    Args:
        keep: most tables kept.
    """

    def __init__(self, keep: int = 64) -> None:
        self._keep = keep
        self._tables: OrderedDict[tuple[int, frozenset[str], str], HeldTable] = OrderedDict()

    async def table(self, name: str, context: ShowContext) -> HeldTable:
        """A table with the rows that a session may see.

        Args:
            name: in upper case.
        """
        definition = definitions()[name]
        if name in SERVER_ROWS:
            return held(definition, SERVER_ROWS[name](context))
        return await self._of_catalog(definition, context.catalog)

    async def _of_catalog(self, definition: Definition, catalog: Catalog) -> HeldTable:
        name = definition.name.upper()
        key = (catalog.version, frozenset(catalog.databases), name)
        found = self._tables.get(key)
        if found is None:
            rows = CATALOG_ROWS[name](catalog) if name in CATALOG_ROWS else iter(())
            # Tens of thousands of columns take their time: others are served meanwhile.
            found = self._tables[key] = await asyncio.to_thread(held, definition, rows)
            while len(self._tables) > self._keep:
                self._tables.popitem(last=False)
        self._tables.move_to_end(key)
        return found


@dataclass(frozen=True)
class Answer:
    """Columns and rows, complete."""

    columns: Sequence[ColumnDef]
    rows: Spool

    def blocks(self, limit: int | None = None) -> Iterator[RowBlock]:
        """The rows.

        Args:
            limit: most rows; None for all.
        """
        left = limit
        for block in self.rows.blocks():
            part = block if left is None else block.head(left)
            if part.rows:
                yield part
            left = None if left is None else left - part.rows
            if left == 0:
                break
        self.rows.close()


def held(definition: Definition, rows: Iterator[tuple[Cell, ...]]) -> HeldTable:
    """A table for an engine."""
    block = encode_rows([None if cell is None else str(cell).encode() for cell in row] for row in rows)
    return HeldTable(PREFIX + definition.name.upper(), definition.body, block, digest_of(definition.body, block))


def digest_of(columns: str, rows: RowBlock) -> bytes:
    """What tells tables with other columns or rows apart."""
    digest = blake2b(columns.encode(), digest_size=16)
    digest.update(rows.data)
    return digest.digest()


async def answer(
    statement: Rewritten, tables: Sequence[HeldTable], dispatcher: Dispatcher, settings: SessionSettings
) -> Answer:
    """Ask an engine.

    Args:
        statement: see `qproxy.session.information_schema.statement`.
        tables: those that it names.

    Raises:
        SQLError: whatever the engine refuses, in the names of information_schema.
    """

    async def ask(backend: Backend) -> Answer:
        spool = Spool(MEMORY)
        try:
            async with backend.query_held(statement.sql, tables, settings) as stream:
                async for block in stream:
                    spool.add(block)
                return Answer([_public(c, statement) for c in stream.columns], spool)
        except BaseException:
            spool.close()
            raise

    try:
        return await dispatcher.first_answer(ask)
    except SQLError as error:
        message = error.message
        for table in tables:
            message = message.replace(table.name, table.name.removeprefix(PREFIX))
        raise SQLError(error.code, message.replace("qproxy_scratch", NAME), error.sqlstate) from error


def _public(column: ColumnDef, statement: Rewritten) -> ColumnDef:
    """A column as one of information_schema."""
    name = statement.names.get(column.name, column.name)
    if not column.org_table.startswith(PREFIX):
        return replace(column, name=name)
    found = definitions().get(column.org_table.removeprefix(PREFIX))
    # MariaDB declares no column of information_schema with a default, not even with NULL.
    flags = column.flags | ColumnFlag.NO_DEFAULT
    return replace(column, name=name, schema=NAME, org_table=found.name if found else "", flags=int(flags))
