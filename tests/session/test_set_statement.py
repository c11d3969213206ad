"""SET, held against a plain MariaDB: what is taken, what it becomes, and what is refused with which words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest

from qproxy.errors import SQLError
from qproxy.session.set_statement import apply_set, split_set_statement
from qproxy.session.variables import Variables
from tests.harness.mariadbd import Server


@pytest.fixture
def fresh(server: Server) -> Iterator[pymysql.cursors.Cursor]:
    """A new connection to the plain server."""
    with closing(server.connect("sky")) as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = 'SYSTEM'")
        yield cursor


def text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


SYSTEM = [
    ("SET NAMES latin1", "character_set_client character_set_connection character_set_results collation_connection"),
    ("set names utf8", "character_set_client collation_connection"),
    ("SET NAMES utf8 COLLATE utf8_bin", "character_set_client collation_connection"),
    ("SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin'", "collation_connection"),
    ("SET NAMES utf8mb4 COLLATE uca1400_ai_ci", "collation_connection"),
    ("SET NAMES latin1, autocommit = 0", "character_set_client autocommit"),
    ("SET NAMES DEFAULT", "character_set_client"),
    ("SET NAMES utf8mb4 COLLATE DEFAULT", "collation_connection"),
    ("SET NAMES binary", "character_set_client character_set_results"),
    ("SET CHARACTER SET latin1", "character_set_client character_set_connection character_set_results"),
    ("SET CHARSET 'latin1'", "character_set_client collation_connection"),
    ("SET CHARACTER SET DEFAULT", "character_set_client"),
    ("SET character_set_results = NULL", "character_set_results"),
    ("SET character_set_results = binary", "character_set_results"),
    ("SET character_set_client = 45", "character_set_client"),
    ("SET character_set_connection = latin1", "character_set_connection collation_connection"),
    ("SET collation_connection = utf8mb4_bin", "character_set_connection collation_connection"),
    ("SET collation_connection = 224", "collation_connection"),
    ("SET collation_server = latin1_bin", "character_set_server collation_server"),
    ("SET autocommit = TRUE", "autocommit"),
    ("SET autocommit=OFF", "autocommit"),
    ("SET @@session.autocommit := 'on'", "autocommit"),
    ("SET @@SESSION.`autocommit` = 0", "autocommit"),
    ("SET LOCAL autocommit = 0; ", "autocommit"),
    ("SET autocommit = DEFAULT -- back", "autocommit"),
    ("SET wait_timeout = 0", "wait_timeout"),
    ("SET wait_timeout = -5", "wait_timeout"),
    ("SET wait_timeout = 99999999999999999999999", "wait_timeout"),
    ("SET wait_timeout = 5 + 3 * 2", "wait_timeout"),
    ("SET SESSION wait_timeout = (70), net_write_timeout = 600", "wait_timeout net_write_timeout"),
    ("SET sql_mode = ''", "sql_mode"),
    ("SET sql_mode = traditional", "sql_mode"),
    ("SET sql_mode = 'TRADITIONAL,,'", "sql_mode"),
    ("SET sql_mode = 32", "sql_mode"),
    ("SET sql_mode = CONCAT(@@sql_mode, ',ONLY_FULL_GROUP_BY')", "sql_mode"),
    ("SET SESSION sql_mode = (SELECT REPLACE(@@sql_mode, 'STRICT_TRANS_TABLES', ''))", "sql_mode"),
    ("SET sql_mode = DEFAULT", "sql_mode"),
    ("SET tx_isolation = 'read-committed'", "tx_isolation"),
    ("SET tx_isolation = 0", "tx_isolation"),
    ("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "tx_isolation"),
    ("SET SESSION TRANSACTION READ WRITE, ISOLATION LEVEL SERIALIZABLE", "tx_isolation tx_read_only"),
    ("SET SESSION TRANSACTION READ ONLY", "tx_read_only"),
    ("SET time_zone = '+02:00'", "time_zone"),
    ("SET time_zone = '+1:5'", "time_zone"),
    ("SET time_zone = '-00:00'", "time_zone"),
    ("SET time_zone = '+13:00'", "time_zone"),
    ("SET time_zone = '-12:59'", "time_zone"),
    ("SET time_zone = system", "time_zone"),
    ("SET SQL_SAFE_UPDATES=1, SQL_SELECT_LIMIT=500, MAX_JOIN_SIZE=DEFAULT", "sql_safe_updates sql_select_limit"),
    ("SET sql_select_limit = DEFAULT", "sql_select_limit"),
    ("SET max_statement_time = 1.5", "max_statement_time"),
    ("SET max_statement_time = -1", "max_statement_time"),
    ("SET long_query_time = 1e-1", "long_query_time"),
    ("SET default_storage_engine = myisam", "default_storage_engine"),
    ("SET last_insert_id = 5", "last_insert_id identity"),
    ("SET foreign_key_checks = 0, unique_checks = 0, sql_notes = 0", "foreign_key_checks unique_checks sql_notes"),
    ("SET @a = 5, wait_timeout = 9, @b = @@wait_timeout", "wait_timeout"),
]


@pytest.mark.parametrize(("sql", "names"), SYSTEM)
def test_system_variables_become_what_they_become_there(sql: str, names: str, fresh: pymysql.cursors.Cursor) -> None:
    variables = Variables()
    apply_set(sql, variables)
    fresh.execute(sql)
    fresh.execute("SELECT " + ", ".join(f"@@{name}" for name in names.split()))
    row = fresh.fetchone()
    assert row is not None
    assert [variables.get(name) for name in names.split()] == [text(v) for v in row]


USER = [
    ("SET @a = 1, @b := 'x', @c=1.5, @d=NULL, @e=1e3, @f=-2, @g=TRUE, @h=.5, @i='x' 'y'", "abcdefghi"),
    ("SET @a = 7 / 2, @b = 7 DIV 2, @c = -7 % 3, @d = 1.5 + 1, @e = 1e1 * 2, @f = - -3, @g = 2 - 3 - 4", "abcdefg"),
    ("SET @a = 1 / 0, @b = NULL + 1, @c = 5 MOD 0, @d = +5, @e = (1 + 2) * 3, @f = 0.1 + 0.2", "abcdef"),
    ("SET @A = 'it''s \\'so\\' \\n \\\\'", "a"),
    ("SET @a = @@autocommit, @b = @@global.wait_timeout, @c = @@session.sql_mode", "abc"),
    ("SET @a = 1, @b = @a, @c = @nothing", "abc"),
    (
        "SET @a = CONCAT('a', NULL), @b = CONCAT('a', 1, 'b'), @c = REPLACE('aba', 'a', 'c'), @d = (SELECT 5)",
        "abcd",
    ),
    ("SET @a = CONCAT(1e3, 1.50)", "a"),
    ("SET @a = 1.50, @b = 1234567890123456789.5, @c = 1e0, @d = -0.10, @e = 1.5 * 2.50", "abcde"),
    ("SET @a = 10 / 4, @b = 2 / 3, @c = 1.5 / 7, @d = 1 / 1.0000000001, @e = -5 / 3, @f = 1e0 / 3", "abcdef"),
]


@pytest.mark.parametrize(("sql", "names"), USER)
def test_user_variables_become_what_they_become_there(sql: str, names: str, fresh: pymysql.cursors.Cursor) -> None:
    variables = Variables()
    apply_set(sql, variables)
    fresh.execute(sql)
    fresh.execute("SELECT " + ", ".join(f"@{name}" for name in names))
    row = fresh.fetchone()
    assert row is not None
    kept = [variables.user.get(name) for name in names]
    assert [(type(v), str(v)) for v in kept] == [(type(v), str(v)) for v in map(text, row)]


def test_names_of_user_variables() -> None:
    variables = Variables()
    apply_set("SET @`x y` = 1, @'q' = 2, @Mixed_Case = 3, @a.b = 4", variables)
    assert variables.user == {"x y": 1, "q": 2, "mixed_case": 3, "a.b": 4}


REFUSED = [
    "SET NAMES foo",
    "SET NAMES utf8mb4 COLLATE latin1_bin",
    "SET NAMES utf8mb4 COLLATE foo",
    "SET NAMES utf8mb4 COLLATE utf8mb4_0900_ai_ci",
    "SET NAMES ucs2",
    "SET CHARACTER SET utf16",
    "SET character_set_client = NULL",
    "SET character_set_client = ucs2",
    "SET character_set_client = 'x'",
    "SET collation_connection = foo",
    "SET collation_connection = NULL",
    "SET collation_connection = 'uca1400_ai_ci'",
    "SET nope = 1",
    "SET @@Nope = 1",
    "SET GLOBAL nope = 1",
    "SET @a = @@nope",
    "SET @a = @@session.max_connections",
    "SET @a = @@global.warning_count",
    "SET version = 1",
    "SET GLOBAL version = 1",
    "SET autocommit = 2",
    "SET autocommit = -1",
    "SET autocommit = 'x'",
    "SET autocommit = NULL",
    "SET autocommit = 1.5",
    "SET wait_timeout = 'x'",
    "SET wait_timeout = '5'",
    "SET wait_timeout = 1.5",
    "SET wait_timeout = NULL",
    "SET wait_timeout = on",
    "SET max_statement_time = 'x'",
    "SET sql_mode = 'foo'",
    "SET sql_mode = 'STRICT_ALL_TABLES,foo'",
    "SET sql_mode = NULL",
    "SET sql_mode = -1",
    "SET sql_mode = 99999999999999",
    "SET tx_isolation = 'x'",
    "SET tx_isolation = 7",
    "SET time_zone = 'x'",
    "SET time_zone = '+14:00'",
    "SET time_zone = '-13:00'",
    "SET time_zone = '+13:01'",
    "SET time_zone = '+01:60'",
    "SET time_zone = NULL",
    "SET time_zone = 1",
    "SET default_storage_engine = foo",
    "SET max_connections = 5",
    "SET read_only = 0",
    "SET max_allowed_packet = 5",
    "SET net_buffer_length = 8192",
    "SET @a = abc",
    "SET @a = DEFAULT",
    "SET @@a.b = 1",
    "SET foo.bar = 1",
    "SET",
    "SET x",
    "SET NAMES",
    "SET @a",
    "SET autocommit",
    "SET autocommit = 1,",
    "SET autocommit = 1 foo",
    "SET autocommit =\n",
    "SET TRANSACTION foo",
    "SET SESSION TRANSACTION ISOLATION LEVEL chaos",
    "SET TRANSACTION READ ONLY, foo",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_errors_of_a_plain_server(sql: str, fresh: pymysql.cursors.Cursor) -> None:
    with pytest.raises(pymysql.Error) as theirs:
        fresh.execute(sql)
    with pytest.raises(SQLError) as ours:
        apply_set(sql, Variables())
    assert (ours.value.code, ours.value.message) == theirs.value.args


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SET PASSWORD = 'x'", "SET PASSWORD"),
        ("SET ROLE NONE", "SET ROLE"),
        ("SET DEFAULT ROLE x", "SET DEFAULT ROLE"),
        ("SET STATEMENT max_statement_time = 1 FOR SELECT 1", "SET STATEMENT"),
        ("SET @a = LENGTH('x')", "LENGTH"),
        ("SET @a = 1 | 2", "operator |"),
        ("SET @a = 1 > 2", "operator >"),
        ("SET @a = NOT 1", "NOT"),
        ("SET @a = (SELECT 1 FROM t)", "queries"),
        ("SET @a = '5' + 1", "arithmetic on text"),
        ("SET @a = 0x41", "hexadecimal"),
        ("SET sql_mode = 'ANSI_QUOTES'", "ANSI_QUOTES"),
        ("SET sql_mode = ANSI", "ANSI_QUOTES"),
        ("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", "NO_BACKSLASH_ESCAPES"),
        ("SET div_precision_increment = 8", "div_precision_increment"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(sql: str, named: str) -> None:
    with pytest.raises(SQLError) as refusal:
        apply_set(sql, Variables())
    assert refusal.value.code == 1235
    assert named in refusal.value.message


def test_global_values_are_not_for_clients() -> None:
    for sql in ("SET GLOBAL wait_timeout = 5", "SET @@global.autocommit = 1", "SET GLOBAL TRANSACTION READ ONLY"):
        with pytest.raises(SQLError) as refusal:
            apply_set(sql, Variables())
        assert refusal.value.code == 1227


def test_nothing_is_kept_of_a_statement_that_fails() -> None:
    variables = Variables()
    variables.user["a"] = "old"
    with pytest.raises(SQLError):
        apply_set("SET NAMES latin1, @a = 1, wait_timeout = 5, nope = 1", variables)
    assert variables.user == {"a": "old"}
    assert variables.get("wait_timeout") == 28800
    assert variables.get("character_set_client") == "utf8mb4"


def test_a_single_transaction_says_nothing_of_the_session() -> None:
    variables = Variables()
    apply_set("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY", variables)
    assert variables.get("tx_isolation") == "REPEATABLE-READ"


def test_mysql_names_of_transaction_variables() -> None:
    variables = Variables()
    apply_set("SET SESSION transaction_isolation = 'READ-COMMITTED', transaction_read_only = 1", variables)
    assert (variables.get("tx_isolation"), variables.get("transaction_read_only")) == ("READ-COMMITTED", 1)


def test_long_chains_of_signs_are_no_trouble() -> None:
    variables = Variables()
    apply_set(f"SET @a = {'- ' * 9999}1", variables)
    assert variables.user["a"] == -1


@pytest.mark.parametrize(
    ("sql", "code"),
    [("SET @a = 1e999", 1367), (f"SET @a = {'9' * 5000}", 1367), (f"SET @a = {'9' * 60} * {'9' * 60}", 1690)],
)
def test_numbers_out_of_range(sql: str, code: int) -> None:
    with pytest.raises(SQLError) as refusal:
        apply_set(sql, Variables())
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("sql", "settings", "statement"),
    [
        ("SET STATEMENT max_statement_time=1 FOR SELECT 1", "SET max_statement_time=1 ", "SELECT 1"),
        ("set statement a=1, b='FOR' for show tables;", "SET a=1, b='FOR' ", "show tables"),
    ],
)
def test_set_statement_is_cut_in_two(sql: str, settings: str, statement: str) -> None:
    assert split_set_statement(sql) == (settings, statement)


@pytest.mark.parametrize(
    "sql", ["SET STATEMENT a=1", "SET STATEMENT a=1 FOR", "SET STATEMENT @a=1 FOR SELECT 1", "SET STATEMENT FOR"]
)
def test_set_statement_without_its_parts(sql: str) -> None:
    with pytest.raises(SQLError) as refusal:
        split_set_statement(sql)
    assert refusal.value.code == 1064
