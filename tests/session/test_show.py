"""SHOW and DESCRIBE, held against a plain MariaDB with the same tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pymysql
import pytest

from qproxy.errors import SQLError
from qproxy.session.metadata import Engine, shown
from qproxy.session.show import ShowContext, show, to_rows
from qproxy.session.variables import Variables
from qproxy.wire.columns import ColumnDef
from qproxy.wire.rowblock import decode_rows
from tests.session.asking import Found, as_text, session_values

Ask = Callable[[str], tuple[list[Any], list[tuple[Any, ...]]]]


def definition(field: Any) -> tuple[Any, ...]:
    texts = [field.db, field.table_name, field.org_table, field.name, field.org_name]
    names = [t.decode() if isinstance(t, bytes) else t for t in texts]
    return (*names, field.type_code, field.charsetnr, field.length, field.flags, field.scale)


def mine(column: ColumnDef) -> tuple[Any, ...]:
    names = (column.schema, column.table, column.org_table, column.name, column.org_name)
    return (*names, column.type, column.charset, column.length, column.flags, column.decimals)


async def tell(sql: str, context: ShowContext, engine: Engine) -> Found:
    columns, blocks = await shown(sql, context, session_values(context), engine, "utf-8")
    return list(columns), as_text([block async for block in blocks])


def texts(sql: str, context: ShowContext) -> list[tuple[str | None, ...]]:
    block = to_rows(show(sql, context), "utf-8")
    return [tuple(None if v is None else v.decode() for v in row) for row in decode_rows(block)]


SAME = [
    "SHOW TABLES",
    "SHOW FULL TABLES",
    "SHOW FULL TABLES FROM sky LIKE 'P%'",
    "SHOW FULL TABLES FROM `sky` WHERE Table_type != 'VIEW'",
    "SHOW FULL TABLES WHERE table_type = 'base table' AND Tables_in_sky = 'Pair'",
    "SHOW TABLES LIKE 'o%'",
    "SHOW TABLES LIKE '%\\_%'",
    "SHOW TABLES IN sky LIKE 'O_ject'",
    "SHOW TABLES WHERE Tables_in_sky IN ('band', 'x')",
    "SHOW DATABASES LIKE 'sky'",
    "SHOW SCHEMAS WHERE `Database` = 'sky'",
    "SHOW DATABASES LIKE 'no'",
    "SHOW COLUMNS FROM Object",
    "show columns from Pair from sky;",
    "SHOW FIELDS IN sky.band",
    "SHOW COLUMNS FROM nowhere.Object IN sky",
    "SHOW COLUMNS FROM Object LIKE 'D%'",
    "SHOW COLUMNS FROM Object WHERE Field = 'RA'",
    "SHOW COLUMNS FROM Object WHERE `Null` = 'YES' AND Type LIKE 'd%'",
    "SHOW COLUMNS FROM Object WHERE `Key` = 'PRI' OR `Default` IS NULL",
    "SHOW COLUMNS FROM Object WHERE NOT (Field NOT IN ('ra', 'decl'))",
    "SHOW COLUMNS FROM Object WHERE Extra IS NOT NULL AND Field <> 'ra' && 1",
    "DESCRIBE Object",
    "DESC sky.Pair",
    "EXPLAIN band",
    "DESC Object ra",
    "DESC Object '%e%'",
    "DESC Object nothing",
    "DESCRIBE `Object` `decl`",
    "SHOW CREATE TABLE Object",
    "SHOW CREATE TABLE sky.Pair",
    "SHOW CREATE DATABASE sky",
    "SHOW CREATE SCHEMA IF NOT EXISTS `sky`",
    "SHOW CHARACTER SET",
    "SHOW CHARSET LIKE 'UTF8%'",
    "SHOW CHARACTER SET WHERE Maxlen > 3",
    "SHOW COLLATION",
    "SHOW COLLATION LIKE 'latin1\\_%\\_ci'",
    "SHOW COLLATION WHERE Charset = 'latin1' AND `Default` = 'Yes'",
    "SHOW COLLATION WHERE Id IS NULL",
    "SHOW COLLATION WHERE Id < 10 AND Id >= 2",
    "SHOW COLLATION WHERE Id < 1e2 AND Id > '90x' AND Id <> .5",
    f"SHOW COLLATION WHERE Id > 3000 AND Id < {'9' * 200}",
    "SHOW VARIABLES LIKE 'sql_mode'",
    "SHOW VARIABLES LIKE 'AUTO%mit'",
    "SHOW SESSION VARIABLES WHERE Variable_name = 'wait_timeout' OR variable_name IN ('tx_isolation')",
    "SHOW GLOBAL VARIABLES LIKE 'character_set_c%n%'",
    "SHOW VARIABLES LIKE 'nothing'",
    "SHOW STATUS LIKE 'Ssl_cipher'",
    "SHOW WARNINGS",
    "SHOW ERRORS LIMIT 1, 2",
    "SHOW COUNT(*) WARNINGS",
    "SHOW COUNT(*) ERRORS",
    "SHOW PROCEDURE STATUS WHERE Db = 'sky'",
    "SHOW FUNCTION STATUS LIKE 'x'",
    "SHOW TRIGGERS",
    "SHOW TRIGGERS FROM sky LIKE 'x'",
    "SHOW EVENTS",
    "SHOW OPEN TABLES FROM sky LIKE 'x'",
    "SHOW COLUMNS FROM information_schema.Tables",
    "SHOW COLUMNS FROM PROCESSLIST FROM INFORMATION_SCHEMA",
    "SHOW FULL COLUMNS FROM information_schema.COLUMNS",
    "SHOW INDEX FROM information_schema.COLUMNS",
    "SHOW FULL TABLES FROM information_schema LIKE 'COL%'",
    "SHOW CREATE TABLE information_schema.`tables`",
    "SHOW CREATE DATABASE information_schema",
    "DESC information_schema.user_variables",
]


@pytest.mark.parametrize("sql", SAME)
async def test_like_a_plain_server(sql: str, ask: Ask, context: ShowContext, engine: Engine) -> None:
    fields, rows = ask(sql)
    found = await tell(sql, context, engine)
    assert found[1] == rows
    assert [mine(c) for c in found[0]] == [definition(f) for f in fields]


def without(rows: list[tuple[Any, ...]], fields: list[Any], *names: str) -> list[tuple[Any, ...]]:
    kept = [i for i, f in enumerate(fields) if f.name not in names]
    return [tuple(row[i] for i in kept) for row in rows]


UNKNOWN_HERE = {
    "SHOW FULL COLUMNS FROM Object": ("Privileges",),
    "SHOW FULL FIELDS FROM Pair": ("Privileges",),
    # Cardinalities are estimates of engines; ours is exact, or unknown.
    "SHOW INDEX FROM Object": ("Cardinality",),
    "SHOW KEYS IN Pair FROM sky": ("Cardinality",),
    "SHOW INDEXES FROM sky.Object WHERE Key_name = 'named' AND Non_unique = 0": ("Cardinality",),
    "SHOW TABLE STATUS": (
        "Avg_row_length",
        "Data_length",
        "Max_data_length",
        "Index_length",
        "Data_free",
        "Create_time",
        "Update_time",
        "Create_options",
        "Max_index_length",
        "Row_format",
    ),
}


@pytest.mark.parametrize("sql", UNKNOWN_HERE)
async def test_like_a_plain_server_but_for_what_workers_alone_know(
    sql: str, ask: Ask, context: ShowContext, engine: Engine
) -> None:
    fields, rows = ask(sql)
    unknown = UNKNOWN_HERE[sql]
    found = await tell(sql, context, engine)
    assert without(found[1], fields, *unknown) == without(rows, fields, *unknown)
    assert [mine(c) for c in found[0]] == [definition(f) for f in fields]


@pytest.mark.parametrize(
    "sql", ["SHOW ENGINES", "SHOW PLUGINS", "SHOW PRIVILEGES", "SHOW PROCESSLIST", "SHOW FULL PROCESSLIST"]
)
def test_columns_like_a_plain_server(sql: str, ask: Ask, context: ShowContext) -> None:
    assert [mine(c) for c in show(sql, context).columns] == [definition(f) for f in ask(sql)[0]]
    assert texts(sql, context)


WRONG = [
    "SHOW",
    "SHOW foo",
    "SHOW TABLES FROM nowhere",
    "SHOW TABLES LIKE",
    "SHOW TABLES LIKE x",
    "SHOW TABLES LIMIT 1",
    "SHOW TABLES LIKE 'a' WHERE 1",
    "SHOW TABLES WHERE nothing = 1",
    "SHOW TABLES FROM sky.Object",
    "SHOW FULL DATABASES",
    "SHOW FULL INDEX FROM Object",
    "SHOW GLOBAL TABLES",
    "SHOW COLUMNS",
    "SHOW COLUMNS FROM",
    "SHOW COLUMNS FROM nothing",
    "SHOW COLUMNS FROM object",
    "SHOW COLUMNS FROM nowhere.Object",
    "SHOW COLUMNS FROM Object FROM nowhere",
    "SHOW INDEX FROM Object LIKE 'a'",
    "SHOW CREATE",
    "SHOW CREATE TABLE",
    "SHOW CREATE TABLE Object LIKE 'a'",
    "SHOW CREATE TABLE nothing",
    "SHOW CREATE DATABASE nowhere",
    "SHOW PRIVILEGES LIKE 'x'",
    "SHOW PROCESSLIST LIKE 'x'",
    "SHOW VARIABLES WHERE variable_name IN ()",
    "SHOW VARIABLES WHERE",
    "SHOW `TABLES`",
    "DESCRIBE nothing",
    "DESCRIBE nowhere.Object",
    "DESCRIBE Object extra stuff",
    "DESC",
    "SHOW\n TABLES\n WHER a = 1",
]


@pytest.mark.parametrize("sql", WRONG)
async def test_errors_of_a_plain_server(sql: str, ask: Ask, context: ShowContext, engine: Engine) -> None:
    with pytest.raises(pymysql.Error) as theirs:
        ask(sql)
    with pytest.raises(SQLError) as ours:
        await tell(sql, context, engine)
    assert (ours.value.code, ours.value.message) == theirs.value.args


@pytest.mark.parametrize(
    "sql",
    ["SHOW TABLES", "SHOW TABLE STATUS", "DESC Object", "SHOW INDEX FROM Object", "SHOW CREATE TABLE x", "SHOW EVENTS"],
)
def test_no_database(sql: str, context: ShowContext) -> None:
    with pytest.raises(SQLError, match="No database selected") as refusal:
        show(sql, replace(context, database=None))
    assert refusal.value.code == 1046


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SHOW SLAVE STATUS", "SHOW SLAVE"),
        ("SHOW PROFILES", "SHOW PROFILES"),
        ("SHOW CREATE VIEW Object", "SHOW CREATE VIEW"),
    ],
)
def test_what_is_not_shown_is_refused_by_name(sql: str, named: str, context: ShowContext) -> None:
    with pytest.raises(SQLError, match=named) as refusal:
        show(sql, context)
    assert refusal.value.code == 1235


def test_databases_are_those_of_the_catalogue(context: ShowContext) -> None:
    assert texts("SHOW DATABASES", context) == [("information_schema",), ("Empty",), ("sky",)]
    assert texts("SHOW TABLES FROM Empty", context) == []


def test_process_list_cuts_statements_unless_full(context: ShowContext) -> None:
    short, full = show("SHOW PROCESSLIST", context), show("SHOW FULL PROCESSLIST", context)
    assert short.rows[0][:7] == (7, "anna", "127.0.0.1", "sky", "Query", 0, "executing")
    assert len(str(short.rows[0][7])) == 100
    assert len(str(full.rows[0][7])) == 207


def test_process_list_shows_nothing_of_other_users(context: ShowContext) -> None:
    ben = replace(context, user="ben")
    assert [row[:8] for row in show("SHOW FULL PROCESSLIST", ben).rows] == [
        (3, "ben", "10.0.0.1", None, "Sleep", 12, "", None)
    ]


def test_grants_are_told_of_oneself_alone(context: ShowContext) -> None:
    own = show("SHOW GRANTS", context)
    assert own.columns[0].name == "Grants for anna@%"
    assert own.rows == show("SHOW GRANTS FOR CURRENT_USER()", context).rows == [("GRANT SELECT ON *.* TO `anna`@`%`",)]
    assert show("SHOW GRANTS FOR 'anna'@'%'", context).rows == own.rows
    with pytest.raises(SQLError) as refusal:
        show("SHOW GRANTS FOR ben", context)
    assert refusal.value.code == 1141


def test_status_counts_connections_and_takes_what_the_server_knows(context: ShowContext) -> None:
    known = dict(texts("SHOW STATUS", replace(context, status={"Uptime": "9", "Ssl_cipher": "AES"})))
    assert known["Threads_connected"] == "2"
    assert known["Threads_running"] == "1"
    assert known["Uptime"] == "9"
    assert known["Ssl_cipher"] == "AES"


def test_text_is_declared_in_the_charset_that_the_client_gets(context: ShowContext) -> None:
    variables = Variables()
    variables.set_names("latin1")
    table = show("SHOW TABLES", replace(context, variables=variables))
    assert (table.columns[0].charset, table.columns[0].length) == (8, 73)


def test_a_table_without_statement_is_described_from_the_model(context: ShowContext) -> None:
    catalog = context.catalog
    bare = replace(catalog.databases["sky"].tables["Object"], create_sql="")
    database = replace(catalog.databases["sky"], tables={"Object": bare})
    bare_context = replace(context, catalog=replace(catalog, databases={"sky": database}))
    assert show("DESC Object", bare_context).rows == show("DESC Object", context).rows
