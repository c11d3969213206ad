"""Engines that evaluate expressions: a private MariaDB server and an embedded DuckDB."""

from contextlib import closing

import duckdb
import pyarrow
import pytest

from tests.harness.mariadbd import running_server


class MariaDB:
    """One connection to a private server, with tables of doubles made on the way."""

    dialect = "mysql"

    def __init__(self, connection):
        self.connection = connection

    def rows(self, text, columns=None):
        with self.connection.cursor() as cursor:
            if columns:
                names = list(columns)
                cursor.execute("DROP TABLE IF EXISTS t")
                cursor.execute(f"CREATE TABLE t (i INT, {', '.join(f'{n} DOUBLE' for n in names)})")
                values = [
                    [i, *(None if v is None else float(v) for v in row)]
                    for i, row in enumerate(zip(*columns.values(), strict=True))
                ]
                marks = ", ".join(["%s"] * (len(names) + 1))
                cursor.executemany(f"INSERT INTO t VALUES ({marks})", values)
            cursor.execute(text)
            return [row[0] if len(row) == 1 else row for row in cursor.fetchall()]


class DuckDB:
    """An engine in memory."""

    dialect = "duckdb"

    def __init__(self, connection):
        self.connection = connection

    def rows(self, text, columns=None):
        if columns:
            floats = {n: [None if v is None else float(v) for v in values] for n, values in columns.items()}
            count = len(next(iter(floats.values())))
            self.connection.register("t", pyarrow.table({"i": range(count), **floats}))
        found = self.connection.execute(text).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]


@pytest.fixture(scope="package")
def mariadb():
    with running_server() as server, closing(server.connect()) as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE sky")
            cursor.execute("USE sky")
        yield MariaDB(connection)


@pytest.fixture(scope="package")
def embedded():
    with duckdb.connect() as connection:
        yield DuckDB(connection)


@pytest.fixture(params=["mariadb", "embedded"])
def engine(request):
    return request.getfixturevalue(request.param)
