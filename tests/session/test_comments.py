"""Executable comments, held against a plain MariaDB."""

from __future__ import annotations

from contextlib import closing

import pytest

from qproxy.session.comments import executed
from tests.harness.mariadbd import Server


@pytest.mark.parametrize(
    ("sql", "plain"),
    [
        ("SELECT 1", "SELECT 1"),
        ("/*! SELECT 1 */", "SELECT 1"),
        ("/*!40101 SET NAMES utf8mb4 */", "SET NAMES utf8mb4"),
        ("SELECT /*!40001 SQL_NO_CACHE */ 1", "SELECT SQL_NO_CACHE 1"),
        ("SELECT 1 /*M!100100 + 1 */", "SELECT 1 + 1"),
        ("SELECT 1 /*!50701 + 1 */", "SELECT 1"),
        ("SELECT 1 /*!80000 + 1 */", "SELECT 1"),
        ("SELECT 1 /*!999999 + 1 */", "SELECT 1"),
        ("SELECT '/*! x */', `/*! y */`, \"/*! z */\" /*! */", "SELECT '/*! x */', `/*! y */`, \"/*! z */\""),
        ("SELECT 'it\\'s /*! x */', '''/*!' /*! , 2 */", "SELECT 'it\\'s /*! x */', '''/*!' , 2"),
        ("/* /*! no */ SELECT 1 -- /*! nor this\n/*! + 1 */", "/* /*! no */ SELECT 1 -- /*! nor this\n + 1"),
        ("SELECT 1 /*! + /* plain */ 1 */", "SELECT 1 + /* plain */ 1"),
    ],
)
def test_the_content_takes_the_place(sql: str, plain: str) -> None:
    assert " ".join(executed(sql).split()) == " ".join(plain.split())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 /*!50701 + 1 */ /*!100000 + 2 */ /*!50699 + 4 */ /*M!50701 + 8 */ /*!99999 + 16 */",
        "SELECT 1 /*M!999999 + 1 */ /*! + 2 */ /*!40000 + '*/' */",
    ],
)
def test_as_a_plain_server_runs_them(sql: str, server: Server) -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        answers = []
        for text in (sql, executed(sql)):
            cursor.execute(text)
            answers.append(cursor.fetchall())
    assert answers[0] == answers[1]
