"""The state of transactions, held against the status flags of a plain MariaDB."""

from __future__ import annotations

from contextlib import closing

import pymysql
import pytest

from qproxy.errors import SQLError
from qproxy.session.transactions import IN_TRANSACTION, READ_ONLY, Transaction
from tests.harness.mariadbd import Server

SEQUENCES = [
    "BEGIN; COMMIT",
    "BEGIN WORK; ROLLBACK WORK",
    "START TRANSACTION; START TRANSACTION READ ONLY; COMMIT",
    "START TRANSACTION READ WRITE, WITH CONSISTENT SNAPSHOT; ROLLBACK AND CHAIN; ROLLBACK AND NO CHAIN",
    "START TRANSACTION READ ONLY; COMMIT AND CHAIN; COMMIT",
    "BEGIN; SAVEPOINT a; ROLLBACK TO a; ROLLBACK TO SAVEPOINT A; RELEASE SAVEPOINT a; RELEASE SAVEPOINT a",
    "SAVEPOINT a; ROLLBACK TO a",
    "BEGIN; SAVEPOINT a; COMMIT; ROLLBACK TO a",
    "BEGIN; COMMIT nonsense; COMMIT",
    "START nonsense",
    "COMMIT; ROLLBACK",
]


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_like_a_plain_server(sequence: str, server: Server) -> None:
    transaction = Transaction()
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        for sql in sequence.split("; "):
            try:
                cursor.execute(sql)
                wanted = None
            except pymysql.Error as error:
                wanted = error.args
            try:
                transaction.apply(sql, autocommit=True)
                found = None
            except SQLError as error:
                found = (error.code, error.message)
            assert found == wanted, sql
            flags = connection.server_status & (IN_TRANSACTION | READ_ONLY)
            if wanted is None:
                assert transaction.status == flags, sql
