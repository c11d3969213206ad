"""Which proxies still read which version of the catalogue, so that no data go while a query needs them.

A proxy notes the oldest version that any of its queries holds, and says every now and then that it lives.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, insert, select, update

from qproxy.catalog import schema
from qproxy.catalog.process import Process, is_local, may_live, this_process

#: Seconds between two signs of life.
BEAT_SECONDS = 20.0
#: Seconds without one after which a proxy of another machine counts as gone.
GONE_SECONDS = 300.0

_rows = schema.readers


def note(connection: Connection, reader: str, version: int, now: float) -> None:
    """Say that a reader lives and which version is the oldest that it needs.

    Args:
        reader: its name, unlike that of any other.
        version: of the catalogue.
        now: seconds since 1970.
    """
    done = connection.execute(update(_rows).where(_rows.c.name == reader).values(version=version, seen=now))
    if not done.rowcount:
        process = this_process()
        connection.execute(
            insert(_rows).values(
                name=reader,
                host=process.host,
                process=process.pid,
                process_start=process.start,
                version=version,
                seen=now,
            )
        )


def leave(connection: Connection, reader: str) -> None:
    """Forget a reader."""
    connection.execute(delete(_rows).where(_rows.c.name == reader))


def oldest_version(connection: Connection, now: float) -> int | None:
    """The oldest version that a living reader needs, None where nobody reads; the dead are forgotten."""
    for row in connection.execute(select(_rows)).all():
        process = Process(row.host, row.process, row.process_start)
        lives = may_live(process) if is_local(process) else row.seen > now - GONE_SECONDS
        if not lives:
            leave(connection, row.name)
    oldest = connection.execute(select(func.min(_rows.c.version))).scalar_one()
    return None if oldest is None else int(oldest)
