"""Bytes in statements: a literal of bytes is spelled, anything else is refused; as a plain MariaDB reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from qproxy.errors import SQLError
from qproxy.session.byte_literals import spelled
from tests.harness import data
from tests.harness.files import Striping
from tests.harness.oracle import running_oracle
from tests.harness.systems import clustered


def read(sql: bytes) -> str:
    return sql.decode("utf-8", "surrogateescape")


def test_statements_without_are_left_alone() -> None:
    assert spelled("SELECT 'grün', _binary'x' -- é") == "SELECT 'grün', _binary'x' -- é"


def test_literals_of_bytes_are_spelled() -> None:
    sql = b"SELECT _binary'a\xff\\'\\0''\"\xe9\\%' /* \xe9 */, _BINARY 'b' # \xfe"
    assert spelled(read(sql)) == "SELECT _binary x'61ff27002722e95c25' /* ? */, _BINARY 'b' # ?"


@pytest.mark.parametrize("sql", [b"SELECT 'a\xff'", b"SELECT `a\xff`", b"SELECT a\xff", b"SELECT _latin1'\xff'"])
def test_other_bytes_are_refused(sql: bytes) -> None:
    with pytest.raises(SQLError, match=r"\\xFF") as caught:
        spelled(read(sql))
    assert caught.value.code == 1300


def test_a_literal_that_goes_on_is_refused() -> None:
    # Behind hexadecimal digits a text would be an alias.
    with pytest.raises(SQLError, match="'more'; a literal of bytes cannot go on") as caught:
        spelled(read(b"SELECT _binary'\xff' 'more'"))
    assert caught.value.code == 1300


STATEMENTS = [
    b"SELECT COUNT(*) FROM Object WHERE payload < _binary'\x80'",
    b"SELECT COUNT(*) FROM Object WHERE payload > _binary'\xff'",
    b'SELECT HEX(_binary\'\\0\xff\\\\\\\'\xc3\xa9\xe9\') AS h, LENGTH(_binary"\xff""") AS n',
    b"SELECT _binary'1\xff' + 1 AS plus",
    b"SELECT objectId FROM Object WHERE payload NOT IN (_binary'\xff', _binary'\xc0') ORDER BY objectId LIMIT 9",
    b"SELECT 1 /* \xff */ AS one",
]


@pytest.fixture(scope="module")
def connections() -> Iterator[tuple[Any, Any]]:
    catalogue = data.make()
    with running_oracle(catalogue) as oracle, clustered(catalogue, Striping(3, 1)) as port:
        made = [
            pymysql.connect(host="127.0.0.1", port=p, user="qproxy", database="sky", charset="utf8mb4")
            for p in (oracle.port, port)
        ]
        yield made[0], made[1]
        for connection in made:
            connection.close()


@pytest.mark.parametrize("sql", STATEMENTS)
def test_answered_as_by_a_plain_server(sql: bytes, connections: tuple[Any, Any]) -> None:
    answers = []
    for connection in connections:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            answers.append(([column[:2] for column in cursor.description], cursor.fetchall()))
    assert answers[0] == answers[1]
    assert answers[0][1]


def test_a_text_of_bytes_is_refused_and_the_session_goes_on(connections: tuple[Any, Any]) -> None:
    with connections[1].cursor() as cursor:
        with pytest.raises(pymysql.err.MySQLError) as caught:
            cursor.execute(b"SELECT COUNT(*) FROM Object WHERE payload = '\xff'")
        assert caught.value.args[0] == 1300
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == ((1,),)
