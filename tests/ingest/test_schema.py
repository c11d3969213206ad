"""Text literals of definitions: as a plain MariaDB prints them, and read back as they were."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from qproxy.ingest.schema import parse_create_table, quote_text
from tests.harness.mariadbd import running_server

TEXT = "it's \\ two\nlines\r100%_\ttab"


def test_comments_are_on_one_line_as_a_plain_server_has_them() -> None:
    sql = f"CREATE TABLE t (a INT COMMENT {quote_text(TEXT)}) COMMENT={quote_text(TEXT)}"
    assert "\n" not in sql
    with running_server() as server:
        server.script(["CREATE DATABASE d", "USE d"])
        server.script([sql], "d")
        with closing(server.connect("d")) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW FULL COLUMNS FROM t")
            assert cursor.fetchall()[0][8] == TEXT
            cursor.execute("SHOW CREATE TABLE t")
            assert f"COMMENT {quote_text(TEXT)}" in cursor.fetchall()[0][1]
    assert parse_create_table(sql, Path("t.sql")).columns[0].description == TEXT
