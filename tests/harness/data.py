"""The corpus catalogue: a few thousand rows, made anew from a seed, with every type, edge and NULL that hurts."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.harness.schema import TABLES, TableSpec

SEED = 20250611

Value = int | float | decimal.Decimal | str | bytes | dt.date | dt.datetime | None
Row = tuple[Value, ...]

OBJECTS = 3000
SOURCES = 9000
REFERENCES = 500

#: Degrees that a detection usually lies away from its object; far below the overlap of every family.
DETECTION_SCATTER = 0.0005
#: Degrees that one in sixty may lie away: its own position is in another chunk than its row.
STRAY_SCATTER = 12.0
#: Degrees that two partners of a match may lie apart.
MATCH_RADIUS = 0.001

_WORDS = ("Vega", "vega", "VEGA", "Éta", "eta", "Ångström", "zeta", "Ζήτα", "naïve", "星", "a", "A", "", "O'Neil")
_NOTES = ("façade", "Façade", "plain", "PLAIN", "über", "uber", "10%", "a_b", "back\\slash", "tab\tin", "two\nlines")
_TAGS = ("α", "Α", "tag", "Tag", "tag ", "x%y", "x_y", "🚀")
_CODES = ("AA01", "aa01", "BB02", "CC-03", "", "ZZ99", "nan")
_CLASSES = ("star", "galaxy", "quasar")
_BANDS = ("u", "g", "r", "i", "z", "y")


@dataclass(frozen=True)
class Catalogue:
    """All rows, by database and table, in the order of the columns of its specs.

    Attributes:
        specs: all tables, directors before what follows them; by default those of the corpus.
    """

    seed: int
    tables: dict[tuple[str, str], list[Row]]
    specs: tuple[TableSpec, ...] = TABLES

    @property
    def databases(self) -> tuple[str, ...]:
        """In the order in which they must be ingested."""
        return tuple(dict.fromkeys(spec.database for spec in self.specs))


def make(seed: int = SEED) -> Catalogue:
    """The corpus catalogue.

    Args:
        seed: equal seeds give equal rows.
    """
    rng = random.Random(seed)
    places = _places(rng)
    objects = [_object(rng, number, lon, lat) for number, (lon, lat) in enumerate(places)]
    ids = [row[0] for row in objects]
    references = _references(rng, places)
    tables: dict[tuple[str, str], list[Row]] = {
        ("sky", "Object"): objects,
        ("sky", "Source"): _sources(rng, ids, places),
        ("sky", "RefObject"): references,
        ("sky", "RefMatch"): _matches(rng, ids, places, references),
        ("sky", "Filter"): [
            (n + 1, band, wave, f"{band}-band" if band != "y" else None)
            for n, (band, wave) in enumerate(zip(_BANDS, (365.5, 480.25, 622.0, 754.5, 868.75, None), strict=True))
        ],
        ("sky", "Nothing"): [],
        ("extra", "Forced"): _forced(rng, ids, places),
    }
    return Catalogue(seed, tables)


def shuffled(catalogue: Catalogue) -> Catalogue:
    """The same rows in another order: an answer that changes with it says nothing about a system."""
    rng = random.Random(catalogue.seed + 1)
    tables = {name: rng.sample(rows, len(rows)) for name, rows in catalogue.tables.items()}
    return replace(catalogue, tables=tables)


def separation(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Angle between two positions, all in degrees (haversine formula)."""
    p1, p2 = math.radians(lat1), math.radians(lat2)
    half = math.sin((p2 - p1) / 2) ** 2
    half += math.cos(p1) * math.cos(p2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(half))))


