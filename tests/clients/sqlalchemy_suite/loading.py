"""Tables of the suite: made on a plain MariaDB, and loaded into the proxy by its own ingest before they are read."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pymysql
import yaml

from qproxy.backends.base import Backend
from qproxy.catalog.model import Worker
from qproxy.catalog.store import CatalogStore
from qproxy.config import Config
from qproxy.errors import QproxyError
from qproxy.ingest.description import read_description
from qproxy.ingest.run import ingest
from qproxy.service.app import connect, running
from tests.harness.mariadbd import Server, start, temporary_directory

USER = "qproxy"
#: Says which load the proxy has seen.
MARKER = "marker"
WAIT_SECONDS = 60.0
#: The databases that the suite writes to.
DATABASES = ("test", "test_schema")
WRITES = re.compile(r"\s*(CREATE|DROP|ALTER|INSERT|UPDATE|DELETE|TRUNCATE|REPLACE)\b", re.IGNORECASE)
_FOREIGN = re.compile(r",\n\s+CONSTRAINT `[^`]*` (?:FOREIGN KEY|CHECK) [^\n]*?(?=,?\n)")
_FORMAT = {"kind": "csv"}


@dataclass
class Loader:
    """The plain server that takes what is written, and the store that the proxy reads.

    Attributes:
        dirty: databases that were written to since they were loaded.
    """

    server: Server
    store: CatalogStore
    backends: dict[str, Backend]
    directory: Path
    loop: asyncio.AbstractEventLoop
    port: int = 0
    loads: int = 0
    dirty: set[str] = field(default_factory=set)

    def write(self, database: str, statement: str, parameters: Any) -> tuple[int, int]:
        """Run a statement on the plain server.

        Returns:
            Rows that it changed, and the last id that it made.
        """
        with closing(self.server.connect(database)) as connection, connection.cursor() as cursor:
            if isinstance(parameters, list):
                cursor.executemany(statement, parameters)
            else:
                cursor.execute(statement, parameters)
            self.dirty.update(DATABASES)
            return cursor.rowcount, cursor.lastrowid or 0

    def settle(self) -> None:
        """Load what was written, and wait until the proxy has it."""
        for database in sorted(self.dirty):
            tables = self._tables(database)
            taken = {name: table for name, table in tables.items() if self._takes(database, name, table)}
            # A description has a table at least.
            self._ingest(database, taken or {"nothing": _one_column("nothing.tsv")})
        self.dirty.clear()
        self.loads += 1
        folder = self._folder(MARKER)
        (folder / "loads.tsv").write_text(f"{self.loads}\n", encoding="utf-8")
        self._ingest(MARKER, {"loads": _one_column("loads.tsv")})
        deadline = time.monotonic() + WAIT_SECONDS
        while self._seen() < self.loads:
            assert time.monotonic() < deadline, "the proxy does not see what was loaded"

    def _seen(self) -> int:
        """The load that the proxy knows of."""
        try:
            with closing(pymysql.connect(host="127.0.0.1", port=self.port, user=USER)) as connection:
                cursor = connection.cursor()
                cursor.execute(f"SELECT number FROM {MARKER}.loads")
                row = cursor.fetchone()
                return int(row[0]) if row else 0
        except pymysql.MySQLError:
            return 0

    def _folder(self, database: str) -> Path:
        folder = self.directory / database
        folder.mkdir(exist_ok=True)
        return folder

    def _tables(self, database: str) -> dict[str, Any]:
        """Descriptions of the tables of a database, their files written."""
        folder = self._folder(database)
        tables: dict[str, Any] = {}
        with closing(self.server.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
            for number, (name, _) in enumerate(cursor.fetchall()):
                cursor.execute(f"SHOW CREATE TABLE `{name}`")
                text = _FOREIGN.sub("", cursor.fetchone()[1])
                (folder / f"{number}.sql").write_text(text + ";\n", encoding="utf-8")
                (folder / f"{number}.tsv").write_bytes(self._rows(database, name))
                described = {"kind": "regular", "schema": f"{number}.sql", "files": [f"{number}.tsv"]}
                tables[name] = described | {"format": _FORMAT}
        (folder / "nothing.tsv").write_bytes(b"")
        return tables

    def _takes(self, database: str, name: str, table: dict[str, Any]) -> bool:
        """Whether ingest takes a table: a test of one that it does not fails by itself, and not the ones behind it."""
        try:
            read_description(self._described(database, {name: table}))
        except QproxyError as refusal:
            print(f"not loaded: {refusal}")
            return False
        return True

    def _described(self, database: str, tables: dict[str, Any]) -> Path:
        family = {"stripes": 1, "sub_stripes": 1, "overlap": 0.01}
        path = self._folder(database) / "description.yaml"
        path.write_text(yaml.safe_dump({"database": database, "family": family, "tables": tables}), encoding="utf-8")
        return path

    def _ingest(self, database: str, tables: dict[str, Any]) -> None:
        path = self._described(database, tables)
        loaded = asyncio.run_coroutine_threadsafe(
            ingest(path, self.store, self.backends, replicas=1, replace=True, max_bad_rows=0, engine="Aria"), self.loop
        )
        loaded.result(WAIT_SECONDS)

    def _rows(self, database: str, table: str) -> bytes:
        with closing(self.server.connect(database, conv={}, use_unicode=False)) as connection:
            cursor = connection.cursor()
            cursor.execute(f"SELECT * FROM `{table}`")
            return b"".join(b"\t".join(map(_escaped, row)) + b"\n" for row in cursor.fetchall())


def _one_column(file: str) -> dict[str, Any]:
    columns = [{"name": "number", "type": "INT"}]
    return {"kind": "regular", "columns": columns, "files": [file], "format": _FORMAT}


def _escaped(value: bytes | None) -> bytes:
    if value is None:
        return rb"\N"
    value = value.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n")
    return value.replace(b"\r", b"\\r").replace(b"\0", b"\\0")


@contextmanager
def loader() -> Iterator[Loader]:
    """A plain server, and a proxy that has it for a worker."""
    with temporary_directory() as directory:
        server = start(directory / "server")
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            charset = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
            server.script([f"CREATE DATABASE {name} {charset}" for name in DATABASES])
            with CatalogStore.open(f"sqlite:///{directory}/catalog.sqlite") as store:
                store.add_worker(Worker("w0", socket=str(server.socket), user=server.user))
                store.add_user(USER, None, loopback_only=True, databases=("*",))
                config = replace(Config(), catalog=replace(Config().catalog, refresh_seconds=0.05))
                backends = connect(store.workers(), config)
                made = Loader(server, store, backends, directory, loop, dirty=set(DATABASES))
                stop = asyncio.Event()
                ready = threading.Event()

                async def serve() -> None:
                    try:
                        async with running(config, store, backends, "127.0.0.1", 0) as proxy:
                            made.port = proxy.port
                            ready.set()
                            await stop.wait()
                    finally:
                        ready.set()
                        await asyncio.gather(*(backend.close() for backend in backends.values()))

                served = asyncio.run_coroutine_threadsafe(serve(), loop)
                ready.wait(60)
                try:
                    yield made
                finally:
                    loop.call_soon_threadsafe(stop.set)
                    served.result(60)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            server.stop()
