"""Tables of the catalogue store, as SQLAlchemy knows them.

Arrays that have a value for each chunk are kept as one compressed value a table or family (see `codec`): loading
146,332 chunks is then a matter of milliseconds, where a row a chunk took the better part of a second.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import LONGTEXT

SCHEMA_VERSION = 3

_NAME = String(64)
_LONG_BINARY = LargeBinary(2**32 - 1)
_LONG_TEXT = Text().with_variant(LONGTEXT(), "mysql", "mariadb")
_COUNTER = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()


def _table(name: str, *parts: Column[object] | UniqueConstraint) -> Table:
    # Names must be told apart by case on MariaDB too, as SQLite does.
    return Table(
        name,
        metadata,
        *parts,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
    )


schema_version = _table(
    "schema_version",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)

# `number` is the version that proxies watch, `generation` the last number given to a physical database.
state = _table(
    "state",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
)

workers = _table(
    "workers",
    Column("name", _NAME, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("host", String(255), nullable=False),
    Column("port", Integer, nullable=False),
    Column("user", String(128), nullable=False),
    Column("password", String(255), nullable=False),
    Column("socket", Text),
    Column("path", Text, nullable=False),
)

families = _table(
    "families",
    Column("id", Integer, primary_key=True),
    Column("stripes", Integer, nullable=False),
    Column("sub_stripes", Integer, nullable=False),
    # Text, so that equal floats stay equal on every server.
    Column("overlap", String(32), nullable=False),
    Column("placement", _LONG_BINARY),
    UniqueConstraint("stripes", "sub_stripes", "overlap"),
)

databases = _table(
    "databases",
    Column("name", _NAME, primary_key=True),
    Column("family_id", Integer, ForeignKey("families.id"), nullable=False),
    Column("physical", String(96), nullable=False),
)

tables = _table(
    "tables",
    Column("database_name", _NAME, ForeignKey("databases.name"), primary_key=True),
    Column("name", _NAME, primary_key=True),
    Column("definition", _LONG_TEXT, nullable=False),
    Column("chunk_rows", _LONG_BINARY, nullable=False),
)

# Every physical database that may exist on a worker: being loaded, abandoned, published or retired.
generations = _table(
    "generations",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("database_name", _NAME, nullable=False),
    Column("family_id", Integer, ForeignKey("families.id"), nullable=False),
    Column("physical", String(96), nullable=False),
    Column("state", String(16), nullable=False),
    Column("host", String(255), nullable=False),
    Column("process", BigInteger, nullable=False),
    Column("process_start", String(64), nullable=False),
    # The later run that was told to drop it first.
    Column("cleaned_by", BigInteger),
    # Version of the catalogue from which on nobody reads it; NULL where nobody ever could.
    Column("retired_version", BigInteger),
    # A placement of the family that becomes its own when this generation is published.
    Column("placement", _LONG_BINARY),
)

# Proxies, and the oldest version of the catalogue that a query of each still needs.
readers = _table(
    "readers",
    Column("name", String(64), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("process", BigInteger, nullable=False),
    Column("process_start", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("seen", Float(53), nullable=False),
)

users = _table(
    "users",
    Column("name", String(128), primary_key=True),
    Column("native_hash", String(40)),
    Column("sha2", String(160)),
    Column("loopback_only", Boolean, nullable=False),
    Column("require_tls", Boolean, nullable=False, server_default="0"),
    Column("certificate", String(255), nullable=False, server_default=""),
    Column("max_connections", Integer, nullable=False, server_default="0"),
)

# Databases that a user may read; "*" stands for all of them. They need not exist.
grants = _table(
    "grants",
    Column("user_name", String(128), ForeignKey("users.name"), primary_key=True),
    Column("database_name", _NAME, primary_key=True),
)

query_log = _table(
    "query_log",
    Column("id", _COUNTER, primary_key=True, autoincrement=True),
    Column("user", String(128), nullable=False),
    Column("connection_id", BigInteger, nullable=False),
    Column("database_name", String(64)),
    Column("started", Float(53), nullable=False, index=True),
    Column("seconds", Float(53), nullable=False),
    Column("statement", _LONG_TEXT, nullable=False),
    Column("chunks", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("error", Text),
)
