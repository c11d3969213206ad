"""MySQL Connector/Python, its pure implementation or that over MySQL's own C library (argument ``c``)."""

from __future__ import annotations

import sys
from typing import Any

if "c" in sys.argv:
    # Before anything loads the system's OpenSSL, which may be older than the one that the library was built with.
    import _mysql_connector  # noqa: F401

import mysql.connector
from mysql.connector import Error
from work import Account, Answer, main, refused, told, value


class ConnectorPython:
    version = mysql.connector.__version__
    ways = ("streamed", "whole")

    def __init__(self, pure: bool) -> None:
        self._pure = pure

    def connect(self, account: Account, tls: bool) -> Any:
        options = {"ssl_verify_cert": False} if tls else {"ssl_disabled": True}
        connection = mysql.connector.connect(
            host="127.0.0.1",
            port=account.port,
            user=account.user,
            password=account.password,
            database=account.database,
            use_pure=self._pure,
            **options,
        )
        assert connection.is_connected()
        return connection

    def ask(self, connection: Any, sql: str, way: str) -> Answer:
        return self._run(connection.cursor(buffered=way == "whole"), sql, ())

    def prepared(self, connection: Any, sql: str, executions: list[list[dict[str, Any]]]) -> list[Answer]:
        cursor = connection.cursor(prepared=True)
        taken = [parameters for parameters in executions if self._takes(parameters)]
        answers = [self._run(cursor, sql, tuple(map(value, parameters)), close=False) for parameters in taken]
        cursor.close()
        return answers

    def number(self, connection: Any) -> int:
        return int(connection.connection_id)

    def close(self, connection: Any) -> None:
        connection.close()

    def _takes(self, parameters: list[dict[str, Any]]) -> bool:
        """The C library's binding of an interval leaves bytes unset: another value arrives each time."""
        return self._pure or all(p["type"] != "time" for p in parameters)

    def _run(self, cursor: Any, sql: str, parameters: tuple[Any, ...], close: bool = True) -> Answer:
        try:
            cursor.execute(sql, parameters)
            return told([c[:2] for c in cursor.description or ()], cursor.fetchall() if cursor.description else ())
        except Error as error:
            return refused(error.errno)
        finally:
            if close:
                cursor.close()


main(ConnectorPython(pure="c" not in sys.argv))
