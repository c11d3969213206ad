"""Positions that find mistakes, and regions near the awkward places of the sphere."""

import math

import numpy as np

from qproxy.sky.regions import Box, Circle, Ellipse, Polygon, Region


def uniform(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions spread evenly over the sphere, degrees."""
    random = np.random.default_rng(seed)
    return random.uniform(0, 360, count), np.degrees(np.arcsin(random.uniform(-1, 1, count)))


def around(lon: float, lat: float, distances: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions at the given distances, degrees, from one, in random directions."""
    angle = np.random.default_rng(seed).uniform(0, 2 * math.pi, len(distances))
    d, phi = np.radians(distances), math.radians(lat)
    sin_lat = math.sin(phi) * np.cos(d) + math.cos(phi) * np.sin(d) * np.cos(angle)
    lats = np.degrees(np.arcsin(np.clip(sin_lat, -1, 1)))
    turn = np.arctan2(np.sin(angle) * np.sin(d) * math.cos(phi), np.cos(d) - math.sin(phi) * sin_lat)
    return (lon + np.degrees(turn)) % 360, lats


def regions(count: int, seed: int) -> list[Region]:
    """Regions of all kinds and sizes; many at the poles, at longitude 0 and on edges of chunks."""
    random = np.random.default_rng(seed)
    found: list[Region] = []
    while len(found) < count:
        lon = float(random.choice([0.0, 10.0, 360.0, -0.001, random.uniform(0, 360), random.uniform(-400, 400)]))
        lat = float(
            random.choice([0.0, 10.0, 89.999, 90.0, -90.0, -89.5, np.degrees(np.arcsin(random.uniform(-1, 1)))])
        )
        size = float(10 ** random.uniform(-6, 1.5))
        kind = random.integers(4)
        if kind == 0:
            found.append(Circle(lon, lat, float(random.choice([size, 0.0, 90.0, 179.99, min(180, size * 10)]))))
        elif kind == 1:
            height = float(random.choice([size, 0.0, 180.0]))
            width = float(random.choice([size * 3, 0.0, 200.0, 359.9999999999, 360.0]))
            found.append(Box(lon, lat, lon + width, min(90.0, lat + height)))
        elif kind == 2:
            major = min(36_000.0, size * 3600)
            found.append(
                Ellipse(lon, lat, major, major * float(random.uniform(0, 1)), float(random.uniform(-200, 200)))
            )
        else:
            corners = np.sort(random.uniform(0, 2 * math.pi, int(random.integers(3, 8))))
            polygon = Polygon(tuple(_at(lon, lat, size, float(c)) for c in corners))
            if polygon.is_convex:
                found.append(polygon)
    return found


def _at(lon: float, lat: float, distance: float, angle: float) -> tuple[float, float]:
    d, phi = math.radians(distance), math.radians(lat)
    sin_lat = math.sin(phi) * math.cos(d) + math.cos(phi) * math.sin(d) * math.cos(angle)
    turn = math.atan2(math.sin(angle) * math.sin(d) * math.cos(phi), math.cos(d) - math.sin(phi) * sin_lat)
    return lon + math.degrees(turn), math.degrees(math.asin(max(-1.0, min(1.0, sin_lat))))


def centre(region: Region) -> tuple[float, float, float]:
    """A position in or near a region, and its size; degrees."""
    match region:
        case Circle():
            return region.lon, region.lat, region.radius
        case Ellipse():
            return region.lon, region.lat, region.reach
        case Box():
            return region.lon_min, region.lat_min, max(region.lon_max - region.lon_min, 1e-6)
        case Polygon():
            lon, lat = region.vertices[0]
            return lon, lat, 2 * max(abs(lat - other) for _, other in region.vertices) + 1e-6


def points_for(region: Region, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions inside, outside and on the edge of a region, some with unusual longitudes."""
    random = np.random.default_rng(seed)
    lon, lat, size = centre(region)
    near = around(lon, lat, np.minimum(180, size * random.uniform(0, 1.5, count)), seed)
    edge = around(lon, lat, np.minimum(180, size * (1 + random.normal(0, 1e-9, count))), seed + 1)
    special_lon, special_lat = [lon % 360, 0.0, 360.0, 0.0, lon], [lat, 90.0, 90.0, -90.0, lat]
    if isinstance(region, Box):
        corners = [(x, y) for x in region.longitudes for y in (region.lat_min, region.lat_max)]
        near_corners = [
            (float(np.nextafter(x, x + i)), float(np.clip(np.nextafter(y, y + j), -90, 90)))
            for x, y in corners
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
        ]
        special_lon += [x for x, _ in near_corners]
        special_lat += [y for _, y in near_corners]
        width, height = min(region.lon_max - region.lon_min, 360), region.lat_max - region.lat_min
        special_lon += list(region.lon_min + random.uniform(-0.1, 1.1, count) * width)
        special_lat += list(np.clip(region.lat_min + random.uniform(-0.1, 1.1, count) * height, -90, 90))
    if isinstance(region, Polygon):
        special_lon += [x for x, _ in region.vertices]
        special_lat += [y for _, y in region.vertices]
    lons = np.concatenate([near[0], edge[0], special_lon])
    turns = random.choice([0, 0, 0, -360, 360], len(lons))
    return lons + turns, np.concatenate([near[1], edge[1], special_lat])
