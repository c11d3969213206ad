"""MariaDB's Spider engine over the chunk tables of a cluster: what a user would take instead of a proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

from benchmarks.options import NotMeasured
from benchmarks.systems import Cluster, Endpoint, running_plain_server
from qproxy.catalog import naming
from qproxy.catalog.naming import CHUNK_COLUMN
from qproxy.ingest.description import TableSpec, read_description

#: Of some settings tried (spider_bgs_mode 0 to 3, spider_quick_mode 0 to 3) the fastest for scans that is right:
#: workers are asked all at once, each answer is kept in memory. With spider_bgs_mode=1, spider_quick_mode=2 a scan
#: was twice as fast, but one row in five was missing from its answer.
TUNED = "SET spider_bgs_mode=1, spider_quick_mode=0"


@contextmanager
def running_spider(cluster: Cluster, description: Path) -> Iterator[Endpoint]:
    """A plain MariaDB whose tables are partitioned by chunk, each partition a Spider link to a worker's chunk table.

    Args:
        cluster: its tables must be loaded.
        description: of the database.

    Raises:
        NotMeasured: the engine is not installed.
    """
    with running_plain_server() as server:
        with server.connect("mysql") as connection, connection.cursor() as cursor:
            try:
                cursor.execute("INSTALL SONAME 'ha_spider'")
            except pymysql.MySQLError as error:
                raise NotMeasured(
                    f"MariaDB cannot load its Spider engine ({error.args[-1]}); "
                    "install it with 'apt-get install mariadb-plugin-spider'"
                ) from None
            wanted = read_description(description)
            cursor.execute(f"CREATE DATABASE `{wanted.database}`")
            for table in wanted.tables:
                cursor.execute(_table(cluster, wanted.database, table))
        yield server


def _table(cluster: Cluster, database: str, table: TableSpec) -> str:
    catalog = cluster.catalog()
    published = catalog.databases[database]
    placement = catalog.placements[published.family]
    workers = {w.name: w for w in cluster.workers()}
    first = {int(c): placement.workers[int(r)] for c, r in zip(placement.chunks, placement.replicas[:, 0], strict=True)}
    partitions = []
    for chunk in published.tables[table.name].chunk_rows.chunks.tolist():
        worker = workers[first[chunk]]
        link = (
            f'host "{worker.host}", port "{worker.port}", user "{worker.user}", password "{worker.password}", '
            f'database "{published.physical}", table "{naming.chunk_table(table.name, chunk)}"'
        )
        partitions.append(f"PARTITION c{chunk} VALUES IN ({chunk}) COMMENT='{link}'")
    columns = [f"`{c.name}` {c.definition}" for c in table.schema.columns]
    columns.append(f"`{CHUNK_COLUMN}` INT NOT NULL")
    columns.append(f"KEY (`{table.director_id or table.id}`)")
    return (
        f"CREATE TABLE `{database}`.`{table.name}` ({', '.join(columns)}) ENGINE=SPIDER DEFAULT CHARSET=utf8mb4 "
        f"COLLATE=utf8mb4_general_ci PARTITION BY LIST (`{CHUNK_COLUMN}`) ({', '.join(partitions)})"
    )
