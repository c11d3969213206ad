"""What reaches a worker means what was written: every expression, verbatim and as planned, on one real server.

Rows are compared as bytes, columns by name, type, decimals, character set and sign. The expressions stand by topic in
``fidelity/*.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymysql
import pytest
import yaml

from qproxy.catalog.model import Catalog, Column, Database, Table, TableKind, Worker
from qproxy.errors import SQLError
from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import Template
from qproxy.planner.planner import analyze, make_plan
from tests.harness.catalogs import FAMILY, placed
from tests.harness.mariadbd import Server, running_server

TABLE = """
CREATE TABLE t (
  id INT NOT NULL, ti TINYINT, i INT, u BIGINT UNSIGNED, d DECIMAL(12,4), f FLOAT, x DOUBLE, s VARCHAR(40), c CHAR(10),
  l VARCHAR(20) CHARACTER SET latin1, bin VARBINARY(20), txt TEXT, dt DATE, tm TIME(3), ts DATETIME(6), y YEAR,
  j JSON, e ENUM('a','b'), st SET('p','q'), bt BIT(8), `order` INT, `key` INT, `odd name` INT, `ti``ck` INT
)
"""
ROWS = """
INSERT INTO t VALUES
 (1, 1, 5, 7, 12.3456, 1.1, 0.1, 'abc', 'A', 'caf\u00e9', 'ab', 'long', '2020-02-29', '10:11:12.345',
  '2020-02-29 10:11:12.345678', 2020, '{"a":1,"b":[1,2],"c":"x"}', 'a', 'p,q', b'101', 1, 2, 3, 4),
 (2, 2, 7, 18446744073709551615, -0.5, -2.5, 1000, 'A%b_50%', 'a%', 'x', 0x00FF, '', '1999-12-31', '-01:00:00',
  '1999-12-31 23:59:59.999999', 1999, '[]', 'b', '', b'0', 0, 0, 0, 0),
 (3, -128, -3, 0, 99999999.9999, 3e7, 123456.789, '12.5', '', 'y', 'AB', ' x ', '2024-12-30', '838:59:59',
  '2024-12-30 00:00:00', 2155, '{"a":"\\\\u00e9"}', 'a', 'q', b'11111111', 5, 6, 7, 8),
 (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL),
 (5, 0, 0, 255, 0, 0, -1.5e-10, '\u00e4\u6f22 a', 'abc', 'ABC', 'abc', 'abc', '2021-01-03', '00:00:00',
  '2021-01-03 12:00:00', 2021, '1', 'b', 'p', b'1000001', 9, 9, 9, 9)
"""
NAMES = (*"id ti i u d f x s c l bin txt dt tm ts y j e st bt order key".split(), "odd name", "ti`ck")  # noqa: SIM905


def _expressions() -> list[Any]:
    found = []
    for path in sorted((Path(__file__).parent / "fidelity").glob("*.yaml")):
        for written in yaml.safe_load(path.read_text(encoding="utf-8")):
            found.append(pytest.param(str(written), id=f"{path.stem}: {written}"))
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as running:
        running.script(["CREATE DATABASE sky", "USE sky", TABLE, ROWS])
        yield running


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[pymysql.Connection[Any]]:
    # Text as it comes, so that nothing but bytes is compared.
    with closing(server.connect("sky", conv={}, use_unicode=False)) as opened:
        yield opened


def _catalog() -> Catalog:
    named = tuple(Column(name, "int", "int") for name in NAMES)
    table = Table("sky", "t", TableKind.REGULAR, named, total_rows=5)
    database = Database("sky", "sky", FAMILY, {"t": table})
    return Catalog(1, {"sky": database}, {"w1": Worker("w1")}, {FAMILY: placed((0,))})


CATALOG = _catalog()


def _variable(name: str) -> str:
    raise SQLError(1193, f"Unknown system variable '{name}'")


def _planned(sql: str) -> tuple[str, tuple[str, ...]]:
    session = SessionValues("sky", "me@here", 1, "10.11.0-qproxy", _variable)
    # As if no row counter knew the answer.
    plan = make_plan(replace(analyze(sql, CATALOG, session), total=None), {})
    return Template.cut(plan.partial, plan.slots).fill([s.table.name for s in plan.slots]), plan.names


def _answer(connection: pymysql.Connection[Any], sql: str) -> tuple[list[str], list[tuple[Any, ...]], Any]:
    """Names of the columns, the rest of their definitions, and rows; or the error's code in place of rows."""
    with closing(connection.cursor()) as cursor:
        try:
            cursor.execute(sql)
        except pymysql.err.MySQLError as error:
            return [], [], error.args[0]
        fields = cursor._result.fields  # type: ignore[union-attr]
        definitions = [(f.type_code, f.scale, f.charsetnr, f.length, f.flags & 0x20) for f in fields]
        return [f.name for f in fields], definitions, list(cursor.fetchall())


