"""Geometry by unit vectors, independent of the expressions that are tested."""

import math

import numpy as np

from qproxy.sky.regions import Box, Circle, Ellipse, Polygon

# Degrees. Nearer to an edge than this, rounding may decide.
UNSURE = 1e-7


def unit(lon, lat):
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def separation(lon1, lat1, lon2, lat2):
    """Degrees, by cross and dot product."""
    a, b = unit(lon1, lat1), unit(lon2, lat2)
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))


def depth(region, lon, lat):
    """How far inside a region each point is, roughly in degrees: negative outside."""
    lon, lat = np.asarray(lon), np.asarray(lat)
    match region:
        case Circle():
            return region.radius - separation(lon, lat, region.lon, region.lat)
        case Box():
            across = np.minimum(lat - region.lat_min, region.lat_max - lat)
            if region.lon_max - region.lon_min >= 360:
                return across
            west, east, here = region.lon_min % 360, region.lon_max % 360, lon % 360
            along = np.minimum(here - west, east - here)
            if west > east:
                along = np.maximum(here - west, east - here)
            return np.minimum(along, across)
        case Ellipse():
            middle = unit(region.lon, region.lat)
            turn = math.radians(region.lon)
            east = np.array([-math.sin(turn), math.cos(turn), 0])
            north = np.cross(middle, east)
            point = unit(lon, lat)
            angle = math.radians(region.position_angle)
            along = point @ (math.cos(angle) * north + math.sin(angle) * east)
            across = point @ (math.cos(angle) * east - math.sin(angle) * north)
            a, b = (math.radians(max(x, 1e-12) / 3600) for x in (region.semi_major_arcsec, region.semi_minor_arcsec))
            value = np.hypot(along / a, across / b)
            # The distance to the edge is at least this, as the steepest direction is that of the minor axis.
            return np.degrees(np.where(point @ middle > 0, 1 - value, -1.0) * b)
        case Polygon():
            corners = unit(*np.array(region.vertices).T)
            edges = np.cross(corners, np.roll(corners, -1, axis=0))
            edges *= np.sign(np.sum(edges @ corners.T))
            size = np.linalg.norm(edges, axis=1, keepdims=True)
            return np.degrees(np.min(unit(lon, lat) @ (edges / size).T, axis=1))
