"""The corpus catalogue as the generator sees it: columns by kind, and literals worth comparing them with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column as the generator sees it.

    Attributes:
        kind: int, big (integers beyond 32 bits), dbl, float, dec, date, time, text (equal strings may differ in their
            bytes), word (they may not), bytes, bit.
        values: literals worth comparing with.
    """

    name: str
    kind: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table as the generator sees it.

    Attributes:
        name: qualified.
        ids: columns that together tell its rows apart.
    """

    name: str
    columns: tuple[Column, ...]
    ids: tuple[str, ...]
    position: tuple[str, str] | None = None


OBJECT_IDS = ("433000017", "433034136", "-8", "1152921504606846979", "433000000", "12345", "'433000034'", "433000051.0")

_BANDS = ("'g'", "'r'", "'G'", "'x'", "''")
_TEXTS = ("'vega'", "'Éta'", "'a'", "'tag'", "'x_y'", "'plain'", "'über'", "'AA01'", "''", "'O''Neil'", "'façade '")

OBJECT = Table(
    "sky.Object",
    (
        Column("objectId", "big", OBJECT_IDS),
        Column("ra_PS", "dbl", ("180", "10.5", "0", "359.9999", "1e2")),
        Column("decl_PS", "dbl", ("0", "-5.25", "90", "-90", "10", "30.0")),
        Column("gFlux_PS", "dbl", ("0", "100.5", "1e-9", "-1", "2000")),
        Column("rFlux_PS", "dbl", ("2500", "0", "17.5")),
        Column("iFlux_PS", "float", ("0", "0.5", "500", "12.0")),
        Column("mag", "dec", ("0", "1.5", "-10.25", "20.0001", "'3.5'")),
        Column("nObs", "int", ("0", "42", "100", "-5", "12.5", "'7'")),
        Column("flagBits", "int", ("0", "1", "4294967295", "2147483648", "512")),
        Column("htmId", "big", ("0", "18446744073709551615", "9223372036854775807", "-1")),
        Column("isStar", "int", ("0", "1", "127", "-128")),
        Column("firstDate", "date", ("'2000-01-01'", "'2010-06-30'", "'1995-01-01'", "20150101")),
        Column("lastSeen", "time", ("'2020-06-01'", "'2021-01-01 12:00:00'", "'2022-03-04 05:06:07.5'")),
        Column("code", "text", ("'AA01'", "'aa01'", "''", "'nan'", "'BB02 '")),
        Column("name", "text", _TEXTS),
        Column("tag", "text", ("'tag'", "'Tag'", "'α'", "'x%y'", "'tag '", "'🚀'")),
        Column("note", "text", ("'façade'", "'PLAIN'", "'10%'", "'uber'")),
        Column("payload", "bytes", ("''", "x'00'", "x'ff'", "'a'")),
        Column("bits", "bit", ("0", "255", "b'1010'", "7")),
        Column("class", "word", ("'star'", "'GALAXY'", "'quasar'", "'none'")),
    ),
    ("objectId",),
    ("ra_PS", "decl_PS"),
)
SOURCE = Table(
    "sky.Source",
    (
        Column("sourceId", "big", ("5000000000", "5000000300", "5000013500", "1")),
        Column("objectId", "big", OBJECT_IDS),
        Column("ra", "dbl", ("180", "10.5", "0")),
        Column("decl", "dbl", ("0", "-5.25", "10")),
        Column("psfFlux", "dbl", ("400", "0", "1e3", "37.5")),
        Column("psfFluxSigma", "float", ("15", "0.5", "29.9")),
        Column("filterId", "int", ("1", "3", "7", "0", "NULL")),
        Column("taiMidPoint", "dbl", ("59100", "59000.0625", "59200.5")),
        Column("obsDate", "time", ("'2020-06-01'", "'2021-01-01 12:00:00'")),
        Column("band", "word", _BANDS),
        Column("quality", "text", ("'good'", "'Bad'", "''", "'fair '")),
        Column("counts", "dec", ("50000", "100.25", "0.5")),
    ),
    ("sourceId",),
    ("ra", "decl"),
)
REFERENCE = Table(
    "sky.RefObject",
    (
        Column("refObjectId", "big", ("1000", "1001", "1234", "-1")),
        Column("ra", "dbl", ("180", "10.5", "0")),
        Column("decl", "dbl", ("0", "-5.25", "10")),
        Column("refMag", "dbl", ("15", "20.5", "8")),
        Column("refName", "word", ("'ref 007'", "'REF 010'", "'ref 049'")),
    ),
    ("refObjectId",),
    ("ra", "decl"),
)
MATCH = Table(
    "sky.RefMatch",
    (
        Column("refObjectId", "big", ("1000", "1001", "1234", "-1", "1002")),
        Column("objectId", "big", OBJECT_IDS),
        Column("separation", "dbl", ("0.0005", "0", "0.0009")),
        Column("nCandidates", "int", ("0", "1", "2")),
    ),
    ("refObjectId", "objectId"),
)
FILTER = Table(
    "sky.Filter",
    (
        Column("filterId", "int", ("1", "3", "6")),
        Column("filterName", "word", _BANDS),
        Column("effWave", "dbl", ("622", "400", "480.25")),
        Column("description", "word", ("'g-band'", "'R-BAND'")),
    ),
    ("filterId",),
)
NOTHING = Table(
    "sky.Nothing",
    (
        Column("nothingId", "big", ("1",)),
        Column("ra", "dbl", ("0",)),
        Column("decl", "dbl", ("0",)),
        Column("v", "int", ("1", "2")),
    ),
    ("nothingId",),
    ("ra", "decl"),
)
FORCED = Table(
    "extra.Forced",
    (
        Column("forcedId", "int", ("0", "100", "1499", "-1")),
        Column("objectId", "big", OBJECT_IDS),
        Column("forcedFlux", "dbl", ("0", "1.5", "-2")),
        Column("band", "word", _BANDS),
    ),
    ("forcedId",),
)
