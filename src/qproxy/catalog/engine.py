"""Opening the database behind the catalogue store: SQLite with care for many processes, or any other by URL."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, inspect, make_url, select
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import QueuePool

from qproxy.catalog import schema, upgrades
from qproxy.errors import QproxyError

#: Seconds that a writer waits for another one.
BUSY_SECONDS = 30.0


def open_engine(url: str) -> Engine:
    """Connect to the store and create or check its tables.

    Args:
        url: a SQLAlchemy URL; ``sqlite://`` is a store in memory.

    Raises:
        QproxyError: the URL is wrong, the server or file cannot be used, or its schema is of a newer qproxy.
    """
    try:
        parsed = make_url(url)
        engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _server(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise QproxyError(
            f"catalogue store: the address is not understood: {error}; see catalog.url in the configuration"
        ) from None
    try:
        with translated(engine):
            _create_or_check(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn errors of the database into a sentence that names the store, without its password."""
    try:
        yield
    except SQLAlchemyError as error:
        shown = engine.url.render_as_string(hide_password=True)
        reason = getattr(error, "orig", None) or error
        raise QproxyError(f"catalogue store {shown}: {reason}") from error


def _sqlite(url: URL) -> Engine:
    arguments: dict[str, Any] = {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}}
    if url.database in (None, "", ":memory:"):
        # One connection that threads take in turn: each further one would be an empty store of its own.
        arguments |= {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
    else:
        _prepare_file(Path(str(url.database)))
    engine = create_engine(url, **arguments)

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        # Python's module would begin transactions late and never for reads; SQLAlchemy's events do it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        write = connection.get_execution_options().get("qproxy_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _prepare_file(path: Path) -> None:
    # The store holds the workers' passwords: nobody else may read it. SQLite gives its side files the same mode.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                with sqlite3.connect(path, timeout=BUSY_SECONDS) as connection:
                    # Readers and one writer at the same time; the mode stays with the file.
                    connection.execute("PRAGMA journal_mode = WAL")
                connection.close()
                return
            except sqlite3.OperationalError as error:
                # The change of mode does not wait for others as statements do.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
    except OSError as error:
        raise QproxyError(f"catalogue store {path}: {error.strerror}; check the path and its owner") from None
    except sqlite3.Error as error:
        raise QproxyError(f"catalogue store {path}: {error}") from None


def _server(url: URL) -> Engine:
    return create_engine(url, pool_pre_ping=True, pool_recycle=600, isolation_level="REPEATABLE READ")


def _create_or_check(engine: Engine) -> None:
    if not inspect(engine).has_table("schema_version"):
        _create(engine)
    with engine.connect() as connection:
        found = connection.execute(select(schema.schema_version.c.version)).scalar_one_or_none()
    if found is None:
        _create(engine)
        found = schema.SCHEMA_VERSION
    if found == 1:
        upgrades.from_version_1(engine)
        found = 2
    if found == 2:
        upgrades.from_version_2(engine)
        found = 3
    if found != schema.SCHEMA_VERSION:
        shown = engine.url.render_as_string(hide_password=True)
        raise QproxyError(
            f"catalogue store {shown} has schema version {found}, this qproxy knows version "
            f"{schema.SCHEMA_VERSION}: use the qproxy that wrote it, or a newer one"
        )


def _create(engine: Engine, retries: int = 20) -> None:
    # Two processes may get here at once: tables are made where missing, rows once; the version comes last.
    try:
        with engine.connect().execution_options(qproxy_write=True) as connection, connection.begin():
            schema.metadata.create_all(connection)
            connection.execute(insert(schema.state).values(id=1, number=0, generation=0))
            connection.execute(insert(schema.schema_version).values(id=1, version=schema.SCHEMA_VERSION))
    except IntegrityError:
        return
    except OperationalError:
        # A server without transactions for DDL: the other process made a table between our look and our CREATE.
        if retries == 0:
            raise
        _create(engine, retries - 1)
