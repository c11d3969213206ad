"""What a server answered, byte for byte: raw values and column definitions, or the error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pymysql

UNSIGNED = 32
BINARY_CHARSET = 63

_INTEGERS = {1, 2, 3, 8, 9, 13}
_STRINGS = {15, *range(247, 255)}
_DECIMAL = 246

Row = tuple[bytes | None, ...]


@dataclass(frozen=True)
class ResultColumn:
    """What a client can tell of a column.

    Attributes:
        type: type code of the protocol.
        decimals: digits behind the point of a DECIMAL; None for other types.
        unsigned: for integers, else False.
        binary: whether a string type holds bytes, not text; False for other types.
        length, flags, charset, scale, origin: as the server said them (origin is the column of a table that this one
            is); columns that differ in these alone are equal.
    """

    name: str
    type: int
    decimals: int | None = None
    unsigned: bool = False
    binary: bool = False
    length: int = field(default=0, compare=False)
    flags: int = field(default=0, compare=False)
    charset: int = field(default=0, compare=False)
    scale: int = field(default=0, compare=False)
    origin: str = field(default="", compare=False)


@dataclass(frozen=True)
class Answer:
    """Columns and rows of one result; values are the bytes of the text protocol, None is NULL."""

    columns: tuple[ResultColumn, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Refusal:
    """An error packet."""

    code: int
    text: str


def connect(
    port: int, database: str | None = "sky", user: str = "qproxy", patience: int = 120
) -> pymysql.Connection[Any]:
    """A connection over loopback that hands out raw bytes.

    Args:
        port: of a server or proxy on 127.0.0.1.
        patience: seconds without a byte after which the connection counts as lost.
    """
    return pymysql.connect(
        host="127.0.0.1",
        port=port,
        user=user,
        database=database,
        charset="utf8mb4",
        use_unicode=False,
        conv={},
        autocommit=True,
        read_timeout=patience,
        connect_timeout=20,
    )


def ask(connection: pymysql.Connection[Any], sql: str) -> Answer | Refusal:
    """Run one statement and keep all that came back.

    Raises:
        pymysql.err.OperationalError: the connection was lost.
    """
    try:
        connection.query(sql)
    except pymysql.err.Error as error:
        if len(error.args) < 2 or error.args[0] in {2006, 2013, 0}:
            raise
        return Refusal(int(error.args[0]), str(error.args[1]))
    result: Any = connection._result  # type: ignore[attr-defined]
    # A statement without a result has no fields at all.
    return Answer(tuple(_column(f) for f in getattr(result, "fields", None) or ()), tuple(result.rows or ()))


def _column(packet: Any) -> ResultColumn:
    kind = packet.type_code
    name, origin = (n.decode() if isinstance(n, bytes) else n for n in (packet.name, packet.org_name))
    return ResultColumn(
        name,
        kind,
        packet.scale if kind == _DECIMAL else None,
        bool(packet.flags & UNSIGNED) if kind in _INTEGERS else False,
        packet.charsetnr == BINARY_CHARSET if kind in _STRINGS else False,
        packet.length,
        packet.flags,
        packet.charsetnr,
        packet.scale,
        origin,
    )
