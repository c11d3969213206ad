"""sciSQL for the oracle: stored functions written from the definitions, not from qproxy's expansion.

All positions go through unit vectors. A NULL argument gives 0 in the ``s2PtIn`` functions and NULL in the
others. Stored functions have a fixed number of arguments, so the polygon exists for 3 and for 4 vertices under names
of their own, which a case's ``oracle:`` text uses.
"""

from __future__ import annotations

_ANG_SEP = """
CREATE FUNCTION scisql_angSep(lon1 DOUBLE, lat1 DOUBLE, lon2 DOUBLE, lat2 DOUBLE) RETURNS DOUBLE
DETERMINISTIC NO SQL
BEGIN
  DECLARE x1, y1, z1, x2, y2, z2, cx, cy, cz DOUBLE;
  SET x1 = COS(RADIANS(lat1)) * COS(RADIANS(lon1)), y1 = COS(RADIANS(lat1)) * SIN(RADIANS(lon1)),
      z1 = SIN(RADIANS(lat1));
  SET x2 = COS(RADIANS(lat2)) * COS(RADIANS(lon2)), y2 = COS(RADIANS(lat2)) * SIN(RADIANS(lon2)),
      z2 = SIN(RADIANS(lat2));
  SET cx = y1 * z2 - z1 * y2, cy = z1 * x2 - x1 * z2, cz = x1 * y2 - y1 * x2;
  RETURN DEGREES(ATAN2(SQRT(cx * cx + cy * cy + cz * cz), x1 * x2 + y1 * y2 + z1 * z2));
END"""

_IN_BOX = """
CREATE FUNCTION scisql_s2PtInBox(lon DOUBLE, lat DOUBLE, lonMin DOUBLE, latMin DOUBLE, lonMax DOUBLE, latMax DOUBLE)
RETURNS INT DETERMINISTIC NO SQL
BEGIN
  DECLARE l, a, b DOUBLE;
  IF lon IS NULL OR lat IS NULL OR lonMin IS NULL OR latMin IS NULL OR lonMax IS NULL OR latMax IS NULL THEN
    RETURN 0;
  END IF;
  IF ABS(lat) > 90 OR ABS(latMin) > 90 OR ABS(latMax) > 90 THEN RETURN NULL; END IF;
  IF lonMax < lonMin AND (lonMax < 0 OR lonMin > 360) THEN RETURN NULL; END IF;
  IF lat < latMin OR lat > latMax THEN RETURN 0; END IF;
  IF lonMax - lonMin >= 360 THEN RETURN 1; END IF;
  SET l = lon - 360 * FLOOR(lon / 360), a = lonMin - 360 * FLOOR(lonMin / 360),
      b = lonMax - 360 * FLOOR(lonMax / 360);
  IF a <= b THEN RETURN l >= a AND l <= b; END IF;
  RETURN l >= a OR l <= b;
END"""

_IN_CIRCLE = """
CREATE FUNCTION scisql_s2PtInCircle(lon DOUBLE, lat DOUBLE, cLon DOUBLE, cLat DOUBLE, radius DOUBLE)
RETURNS INT DETERMINISTIC NO SQL
BEGIN
  IF lon IS NULL OR lat IS NULL OR cLon IS NULL OR cLat IS NULL OR radius IS NULL THEN RETURN 0; END IF;
  IF ABS(lat) > 90 OR ABS(cLat) > 90 OR radius < 0 OR radius > 180 THEN RETURN NULL; END IF;
  RETURN scisql_angSep(lon, lat, cLon, cLat) <= radius;
END"""

