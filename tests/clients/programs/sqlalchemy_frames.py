"""SQLAlchemy by itself, and pandas and polars over it; the arguments are which of the three, and the driver."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from work import Account, Answer, main, refused, told

#: Rows that are read at a time.
CHUNK = 500


class Reader:
    """SQLAlchemy: whole results, and rows as they come."""

    package = "SQLAlchemy"
    ways = ("whole", "streamed")

    def __init__(self, driver: str) -> None:
        self._driver = driver
        self.version = version(self.package)

    def connect(self, account: Account, tls: bool) -> Connection:
        arguments: dict[str, Any]
        if self._driver == "mysqldb":
            arguments = {"ssl_mode": "REQUIRED" if tls else "DISABLED"}
        else:
            arguments = {"ssl": {"verify_mode": "none"}} if tls else {"ssl_disabled": True}
        login = f"{account.user}:{quote(account.password)}@127.0.0.1:{account.port}"
        url = f"mariadb+{self._driver}://{login}/{account.database}?charset=utf8mb4"
        return create_engine(url, connect_args=arguments).connect()

    def ask(self, connection: Connection, sql: str, way: str) -> Answer:
        try:
            return self._read(connection, sql, way == "streamed")
        except Exception as error:
            connection.rollback()
            cause: BaseException | None = error
            while cause is not None and not isinstance(cause, DBAPIError):
                cause = cause.__cause__
            if cause is None or cause.orig is None:
                raise
            return refused(cause.orig.args[0])

    def metadata(self, connection: Connection) -> list[Answer]:
        found = inspect(connection)
        answers = []
        for table in found.get_table_names():
            columns = [(c["name"], type(c["type"]), c["nullable"], c["default"]) for c in found.get_columns(table)]
            keys = [index["column_names"] for index in found.get_indexes(table)]
            answers.append(told([[table], [found.get_pk_constraint(table)], [keys]], columns))
        return answers

    def number(self, connection: Connection) -> int:
        return int(connection.connection.driver_connection.thread_id())  # type: ignore[union-attr]

    def close(self, connection: Connection) -> None:
        connection.close()
        connection.engine.dispose()

    def _read(self, connection: Connection, sql: str, streamed: bool) -> Answer:
        result = connection.execute(text(sql), execution_options={"yield_per": CHUNK} if streamed else {})
        if not result.returns_rows:
            return told((), ())
        names = [(name,) for name in result.keys()]  # noqa: SIM118
        return told(names, result.fetchall())


class Pandas(Reader):
    """Frames of a few hundred rows each, and all rows at once."""

    package = "pandas"

    def _read(self, connection: Connection, sql: str, streamed: bool) -> Answer:
        if not returns_rows(sql):
            return super()._read(connection, sql, streamed)
        pandas = importlib.import_module("pandas")
        if streamed:
            rows = connection.execution_options(stream_results=True)
            whole = pandas.concat(list(pandas.read_sql(text(sql), rows, chunksize=CHUNK)))
            connection.execution_options(stream_results=False)
        else:
            whole = pandas.read_sql(text(sql), connection)
        return told(zip(whole.columns, whole.dtypes, strict=True), whole.itertuples(index=False))


class Polars(Reader):
    """Frames of a few hundred rows each, and all rows at once."""

    package = "polars"

    def _read(self, connection: Connection, sql: str, streamed: bool) -> Answer:
        if not returns_rows(sql):
            return super()._read(connection, sql, streamed)
        polars = importlib.import_module("polars")
        if not streamed:
            frame = polars.read_database(sql, connection, infer_schema_length=None)
        else:
            rows = connection.execution_options(stream_results=True)
            batches = polars.read_database(sql, rows, iter_batches=True, batch_size=CHUNK, infer_schema_length=None)
            frame = polars.concat(list(batches) or [polars.DataFrame()], how="vertical_relaxed")
            connection.execution_options(stream_results=False)
        return told(zip(frame.columns, frame.dtypes, strict=True), frame.rows())


def returns_rows(sql: str) -> bool:
    """Whether a frame can be made of what a statement answers."""
    return sql.split(maxsplit=1)[0].upper() in ("SELECT", "SHOW")


KINDS = {"sqlalchemy": Reader, "pandas": Pandas, "polars": Polars}
main(KINDS[sys.argv[1]](sys.argv[2]))