def _places(rng: random.Random) -> list[tuple[float, float]]:
    """Positions in degrees: poles, the edge of RA, borders of stripes, clusters, and the rest evenly over the sky."""
    places = [(0.0, 90.0), (123.456, 90.0), (0.0, -90.0), (359.5, -90.0), (180.0, 89.9999), (90.0, -89.99999)]
    places += [(0.0, 0.0), (359.9999999999, 0.0), (0.0000000001, 0.0), (180.0, 0.0), (360.0 - 1e-9, 45.0)]
    for lat in (-30.0, 30.0, *range(-80, 90, 10), *(k * 180 / 85 - 90 for k in range(1, 85, 6))):
        for _ in range(2):
            places.append((rng.uniform(0, 360), float(lat)))
            places.append((rng.uniform(0, 360), lat + rng.choice((-1, 1)) * rng.uniform(1e-6, 3e-4)))
    places += [(_wrapped(rng.uniform(-3e-4, 3e-4)), rng.uniform(-88, 88)) for _ in range(60)]
    for lon, lat, size, count in ((10.0, 10.0, 0.5, 400), (0.0, -5.0, 1.0, 300), (200.0, 89.0, 0.8, 120)):
        stretch = math.cos(math.radians(lat))
        for _ in range(count):
            near = max(-90.0, min(90.0, rng.gauss(lat, size)))
            places.append((_wrapped(rng.gauss(lon, size / max(stretch, 0.02))), near))
    while len(places) < OBJECTS:
        places.append((rng.uniform(0, 360), math.degrees(math.asin(rng.uniform(-1, 1)))))
    return places


def _wrapped(lon: float) -> float:
    reduced = lon % 360.0
    return reduced if reduced < 360.0 else 0.0


def _maybe(rng: random.Random, make_value: Callable[[], Value], share: float = 0.1) -> Value:
    """A value, or NULL in the given share of cases."""
    return None if rng.random() < share else make_value()


def _decimal(rng: random.Random, low: float, high: float, places: int) -> decimal.Decimal:
    return decimal.Decimal(f"{rng.uniform(low, high):.{places}f}")


def _date(rng: random.Random) -> dt.date:
    return dt.date(1995, 1, 1) + dt.timedelta(days=rng.randrange(0, 11000))


def _instant(rng: random.Random, micro: bool) -> dt.datetime:
    start = dt.datetime(2019, 12, 31, 23, 0, 0)
    fraction = rng.choice((0, 1, 500000, rng.randrange(1_000_000))) if micro else 0
    return start + dt.timedelta(seconds=rng.randrange(0, 90_000_000), microseconds=fraction)


def object_id(number: int) -> int:
    """Id of the n-th object: small, negative and beyond 2^53 ones among them."""
    if number % 100 == 7:
        return -(number + 1)
    if number % 50 == 3:
        return 2**60 + number
    return 433_000_000 + 17 * number


def _object(rng: random.Random, number: int, lon: float, lat: float) -> Row:
    flux = rng.choice((rng.uniform(-5, 5), rng.lognormvariate(8, 3), rng.lognormvariate(-20, 6)))
    return (
        object_id(number),
        lon,
        lat,
        _maybe(rng, lambda: flux),
        _maybe(rng, lambda: rng.uniform(-10, 5000)),
        _maybe(rng, lambda: rng.choice((rng.uniform(-1, 1), float(rng.randrange(1000)), rng.uniform(0, 1e9)))),
        _maybe(rng, lambda: _decimal(rng, -30, 30, 4)),
        _maybe(rng, lambda: rng.randrange(-20, 200)),
        _maybe(rng, lambda: rng.choice((0, 1, 2**31, 2**32 - 1, rng.randrange(1024)))),
        _maybe(rng, lambda: rng.choice((rng.randrange(2**64), 2**64 - 1, 0))),
        _maybe(rng, lambda: rng.choice((-128, 0, 1, 1, 1, 127))),
        _maybe(rng, lambda: _date(rng)),
        _maybe(rng, lambda: _instant(rng, micro=True)),
        _maybe(rng, lambda: rng.choice(_CODES)),
        _maybe(rng, lambda: rng.choice(_WORDS) + rng.choice(("", "", str(rng.randrange(40))))),
        _maybe(rng, lambda: rng.choice(_TAGS)),
        _maybe(rng, lambda: rng.choice(_NOTES)),
        _maybe(rng, lambda: bytes(rng.randrange(256) for _ in range(rng.randrange(0, 6)))),
        _maybe(rng, lambda: bytes([rng.randrange(256)])),
        _maybe(rng, lambda: rng.choice(_CLASSES)),
    )


