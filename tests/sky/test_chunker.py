"""The chunker against the library's own numbering, and its overlap against the rule written out row by row."""

import math

import numpy as np
import pytest
from lsst import sphgeom

from qproxy.errors import ConfigError
from qproxy.sky.chunker import Chunker, max_alpha

FAMILIES = [(18, 10), (85, 12), (340, 3), (1, 1), (3, 1), (2, 5), (7, 3), (18, 100)]


def uniform(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.uniform(0, 360, count), np.degrees(np.arcsin(random.uniform(-1, 1, count)))


def places_of(library: sphgeom.Chunker, lon: float, lat: float) -> list[tuple[int, int]]:
    """Every place that the library gives to a point: more than one where it is next to an edge."""
    point = sphgeom.Circle(sphgeom.UnitVector3d(sphgeom.LonLat.fromDegrees(lon, lat)))
    return [(chunk, sub) for chunk, subs in library.getSubChunksIntersecting(point) for sub in subs]


def edge_points(stripes: int, sub_stripes: int) -> tuple[np.ndarray, np.ndarray]:
    """Corners, edges and their neighbouring doubles, poles and the meridian of longitude 0."""
    library = sphgeom.Chunker(stripes, sub_stripes)
    random = np.random.default_rng(5)
    rows = sorted(
        {0, 1, stripes * sub_stripes // 2, stripes * sub_stripes - 1}
        | set(random.integers(0, stripes * sub_stripes, 20).tolist())
    )
    points = [(lon, lat) for lon in (0.0, 1e-300, -1e-300, 123.4, 360.0, 359.99999999999994) for lat in (-90, 0, 90)]
    for row in rows:
        if row >= stripes * sub_stripes:
            continue
        chunk_count = len([c for c in library.getAllChunks() if c // (2 * stripes) == row // sub_stripes])
        for sub in {0, 1, *random.integers(0, chunk_count, 5).tolist()}:
            box = library.getSubChunkBoundingBox(row, sub)
            for lon in (box.getLon().getA().asDegrees(), box.getLon().getB().asDegrees()):
                for lat in (box.getLat().getA().asDegrees(), box.getLat().getB().asDegrees()):
                    for x in (lon, np.nextafter(lon, 400), np.nextafter(lon, -400)):
                        for y in (lat, np.nextafter(lat, 100), np.nextafter(lat, -100)):
                            points.append((float(x), float(np.clip(y, -90, 90))))
    # Edges as a person would write them.
    for lat in np.linspace(-90, 90, stripes + 1):
        points += [(lon, float(lat)) for lon in (0.0, 10.0, 90.0, 180.0, 270.0)]
    lon, lat = np.array(points).T
    return lon, lat


@pytest.mark.parametrize("family", FAMILIES)
def test_chunk_ids_are_those_of_the_library(family):
    library = sphgeom.Chunker(*family)
    chunker = Chunker(*family)
    assert chunker.all_chunks().tolist() == sorted(library.getAllChunks())
    for chunk in chunker.all_chunks()[:: max(1, len(chunker.all_chunks()) // 500)].tolist():
        assert chunker.sub_chunks(chunk).tolist() == sorted(library.getAllSubChunks(chunk))


@pytest.mark.parametrize("family", FAMILIES)
def test_random_points_agree_with_the_library(family):
    lon, lat = uniform(15_000, seed=1)
    chunks, subs = Chunker(*family).locate(lon, lat)
    library = sphgeom.Chunker(*family)
    unsure = 0
    for x, y, chunk, sub in zip(lon.tolist(), lat.tolist(), chunks.tolist(), subs.tolist(), strict=True):
        places = places_of(library, x, y)
        assert (chunk, sub) in places
        unsure += len(places) > 1
    # Only within some 1e-5 degrees of an edge does the library give both sides.
    assert unsure <= len(lon) // 1000


@pytest.mark.parametrize("family", FAMILIES)
def test_points_on_edges_are_in_a_place_that_the_library_gives(family):
    lon, lat = edge_points(*family)
    chunks, subs = Chunker(*family).locate(lon, lat)
    library = sphgeom.Chunker(*family)
    for x, y, chunk, sub in zip(lon.tolist(), lat.tolist(), chunks.tolist(), subs.tolist(), strict=True):
        assert (chunk, sub) in places_of(library, x, y), (x, y)


@pytest.mark.parametrize("family", FAMILIES)
def test_points_on_edges_follow_the_arithmetic_of_the_library_to_the_last_bit(family):
    stripes, sub_stripes = family
    lon, lat = edge_points(*family)
    chunks, subs = Chunker(*family).locate(lon, lat)
    library = sphgeom.Chunker(*family)
    per_stripe: dict[int, int] = {}
    for chunk in library.getAllChunks():
        per_stripe[chunk // (2 * stripes)] = per_stripe.get(chunk // (2 * stripes), 0) + 1
    height = math.pi / (stripes * sub_stripes)
    for x, y, chunk, sub in zip(lon.tolist(), lat.tolist(), chunks.tolist(), subs.tolist(), strict=True):
        point = sphgeom.LonLat.fromDegrees(x, y)
        row = min(math.floor((point.getLat().asRadians() + 0.5 * math.pi) / height), stripes * sub_stripes - 1)
        count = per_stripe[row // sub_stripes]
        # A whole turn is longitude 0, and longitudes less than 1e-14 degrees below zero round to one.
        angle = 0.0 if -1e-14 < x < 0 or x == 360 else point.getLon().asRadians()
        column = min(math.floor(angle / (2 * math.pi / count)), count - 1)
        assert chunk == row // sub_stripes * 2 * stripes + column, (x, y)
        assert sub in library.getAllSubChunks(chunk)


def test_longitudes_are_reduced():
    chunker = Chunker(85, 12)
    lon, lat = uniform(1000, seed=2)
    for turns in (-720, -360, 360, 3600):
        moved = chunker.locate(np.round(lon, 6) + turns, lat)
        assert [m.tolist() for m in moved] == [m.tolist() for m in chunker.locate(np.round(lon, 6), lat)]
    assert chunker.locate([-1e-18, 360.0, 0.0], [5, 5, 5])[0].tolist() == [chunker.locate(0.0, 5)[0][0]] * 3


def test_nothing_in_nothing_out():
    chunker = Chunker(18, 10)
    assert [len(a) for a in chunker.locate([], [])] == [0, 0]
    assert [len(a) for a in chunker.overlap([], [], 0.01)] == [0, 0, 0]
    assert [len(a) for a in chunker.overlap([1.0], [1.0], 0.0)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("lon", "lat"), [(0, 90.1), (0, -91), (0, math.nan), (math.nan, 0), (math.inf, 0), ([1, 2], [1])]
)
def test_bad_positions_are_refused(lon, lat):
    with pytest.raises(ValueError):
        Chunker(18, 10).locate(lon, lat)


def test_bounds_hold_their_points():
    chunker = Chunker(18, 10)
    lon, lat = uniform(300, seed=3)
    for x, y, chunk in zip(lon, lat, chunker.locate(lon, lat)[0].tolist(), strict=True):
        lon_min, lat_min, lon_max, lat_max = chunker.bounds(chunk)
        assert lon_min <= x <= lon_max
        assert lat_min <= y <= lat_max
    with pytest.raises(ValueError, match="no chunk 35"):
        chunker.bounds(35)


def slow_overlap(family, lon, lat, overlap):
    """The copies of one point, by the rule in words: edges and ranges of every sub-chunk, none skipped."""
    stripes, sub_stripes = family
    library = sphgeom.Chunker(*family)
    own = Chunker(*family).locate(lon, lat)
    own_place = (int(own[0][0]), int(own[1][0]))
    height = 180 / (stripes * sub_stripes)
    row = min(int((lat + 90) / height), stripes * sub_stripes - 1)
    step = Chunker(*family).max_sub_chunks
    found = set()
    for target in (row - 1, row, row + 1):
        if not 0 <= target < stripes * sub_stripes:
            continue
        if target < row and lat - (row * height - 90) > overlap:
            continue
        if target > row and (row + 1) * height - 90 - lat > overlap:
            continue
        stripe = target // sub_stripes
        count = sum(c // (2 * stripes) == stripe for c in library.getAllChunks())
        around = len([s for s in library.getAllSubChunks(stripe * 2 * stripes) if s // step == target % sub_stripes])
        total = count * around
        far = max(abs(target * height - 90), abs((target + 1) * height - 90))
        alpha = math.degrees(max_alpha(math.radians(overlap), math.radians(far)))
        width = 360 / total
        for column in range(total):
            middle = (column + 0.5) * width
            apart = abs((lon - middle + 180) % 360 - 180)
            if apart > width / 2 + alpha:
                continue
            chunk = stripe * 2 * stripes + column // around
            place = (chunk, target % sub_stripes * step + column % around)
            if target == row:
                here = min(int(lon / width), total - 1)
                if total == 1 or (column - here) % total not in (1, total - 1):
                    continue
            found.add(place)
    found.discard(own_place)
    return sorted(found)


@pytest.mark.parametrize(
    ("family", "overlap"),
    [
        ((18, 10), 0.01667),
        ((18, 10), 0.5),
        ((85, 12), 0.01667),
        ((3, 1), 5.0),
        ((2, 5), 6.0),
        ((7, 3), 3.0),
        ((1, 1), 9.0),
    ],
)
def test_overlap_follows_the_rule(family, overlap):
    lon, lat = uniform(250, seed=4)
    random = np.random.default_rng(6)
    # Near the poles and near longitude 0, where ranges wrap.
    lon = np.concatenate([lon, random.uniform(0, 360, 60), random.normal(0, overlap, 60) % 360])
    lat = np.concatenate(
        [lat, 90 - np.abs(random.normal(0, 1, 30)), np.abs(random.normal(0, 1, 30)) - 90, random.uniform(-80, 80, 60)]
    )
    rows, chunks, subs = Chunker(*family).overlap(lon, lat, overlap)
    assert rows.dtype == np.int64 and chunks.dtype == np.int32 and subs.dtype == np.int32
    assert np.all(np.diff(rows) >= 0)
    copies: dict[int, list[tuple[int, int]]] = {}
    for row, chunk, sub in zip(rows.tolist(), chunks.tolist(), subs.tolist(), strict=True):
        copies.setdefault(row, []).append((chunk, sub))
    for i, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
        assert sorted(copies.get(i, [])) == slow_overlap(family, x, y, overlap), (x, y)


def unit(lon, lat):
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


@pytest.mark.parametrize(("family", "overlap"), [((18, 10), 0.3), ((85, 12), 0.1), ((7, 3), 4.0)])
def test_every_neighbour_within_the_overlap_is_at_hand(family, overlap):
    """What overlap is for: each pair closer than it meets in the sub-chunk of either of the two."""
    random = np.random.default_rng(7)
    lon, lat = uniform(4000, seed=8)
    lon = np.concatenate([lon, random.uniform(0, 360, 500)])
    lat = np.concatenate([lat, 90 - random.exponential(overlap, 250), random.exponential(overlap, 250) - 90])
    # Partners at up to the overlap, many of them at nearly all of it.
    direction = random.normal(size=(len(lon), 3))
    centre = unit(lon, lat)
    direction -= centre * np.sum(direction * centre, axis=1, keepdims=True)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    angle = np.radians(overlap) * np.sqrt(random.uniform(0, 0.999999, len(lon)))[:, None]
    other = centre * np.cos(angle) + direction * np.sin(angle)
    lon2 = np.degrees(np.arctan2(other[:, 1], other[:, 0]))
    lat2 = np.degrees(np.arcsin(np.clip(other[:, 2], -1, 1)))
    chunker = Chunker(*family)
    home = list(zip(*(a.tolist() for a in chunker.locate(lon, lat)), strict=True))
    places = [{place} for place in zip(*(a.tolist() for a in chunker.locate(lon2, lat2)), strict=True)]
    for row, chunk, sub in zip(*(a.tolist() for a in chunker.overlap(lon2, lat2, overlap)), strict=True):
        assert (chunk, sub) not in places[row], "a copy is written twice"
        places[row].add((chunk, sub))
    missing = [i for i in range(len(home)) if home[i] not in places[i]]
    assert not missing


def test_block_edges_do_not_matter():
    lon, lat = uniform(40_000, seed=9)
    chunker = Chunker(85, 12)
    whole = chunker.overlap(lon, lat, 0.01667)
    parts = [chunker.overlap(lon[i : i + 10_000], lat[i : i + 10_000], 0.01667) for i in range(0, 40_000, 10_000)]
    assert whole[1].tolist() == np.concatenate([p[1] for p in parts]).tolist()
    assert whole[0].tolist() == np.concatenate([p[0] + 10_000 * i for i, p in enumerate(parts)]).tolist()


@pytest.mark.parametrize(
    ("family", "overlap", "reason"),
    [
        ((1, 1), 10.5, "any family"),
        ((85, 12), 0.2, "height of a sub-stripe"),
        ((18, 10), 0.96, "width of the narrowest sub-chunk"),
        ((18, 10), -1.0, "0 degrees or more"),
        ((18, 10), math.nan, "0 degrees or more"),
    ],
)
def test_overlaps_that_cannot_work_are_refused(family, overlap, reason):
    with pytest.raises(ConfigError, match=reason):
        Chunker(*family).check_overlap(overlap)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_largest_overlap_named_works(family):
    chunker = Chunker(*family)
    with pytest.raises(ConfigError) as refused:
        chunker.check_overlap(1000.0)
    largest = float(str(refused.value).split("works is ")[1].split(":")[0])
    chunker.check_overlap(largest)
    chunker.check_overlap(0.0)


@pytest.mark.parametrize("family", [(0, 1), (1, 0), (-3, 2), (40_000, 1)])
def test_impossible_families_are_refused(family):
    with pytest.raises(ConfigError, match="must be from 1 to"):
        Chunker(*family)
