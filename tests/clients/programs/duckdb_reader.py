"""DuckDB reading through its `mysql` extension, which speaks by MySQL's own C library.

The extension is taken from its package on PyPI; DuckDB itself checks its signature when it is loaded. DuckDB pushes
conditions down and plans the rest by itself, so that statements here are those of its own dialect.
"""

from __future__ import annotations

from importlib.metadata import files, version
from typing import Any

import duckdb
from work import Account, Answer, main, refused, told

PACKAGE = "duckdb-extension-mysql-scanner"
#: The tables, as DuckDB reads them: its own statements over attached ones.
OWN = (
    "SELECT count(*), count(mag), min(ra_PS), max(decl_PS) FROM sky.Object",
    "SELECT objectId, ra_PS, mag, name, payload, firstDate, lastSeen, class FROM sky.Object"
    " WHERE objectId IN (433000000, 433000017, -8) ORDER BY objectId",
    "SELECT f.filterName, count(*) FROM sky.Filter f GROUP BY ALL ORDER BY f.filterName",
    "SELECT class, count(*), sum(nObs) FROM sky.Object WHERE decl_PS > 10.5 GROUP BY class ORDER BY class",
    "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_catalog = 'sky'"
    " AND table_schema IN ('sky', 'extra')"
    " ORDER BY table_schema, table_name, ordinal_position",
)
#: Of a query that ends while its rows are under way it tells that alone.
_CODES = {"Unknown column": 1054, "Query execution was interrupted": 1317, "Failed to fetch result row": 1317}


class DuckDB:
    ways = ("whole",)

    def __init__(self) -> None:
        self.version = f"{duckdb.__version__}, {version(PACKAGE)}"
        self._tls = False

    def connect(self, account: Account, tls: bool) -> Any:
        connection = duckdb.connect()
        extension = next(f for f in files(PACKAGE) or () if f.name.endswith(".duckdb_extension"))
        connection.execute(f"LOAD '{extension.locate()}'")
        words = f"host=127.0.0.1 port={account.port} user={account.user} database={account.database}"
        words += f' password="{account.password}"' if account.password else ""
        words += f" ssl_mode={'required' if tls else 'disabled'}"
        quoted = words.replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS sky (TYPE mysql)")
        return connection

    def ask(self, connection: Any, sql: str, way: str) -> Answer:
        quoted = sql.replace("'", "''")
        if sql.startswith("KILL"):
            return self._run(connection, f"CALL mysql_execute('sky', '{quoted}')")
        return self._run(connection, f"SELECT * FROM mysql_query('sky', '{quoted}')")

    def metadata(self, connection: Any) -> list[Answer]:
        return [self._run(connection, sql) for sql in OWN]

    def number(self, connection: Any) -> None:
        return None

    def close(self, connection: Any) -> None:
        connection.close()

    def _run(self, connection: Any, sql: str) -> Answer:
        try:
            connection.execute(sql)
            return told([c[:2] for c in connection.description], connection.fetchall())
        except duckdb.Error as error:
            # It tells the server's words and no number.
            return refused(next((code for words, code in _CODES.items() if words in str(error)), -1))


main(DuckDB())