def _beside(rng: random.Random, place: tuple[float, float], reach: float) -> tuple[float, float]:
    """A position within ``reach`` degrees of another, on the sky also near the poles and RA 0."""
    lon, lat = place
    distance, angle = math.radians(reach * rng.random()), rng.uniform(0, 2 * math.pi)
    phi = math.radians(lat)
    sine = math.sin(phi) * math.cos(distance) + math.cos(phi) * math.sin(distance) * math.cos(angle)
    shift = math.atan2(math.sin(angle) * math.sin(distance) * math.cos(phi), math.cos(distance) - math.sin(phi) * sine)
    return _wrapped(lon + math.degrees(shift)), math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def _sources(rng: random.Random, ids: Sequence[Value], places: Sequence[tuple[float, float]]) -> list[Row]:
    """Detections: most of known objects, some of unknown ones, some of none; every tenth object has none at all."""
    owners = [number for number in range(len(places)) if number % 10]
    rows: list[Row] = []
    for number in range(SOURCES):
        owner: Value
        if number % 60 == 0:
            owner, (lon, lat) = None, (rng.uniform(0, 360), rng.uniform(-90, 90))
        elif number % 60 == 1:
            owner, (lon, lat) = 9_000_000_000 + number, (rng.uniform(0, 360), rng.uniform(-90, 90))
        else:
            which = rng.choice(owners)
            reach = STRAY_SCATTER if number % 60 == 2 else DETECTION_SCATTER
            owner, (lon, lat) = ids[which], _beside(rng, places[which], reach)
        rows.append(
            (
                5_000_000_000 + 3 * number,
                owner,
                lon,
                lat,
                _maybe(rng, lambda: rng.lognormvariate(6, 2)),
                _maybe(rng, lambda: rng.uniform(0.01, 30)),
                _maybe(rng, lambda: rng.randrange(1, 8)),
                59000 + rng.randrange(0, 4000) / 16,
                _maybe(rng, lambda: _instant(rng, micro=False)),
                _maybe(rng, lambda: rng.choice(_BANDS)),
                _maybe(rng, lambda: rng.choice(("good", "Good", "bad", "fair", ""))),
                _maybe(rng, lambda: _decimal(rng, 0, 99999, 2)),
            )
        )
    return rows


def _references(rng: random.Random, places: Sequence[tuple[float, float]]) -> list[Row]:
    """References beside objects, the awkward places first, so that many pairs lie on both sides of a border."""
    near = [*range(180), *rng.sample(range(180, len(places)), REFERENCES - 180 - 60)]
    spots = [_beside(rng, places[which], 0.95 * MATCH_RADIUS) for which in near]
    spots += [(rng.uniform(0, 360), rng.uniform(-90, 90)) for _ in range(REFERENCES - len(spots))]
    return [
        (1000 + number, lon, lat, _maybe(rng, lambda: rng.uniform(8, 22)), f"ref {number % 50:03d}")
        for number, (lon, lat) in enumerate(spots)
    ]


def _matches(
    rng: random.Random, ids: Sequence[Value], places: Sequence[tuple[float, float]], references: Sequence[Row]
) -> list[Row]:
    """Every pair within the radius, every reference without one, and some objects without one."""
    rows: list[Row] = []
    for ref_id, ref_lon, ref_lat, *_ in references:
        assert isinstance(ref_lon, float)
        assert isinstance(ref_lat, float)
        partners = [
            (ids[number], apart)
            for number, (lon, lat) in enumerate(places)
            if abs(lat - ref_lat) < MATCH_RADIUS
            and (apart := separation(ref_lon, ref_lat, lon, lat)) < 0.99 * MATCH_RADIUS
        ]
        rows += [(ref_id, partner, apart, len(partners)) for partner, apart in partners]
        if not partners:
            rows.append((ref_id, None, None, 0))
    matched = {row[1] for row in rows}
    alone = [which for which in ids if which not in matched]
    rows += [(None, which, None, None) for which in rng.sample(alone, 100)]
    return rows


def _forced(rng: random.Random, ids: Sequence[Value], places: Sequence[tuple[float, float]]) -> list[Row]:
    """Measurements that follow their object alone: no position of their own."""
    rows: list[Row] = []
    for number in range(1500):
        which = rng.randrange(len(places))
        rows.append((number, ids[which], _maybe(rng, lambda: rng.uniform(-3, 3)), rng.choice(_BANDS)))
    return rows
