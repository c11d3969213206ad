"""Statements of a text, and their verbs."""

from __future__ import annotations

import pytest

from qproxy.errors import SQLError
from qproxy.session.statements import beginning, splits, verb


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;", ["SELECT 1"]),
        ("SELECT ';' ; SHOW TABLES;", ["SELECT ';'", "SHOW TABLES"]),
        ('SELECT `a;b`, "c;d" -- x;\n ; SELECT 2 # y;', ['SELECT `a;b`, "c;d" -- x;', "SELECT 2 # y;"]),
        ("SELECT /* ; */ 1;; ;SELECT 'it''s;\\';'", ["SELECT /* ; */ 1", "SELECT 'it''s;\\';'"]),
        ("call x('a;b'); select 1", ["call x('a;b')", "select 1"]),
        ("", []),
        (" ; ;", []),
        ("  ", []),
    ],
)
def test_splits(sql: str, statements: list[str]) -> None:
    assert splits(sql) == statements


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        ("select 1", "SELECT"),
        (" /* a */ ((SELECT 1) UNION SELECT 2)", "SELECT"),
        ("-- x\nShow tables", "SHOW"),
        ("# x\n\tset a = 1", "SET"),
        ("START TRANSACTION", "START"),
        ("LOCK TABLES x READ", "LOCK"),
        ("desc t", "DESC"),
        ("explain select 1", "EXPLAIN"),
        ("", ""),
        ("-- nothing", ""),
        (" \n select\n1", "SELECT"),
        ("SELECT'a'", "SELECT"),
        ("SELECTED 1", "SELECTED"),
    ],
)
def test_verb(sql: str, first: str) -> None:
    assert verb(sql) == first


def test_verb_behind_others() -> None:
    assert verb("EXPLAIN (SELECT 1)", skip=1) == "SELECT"
    assert verb("EXPLAIN FORMAT = JSON SELECT 1", skip=1) == "FORMAT"
    assert verb("EXPLAIN", skip=1) == ""


def test_text_that_is_no_sql() -> None:
    with pytest.raises(SQLError) as refusal:
        splits("SELECT 'a; SELECT 1")
    assert refusal.value.code == 1064


@pytest.mark.parametrize(
    "sql",
    [
        "/* {long} */ SELECT 1",
        "SELECT '{long}'",
        "SELECT `{long}`",
        "(((SELECT 1 -- {long}",
        "SELECT x FROM t WHERE a IN ({long})",
        " " * 5_000 + "SELECT 1 FROM t WHERE x = 1",
        "SELECT" + " " * 5_000 + "1 FROM t WHERE x = 1",
    ],
)
def test_the_verb_of_a_long_statement(sql: str) -> None:
    assert verb(sql.replace("{long}", "x" * 5_000)) == "SELECT"


def test_the_first_words_of_a_long_statement() -> None:
    sql = "SET STATEMENT max_statement_time = 1 FOR SELECT 1 /* " + "x" * 5_000 + " */"
    assert [verb(sql, n) for n in range(3)] == ["SET", "STATEMENT", "MAX_STATEMENT_TIME"]
    assert verb("SELECT /* " + "x" * 5_000 + " */ 1", 2) == ""
    assert [t.text for t in beginning("EXPLAIN /* " + "x" * 5_000 + " */ SELECT 1")] == ["EXPLAIN", "SELECT", "1"]


def test_the_statements_of_a_long_text() -> None:
    long = "SELECT " + ", ".join("1" for _ in range(500))
    assert splits(f" {long} ;\n") == [long]
    assert splits(f"{long};{long};") == [long, long]
    assert splits(f"/* {long} */;") == []
    assert splits(f"{long} /* ; */") == [f"{long} /* ; */"]
