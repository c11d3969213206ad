"""connectorx by itself, and polars over it (argument ``polars``): readers in Rust, which speak the protocol themselves.

They do not tell the id of a connection.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

import connectorx
import polars
from work import Account, Answer, main, refused, told

_CODE = re.compile(r"ERROR (\d+)")


class Connectorx:
    #: The two protocols of rows that it reads.
    ways = ("binary", "text")
    #: Built without TLS: its passwords go by the server's RSA key.
    secured = False

    def __init__(self, whole_polars: bool) -> None:
        self._polars = whole_polars
        self.version = version("connectorx")

    def connect(self, account: Account, tls: bool) -> str:
        login = f"{account.user}:{quote(account.password)}@127.0.0.1:{account.port}"
        return f"mysql://{login}/{account.database}"

    def number(self, connection: str) -> None:
        return None

    def close(self, connection: str) -> None:
        """Each query has a connection of its own."""

    def ask(self, connection: str, sql: str, way: str) -> Answer:
        frame: Any
        try:
            if self._polars:
                frame = polars.read_database_uri(sql, connection, protocol=way)
            else:
                frame = polars.from_arrow(connectorx.read_sql(connection, sql, return_type="arrow", protocol=way))
        except RuntimeError as error:
            if sql.startswith("KILL") and "at least one column" in str(error):
                return told((), ())
            code = _CODE.search(str(error))
            if code is None:
                raise
            return refused(int(code[1]))
        except BaseException as error:
            # What it has no type for, as NULL that no column gave, ends in a panic of Rust.
            if type(error).__name__ != "PanicException":
                raise
            return refused(-1)
        return told(zip(frame.columns, frame.dtypes, strict=True), frame.rows())


main(Connectorx("polars" in sys.argv))
