"""The catalogue store: families, databases, workers, users and the query log, through SQLAlchemy."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from qproxy.catalog import accounts, codec, generations, placing, readers, rows, schema
from qproxy.catalog.engine import open_engine, translated
from qproxy.catalog.generations import Generation, Leftovers
from qproxy.catalog.model import Catalog, ChunkIds, Database, Family, Placement, Table, Worker
from qproxy.catalog.querylog import QueryRecord, append, newest
from qproxy.catalog.users import Privileges, User, make_user
from qproxy.errors import QproxyError


class CatalogStore:
    """What is kept between runs. Every method is one transaction; threads and processes may share a store.

    Calls wait for the database: from an event loop, run them in a thread. Any of them raises QproxyError where the
    database cannot be used.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> CatalogStore:
        """Open the store behind a SQLAlchemy URL, and create its tables where it is new.

        Args:
            url: ``sqlite:///relative.sqlite``, ``sqlite:////absolute.sqlite``, ``sqlite://`` (in memory),
                ``mysql+pymysql://user:password@host/database`` or any other that SQLAlchemy knows.
        """
        return cls(open_engine(url))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with translated(self._engine), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with (
            translated(self._engine),
            self._engine.connect().execution_options(qproxy_write=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        with self._writing() as connection:
            # First of all, so that changes of several proxies and loaders come one after the other.
            connection.execute(update(schema.state).values(number=schema.state.c.number + 1))
            yield connection

    def version(self) -> int:
        """A number that grows with every change of what `load` or `find_user` would give."""
        with self._reading() as connection:
            return int(connection.execute(select(schema.state.c.number)).scalar_one())

    def load(self) -> Catalog:
        """Everything that queries need to know, as of one moment."""
        with self._reading() as connection:
            version = int(connection.execute(select(schema.state.c.number)).scalar_one())
            workers = rows.read_workers(connection)
            family_rows = connection.execute(select(schema.families)).all()
            database_rows = connection.execute(select(schema.databases).order_by(schema.databases.c.name)).all()
            table_rows = connection.execute(select(schema.tables).order_by(schema.tables.c.name)).all()
            users = accounts.read(connection)
        families = {row.id: rows.read_family(row) for row in family_rows}
        tables: dict[str, dict[str, Table]] = {row.name: {} for row in database_rows}
        for row in table_rows:
            tables[row.database_name][row.name] = codec.decode_table(
                row.database_name, row.name, row.definition, row.chunk_rows
            )
        return Catalog(
            version,
            {
                row.name: Database(row.name, row.physical, families[row.family_id], tables[row.name])
                for row in database_rows
            },
            workers,
            {
                families[row.id]: codec.decode_placement(row.placement)
                for row in family_rows
                if row.placement is not None
            },
            users,
        )

    # Workers

    def add_worker(self, worker: Worker) -> None:
        """Register a worker; one of the same name is replaced, and keeps its chunks."""
        with self._changing() as connection:
            connection.execute(delete(schema.workers).where(schema.workers.c.name == worker.name))
            connection.execute(
                insert(schema.workers).values(
                    name=worker.name,
                    kind=worker.kind,
                    host=worker.host,
                    port=worker.port,
                    user=worker.user,
                    password=worker.password,
                    socket=worker.socket,
                    path=worker.path,
                )
            )

    def workers(self) -> dict[str, Worker]:
        """All workers by name, in the order of their names."""
        with self._reading() as connection:
            return rows.read_workers(connection)

    # Databases

    def begin_database(self, name: str, family: Family, replace: bool) -> Generation:
        """Begin to load a database; nothing of it is visible before `publish`.

        Args:
            name: logical name.
            family: its stripes, sub-stripes and overlap; a replacement may have others.
            replace: whether a published database of that name may be replaced at the end.

        Returns:
            The generation: its number, its name on the workers, and the physical databases that earlier
            runs may have left, to be dropped on all workers before loading begins.

        Raises:
            QproxyError: the database is published and not to be replaced, or another run is loading it.
        """
        with self._changing() as connection:
            oldest = readers.oldest_version(connection, time.time())
            return generations.begin(connection, name, rows.family_id(connection, family), replace, oldest)

    def abandon_database(self, name: str, generation: Generation | int) -> None:
        """Give up loading; the next run of that database is told to drop what lies on the workers.

        Args:
            name: logical name.
            generation: what `begin_database` gave, or its number.
        """
        number = generation if isinstance(generation, int) else generation.number
        with self._changing() as connection:
            generations.abandon(connection, name, number)

    def abandon_lost(self, name: str) -> int:
        """Give up all loading of a database that no process of this machine does; returns how many runs those were.

        Raises:
            QproxyError: a process of this machine is loading it.
        """
        with self._changing() as connection:
            return generations.abandon_all(connection, name)

    def out_of_use(self) -> Leftovers:
        """Physical databases that are not published and not being loaded: unused ones, and ones still read."""
        with self._writing() as connection:
            return generations.out_of_use(connection, readers.oldest_version(connection, time.time()))

    def forget(self, numbers: Iterable[int]) -> None:
        """Forget unused generations, by number, once they were dropped on all workers."""
        with self._writing() as connection:
            generations.forget(connection, numbers)

    # Readers

    def note_reader(self, reader: str, version: int | None = None) -> None:
        """Say that a proxy lives, and from which version of the catalogue on its queries need the data.

        Args:
            reader: a name of the proxy's own.
            version: the oldest that a query of it holds; None for the present one.
        """
        with self._writing() as connection:
            if version is None:
                version = int(connection.execute(select(schema.state.c.number)).scalar_one())
            readers.note(connection, reader, version, time.time())

    def forget_reader(self, reader: str) -> None:
        """Say that a proxy has ended."""
        with self._writing() as connection:
            readers.leave(connection, reader)

    def place_chunks(self, family: Family, chunks: ChunkIds, replicas: int) -> Placement:
        """Give every chunk its workers; a chunk that has them keeps them.

        Args:
            family: whose chunks.
            chunks: ids, in any order.
            replicas: copies of each chunk, on distinct workers.

        Returns:
            The placement of the whole family: at least these chunks.

        Raises:
            QproxyError: more replicas than workers, no workers, or chunks placed before with fewer replicas.
        """
        with self._changing() as connection:
            family_id = rows.family_id(connection, family)
            staged = generations.staged_placement(connection, family_id)
            placements = rows.read_placements(connection)
            if staged is not None:
                placements[family_id] = staged[1]
            names = tuple(rows.read_workers(connection))
            current = placements.get(family_id) or placing.empty_placement(names)
            placed = placing.extend_placement(current, chunks, replicas, names, placing.total_load(placements.values()))
            blob = codec.encode_placement(placed)
            if staged is not None:
                table = schema.generations
                connection.execute(update(table).where(table.c.number == staged[0]).values(placement=blob))
            else:
                families = schema.families
                connection.execute(update(families).where(families.c.id == family_id).values(placement=blob))
            return placed

    def publish(self, database: Database) -> tuple[str, ...]:
        """Make a loaded database visible, all at once, in place of the one that had its name.

        Returns:
            Physical databases that are out of use now, to be dropped on all workers once running queries
            have ended.

        Raises:
            QproxyError: its loading was abandoned or another run took over, or a chunk of it has no place.
        """
        with self._changing() as connection:
            family_id = rows.family_id(connection, database.family)
            retired = generations.publish(connection, database.name, database.physical)
            _check_placed(database, rows.read_placements(connection).get(family_id))
            rows.remove_published(connection, database.name)
            connection.execute(
                insert(schema.databases).values(name=database.name, family_id=family_id, physical=database.physical)
            )
            for table in database.tables.values():
                connection.execute(
                    insert(schema.tables).values(
                        database_name=database.name,
                        name=table.name,
                        definition=codec.encode_table(table),
                        chunk_rows=codec.encode_chunk_rows(table.chunk_rows),
                    )
                )
            return retired

    def drop_database(self, name: str) -> tuple[str, ...]:
        """Make a published database invisible.

        Returns:
            Its physical databases, to be dropped on all workers once running queries have ended.

        Raises:
            QproxyError: no such database is published.
        """
        with self._changing() as connection:
            retired = generations.retire(connection, name)
            if not retired:
                raise QproxyError(f"there is no published database '{name}'")
            rows.remove_published(connection, name)
            return retired

    # Users

    def add_user(
        self,
        name: str,
        password: str | None,
        loopback_only: bool = False,
        *,
        native: bool = True,
        require_tls: bool = False,
        certificate: str = "",
        max_connections: int = 0,
        databases: Collection[str] = (),
    ) -> None:
        """Let somebody log in.

        Args:
            name: of the user.
            password: None for none.
            loopback_only, require_tls, certificate, max_connections: see `User`.
            native: whether mysql_native_password may be used.
            databases: those that the user may read; ``*`` for all.

        Raises:
            QproxyError: the user exists, or name or password cannot be used.
        """
        user = replace(
            make_user(name, password, native=native),
            loopback_only=loopback_only,
            require_tls=require_tls,
            certificate=certificate,
            max_connections=max_connections,
            privileges=Privileges(frozenset(databases)),
        )
        try:
            with self._changing() as connection:
                accounts.add(connection, user)
        except QproxyError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise QproxyError(
                    f"user '{name}' exists already: change the password with 'qproxy user passwd {name}'"
                ) from None
            raise

    def set_password(self, name: str, password: str | None, *, native: bool = True) -> None:
        """Change the password of a user, None for none.

        Raises:
            QproxyError: there is no such user, or the password cannot be used.
        """
        user = make_user(name, password, native=native)
        with self._changing() as connection:
            accounts.set_hashes(connection, user)

    def remove_user(self, name: str) -> None:
        """No longer let a user log in.

        Raises:
            QproxyError: there is no such user.
        """
        with self._changing() as connection:
            accounts.remove(connection, name)

    def grant(self, name: str, database: str) -> None:
        """Let a user read a database, which need not exist yet; ``*`` for all.

        Raises:
            QproxyError: there is no such user, or no database can have that name.
        """
        with self._changing() as connection:
            accounts.grant(connection, name, database)

    def revoke(self, name: str, database: str) -> None:
        """No longer let a user read a database; ``*`` for none at all.

        Raises:
            QproxyError: there is no such user, or the user has no such privilege.
        """
        with self._changing() as connection:
            accounts.revoke(connection, name, database)

    def users(self) -> tuple[User, ...]:
        """All users, by name."""
        with self._reading() as connection:
            return tuple(accounts.read(connection).values())

    def find_user(self, name: str) -> User | None:
        """The user of that name, or None."""
        with self._reading() as connection:
            return accounts.find(connection, name)

    # Query log

    def log_queries(self, records: Sequence[QueryRecord]) -> None:
        """Keep who asked what, and what it took; all records or none."""
        with self._writing() as connection:
            append(connection, records)

    def recent_queries(self, count: int) -> tuple[QueryRecord, ...]:
        """The last queries logged, newest first."""
        with self._reading() as connection:
            return newest(connection, count)


def _check_placed(database: Database, placement: Placement | None) -> None:
    placed = set() if placement is None else set(placement.chunks.tolist())
    for table in database.tables.values():
        missing = set(table.chunk_rows.chunks.tolist()) - placed
        if missing:
            raise QproxyError(
                f"database '{database.name}' cannot be published: chunk {min(missing)} of table '{table.name}' "
                "has no workers"
            )
