"""Statements of a text, and their verbs."""

from __future__ import annotations

import pytest

from qproxy.errors import SQLError
from qproxy.session.statements import splits, verb


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