_IN_ELLIPSE = """
CREATE FUNCTION scisql_s2PtInEllipse(lon DOUBLE, lat DOUBLE, cLon DOUBLE, cLat DOUBLE, a DOUBLE, b DOUBLE, pa DOUBLE)
RETURNS INT DETERMINISTIC NO SQL
BEGIN
  DECLARE x, y, z, north, east, major, minor DOUBLE;
  IF lon IS NULL OR lat IS NULL OR cLon IS NULL OR cLat IS NULL OR a IS NULL OR b IS NULL OR pa IS NULL THEN
    RETURN 0;
  END IF;
  IF ABS(lat) > 90 OR ABS(cLat) > 90 OR b < 0 OR b > a OR a > 36000 THEN RETURN NULL; END IF;
  SET x = COS(RADIANS(lat)) * COS(RADIANS(lon - cLon)), y = COS(RADIANS(lat)) * SIN(RADIANS(lon - cLon)),
      z = SIN(RADIANS(lat));
  IF x * COS(RADIANS(cLat)) + z * SIN(RADIANS(cLat)) < 0 THEN RETURN 0; END IF;
  SET north = z * COS(RADIANS(cLat)) - x * SIN(RADIANS(cLat)), east = y;
  SET major = north * COS(RADIANS(pa)) + east * SIN(RADIANS(pa)),
      minor = east * COS(RADIANS(pa)) - north * SIN(RADIANS(pa));
  RETURN POW(major / RADIANS(a / 3600), 2) + POW(minor / RADIANS(b / 3600), 2) <= 1;
END"""

_SIDE = """
CREATE FUNCTION oracle_side(lon DOUBLE, lat DOUBLE, lon1 DOUBLE, lat1 DOUBLE, lon2 DOUBLE, lat2 DOUBLE)
RETURNS INT DETERMINISTIC NO SQL
BEGIN
  DECLARE x1, y1, z1, x2, y2, z2 DOUBLE;
  SET x1 = COS(RADIANS(lat1)) * COS(RADIANS(lon1)), y1 = COS(RADIANS(lat1)) * SIN(RADIANS(lon1)),
      z1 = SIN(RADIANS(lat1));
  SET x2 = COS(RADIANS(lat2)) * COS(RADIANS(lon2)), y2 = COS(RADIANS(lat2)) * SIN(RADIANS(lon2)),
      z2 = SIN(RADIANS(lat2));
  RETURN SIGN((y1 * z2 - z1 * y2) * COS(RADIANS(lat)) * COS(RADIANS(lon))
            + (z1 * x2 - x1 * z2) * COS(RADIANS(lat)) * SIN(RADIANS(lon))
            + (x1 * y2 - y1 * x2) * SIN(RADIANS(lat)));
END"""


def _polygon(vertices: int) -> str:
    names = [f"lon{i} DOUBLE, lat{i} DOUBLE" for i in range(1, vertices + 1)]
    sides = [
        f"oracle_side(lon, lat, lon{i}, lat{i}, lon{j}, lat{j})"
        for i, j in zip(range(1, vertices + 1), [*range(2, vertices + 1), 1], strict=True)
    ]
    # The third vertex tells on which side of the first edge the inside is.
    turn = "oracle_side(lon3, lat3, lon1, lat1, lon2, lat2)"
    inside = " AND ".join(f"{turn} * {side} >= 0" for side in sides)
    return (
        f"CREATE FUNCTION scisql_s2PtInCPoly{vertices}(lon DOUBLE, lat DOUBLE, {', '.join(names)})\n"
        f"RETURNS INT DETERMINISTIC NO SQL\n"
        f"RETURN IF(lon IS NULL OR lat IS NULL, 0, {inside})"
    )


def _magnitude(name: str, zero_point: str) -> list[str]:
    return [
        f"CREATE FUNCTION scisql_{name}(flux DOUBLE) RETURNS DOUBLE DETERMINISTIC NO SQL\n"
        f"RETURN IF(flux > 0, {zero_point} - 2.5 * LOG10(flux), NULL)",
        f"CREATE FUNCTION scisql_{name}Sigma(flux DOUBLE, sigma DOUBLE) RETURNS DOUBLE DETERMINISTIC NO SQL\n"
        "RETURN IF(flux > 0, 2.5 / LN(10) * sigma / flux, NULL)",
    ]


def functions() -> list[str]:
    """CREATE FUNCTION statements, in an order in which each finds what it calls."""
    return [
        _ANG_SEP,
        _IN_BOX,
        _IN_CIRCLE,
        _IN_ELLIPSE,
        _SIDE,
        _polygon(3),
        _polygon(4),
        *_magnitude("fluxToAbMag", "-48.6"),
        *_magnitude("nanojanskyToAbMag", "31.4"),
    ]
