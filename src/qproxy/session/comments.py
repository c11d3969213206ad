"""Executable comments: ``/*! ... */`` and ``/*M! ... */``, whose content MariaDB runs.

Rules: MariaDB Knowledge Base, "Comment Syntax". A number of five or six digits in front is the version that the content
needs; those of MySQL 5.7 and later mean nothing to MariaDB, unless M says that it is meant.
"""

from __future__ import annotations

import re

#: The version that clients are told of, as such comments write it.
VERSION = 101100
_MYSQL = range(50700, 100000)
_START = re.compile(r"/\*(M?)!(\d{5,6})?")
_SKIPPED = re.compile(
    r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`[^`]*`|#[^\n]*|--(?=[\s\x00]|$)[^\n]*|/\*(?!M?!).*?\*/", re.DOTALL
)


def executed(sql: str) -> str:
    """A text with the content of its executable comments in place of them.

    Args:
        sql: statements as a client sent them; what such a comment holds for other servers goes.
    """
    if "/*!" not in sql and "/*M!" not in sql:
        return sql
    parts: list[str] = []
    at = 0
    inside = 0
    while at < len(sql):
        skipped = _SKIPPED.match(sql, at)
        start = None if skipped else _START.match(sql, at)
        if skipped:
            parts.append(skipped[0])
            at = skipped.end()
        elif start:
            runs = _runs(bool(start[1]), int(start[2] or 0))
            inside += runs
            at = start.end() if runs else _behind(sql, start.end())
            parts.append(" ")
        elif inside and sql.startswith("*/", at):
            inside -= 1
            parts.append(" ")
            at += 2
        else:
            parts.append(sql[at])
            at += 1
    return "".join(parts)


def _runs(for_mariadb: bool, version: int) -> bool:
    return version <= VERSION and (for_mariadb or version not in _MYSQL)


def _behind(sql: str, at: int) -> int:
    end = sql.find("*/", at)
    return len(sql) if end < 0 else end + 2
