"""The catalogue of random queries: a few hundred rows of every type in many chunks, made anew from a seed.

DOUBLE and FLOAT values are multiples of a power of two wherever sums shall be the same in any order; the columns `flux`
and the positions hold full digits.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable, Sequence
from decimal import Decimal

from tests.fuzz.specs import MATCH_RADIUS, SPECS
from tests.harness.data import Catalogue, Row, Value, separation

SEED = 20250702

OBJECTS = 150
SOURCES = 280
REFERENCES = 60
GALAXIES = 70
FORCED = 110

_WORDS = ("Vega", "vega", "VEGA", "Éta", "eta", "Ζήτα", "naïve", "星", "a", "A", "", "O'Neil", "m31", "M31 ")
_TAGS = ("α", "Α", "tag", "Tag", "x%y", "x_y", "🚀", "")
_NOTES = ("façade", "Façade", "plain", "PLAIN", "über", "uber", "10%", "a_b", "back\\slash", "tab\tin", "two\nlines")
_CODES = ("AA01", "aa01", "BB02", "CC-03", "", "7", "1e1")
_CLASSES = ("star", "galaxy", "quasar")
_MARKS = ("", "bright", "var", "bright,var", "double", "bright,double")
_BANDS = ("u", "g", "r", "i", "z", "y")


def make(seed: int = SEED) -> Catalogue:
    """The catalogue.

    Args:
        seed: equal seeds give equal rows.
    """
    rng = random.Random(seed)
    places = _places(rng)
    objects = [_object(rng, number, place) for number, place in enumerate(places)]
    ids = [row[0] for row in objects]
    references = _references(rng, places)
    tables: dict[tuple[str, str], list[Row]] = {
        ("sky", "Object"): objects,
        ("sky", "Source"): _sources(rng, ids, places),
        ("sky", "RefObject"): references,
        ("sky", "RefMatch"): _matches(ids, places, references),
        ("sky", "Filter"): [
            (n + 1, band, 365.5 + 120.25 * n if n < 5 else None, f"{band}-band" if n < 5 else None)
            for n, band in enumerate(_BANDS)
        ],
        ("sky", "Nothing"): [],
        ("extra", "Forced"): _forced(rng, ids),
        ("extra", "Galaxy"): _galaxies(rng, places),
        ("extra", "Site"): [
            (1, "Paranal", dt.date(1999, 4, 1), "22:30:00"),
            (2, "la silla", dt.date(1969, 3, 25), "-01:00:00"),
            (3, None, None, None),
            (3, "Pachón", dt.date(2024, 2, 29), "101:59:59"),
        ],
    }
    return Catalogue(seed, tables, SPECS)


def _places(rng: random.Random) -> list[tuple[float, float]]:
    """Positions in degrees: poles, the edge of RA, borders of chunks, two clusters, the rest evenly over the sky."""
    places = [(0.0, 90.0), (123.5, -90.0), (180.0, 89.9999), (0.0, 0.0), (359.9999999999, 0.0), (1e-10, 0.0)]
    places += [(rng.uniform(0, 360), float(lat)) for lat in (-60, -54, -36, -30, -18, 18, 30, 36, 54, 60)]
    for lon, lat, count in ((10.0, 10.0, 25), (0.0, -5.0, 20)):
        places += [(rng.gauss(lon, 0.6) % 360.0, rng.gauss(lat, 0.6)) for _ in range(count)]
    while len(places) < OBJECTS:
        places.append((rng.uniform(0, 360), math.degrees(math.asin(rng.uniform(-1, 1)))))
    return places


def _maybe(rng: random.Random, value: Callable[[], Value], share: float = 0.12) -> Value:
    """A value, or NULL in the given share of cases."""
    return None if rng.random() < share else value()


def _dyadic(rng: random.Random, low: int, high: int, per_unit: int) -> float:
    return rng.randrange(low * per_unit, high * per_unit) / per_unit


def _clock(rng: random.Random) -> str:
    sign = rng.choice(("", "", "", "-"))
    fraction = rng.choice(("00", "50", "25"))
    return f"{sign}{rng.randrange(0, 60):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}.{fraction}"


def _instant(rng: random.Random, micro: bool) -> dt.datetime:
    fraction = rng.choice((0, 1, 500000, rng.randrange(1_000_000))) if micro else 0
    return dt.datetime(2019, 12, 31, 23) + dt.timedelta(seconds=rng.randrange(90_000_000), microseconds=fraction)


def _object_id(number: int) -> int:
    """Small, negative and beyond 2^53 ones among them."""
    if number % 25 == 7:
        return -(number + 1)
    if number % 25 == 13:
        return 2**60 + number
    return 433_000_000 + 17 * number


def _object(rng: random.Random, number: int, place: tuple[float, float]) -> Row:
    def maybe(value: Callable[[], Value]) -> Value:
        return _maybe(rng, value)

    return (
        _object_id(number),
        *place,
        maybe(lambda: rng.lognormvariate(2, 2)),
        maybe(lambda: _dyadic(rng, -40, 1000, 64)),
        maybe(lambda: _dyadic(rng, -4, 12, 8)),
        maybe(lambda: Decimal(rng.randrange(-300000, 300000)) / 10000),
        maybe(lambda: rng.randrange(-20, 60)),
        maybe(lambda: rng.choice((0, 1, 2**31, 2**32 - 1, rng.randrange(1024)))),
        maybe(lambda: rng.choice((rng.randrange(2**64), 2**64 - 1, 0, rng.randrange(2**53)))),
        maybe(lambda: rng.choice((-128, 0, 1, 1, 1, 127))),
        maybe(lambda: dt.date(1995, 1, 1) + dt.timedelta(days=rng.randrange(0, 11000))),
        maybe(lambda: _instant(rng, micro=True)),
        maybe(lambda: _clock(rng)),
        maybe(lambda: rng.choice((1901, 1999, 2000, 2015, 2020, 2155))),
        maybe(lambda: rng.choice(_CODES)),
        maybe(lambda: rng.choice(_WORDS) + rng.choice(("", "", str(rng.randrange(9))))),
        maybe(lambda: rng.choice(_TAGS)),
        maybe(lambda: rng.choice(_NOTES)),
        maybe(lambda: bytes(rng.randrange(256) for _ in range(rng.randrange(0, 5)))),
        maybe(lambda: bytes([rng.randrange(256)])),
        maybe(lambda: rng.choice(_CLASSES)),
        maybe(lambda: rng.choice(_MARKS)),
    )


def _near(rng: random.Random, place: tuple[float, float], reach: float) -> tuple[float, float]:
    """A position that lies no further from another than ``reach`` degrees in latitude, and about so in longitude."""
    lon, lat = place
    near = max(-90.0, min(90.0, lat + rng.uniform(-reach, reach)))
    stretch = max(math.cos(math.radians(lat)), 0.01)
    return (lon + rng.uniform(-reach, reach) / stretch) % 360.0, near


def _sources(rng: random.Random, ids: Sequence[Value], places: Sequence[tuple[float, float]]) -> list[Row]:
    """Detections: most of known objects, some far from theirs, of unknown ones, or of none."""
    owners = [number for number in range(len(places)) if number % 8]
    rows: list[Row] = []
    for number in range(SOURCES):
        owner: Value
        if number % 30 < 2:
            owner = None if number % 30 else 9_000_000_000 + number // 60
            lon, lat = rng.uniform(0, 360), rng.uniform(-90, 90)
        else:
            which = rng.choice(owners)
            owner, (lon, lat) = ids[which], _near(rng, places[which], 12.0 if number % 30 == 2 else 0.0005)
        rows.append(
            (
                5_000_000_000 + 3 * number,
                owner,
                lon,
                lat,
                _maybe(rng, lambda: _dyadic(rng, 0, 2000, 16)),
                _maybe(rng, lambda: _dyadic(rng, 0, 30, 8)),
                _maybe(rng, lambda: rng.randrange(1, 8)),
                59000 + rng.randrange(0, 4000) / 16,
                _maybe(rng, lambda: _instant(rng, micro=False)),
                _maybe(rng, lambda: rng.choice(_BANDS)),
                _maybe(rng, lambda: rng.choice(("good", "Good", "bad", "fair", ""))),
                _maybe(rng, lambda: Decimal(rng.randrange(0, 9_999_999)) / 100),
                rng.randrange(12),
            )
        )
    return rows


def _references(rng: random.Random, places: Sequence[tuple[float, float]]) -> list[Row]:
    spots = [_near(rng, places[which], 0.4 * MATCH_RADIUS) for which in rng.sample(range(6, len(places)), 45)]
    spots += [(rng.uniform(0, 360), rng.uniform(-90, 90)) for _ in range(REFERENCES - len(spots))]
    return [
        (1000 + n, lon, lat, _maybe(rng, lambda: _dyadic(rng, 8, 22, 16)), f"ref {n % 20:03d}")
        for n, (lon, lat) in enumerate(spots)
    ]


def _matches(ids: Sequence[Value], places: Sequence[tuple[float, float]], references: Sequence[Row]) -> list[Row]:
    """Every pair within the radius, references without one, and some objects without one."""
    rows: list[Row] = []
    for ref_id, ref_lon, ref_lat, *_ in references:
        assert isinstance(ref_lon, float)
        assert isinstance(ref_lat, float)
        near = [(ids[n], separation(ref_lon, ref_lat, *place)) for n, place in enumerate(places)]
        partners = [(which, apart) for which, apart in near if apart < 0.99 * MATCH_RADIUS]
        rows += [(ref_id, which, apart, len(partners)) for which, apart in partners]
        if not partners:
            rows.append((ref_id, None, None, 0))
    matched = {row[1] for row in rows}
    return rows + [(None, which, None, None) for which in ids if which not in matched][:20]


def _forced(rng: random.Random, ids: Sequence[Value]) -> list[Row]:
    """Measurements that follow their object alone; some ids come twice."""
    return [
        (
            number - (number % 10 == 9),
            rng.choice(ids),
            _maybe(rng, lambda: _dyadic(rng, -3, 3, 32)),
            rng.choice(_BANDS),
            _maybe(rng, lambda: rng.randrange(12)),
        )
        for number in range(FORCED)
    ]


def _galaxies(rng: random.Random, places: Sequence[tuple[float, float]]) -> list[Row]:
    """A director whose ids come up to three times, in different places."""
    return [
        (
            rng.randrange(-5, GALAXIES // 2),
            *_near(rng, rng.choice(places), 0.01),
            _maybe(rng, lambda: Decimal(rng.randrange(0, 700_000)) / 100_000),
            _maybe(rng, lambda: rng.choice(("E", "S0", "Sa", "Sb"))),
            _maybe(rng, lambda: _dyadic(rng, 0, 50, 4)),
        )
        for _ in range(GALAXIES)
    ]
