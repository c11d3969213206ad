"""MariaDB Connector/ODBC under pyodbc: statements prepared on the server, the driver's own catalogue functions."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import pyodbc
from work import Account, Answer, main, refused, told, value

DRIVER = "MariaDB Unicode"
#: The server's number stands in front of the function that failed.
_CODE = re.compile(r"\((\d+)\) \(SQL\w+\)")


class Odbc:
    ways = ("whole",)

    def __init__(self) -> None:
        self.version = ""

    def connect(self, account: Account, tls: bool) -> pyodbc.Connection:
        words = {
            "DRIVER": f"{{{DRIVER}}}",
            "SERVER": "127.0.0.1",
            "PORT": account.port,
            "UID": account.user,
            "PWD": account.password,
            "DATABASE": account.database,
        } | ({"FORCETLS": 1} if tls else {})
        connection = pyodbc.connect(";".join(f"{word}={given}" for word, given in words.items()), autocommit=True)
        self.version = connection.getinfo(pyodbc.SQL_DRIVER_VER)
        return connection

    def ask(self, connection: pyodbc.Connection, sql: str, way: str) -> Answer:
        return self._run(connection.cursor(), sql, [])

    def prepared(self, connection: pyodbc.Connection, sql: str, executions: list[list[dict[str, Any]]]) -> list[Answer]:
        cursor = connection.cursor()
        return [self._run(cursor, sql, [_bound(p) for p in parameters]) for parameters in executions]

    def metadata(self, connection: pyodbc.Connection) -> list[Answer]:
        cursor = connection.cursor()
        asked = [
            lambda: cursor.tables(catalog="sky"),
            lambda: cursor.columns(table="Object", catalog="sky"),
            lambda: cursor.primaryKeys(table="Filter", catalog="sky"),
            lambda: cursor.statistics(table="Filter", catalog="sky"),
            lambda: cursor.rowIdColumns(table="Filter", catalog="sky"),
            lambda: cursor.procedures(catalog="extra", procedure="none"),
            lambda: cursor.getTypeInfo(),
        ]
        return [_without_remarks(ask()) for ask in asked]

    def number(self, connection: pyodbc.Connection) -> int:
        return int(connection.cursor().execute("SELECT CONNECTION_ID()").fetchval())

    def close(self, connection: pyodbc.Connection) -> None:
        connection.close()

    def cancelled(self, account: Account, slow: str, before_kill: float) -> int | None:
        """The driver's own cancel, which a thread calls while another waits."""
        connection = self.connect(account, False)
        cursor = connection.cursor()
        found: list[Answer] = []
        thread = threading.Thread(target=lambda: found.append(self._run(cursor, slow, [])))
        thread.start()
        time.sleep(before_kill)
        cursor.cancel()
        thread.join(30)
        assert "rows" in self.ask(connection, "SELECT 1", "whole")
        connection.close()
        return found[0].get("error") if found else None

    def _run(self, cursor: pyodbc.Cursor, sql: str, parameters: list[Any]) -> Answer:
        try:
            cursor.execute(sql, parameters)
            return told([c[:2] for c in cursor.description or ()], cursor.fetchall() if cursor.description else ())
        except pyodbc.Error as error:
            code = _CODE.search(str(error))
            if code is None:
                raise
            return refused(int(code[1]))


def _bound(parameter: dict[str, Any]) -> Any:
    """pyodbc has no type for an interval."""
    return parameter["value"] if parameter["type"] == "time" else value(parameter)


def _without_remarks(cursor: pyodbc.Cursor) -> Answer:
    """Comments are left out, which the plain server's tables do not have."""
    kept = [at for at, column in enumerate(cursor.description) if column[0].lower() != "remarks"]
    return told([cursor.description[at][:2] for at in kept], [[row[at] for at in kept] for row in cursor.fetchall()])


main(Odbc())
