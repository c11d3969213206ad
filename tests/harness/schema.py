"""Tables of the corpus catalogue: columns as MariaDB takes them, and the description that ingest reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TableSpec:
    """A table, how it is laid out, and in which form its rows are handed to ingest.

    Attributes:
        columns: name and definition of each.
        layout: the keys of the description besides columns, files and format.
        indexes: columns of each plain key.
        files: ``tsv``, ``gz`` (two compressed parts), ``parquet`` or ``schema`` (TSV, columns from an SQL file).
    """

    database: str
    name: str
    columns: tuple[tuple[str, str], ...]
    layout: dict[str, Any]
    indexes: tuple[tuple[str, ...], ...] = ()
    files: str = "tsv"
    primary: str | None = None
    tags: dict[str, dict[str, str]] = field(default_factory=dict)

    def create(self) -> str:
        """A CREATE TABLE statement for a plain server."""
        parts = [f"`{name}` {definition}" for name, definition in self.columns]
        if self.primary:
            parts.append(f"PRIMARY KEY (`{self.primary}`)")
        parts += [f"KEY `{'_'.join(index)}` ({', '.join(f'`{c}`' for c in index)})" for index in self.indexes]
        body = ",\n  ".join(parts)
        return f"CREATE TABLE `{self.name}` (\n  {body}\n) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"


_OBJECT = TableSpec(
    "sky",
    "Object",
    (
        ("objectId", "BIGINT NOT NULL"),
        ("ra_PS", "DOUBLE NOT NULL"),
        ("decl_PS", "DOUBLE NOT NULL"),
        ("gFlux_PS", "DOUBLE"),
        ("rFlux_PS", "DOUBLE"),
        ("iFlux_PS", "FLOAT"),
        ("mag", "DECIMAL(12,4)"),
        ("nObs", "INT"),
        ("flagBits", "INT UNSIGNED"),
        ("htmId", "BIGINT UNSIGNED"),
        ("isStar", "TINYINT"),
        ("firstDate", "DATE"),
        ("lastSeen", "DATETIME(6)"),
        ("code", "CHAR(8)"),
        ("name", "VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"),
        ("tag", "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
        ("note", "VARCHAR(30) CHARACTER SET latin1 COLLATE latin1_swedish_ci"),
        ("payload", "BLOB"),
        ("bits", "BIT(8)"),
        ("class", "ENUM('star','galaxy','quasar')"),
    ),
    {"kind": "director", "id": "objectId", "lon": "ra_PS", "lat": "decl_PS", "unique_id": True},
    indexes=(("decl_PS",), ("gFlux_PS", "rFlux_PS")),
    files="gz",
    tags={
        "objectId": {"unit": "", "ucd": "meta.id;meta.main", "description": "Unique id of the object"},
        "ra_PS": {"unit": "deg", "ucd": "pos.eq.ra;meta.main", "description": "Right ascension"},
        "decl_PS": {"unit": "deg", "ucd": "pos.eq.dec;meta.main", "description": "Declination"},
    },
)

_SOURCE = TableSpec(
    "sky",
    "Source",
    (
        ("sourceId", "BIGINT NOT NULL"),
        ("objectId", "BIGINT"),
        ("ra", "DOUBLE"),
        ("decl", "DOUBLE"),
        ("psfFlux", "DOUBLE"),
        ("psfFluxSigma", "FLOAT"),
        ("filterId", "TINYINT"),
        ("taiMidPoint", "DOUBLE NOT NULL"),
        ("obsDate", "DATETIME"),
        ("band", "CHAR(1)"),
        ("quality", "VARCHAR(20)"),
        ("counts", "DECIMAL(10,2)"),
    ),
    {
        "kind": "child",
        "director": "Object",
        "id": "sourceId",
        "director_id": "objectId",
        "lon": "ra",
        "lat": "decl",
    },
    indexes=(("objectId",),),
    files="schema",
    primary="sourceId",
)

_REF_OBJECT = TableSpec(
    "sky",
    "RefObject",
    (
        ("refObjectId", "BIGINT NOT NULL"),
        ("ra", "DOUBLE NOT NULL"),
        ("decl", "DOUBLE NOT NULL"),
        ("refMag", "DOUBLE"),
        ("refName", "VARCHAR(20)"),
    ),
    {"kind": "director", "id": "refObjectId", "lon": "ra", "lat": "decl", "unique_id": True},
    files="parquet",
)

_REF_MATCH = TableSpec(
    "sky",
    "RefMatch",
    (
        ("refObjectId", "BIGINT"),
        ("objectId", "BIGINT"),
        ("separation", "DOUBLE"),
        ("nCandidates", "INT"),
    ),
    {
        "kind": "match",
        "directors": ["RefObject", "Object"],
        "director_ids": ["refObjectId", "objectId"],
        "flags": "flags",
        "separation": 0.001,
    },
)

_FILTER = TableSpec(
    "sky",
    "Filter",
    (
        ("filterId", "TINYINT NOT NULL"),
        ("filterName", "CHAR(1) NOT NULL"),
        ("effWave", "DOUBLE"),
        ("description", "VARCHAR(40)"),
    ),
    {"kind": "regular"},
)

_NOTHING = TableSpec(
    "sky",
    "Nothing",
    (("nothingId", "BIGINT NOT NULL"), ("ra", "DOUBLE NOT NULL"), ("decl", "DOUBLE NOT NULL"), ("v", "INT")),
    {"kind": "director", "id": "nothingId", "lon": "ra", "lat": "decl", "unique_id": True},
)

_FORCED = TableSpec(
    "extra",
    "Forced",
    (
        ("forcedId", "BIGINT NOT NULL"),
        ("objectId", "BIGINT NOT NULL"),
        ("forcedFlux", "DOUBLE"),
        ("band", "CHAR(1)"),
    ),
    {"kind": "child", "director": "sky.Object", "id": "forcedId", "director_id": "objectId"},
)

#: All tables, directors before what follows them.
TABLES = (_OBJECT, _SOURCE, _REF_OBJECT, _REF_MATCH, _FILTER, _NOTHING, _FORCED)
