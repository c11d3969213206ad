"""The query log: who asked what, when, and what it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from qproxy.catalog import schema


@dataclass(frozen=True)
class QueryRecord:
    """One query that has ended.

    Attributes:
        user: who asked.
        connection_id: the client's connection.
        database: the connection's database, or None.
        started: seconds since 1970, UTC.
        seconds: how long it took.
        statement: as the client sent it.
        chunks: chunks that were asked.
        rows, bytes: what was sent to the client.
        error: what the client was told where the query failed, else None.
        query_id: number in the log, given by the store.
    """

    user: str
    connection_id: int
    database: str | None
    started: float
    seconds: float
    statement: str
    chunks: int = 0
    rows: int = 0
    bytes: int = 0
    error: str | None = None
    query_id: int | None = None


def append(connection: Connection, records: Sequence[QueryRecord]) -> None:
    """Write records."""
    connection.execute(
        insert(schema.query_log),
        [
            {
                "user": record.user,
                "connection_id": record.connection_id,
                "database_name": record.database,
                "started": record.started,
                "seconds": record.seconds,
                "statement": record.statement,
                "chunks": record.chunks,
                "rows": record.rows,
                "bytes": record.bytes,
                "error": record.error,
            }
            for record in records
        ],
    )


def newest(connection: Connection, count: int) -> tuple[QueryRecord, ...]:
    """The last records, newest first."""
    log = schema.query_log
    return tuple(
        QueryRecord(
            row.user,
            row.connection_id,
            row.database_name,
            row.started,
            row.seconds,
            row.statement,
            row.chunks,
            row.rows,
            row.bytes,
            row.error,
            row.id,
        )
        for row in connection.execute(select(log).order_by(log.c.id.desc()).limit(count))
    )
