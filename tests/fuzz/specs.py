"""Tables of the catalogue of random queries: every type, and every kind of table."""

from __future__ import annotations

from tests.harness.schema import TableSpec

#: Degrees that two partners of a match may lie apart.
MATCH_RADIUS = 0.001


def _layout(kind: str, key: str, lon: str = "", lat: str = "", **more: object) -> dict[str, object]:
    place = {"lon": lon, "lat": lat} if lon else {}
    return {"kind": kind, "id": key, **place, **more}


SPECS = (
    TableSpec(
        "sky",
        "Object",
        (
            ("objectId", "BIGINT NOT NULL"),
            ("ra", "DOUBLE NOT NULL"),
            ("decl", "DOUBLE NOT NULL"),
            ("flux", "DOUBLE"),
            ("gMag", "DOUBLE"),
            ("colour", "FLOAT"),
            ("mag", "DECIMAL(12,4)"),
            ("nObs", "INT"),
            ("flags", "INT UNSIGNED"),
            ("htm", "BIGINT UNSIGNED"),
            ("isStar", "TINYINT"),
            ("firstDate", "DATE"),
            ("lastSeen", "DATETIME(6)"),
            ("transit", "TIME(2)"),
            ("epoch", "YEAR"),
            ("code", "CHAR(8)"),
            ("name", "VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"),
            ("tag", "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
            ("note", "VARCHAR(30) CHARACTER SET latin1 COLLATE latin1_swedish_ci"),
            ("payload", "BLOB"),
            ("bits", "BIT(8)"),
            ("class", "ENUM('star','galaxy','quasar')"),
            ("marks", "SET('bright','var','double')"),
        ),
        _layout("director", "objectId", "ra", "decl", unique_id=True),
    ),
    TableSpec(
        "sky",
        "Source",
        (
            ("sourceId", "BIGINT NOT NULL"),
            ("objectId", "BIGINT"),
            ("ra", "DOUBLE"),
            ("decl", "DOUBLE"),
            ("psfFlux", "DOUBLE"),
            ("psfSigma", "FLOAT"),
            ("filterId", "TINYINT"),
            ("mjd", "DOUBLE NOT NULL"),
            ("obsDate", "DATETIME"),
            ("band", "CHAR(1)"),
            ("quality", "VARCHAR(20)"),
            ("counts", "DECIMAL(10,2)"),
            ("visit", "SMALLINT UNSIGNED NOT NULL"),
        ),
        _layout("child", "sourceId", "ra", "decl", director="Object", director_id="objectId"),
        indexes=(("objectId",),),
        primary="sourceId",
    ),
    TableSpec(
        "sky",
        "RefObject",
        (
            ("refObjectId", "BIGINT NOT NULL"),
            ("ra", "DOUBLE NOT NULL"),
            ("decl", "DOUBLE NOT NULL"),
            ("refMag", "DOUBLE"),
            ("refName", "VARCHAR(20)"),
        ),
        _layout("director", "refObjectId", "ra", "decl", unique_id=True),
    ),
    TableSpec(
        "sky",
        "RefMatch",
        (("refObjectId", "BIGINT"), ("objectId", "BIGINT"), ("separation", "DOUBLE"), ("nCandidates", "INT")),
        {
            "kind": "match",
            "directors": ["RefObject", "Object"],
            "director_ids": ["refObjectId", "objectId"],
            "flags": "flags",
            "separation": MATCH_RADIUS,
        },
    ),
    TableSpec(
        "sky",
        "Filter",
        (
            ("filterId", "TINYINT NOT NULL"),
            ("filterName", "CHAR(1) NOT NULL"),
            ("effWave", "DOUBLE"),
            ("description", "VARCHAR(40)"),
        ),
        {"kind": "regular"},
    ),
    TableSpec(
        "sky",
        "Nothing",
        (("nothingId", "BIGINT NOT NULL"), ("ra", "DOUBLE NOT NULL"), ("decl", "DOUBLE NOT NULL"), ("v", "INT")),
        _layout("director", "nothingId", "ra", "decl", unique_id=True),
    ),
    TableSpec(
        "extra",
        "Forced",
        (
            ("forcedId", "INT UNSIGNED NOT NULL"),
            ("objectId", "BIGINT NOT NULL"),
            ("forcedFlux", "DOUBLE"),
            ("band", "CHAR(1)"),
            ("visit", "SMALLINT UNSIGNED"),
        ),
        _layout("child", "forcedId", director="sky.Object", director_id="objectId"),
    ),
    TableSpec(
        "extra",
        "Galaxy",
        (
            ("galaxyId", "INT NOT NULL"),
            ("ra", "DOUBLE NOT NULL"),
            ("decl", "DOUBLE NOT NULL"),
            ("redshift", "DECIMAL(7,5)"),
            ("type", "ENUM('E','S0','Sa','Sb')"),
            ("size", "FLOAT"),
        ),
        _layout("director", "galaxyId", "ra", "decl", unique_id=False),
    ),
    TableSpec(
        "extra",
        "Site",
        (("siteId", "INT NOT NULL"), ("siteName", "VARCHAR(10)"), ("opened", "DATE"), ("night", "TIME")),
        {"kind": "regular"},
    ),
)
