"""Prepared statements on the wire: what COM_STMT_* carry, and what they are answered with. No I/O here.

Layouts: MySQL Internals Manual and MariaDB Knowledge Base, "COM_STMT_PREPARE", "COM_STMT_EXECUTE"; codes and texts of
errors are those of MariaDB 10.11.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from qproxy.errors import SQLError
from qproxy.wire.columns import BINARY, ColumnDef, ColumnFlag, ColumnType
from qproxy.wire.packets import QUERY_ATTRIBUTES
from qproxy.wire.reader import Reader

CURSOR_EXISTS = 0x0040
LAST_ROW_SENT = 0x0080

_READ_ONLY_CURSOR = 1
_COUNT_GIVEN = 8
_UNSIGNED = 0x8000

#: What a client is told of a parameter: nothing is known of it before it has a value.
PARAMETER = ColumnDef("?", ColumnType.NULL, charset=BINARY, flags=ColumnFlag.BINARY)

#: Bytes of a value, by type.
_SIZES: Mapping[int, int] = {
    ColumnType.TINY: 1,
    ColumnType.SHORT: 2,
    ColumnType.YEAR: 2,
    ColumnType.INT24: 4,
    ColumnType.LONG: 4,
    ColumnType.FLOAT: 4,
    ColumnType.LONGLONG: 8,
    ColumnType.DOUBLE: 8,
}
#: Types whose value stands behind one byte with its size.
_TIMES = frozenset((ColumnType.DATE, ColumnType.TIME, ColumnType.DATETIME, ColumnType.TIMESTAMP))
#: Types whose value is a length-encoded string.
TEXTS = frozenset((ColumnType.VARCHAR, ColumnType.ENUM, ColumnType.SET, ColumnType.VAR_STRING, ColumnType.STRING))
BLOBS = frozenset((ColumnType.TINY_BLOB, ColumnType.MEDIUM_BLOB, ColumnType.LONG_BLOB, ColumnType.BLOB))
_STRINGS = TEXTS | BLOBS | {ColumnType.DECIMAL, ColumnType.NEWDECIMAL, ColumnType.BIT, ColumnType.GEOMETRY}


@dataclass(frozen=True, slots=True)
class ParameterType:
    """What a client says of a parameter's values.

    Attributes:
        kind: one of `ColumnType`.
    """

    kind: int
    unsigned: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """The value of a parameter.

    Attributes:
        data: as it stands in the packet, without its length; None for NULL.
    """

    type: ParameterType
    data: bytes | None


@dataclass(frozen=True)
class Execution:
    """COM_STMT_EXECUTE.

    Attributes:
        types: of the parameters, for executions that do not repeat them.
        cursor: whether the rows are to wait for COM_STMT_FETCH.
    """

    parameters: tuple[Parameter, ...]
    types: tuple[ParameterType, ...]
    cursor: bool


def statement_id(payload: bytes) -> int:
    """The statement that a COM_STMT_* command is for, command byte included."""
    return Reader(payload, 1).uint(4)


def unknown_statement(number: int | str, command: str) -> SQLError:
    """Error 1243.

    Args:
        command: what it was given to, e.g. ``mysqld_stmt_execute``.
    """
    return SQLError(1243, f"Unknown prepared statement handler ({number}) given to {command}")


def wrong_arguments(command: str) -> SQLError:
    """Error 1210."""
    return SQLError(1210, f"Incorrect arguments to {command}")


def parse_execute(
    payload: bytes,
    count: int,
    known: Sequence[ParameterType],
    long_data: Mapping[int, bytes | bytearray],
    capabilities: int,
) -> Execution:
    """COM_STMT_EXECUTE, command byte included.

    Args:
        count: parameters of the statement.
        known: types of an earlier execution; empty where there was none.
        long_data: values that came by COM_STMT_SEND_LONG_DATA, by number of the parameter.
        capabilities: those of the connection.

    Raises:
        SQLError: 1210 where the parameters do not fit the statement; 1835 where the packet is too short for its head.
    """
    reader = Reader(payload, 5)
    flags = reader.uint(1)
    reader.fixed(4)
    attributes = bool(capabilities & QUERY_ATTRIBUTES)
    cursor = bool(flags & _READ_ONLY_CURSOR)
    counted = attributes and bool(flags & _COUNT_GIVEN)
    if not count and not counted:
        return Execution((), (), cursor)
    body = reader.rest()
    if attributes and not counted:
        # Some clients send the count without the flag that tells of it, and some do not.
        guessed = Reader(body)
        with suppress(SQLError):
            found = _execution(guessed, count, known, long_data, cursor, True, True)
            if not guessed.left:
                return found
    try:
        return _execution(Reader(body), count, known, long_data, cursor, attributes, counted)
    except SQLError as error:
        raise wrong_arguments("mysqld_stmt_execute") from error


def _execution(
    reader: Reader,
    count: int,
    known: Sequence[ParameterType],
    long_data: Mapping[int, bytes | bytearray],
    cursor: bool,
    named: bool,
    counted: bool,
) -> Execution:
    """What stands behind the head of COM_STMT_EXECUTE.

    Args:
        named: whether each type is followed by a name.
        counted: whether the number of parameters is given; those beyond ``count`` are query attributes.
    """
    sent = reader.length() if counted else count
    if sent < count or sent > 0xFFFF:
        raise wrong_arguments("mysqld_stmt_execute")
    if not sent:
        return Execution((), (), cursor)
    nulls = reader.fixed((sent + 7) // 8)
    types = list(known)
    if reader.uint(1):
        types = [_parameter_type(reader, named) for _ in range(sent)]
    if len(types) < count:
        raise wrong_arguments("mysqld_stmt_execute")
    parameters = tuple(
        _parameter(reader, types[i], bool(nulls[i // 8] >> (i % 8) & 1), long_data.get(i)) for i in range(count)
    )
    return Execution(parameters, tuple(types[:count]), cursor)


def _parameter_type(reader: Reader, named: bool) -> ParameterType:
    code = reader.uint(2)
    if named:
        reader.length_encoded()
    return ParameterType(code & 0xFF, bool(code & _UNSIGNED))


def _parameter(reader: Reader, kind: ParameterType, null: bool, long: bytes | bytearray | None) -> Parameter:
    code = kind.kind
    if long is not None:
        if code not in TEXTS and code not in BLOBS:
            raise wrong_arguments("mysqld_stmt_execute")
        return Parameter(kind, bytes(long))
    if code == ColumnType.NULL or null:
        return Parameter(kind, None)
    if code in _SIZES:
        return Parameter(kind, reader.fixed(_SIZES[code]))
    if code in _TIMES:
        return Parameter(kind, reader.fixed(reader.uint(1)))
    if code in _STRINGS:
        return Parameter(kind, reader.length_encoded())
    raise wrong_arguments("mysqld_stmt_execute")


def parse_long_data(payload: bytes) -> tuple[int, bytes]:
    """Number of the parameter and the piece of its value, of COM_STMT_SEND_LONG_DATA, command byte included."""
    reader = Reader(payload, 5)
    return reader.uint(2), reader.rest()


def parse_fetch(payload: bytes) -> int:
    """Rows that COM_STMT_FETCH asks for, command byte included."""
    return Reader(payload, 5).uint(4)


def prepare_ok(number: int, columns: int, parameters: int) -> bytes:
    """The answer to COM_STMT_PREPARE, but for the definitions behind it.

    Args:
        number: id of the statement.
        columns, parameters: how many of each it has.
    """
    return struct.pack("<BIHHBH", 0, number, columns, parameters, 0, 0)