def _same(connection: pymysql.Connection[Any], sql: str) -> None:
    names, definitions, rows = _answer(connection, sql)
    try:
        sent, called = _planned(sql)
    except SQLError as error:
        if isinstance(rows, int):
            return
        raise AssertionError(f"refused: {error.message}") from error
    _, sent_definitions, sent_rows = _answer(connection, sent)
    assert sent_rows == rows, sent
    assert sent_definitions == definitions, sent
    if not isinstance(rows, int):
        assert list(called) == names, sent


@pytest.mark.parametrize("written", _expressions())
def test_an_expression_means_what_was_written(connection: pymysql.Connection[Any], written: str) -> None:
    _same(connection, f"SELECT {written} FROM t")


def _statements(name: str) -> list[str]:
    return (Path(__file__).parent / "fidelity" / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("sql", _statements("statements.sql"))
def test_a_statement_means_what_was_written(connection: pymysql.Connection[Any], sql: str) -> None:
    _same(connection, sql)


@pytest.mark.parametrize("sql", _statements("names.sql"))
def test_columns_are_called_as_the_server_calls_them(connection: pymysql.Connection[Any], sql: str) -> None:
    _same(connection, sql)


def _refused() -> list[tuple[str, int, str]]:
    cut = (line.rsplit(" | ", 2) for line in _statements("refused.txt"))
    return [(written, int(code), text) for written, code, text in cut]


@pytest.mark.parametrize(("written", "code", "text"), _refused())
def test_refusals_name_the_construct(written: str, code: int, text: str) -> None:
    with pytest.raises(SQLError) as refused:
        _planned(f"SELECT {written} FROM t")
    assert (refused.value.code, text in refused.value.message) == (code, True), refused.value.message


TIMES = """
NOW() CURRENT_TIMESTAMP CURRENT_TIMESTAMP(3) LOCALTIME LOCALTIMESTAMP() SYSDATE() CURDATE() CURRENT_DATE CURTIME()
CURRENT_TIME(2) UTC_DATE UTC_TIME() UTC_TIMESTAMP(6)
"""
SESSION = """
UNIX_TIMESTAMP() USER() SYSTEM_USER() SESSION_USER() CURRENT_USER CURRENT_USER() DATABASE() SCHEMA() VERSION()
CONNECTION_ID() LAST_INSERT_ID() ROW_COUNT()
"""


@pytest.mark.parametrize("written", [*TIMES.split(), *SESSION.split()])
def test_functions_of_the_session_never_reach_a_worker(connection: pymysql.Connection[Any], written: str) -> None:
    sent, names = _planned(f"SELECT {written} FROM t")
    assert f"{written.split('(')[0]}(" not in sent
    theirs = _answer(connection, f"SELECT {written} FROM t")
    assert list(names) == theirs[0]
    if written in TIMES.split():
        # A value of the same kind: type and decimals.
        assert [d[:2] for d in _answer(connection, sent)[1]] == [d[:2] for d in theirs[1]]
