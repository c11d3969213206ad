"""SHOW with conditions that an engine decides, held against a plain MariaDB; what users may not see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pymysql
import pytest

from qproxy.errors import SQLError
from qproxy.session.context import ShowContext, visible
from qproxy.session.metadata import Engine
from tests.session.test_show import definition, mine, tell

Ask = Callable[[str], tuple[list[Any], list[tuple[Any, ...]]]]


SAME = [
    "SHOW TABLES WHERE LOWER(Tables_in_sky) REGEXP '^(pair|band)$'",
    "SHOW FULL TABLES WHERE Table_type NOT IN ('VIEW') AND CHAR_LENGTH(`Tables_in_sky`) BETWEEN 4 AND 5",
    "SHOW COLUMNS FROM Object WHERE Field IN ('ra', 'decl', 'objectId') AND (`Key` = 'PRI' XOR Type LIKE 'double%')",
    "SHOW FULL COLUMNS FROM band WHERE Collation <=> NULL",
    "SHOW VARIABLES WHERE Variable_name LIKE CONCAT('sql_', 'mode') AND Value <> ''",
    "SHOW COLLATION WHERE Charset = 'latin1' AND Id % 2 = 0",
    "SHOW DATABASES WHERE `Database` = DATABASE() AND 1 + 1 = 2",
    "SHOW TABLE STATUS WHERE CONCAT(Name, Engine) = 'PairMyISAM' AND 1 = 0",
    "SHOW CHARACTER SET WHERE CASE WHEN Maxlen > 3 THEN 1 ELSE 0 END",
]


@pytest.mark.parametrize("sql", SAME)
async def test_any_condition(sql: str, ask: Ask, context: ShowContext, engine: Engine) -> None:
    fields, rows = ask(sql)
    found = await tell(sql, context, engine)
    if "FULL COLUMNS" in sql:
        rows = [(*row[:7], "select", *row[8:]) for row in rows]
    assert found[1] == rows
    assert [mine(c) for c in found[0]] == [definition(f) for f in fields]


@pytest.mark.parametrize(
    "sql", ["SHOW TABLES WHERE LOWER(nothing) = 'x'", "SHOW TABLES WHERE LOWER() = 'x'", "SHOW TABLES WHERE 1 IN (2"]
)
async def test_wrong_conditions(sql: str, ask: Ask, context: ShowContext, engine: Engine) -> None:
    with pytest.raises(pymysql.Error) as theirs:
        ask(sql)
    with pytest.raises(SQLError) as ours:
        await tell(sql, context, engine)
    assert ours.value.code == theirs.value.args[0]


async def test_nothing_dangerous_in_a_condition(context: ShowContext, engine: Engine) -> None:
    for condition in ("SLEEP(9) = 0", "LOWER('a') = 'a' OR EXISTS (SELECT 1 FROM mysql.user)", "f(1)"):
        with pytest.raises(SQLError) as refusal:
            await tell(f"SHOW TABLES WHERE {condition}", context, engine)
        assert refusal.value.code in (1235, 1305)


async def test_what_one_may_not_read_does_not_exist(context: ShowContext, engine: Engine) -> None:
    told = replace(context, catalog=visible(context.catalog, lambda name: name != "sky"))
    assert (await tell("SHOW DATABASES", told, engine))[1] == [("information_schema",), ("Empty",)]
    with pytest.raises(SQLError) as refusal:
        await tell("SHOW TABLES FROM sky", told, engine)
    assert refusal.value.code == 1049
    with pytest.raises(SQLError):
        await tell("SHOW CREATE TABLE sky.Object", told, engine)
