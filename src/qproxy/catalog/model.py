"""What exists and where, as one immutable value that a query is planned against.

A :class:`Catalog` is a snapshot: the store loads a new one when its version changes, and a query keeps
the snapshot that it began with. Nothing here waits or does I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from qproxy.catalog.users import User

ChunkIds = npt.NDArray[np.int32]


class TableKind(StrEnum):
    """How the rows of a table are laid over the workers."""

    DIRECTOR = "director"
    CHILD = "child"
    MATCH = "match"
    REGULAR = "regular"


@dataclass(frozen=True)
class Family:
    """Databases that share stripes, sub-stripes and overlap; their equal chunks share workers.

    Attributes:
        stripes: number of latitude stripes.
        sub_stripes: sub-stripes per stripe.
        overlap: degrees.
    """

    stripes: int
    sub_stripes: int
    overlap: float


@dataclass(frozen=True)
class Column:
    """One column as users see it.

    Attributes:
        name: as declared.
        type: the SQL type alone, as MariaDB's DESCRIBE prints it where known, e.g. ``bigint(20)``,
            ``varchar(20)``, ``decimal(10,2)``, ``int(10) unsigned``, ``enum('a','b')``.
        definition: everything that stands behind the name in CREATE TABLE, e.g. ``BIGINT(20) NOT NULL``.
        nullable: whether NULL is allowed.
        default: the default as text, None where there is none.
        unit, ucd, description: for astronomers; empty where not given.
    """

    name: str
    type: str
    definition: str
    nullable: bool = True
    default: str | None = None
    unit: str = ""
    ucd: str = ""
    description: str = ""

    @property
    def base_type(self) -> str:
        """The bare type word, lower case: ``bigint``, ``varchar``, ``double`` ..."""
        return self.type.split("(", 1)[0].split(" ", 1)[0].lower()


@dataclass(frozen=True)
class Index:
    """A key of a table: PRIMARY, unique or plain."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True)
class ChunkRows:
    """Row counts of a partitioned table, by chunk.

    Attributes:
        chunks: sorted ids of the chunks in which the table has a chunk table.
        rows: rows of each of them, overlap rows not counted.
        has_overlap: whether the chunk also has an overlap table (directors only).
    """

    chunks: ChunkIds
    rows: npt.NDArray[np.int64]
    has_overlap: npt.NDArray[np.bool_]

    @property
    def total(self) -> int:
        """Rows in all chunks."""
        return int(self.rows.sum())


NO_CHUNKS = ChunkRows(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.bool_))


@dataclass(frozen=True)
class DirectorIndex:
    """Where the director index of a table lies: partition p holds the ids with ``id % partitions == p``.

    Attributes:
        partitions: for each partition, the names of the workers that hold a copy.
            Ids that are not integers all live in partition 0 of 1.
        integer: whether the id column is of an integer type.
    """

    partitions: tuple[tuple[str, ...], ...]
    integer: bool = True


@dataclass(frozen=True)
class Table:
    """One table as users see it, and how it is laid out.

    Attributes:
        database, name: logical names.
        id: primary id column (director, child), or None.
        lon, lat: position columns in degrees, or None.
        director: (database, table) that a child follows.
        director_id: the child's column that holds its director's id.
        directors, director_ids: the two directors of a match table, and the columns with their ids.
        flags: match tables: the hidden column that ingest adds (1 copy in the first's chunk, 2 in the second's,
            3 both are one).
        separation: match tables: largest separation of a pair, degrees.
        unique_id: whether no two rows share the id.
        orphans: child tables: True where rows lie by their own position because their director is unknown.
        total_rows: rows as a plain server would count them (a pair stored twice counts once).
        create_sql: a CREATE TABLE statement that MariaDB accepts, as SHOW CREATE TABLE prints it.
    """

    database: str
    name: str
    kind: TableKind
    columns: tuple[Column, ...]
    id: str | None = None
    lon: str | None = None
    lat: str | None = None
    director: tuple[str, str] | None = None
    director_id: str | None = None
    directors: tuple[tuple[str, str], tuple[str, str]] | None = None
    director_ids: tuple[str, str] | None = None
    flags: str | None = None
    separation: float | None = None
    unique_id: bool = True
    orphans: bool = False
    indexes: tuple[Index, ...] = ()
    chunk_rows: ChunkRows = NO_CHUNKS
    index: DirectorIndex | None = None
    total_rows: int = 0
    create_sql: str = ""
    _by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {c.name.lower(): c for c in self.columns})

    @property
    def partitioned(self) -> bool:
        """Whether the rows are spread over chunks."""
        return self.kind is not TableKind.REGULAR

    def column(self, name: str) -> Column | None:
        """The column of that name, whatever its case, or None."""
        return self._by_name.get(name.lower())


@dataclass(frozen=True)
class Database:
    """A published database.

    Attributes:
        physical: its name on the workers; a new generation of the data gets a new one, so that a
            replacement becomes visible at once.
        tables: by name; table names are case-sensitive, as on a MariaDB server on Linux.
    """

    name: str
    physical: str
    family: Family
    tables: Mapping[str, Table]


@dataclass(frozen=True)
class Worker:
    """A server that holds chunks.

    Attributes:
        name: what operators and errors call it.
        kind: ``mariadb`` or ``duckdb``.
        socket: path of a Unix socket, used instead of host and port where given.
        path: file of an embedded engine; empty for one in memory.
    """

    name: str
    kind: str = "mariadb"
    host: str = "127.0.0.1"
    port: int = 3306
    user: str = "qproxy"
    password: str = field(default="", repr=False)
    socket: str | None = None
    path: str = ""


@dataclass(frozen=True)
class Placement:
    """Which workers hold which chunks of a family.

    Attributes:
        chunks: sorted chunk ids.
        workers: names.
        replicas: shape (len(chunks), r): index into ``workers`` of each replica, the preferred one first, -1 for none.
    """

    chunks: ChunkIds
    workers: tuple[str, ...]
    replicas: npt.NDArray[np.int16]


@dataclass(frozen=True)
class Catalog:
    """A snapshot of everything that queries need to know.

    Attributes:
        users: by name.
        whole: the snapshot that this one is a part of; None where it is whole itself.
    """

    version: int
    databases: Mapping[str, Database]
    workers: Mapping[str, Worker]
    placements: Mapping[Family, Placement]
    users: Mapping[str, User] = field(default_factory=dict)
    # Whoever holds a part of a snapshot holds all of it: its version is what keeps data from being dropped.
    whole: Catalog | None = field(default=None, repr=False, compare=False)

    def table(self, database: str, name: str) -> Table | None:
        """The table, or None where database or table is unknown."""
        found = self.databases.get(database)
        return found.tables.get(name) if found else None
