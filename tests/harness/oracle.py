"""The oracle: one plain MariaDB that holds all rows and answers without knowing of chunks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.harness.data import Catalogue
from tests.harness.files import write_rows
from tests.harness.mariadbd import Server, running_server, temporary_directory
from tests.harness.scisql import functions


@contextmanager
def running_oracle(catalogue: Catalogue, *settings: str) -> Iterator[Server]:
    """A plain server with the catalogue loaded and sciSQL as stored functions.

    Args:
        settings: further command-line options of mariadbd.

    Raises:
        AssertionError: LOAD DATA changed or lost a row.
    """
    with running_server(*settings) as server, temporary_directory() as directory:
        write_rows(directory, catalogue)
        load(server, directory, catalogue)
        yield server


def load(server: Server, directory: Path, catalogue: Catalogue) -> None:
    """Make databases, tables and functions, and load the files that `write_rows` wrote.

    Raises:
        AssertionError: LOAD DATA changed or lost a row.
    """
    for database in catalogue.databases:
        charset = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
        server.script([f"CREATE DATABASE {database} {charset}"])
        server.script(functions(), database)
    for spec in catalogue.specs:
        path = directory / f"{spec.database}.{spec.name}.tsv"
        with closing(server.connect(spec.database)) as connection, connection.cursor() as cursor:
            cursor.execute(spec.create())
            cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE `{spec.name}` CHARACTER SET utf8mb4")
            cursor.execute("SHOW WARNINGS")
            warnings = cursor.fetchall()
            assert not warnings, f"{spec.name}: {warnings[:3]}"
            cursor.execute(f"SELECT COUNT(*) FROM `{spec.name}`")
            counted = cursor.fetchone()
            wanted = len(catalogue.tables[(spec.database, spec.name)])
            assert counted == (wanted,), f"{spec.name}: {counted} rows loaded of {wanted}"
