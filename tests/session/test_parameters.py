"""Literals beside bound values on a real server: same values, and the same types but for widths."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from qproxy.errors import SQLError
from qproxy.session.parameters import Place, literal, session_literal
from qproxy.wire.columns import ColumnFlag, ColumnType
from qproxy.wire.prepared import Parameter, ParameterType
from tests.harness.mariadbd import Server, running_server
from tests.wire.prepared_client import UNSIGNED, Bound, Failure, PreparedClient, double, duration, integer, moment, text

EXPRESSIONS = """
?;? + 1;-?;? * 2;? / 3;? - 0.5;CONCAT(?, '');IFNULL(?, 1);COALESCE(?, 'x');GREATEST(?, 1);CASE WHEN a THEN ? ELSE a END
ABS(?);ROUND(?);ROUND(?, 1);? = '1';? DIV 2;? % 3;? | 1;HEX(?);LENGTH(?);? + INTERVAL 1 DAY;YEAR(?);IF(a, ?, s)
CAST(? AS CHAR);SUM(?);MAX(?);AVG(?);a + ?;d * ?;COLLATION(?);COERCIBILITY(?);CAST(? AS SIGNED);NULLIF(?, 3);? LIKE '1%'
? IN (1, 2, 'a');? = a;? = s;? IS NULL;GROUP_CONCAT(?);BIT_AND(?);? <=> a;LPAD(?, 4, '0');a BETWEEN ? AND 5;? ^ 1;~?
NOT ?;5 - ?;a DIV ?;de * ?;LEAST(?, a)
""".replace("\n", ";").strip(";").split(";")  # fmt: skip

VALUES: dict[str, Bound] = {
    "tiny": integer(-5, ColumnType.TINY),
    "unsigned tiny": integer(251, ColumnType.TINY, True),
    "short": integer(300, ColumnType.SHORT),
    "long": integer(5, ColumnType.LONG),
    "unsigned long": integer(5, ColumnType.LONG, True),
    "longlong": integer(5),
    "negative longlong": integer(-5),
    "least longlong": integer(-(1 << 63)),
    "unsigned longlong": integer(5, unsigned=True),
    "largest": integer((1 << 64) - 1, unsigned=True),
    "double": double(0.1),
    "negative double": double(-5),
    "large double": double(1e300),
    "float": (ColumnType.FLOAT, struct.pack("<f", 0.1)),
    "decimal": text("1.50", ColumnType.NEWDECIMAL),
    "whole decimal": text("5", ColumnType.NEWDECIMAL),
    "negative decimal": text("-12345678901234567890.5", ColumnType.NEWDECIMAL),
    "date": moment(2020, 2, 29, kind=ColumnType.DATE),
    "datetime": moment(2020, 1, 2, 3, 4, 5),
    "datetime of a day": moment(2020, 1, 2),
    "datetime with a fraction": moment(2020, 1, 2, 3, 4, 5, 500000),
    "time": duration(False, 2, 3, 4, 5),
    "time with a fraction": duration(False, 0, 3, 4, 5, 600000),
    "text": text("12"),
    "other text": text("grün ' \\ \" % _ \n \0 ? `"),
    "empty text": text(""),
    "char": text("2020-01-02", ColumnType.STRING),
    "blob": text(b"12", ColumnType.BLOB),
    "bytes": text(b"\x00\xff'\\", ColumnType.BLOB),
    "null": (ColumnType.NULL, None),
}
#: Types that clients treat alike: integers of any width, texts.
_ALIKE = dict.fromkeys((1, 2, 3, 9), 8) | dict.fromkeys((249, 250, 251, 252, 254), 253) | {4: 5}
#: Where a literal's type is another: the minus in front of a negative number.
_OTHERWISE = {("-?", "tiny"), ("-?", "negative longlong"), ("-?", "least longlong")}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as running:
        running.script(
            [
                "CREATE DATABASE t",
                "CREATE TABLE t.n (a INT, d DOUBLE, s VARCHAR(20), de DECIMAL(10,2))",
                "INSERT INTO t.n VALUES (1, 0.2, 'abc', 1.5)",
            ]
        )
        yield running


def parameter(bound: Bound) -> Parameter:
    kind, value = bound
    if value is not None and (kind & 0xFF) not in (1, 2, 3, 4, 5, 8):
        value = value[1:]
    return Parameter(ParameterType(kind & 0xFF, bool(kind & UNSIGNED)), value)


@pytest.mark.parametrize("name", VALUES)
def test_literal_is_the_bound_value(name: str, server: Server) -> None:
    client = PreparedClient(server.port, database="t")
    bound = VALUES[name]
    written = literal(parameter(bound), Place.FREE, "utf-8")
    for expression in EXPRESSIONS:
        if (expression, name) in _OTHERWISE:
            continue
        sql = f"SELECT {expression} FROM n"
        assert _outcome(client, sql.replace("?", f" {written} ")) == _outcome(client, sql, bound), expression


def _outcome(client: PreparedClient, sql: str, *bound: Bound) -> object:
    try:
        result = client.run(sql, *bound)
    except Failure as failure:
        return failure.code
    column = result.columns[0]
    kind = _ALIKE.get(column.type, column.type)
    unsigned = bool(column.flags & ColumnFlag.UNSIGNED)
    return kind, unsigned, column.decimals, column.charset, result.rows


@pytest.mark.parametrize(
    ("bound", "rows"),
    [
        (integer(2), 2),
        (integer(0), 0),
        (integer(-2), (1 << 64) - 2),
        (integer((1 << 64) - 1, unsigned=True), (1 << 64) - 1),
        (text("2"), 2),
        (text(" 3x"), 3),
        (text("x"), 0),
        (text(b"2", ColumnType.BLOB), 2),
        (double(1.6), 2),
        (text("1.6", ColumnType.NEWDECIMAL), 2),
        ((ColumnType.LONGLONG, None), 0),
    ],
)
def test_number_of_rows(bound: Bound, rows: int, server: Server) -> None:
    assert literal(parameter(bound), Place.LIMIT, "utf-8") == str(rows)
    client = PreparedClient(server.port)
    sql = "SELECT * FROM (SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) x LIMIT ?"
    assert len(client.run(sql, bound).rows) == min(4, rows)


@pytest.mark.parametrize(
    ("bound", "code"),
    [
        (moment(2020, 2, 30), 1292),
        (moment(2020, 13, 1, kind=ColumnType.DATE), 1292),
        (moment(2020, 1, 1, 24, 0, 0), 1292),
        (duration(False, 35, 0, 0, 0), 1292),
        (duration(False, 0, 0, 60, 0), 1292),
        (double(float("inf")), 1367),
        (double(float("nan")), 1367),
        (text("1x", ColumnType.NEWDECIMAL), 1367),
        (text("1e999", ColumnType.NEWDECIMAL), 1367),
        (text(b"a", ColumnType.BIT), 1210),
    ],
)
def test_values_that_are_none(bound: Bound, code: int) -> None:
    with pytest.raises(SQLError) as caught:
        literal(parameter(bound), Place.FREE, "utf-8")
    assert caught.value.code == code


def test_compared_numbers_are_plain() -> None:
    assert literal(parameter(integer(5, unsigned=True)), Place.COMPARED, "utf-8") == "5"
    assert literal(parameter(integer(-5)), Place.COMPARED, "utf-8") == "(-5)"


def test_text_is_read_in_the_clients_charset() -> None:
    assert literal(parameter(text("grün".encode("cp1252"))), Place.FREE, "cp1252") == "'grün'"
    # What is no text was meant as bytes.
    assert literal(parameter(text(b"\xff")), Place.FREE, "utf-8") == "_binary x'ff'"


def test_values_of_variables() -> None:
    assert session_literal(None, Place.FREE) == "NULL"
    assert session_literal(7, Place.FREE) == f"{7:020d}"
    assert session_literal("x", Place.FREE) == "'x'"
    assert session_literal(1.5, Place.FREE) == "1.5e0"
