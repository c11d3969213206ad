"""PyMySQL and mysqlclient (MySQLdb), which have one interface; the argument is the module."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from typing import Any

from work import Account, Answer, main, refused, told, value

PACKAGES = {"pymysql": "PyMySQL", "MySQLdb": "mysqlclient"}


class Blocking:
    ways = ("whole", "streamed")

    def __init__(self, name: str) -> None:
        self.version = version(PACKAGES[name])
        self._module = importlib.import_module(name)
        self._cursors = importlib.import_module(f"{name}.cursors")
        self._native = name == "MySQLdb"

    def connect(self, account: Account, tls: bool) -> Any:
        options: dict[str, Any]
        if self._native:
            # Bytes as bytes; without, it writes them as if they were text.
            options = {"ssl_mode": "REQUIRED" if tls else "DISABLED", "binary_prefix": True}
        else:
            options = {"ssl": {"verify_mode": "none"}} if tls else {"ssl_disabled": True}
        return self._module.connect(
            host="127.0.0.1",
            port=account.port,
            user=account.user,
            password=account.password,
            database=account.database,
            charset="utf8mb4",
            **options,
        )

    def ask(self, connection: Any, sql: str, way: str) -> Answer:
        return self._run(connection, self._cursors.Cursor if way == "whole" else self._cursors.SSCursor, sql, None)

    def bound(self, connection: Any, sql: str, executions: list[list[dict[str, Any]]]) -> list[Answer]:
        kind = self._cursors.Cursor
        return [self._run(connection, kind, sql, tuple(map(value, parameters))) for parameters in executions]

    def number(self, connection: Any) -> int:
        return int(connection.thread_id())

    def close(self, connection: Any) -> None:
        connection.close()

    def _run(self, connection: Any, kind: Any, sql: str, parameters: tuple[Any, ...] | None) -> Answer:
        with connection.cursor(kind) as cursor:
            try:
                cursor.execute(sql, parameters)
                return told(cursor.description or (), cursor.fetchall() if cursor.description else ())
            except self._module.MySQLError as error:
                return refused(error.args[0])


main(Blocking(sys.argv[1]))
