"""Defects of a server over mysql-mimic 3.0.5 that show in statements; see `tests.wire.test_defects`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest

from tests.harness import data
from tests.harness.files import Striping
from tests.harness.systems import embedded
from tests.wire.prepared_client import PreparedClient, text

#: Takes a port where a user ``qproxy`` without password finds a database ``sky`` with a table ``Object``.
Probe = Callable[[int], None]


def rows(port: int, sql: str) -> list[tuple[Any, ...]]:
    with closing(pymysql.connect(host="127.0.0.1", port=port, user="qproxy", database="sky")) as connection:
        connection._read_timeout = 10
        with connection.cursor() as cursor:
            for statement in sql.split(";"):
                cursor.execute(statement)
            return list(cursor.fetchall())


def refusal(port: int, sql: str) -> int:
    with pytest.raises(pymysql.Error) as caught:
        rows(port, sql)
    return int(caught.value.args[0])


def d_parameters_never_become_text(port: int) -> None:
    for value in ("g'rün\\ \"?", "x' OR '1' = '1", "\\"):
        one = PreparedClient(port, deprecate_eof=False)
        assert one.run("SELECT ? AS t", text(value)).rows == [[value.encode()]]
        one.close()


def m_show_create_table(port: int) -> None:
    ((name, statement),) = rows(port, "SHOW CREATE TABLE Object")
    assert name == "Object" and statement.startswith("CREATE TABLE `Object` (\n  `objectId` bigint(20) NOT NULL")


def m_show_table_status(port: int) -> None:
    assert [row[0] for row in rows(port, "SHOW TABLE STATUS LIKE 'Object'")] == ["Object"]


def m_show_collation(port: int) -> None:
    assert ("utf8mb4_bin", "utf8mb4") in [row[:2] for row in rows(port, "SHOW COLLATION")]


def m_show_character_set(port: int) -> None:
    assert "utf8mb4" in [row[0] for row in rows(port, "SHOW CHARACTER SET")]


def m_show_engines(port: int) -> None:
    assert [row for row in rows(port, "SHOW ENGINES") if row[1] == "DEFAULT"]


def m_show_processlist(port: int) -> None:
    assert "qproxy" in [row[1] for row in rows(port, "SHOW PROCESSLIST")]


def m_show_plugins(port: int) -> None:
    assert "mysql_native_password" in [row[0] for row in rows(port, "SHOW PLUGINS")]


def m_show_grants(port: int) -> None:
    assert "GRANT SELECT" in rows(port, "SHOW GRANTS")[0][0]


def m_show_variables_where(port: int) -> None:
    assert [row[0] for row in rows(port, "SHOW VARIABLES WHERE Variable_name = 'autocommit'")] == ["autocommit"]


def m_like_is_anchored(port: int) -> None:
    assert rows(port, "SHOW VARIABLES LIKE 'auto'") == []
    assert [row[0] for row in rows(port, "SHOW VARIABLES LIKE 'autocommi_'")] == ["autocommit"]


def n_settings_of_tools(port: int) -> None:
    assert rows(port, "SET SQL_SAFE_UPDATES = 1;SELECT @@sql_safe_updates") == [(1,)]


def n_user_variables(port: int) -> None:
    assert rows(port, "SET @x = 5;SELECT @x + 1") == [(6,)]


def n_an_unknown_variable(port: int) -> None:
    assert refusal(port, "SELECT @@nothing_of_that_name") == 1193


def n_an_unknown_database(port: int) -> None:
    assert refusal(port, "USE nowhere") == 1049


def r_filters_are_values(port: int) -> None:
    assert rows(port, "SHOW TABLES LIKE 'x'' OR ''1'' = ''1'") == []
    assert rows(port, "SHOW COLUMNS FROM Object LIKE 'it''s'") == []


PROBES: list[Probe] = [
    d_parameters_never_become_text,
    m_show_create_table,
    m_show_table_status,
    m_show_collation,
    m_show_character_set,
    m_show_engines,
    m_show_processlist,
    m_show_plugins,
    m_show_grants,
    m_show_variables_where,
    m_like_is_anchored,
    n_settings_of_tools,
    n_user_variables,
    n_an_unknown_variable,
    n_an_unknown_database,
    r_filters_are_values,
]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with embedded(data.make(), Striping(3, 1)) as port:
        yield port


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_mended(probe: Probe, port: int) -> None:
    probe(port)
