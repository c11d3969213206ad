"""Bringing a catalogue store that an earlier qproxy made to the present schema, one version at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, insert, inspect, select, text, update

from qproxy.catalog import schema
from qproxy.catalog.users import ALL, salted


def from_version_1(engine: Engine) -> None:
    """Add what version 2 brought: `readers`, and `generations.retired_version`."""
    with _upgrading(engine, 1) as connection:
        if connection is None:
            return
        schema.readers.create(connection, checkfirst=True)
        if "retired_version" not in _columns(connection, "generations"):
            connection.exec_driver_sql("ALTER TABLE generations ADD COLUMN retired_version BIGINT")


def from_version_2(engine: Engine) -> None:
    """Add what version 3 brought: privileges, salted hashes, TLS and connections of users.

    Users could read everything before, so they may still. Hashes without salt are salted, and forgotten.
    """
    with _upgrading(engine, 2) as connection:
        if connection is None:
            return
        columns = _columns(connection, "users")
        for column, kind in (
            ("sha2", "VARCHAR(160)"),
            ("require_tls", "BOOLEAN NOT NULL DEFAULT 0"),
            ("certificate", "VARCHAR(255) NOT NULL DEFAULT ''"),
            ("max_connections", "INTEGER NOT NULL DEFAULT 0"),
        ):
            if column not in columns:
                connection.exec_driver_sql(f"ALTER TABLE users ADD COLUMN {column} {kind}")
        if "sha2_hash" in columns:
            for name, stamp in connection.execute(text("SELECT name, sha2_hash FROM users")).all():
                if stamp is not None:
                    found = schema.users.c.name == name
                    value = salted(bytes.fromhex(stamp))
                    connection.execute(update(schema.users).where(found).values(sha2=value))
            connection.exec_driver_sql("ALTER TABLE users DROP COLUMN sha2_hash")
        schema.grants.create(connection, checkfirst=True)
        names = set(connection.execute(select(schema.users.c.name)).scalars())
        for name in sorted(names - set(connection.execute(select(schema.grants.c.user_name)).scalars())):
            connection.execute(insert(schema.grants).values(user_name=name, database_name=ALL))


@contextmanager
def _upgrading(engine: Engine, version: int) -> Iterator[Connection | None]:
    """A transaction that changes a version into the next; None where another process has done it."""
    with engine.connect().execution_options(qproxy_write=True) as connection, connection.begin():
        # Behind a lock on the row: of two processes that get here at once, the second finds it done.
        table = schema.schema_version
        changed = update(table).where(table.c.version == version).values(version=version + 1)
        yield connection if connection.execute(changed).rowcount else None


def _columns(connection: Connection, table: str) -> set[str]:
    return {column["name"] for column in inspect(connection).get_columns(table)}
