"""Queries on information_schema, held against that of a plain MariaDB with the same tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pymysql
import pytest

from qproxy.errors import SQLError
from qproxy.session.context import ShowContext
from qproxy.session.information_schema.definitions import definitions
from tests.session.information_schema.conftest import Query
from tests.session.test_show import definition, mine

Ask = Callable[[str], tuple[list[Any], list[tuple[Any, ...]]]]

SAME = [
    "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE schema_name IN ('sky')",
    "SELECT table_name, TABLE_TYPE, engine FROM information_schema.tables WHERE table_schema = 'sky' ORDER BY 1",
    "SELECT t.* FROM (SELECT TABLE_NAME n, TABLE_COLLATION FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = DATABASE()) t ORDER BY n",
    "SELECT TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, DATA_TYPE,"
    " CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE,"
    " DATETIME_PRECISION, CHARACTER_SET_NAME, COLLATION_NAME,"
    " COLUMN_TYPE, COLUMN_KEY, EXTRA, COLUMN_COMMENT, IS_GENERATED, GENERATION_EXPRESSION"
    " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'sky' ORDER BY TABLE_NAME, ORDINAL_POSITION",
    "SELECT TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, IFNULL(COLUMN_DEFAULT, 'none'), DATA_TYPE, NUMERIC_PRECISION,"
    " CHARACTER_OCTET_LENGTH, COLUMN_TYPE, PRIVILEGES FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME IN ('TABLES', 'COLUMNS', 'PROCESSLIST') ORDER BY 1, 3",
    "SELECT TABLE_NAME, NON_UNIQUE, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, COLLATION, SUB_PART, NULLABLE, INDEX_TYPE,"
    " INDEX_COMMENT FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'sky' ORDER BY 1, 3, 4",
    "SELECT CONSTRAINT_NAME, TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, REFERENCED_TABLE_NAME"
    " FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = 'sky' ORDER BY 2, 1, 4",
    "SELECT * FROM information_schema.TABLE_CONSTRAINTS WHERE TABLE_SCHEMA = 'sky' ORDER BY 5, 3",
    "SELECT * FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'sky'",
    "SELECT * FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'sky'",
    "SELECT * FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'sky'",
    "SELECT * FROM information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA = 'sky'",
    "SELECT * FROM information_schema.TRIGGERS",
    "SELECT * FROM information_schema.EVENTS",
    "SELECT * FROM information_schema.CHARACTER_SETS",
    "SELECT * FROM information_schema.COLLATIONS",
    "SELECT * FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY",
    "SELECT * FROM information_schema.KEYWORDS",
    "SELECT * FROM information_schema.SQL_FUNCTIONS",
    "SELECT * FROM information_schema.ENABLED_ROLES",
    "SELECT * FROM information_schema.SCHEMA_PRIVILEGES",
    "SELECT * FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'sky'",
    "SELECT VARIABLE_VALUE v FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME = 'wait_timeout'",
    "SELECT c.TABLE_NAME, COUNT(*) AS n, GROUP_CONCAT(c.COLUMN_NAME ORDER BY ORDINAL_POSITION SEPARATOR '+') AS names"
    " FROM information_schema.`COLUMNS` c JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME)"
    " WHERE t.TABLE_SCHEMA LIKE 'sk_' GROUP BY c.TABLE_NAME WITH ROLLUP HAVING n > 1",
    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sky' AND TABLE_TYPE = 'BASE TABLE' UNION"
    " SELECT CONCAT(COLUMN_NAME, '!') FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'sky' ORDER BY 1 LIMIT 4",
    "SELECT CASE WHEN TABLE_TYPE = 'BASE TABLE' THEN 'TABLE' ELSE TABLE_TYPE END AS kind, UPPER(table_name)"
    " FROM information_schema.TABLES WHERE TABLE_SCHEMA = SCHEMA() AND NOT EXISTS (SELECT 1 FROM"
    " information_schema.STATISTICS s WHERE s.TABLE_NAME = TABLES.TABLE_NAME AND s.TABLE_SCHEMA = 'sky')",
    "WITH keyed AS (SELECT DISTINCT TABLE_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'sky')"
    " SELECT k.TABLE_NAME, ROW_NUMBER() OVER (ORDER BY k.TABLE_NAME) AS place FROM keyed AS k ORDER BY 1",
    "SELECT information_schema.tables.table_name FROM information_schema.tables WHERE table_schema = 'sky' ORDER BY 1",
    "SELECT NULL, -1, 'x', 1.5, information_schema.c.COLUMN_NAME FROM information_schema.COLUMNS c"
    " WHERE c.TABLE_NAME = 'band' AND TRIM(BOTH 'b' FROM c.TABLE_NAME) = 'and' -- the end\n ORDER BY 5",
    "SELECT count( * ), max(ordinal_position) + 1 FROM information_schema.columns WHERE table_schema = 'sky'",
    "(SELECT 1 AS one FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'sky') LIMIT 1",
    "SELECT EXTRACT(YEAR FROM CREATE_TIME) IS NULL, LEFT(TABLE_NAME, 2), COALESCE(TABLE_COMMENT, '')"
    " FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'nowhere'",
]


@pytest.mark.parametrize("sql", SAME)
async def test_like_a_plain_server(sql: str, ask: Ask, query: Query) -> None:
    fields, rows = ask(sql)
    found = await query(sql)
    assert found is not None
    assert found[1] == rows
    assert [c.name for c in found[0]] == [f.name for f in fields]
    assert [c.type for c in found[0]] == [f.type_code for f in fields]


def sized(column: tuple[Any, ...]) -> tuple[Any, ...]:
    """A definition without the length of long texts and approximate numbers, which MariaDB keeps to itself."""
    return (*column[:7], None if column[5] in (5, 252) else column[7], *column[8:])


@pytest.mark.parametrize("name", [d.name for d in definitions().values()])
async def test_columns_of_every_table(name: str, ask: Ask, query: Query) -> None:
    sql = f"SELECT * FROM information_schema.{name} WHERE 1 = 0"
    found = await query(sql)
    assert found is not None
    assert [sized(mine(c)) for c in found[0]] == [sized(definition(f)) for f in ask(sql)[0]]


WRONG = [
    "SELECT nothing FROM information_schema.TABLES",
    "SELECT * FROM information_schema.NOTHING",
    "SELECT x.TABLE_NAME FROM information_schema.TABLES",
    "SELECT * FROM information_schema.TABLES, information_schema.TABLES",
    "SELECT TABLE_NAME FROM information_schema.TABLES, information_schema.COLUMNS",
    "SELECT * FROM (SELECT 1 FROM information_schema.TABLES)",
    "SELECT 1 FROM information_schema.TABLES UNION SELECT 1, 2",
    "SELECT @@nothing FROM information_schema.TABLES",
    "SELECT LENGTH() FROM information_schema.TABLES",
    "SELECT COUNT(*) FROM information_schema.TABLES WHERE COUNT(*) > 1",
]


@pytest.mark.parametrize("sql", WRONG)
async def test_errors_of_a_plain_server(sql: str, ask: Ask, query: Query) -> None:
    with pytest.raises(pymysql.Error) as theirs:
        ask(sql)
    with pytest.raises(SQLError) as ours:
        await query(sql)
    assert (ours.value.code, ours.value.message) == theirs.value.args


ASSIGNING = (
    "SELECT TABLE_NAME, @Last:=CASE TABLE_TYPE WHEN 'BASE TABLE' THEN LENGTH(TABLE_NAME) ELSE 0 END AS n, @last + 1"
    " FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sky' ORDER BY 1"
)


async def test_user_variables_within_a_row(ask: Ask, query: Query, context: ShowContext) -> None:
    fields, rows = ask(ASSIGNING)
    found = await query(ASSIGNING)
    assert found is not None
    assert found[1] == rows
    assert [c.name for c in found[0]] == [f.name for f in fields]
    # What they hold behind it stayed with the engine: told as nothing would be wrong.
    with pytest.raises(SQLError, match="reading '@last'") as caught:
        context.variables.user_value("last")
    assert caught.value.code == 1235
    with pytest.raises(SQLError, match="reading '@last'"):
        context.variables.known.get("last")
    again = await query(ASSIGNING)
    assert again is not None and again[1] == rows
    context.variables.user["last"] = 1
    assert context.variables.user_value("last") == 1


async def test_user_variables_over_rows_are_refused(query: Query) -> None:
    sql = "SELECT TABLE_NAME, @n + 1, @n := 5 FROM information_schema.TABLES"
    with pytest.raises(SQLError, match="':=' for '@n'") as caught:
        await query(sql)
    assert caught.value.code == 1235
    with pytest.raises(SQLError, match="':=' for '@n'"):
        await query("SELECT @n := 5 FROM information_schema.TABLES", variables_travel=False)


async def test_what_is_not_there_any_more_is_not_shown(query: Query, context: ShowContext) -> None:
    found = await query("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")
    assert found is not None
    assert found[1] == [("information_schema",), ("Empty",), ("sky",)]


async def test_the_database_may_be_current(query: Query) -> None:
    found = await query(
        "SELECT DATABASE(), COUNT(*) FROM Tables WHERE TABLE_NAME = 'band'", database="information_schema"
    )
    assert found is not None
    assert found[1] == [("information_schema", "1")]
    assert [c.name for c in found[0]] == ["DATABASE()", "COUNT(*)"]
    assert await query("SELECT 'information_schema'") is None
    assert await query("SELECT 1", database="information_schema") is None
