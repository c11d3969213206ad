"""A plain server with the tables of the tests, and the catalogue that says the same of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qproxy.backends.mariadb import MariaDBBackend
from qproxy.catalog.model import Catalog, Database, Family, Table, TableKind, Worker
from qproxy.dispatch.dispatcher import Dispatcher, Limits
from qproxy.ingest.schema import parse_create_table
from qproxy.session.information_schema.answer import Filled
from qproxy.session.metadata import Engine
from qproxy.session.show import Process, ShowContext
from qproxy.session.variables import Variables
from tests.harness.mariadbd import Server, running_server

CREATE = {
    "Object": """
        CREATE TABLE Object (
          objectId BIGINT NOT NULL COMMENT 'identifies it',
          ra DOUBLE DEFAULT NULL COMMENT 'it''s in [deg], (J2000)',
          decl DOUBLE NOT NULL DEFAULT 0,
          name VARCHAR(20) DEFAULT 'x',
          kind ENUM('a','b','c,d') NOT NULL DEFAULT 'a',
          note TEXT CHARACTER SET latin1,
          code CHAR(3) COLLATE utf8mb4_bin NOT NULL DEFAULT '',
          mag DECIMAL(10,2) UNSIGNED DEFAULT 1.50,
          seen TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
          first_seen DATETIME(3) DEFAULT NOW(3),
          PRIMARY KEY (objectId),
          UNIQUE KEY named (name, ra),
          UNIQUE KEY coded (code),
          KEY decl (decl),
          KEY long_name (name(5), decl),
          FULLTEXT KEY words (note)
        ) ENGINE=Aria COMMENT='all of ''them'''""",
    "Pair": """
        CREATE TABLE Pair (
          a INT NOT NULL,
          b INT,
          c INT NOT NULL,
          UNIQUE KEY nullable (b),
          UNIQUE KEY both_of_them (a, c)
        ) ENGINE=MyISAM DEFAULT CHARSET=latin1""",
    "band": "CREATE TABLE band (filterId TINYINT(4), filterName CHAR(1) NOT NULL) ENGINE=InnoDB",
}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running_server() as running:
        running.script(["CREATE DATABASE sky CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"])
        running.script(list(CREATE.values()), "sky")
        yield running


@pytest.fixture(scope="session")
def ask(server: Server) -> Iterator[Callable[[str], tuple[list[Any], list[tuple[Any, ...]]]]]:
    """Fields and rows of a statement on the plain server, values as text."""
    # No conversion of values: they are compared as the protocol carries them.
    with closing(server.connect("sky", conv={})) as connection, connection.cursor() as cursor:

        def run(sql: str) -> tuple[list[Any], list[tuple[Any, ...]]]:
            cursor.execute(sql)
            return list(cursor._result.fields), list(cursor.fetchall())

        yield run


@pytest.fixture(scope="session")
def catalog(ask: Callable[[str], tuple[list[Any], list[tuple[Any, ...]]]]) -> Catalog:
    """The same tables as the server's, read by ingest, as it would keep them."""
    tables = {}
    for name, text in CREATE.items():
        schema = parse_create_table(text, Path(name))
        tables[name] = Table(
            database="sky",
            name=name,
            kind=TableKind.REGULAR,
            columns=schema.columns,
            indexes=tuple(key.index for key in schema.keys),
            create_sql=ask(f"SHOW CREATE TABLE {name}")[1][0][1],
        )
    family = Family(18, 10, 0.01)
    databases = {"sky": Database("sky", "sky__g1", family, tables), "Empty": Database("Empty", "e", family, {})}
    return Catalog(1, databases, {}, {})


@pytest.fixture
def context(catalog: Catalog) -> ShowContext:
    process = Process(7, "anna", "127.0.0.1", "sky", "Query", 0, "executing", "SELECT " + "1" * 200)
    idle = Process(3, "ben", "10.0.0.1", None, "Sleep", 12, "", None)
    return ShowContext(catalog, "sky", Variables(), [process, idle], "anna")


@pytest.fixture(scope="session")
async def engine(server: Server) -> AsyncIterator[Engine]:
    """The plain server as a worker too."""
    backend = MariaDBBackend(Worker("w0", socket=str(server.socket), user=server.user))
    dispatcher = Dispatcher({"w0": backend}, Limits())
    try:
        yield Engine(dispatcher, Variables().settings(), Filled())
    finally:
        await backend.close()
