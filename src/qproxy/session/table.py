"""A small result that the proxy makes itself, and its way to a client."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qproxy.session import collations
from qproxy.wire.columns import UTF8MB4, ColumnDef
from qproxy.wire.rowblock import RowBlock, encode_rows

#: A value of a row.
Cell = str | int | None


@dataclass(frozen=True)
class Table:
    """Columns and rows of a result.

    Attributes:
        condition: of a WHERE behind SHOW, as written: an engine decides it. None where there is no WHERE.
    """

    columns: tuple[ColumnDef, ...]
    rows: list[tuple[Cell, ...]]
    condition: str | None = None


def to_rows(table: Table, encoding: str) -> RowBlock:
    """The rows as text values of the protocol.

    Args:
        encoding: Python codec of the client's results; what it cannot express becomes a question mark.
    """
    return encode_rows(
        [None if cell is None else str(cell).encode(encoding, "replace") for cell in row] for row in table.rows
    )


def in_charset(table: Table, charset: str | None) -> Table:
    """The table with its text columns declared in the character set in which a client gets them.

    Args:
        charset: character_set_results; None, for no conversion, leaves utf8mb4.
    """
    if charset in (None, "utf8mb4"):
        return table
    found = collations.charset(str(charset))
    number = collations.collation(found.default).id
    columns = tuple(
        replace(c, charset=number, length=c.length // 4 * found.max_length) if c.charset == UTF8MB4 else c
        for c in table.columns
    )
    return replace(table, columns=columns)
