"""Statements that the embedded engine answers as MariaDB does, and those that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from qproxy.backends.duckdb.backend import DuckDBBackend
from qproxy.backends.duckdb.comment import columns_of
from qproxy.errors import SQLError
from tests.backends.duckdb_pair import Pair, Reply

SAME = [line for line in (Path(__file__).parent / "duckdb_same.sql").read_text().splitlines() if line]


@pytest.mark.parametrize("sql", SAME)
async def test_answers_as_mariadb(pair: Pair, sql: str) -> None:
    expected, found = pair.mariadb(sql), await pair.embedded(sql)
    assert isinstance(expected, Reply)
    assert isinstance(found, Reply)
    if " x from t.b" in sql.lower():
        assert [c[1:] for c in found.columns] == [c[1:] for c in expected.columns]
    elif " as " in sql:
        assert found.columns == expected.columns
    if "order by" in sql.lower():
        assert found.rows == expected.rows
    else:
        assert sorted(found.rows, key=str) == sorted(expected.rows, key=str)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT pow(0,-1) AS x", 1690),
        ("SELECT exp(1000) AS x", 1690),
        ("SELECT 9223372036854775807+1 AS x", 1690),
        ("SELECT bu+1 AS x FROM t.b WHERE id=2", 1690),
        ("SELECT nosuch FROM t.b", 1054),
        ("SELECT id FROM t.nosuch", 1146),
        ("SELECT id FROM t.b AS x, t.b AS y", 1052),
        ("SELECT 1 UNION SELECT 1, 2", 1222),
        ("SELECT (SELECT 1, 2) AS x", 1241),
    ],
)
async def test_fails_as_mariadb(pair: Pair, sql: str, code: int) -> None:
    assert pair.mariadb(sql) == code
    assert await pair.embedded(sql) == code


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT rand() AS x", "RAND()"),
        ("SELECT sleep(1) AS x", "SLEEP()"),
        ("SELECT load_file('/etc/passwd') AS x", "LOAD_FILE()"),
        ("SELECT read_csv('x') AS x", "READ_CSV()"),
        ("SELECT unix_timestamp(dt) AS x FROM t.b", "UNIX_TIMESTAMP()"),
        ("SELECT group_concat(i) OVER (ORDER BY id) AS x FROM t.b", "over a window"),
        ("SELECT id FROM t.b WHERE vc REGEXP '(?=a)'", "REGEXP"),
        ("SELECT sum(i) AS x FROM t.b GROUP BY ti WITH ROLLUP", "GROUP BY"),
        ("DELETE FROM t.b", "DELETE"),
        ("SELECT 1; SELECT 2", "several statements"),
    ],
)
def test_refuses_by_name(pair: Pair, sql: str, named: str) -> None:
    with pytest.raises(SQLError, match="the embedded engine does not support") as caught:
        pair.backend.translate(sql)
    assert caught.value.code == 1235
    assert named in caught.value.message


async def test_keeps_placeholders() -> None:
    backend = DuckDBBackend("embedded")
    await backend.execute("CREATE DATABASE `sky__g1`")
    await backend.execute("CREATE TABLE `sky__g1`.`Star` (`starId` BIGINT NOT NULL, `name` VARCHAR(20))")
    partial = backend.translate("SELECT `s`.`chunkId` AS `c` FROM `sky__g1`.`§0§Star§` AS `s` WHERE `s`.`name` = '§1§'")
    assert '"sky__g1"."§0§Star§" AS "s"' in partial
    assert "'§1§'" in partial
    combined = backend.translate(
        "SELECT MAX(`u`.`c`) AS `m` FROM (SELECT `s`.`chunkId` AS `c` FROM `sky__g1`.`§0§Star§` AS `s` "
        "WHERE `s`.`name` = '§1§') AS `u`"
    )
    assert partial in combined
    assert [c.name for c in columns_of(combined) or []] == ["m"]
    await backend.close()


def test_names_cannot_end_the_comment(pair: Pair) -> None:
    translated = pair.backend.translate("SELECT 1 AS `*/ §0§x§`")
    assert translated.count("*/") == 2
    assert [c.name for c in columns_of(translated) or []] == ["*/ §0§x§"]


async def test_latin1_text_by_its_own_collation(pair: Pair) -> None:
    create = "CREATE TABLE t.lat (id INT, w VARCHAR(10) CHARACTER SET latin1, u VARCHAR(10)) DEFAULT CHARSET utf8mb4"
    words = ["a", "A", "à", "ä", "Ä", "å", "æ", "e", "É", "ö", "Ø", "o", "ü", "y", "ý", "ß", "s", "n", "ñ"]
    insert = "INSERT INTO t.lat VALUES " + ",".join(f"({i},'{w}','{w}')" for i, w in enumerate(words))
    pair.server.script([create, insert])
    for statement in (create, insert):
        await pair.backend.execute(statement)
    for sql in (
        "SELECT MIN(id) AS i, COUNT(*) AS n FROM t.lat GROUP BY w",
        "SELECT MIN(id) AS i, COUNT(*) AS n FROM t.lat GROUP BY u",
        "SELECT id, LENGTH(w) AS l, OCTET_LENGTH(u) AS o, CHAR_LENGTH(w) AS c FROM t.lat ORDER BY id",
        "SELECT id, LOCATE('a', u) AS l, INSTR(u, 'É') AS i FROM t.lat ORDER BY id",
        "SELECT id FROM t.lat ORDER BY w, id",
        "SELECT id FROM t.lat ORDER BY u, id",
        "SELECT id FROM t.lat WHERE w = 'a' ORDER BY id",
        "SELECT id FROM t.lat WHERE w = 'y' ORDER BY id",
        "SELECT a.id AS x, b.id AS y FROM t.lat AS a, t.lat AS b WHERE a.w = b.w ORDER BY a.id, b.id",
        "SELECT a.id AS x, b.id AS y FROM t.lat AS a, t.lat AS b WHERE a.w = b.u ORDER BY a.id, b.id",
    ):
        expected, found = pair.mariadb(sql), await pair.embedded(sql)
        assert isinstance(expected, Reply)
        assert isinstance(found, Reply)
        assert sorted(found.rows, key=str) == sorted(expected.rows, key=str), sql
        assert "ORDER BY" not in sql or found.rows == expected.rows, sql
    with pytest.raises(SQLError, match="latin1"):
        pair.backend.translate("SELECT HEX(w) AS x FROM t.lat")
