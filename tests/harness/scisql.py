"""sciSQL for the oracle: stored functions written from the definitions, not from qproxy's expansion.

All positions go through unit vectors. A NULL argument gives 0 in the ``s2PtIn`` functions and NULL in the
others. Stored functions have a fixed number of arguments, so the polygon exists for 3 and for 4 vertices, and the
separation of vectors, under names of their own, which a case's ``oracle:`` text uses. HTM ids are found by descending
through the triangles; a percentile sorts all values of a group.
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


_ANG_SEP_OF_VECTORS = """
CREATE FUNCTION scisql_angSep6(x1 DOUBLE, y1 DOUBLE, z1 DOUBLE, x2 DOUBLE, y2 DOUBLE, z2 DOUBLE) RETURNS DOUBLE
DETERMINISTIC NO SQL
RETURN DEGREES(ACOS(GREATEST(-1, LEAST(1, (x1 * x2 + y1 * y2 + z1 * z2)
    / SQRT(x1 * x1 + y1 * y1 + z1 * z1) / SQRT(x2 * x2 + y2 * y2 + z2 * z2)))))"""

_HTM_LEVEL = """
CREATE FUNCTION scisql_s2HtmLevel(id BIGINT) RETURNS BIGINT DETERMINISTIC NO SQL
BEGIN
  DECLARE level INT DEFAULT 0;
  WHILE level <= 24 DO
    IF id >= 8 * (1 << 2 * level) AND id < 16 * (1 << 2 * level) THEN RETURN level; END IF;
    SET level = level + 1;
  END WHILE;
  RETURN NULL;
END"""

_EXTRACT = """
CREATE FUNCTION scisql_extractInt64(value LONGBLOB, place BIGINT) RETURNS BIGINT DETERMINISTIC NO SQL
BEGIN
  DECLARE found BIGINT UNSIGNED DEFAULT 0;
  DECLARE byte INT DEFAULT 8;
  IF value IS NULL OR place IS NULL OR place < 0 OR place * 8 + 8 > LENGTH(value) THEN RETURN NULL; END IF;
  WHILE byte > 0 DO
    SET found = (found << 8) | ASCII(SUBSTR(value, place * 8 + byte, 1));
    SET byte = byte - 1;
  END WHILE;
  RETURN CAST(found AS SIGNED);
END"""

_PERCENTILE_OF_LIST = """
CREATE FUNCTION oracle_percentile(list LONGTEXT, total BIGINT, p DOUBLE) RETURNS DOUBLE
BEGIN
  DECLARE place, low, high DOUBLE;
  DECLARE first BIGINT;
  IF total = 0 OR p IS NULL OR p < 0 OR p > 100 THEN RETURN NULL; END IF;
  SET place = (total - 1) * (p / 100), first = FLOOR(place);
  SELECT v INTO low FROM JSON_TABLE(CONCAT('[', list, ']'), '$[*]' COLUMNS (v DOUBLE PATH '$')) AS l
    ORDER BY v LIMIT first, 1;
  SET first = LEAST(first + 1, total - 1);
  SELECT v INTO high FROM JSON_TABLE(CONCAT('[', list, ']'), '$[*]' COLUMNS (v DOUBLE PATH '$')) AS l
    ORDER BY v LIMIT first, 1;
  RETURN low + (place - FLOOR(place)) * (high - low);
END"""


def _percentile(name: str, more: str, percentage: str) -> str:
    """An aggregate that writes its values down one after the other, and sorts them at the end."""
    return f"""
CREATE AGGREGATE FUNCTION scisql_{name}(x DOUBLE{more}) RETURNS DOUBLE
BEGIN
  DECLARE list LONGTEXT DEFAULT '';
  DECLARE total BIGINT DEFAULT 0;
  DECLARE wanted DOUBLE;
  DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN oracle_percentile(list, total, wanted);
  LOOP
    FETCH GROUP NEXT ROW;
    SET wanted = {percentage};
    IF x IS NOT NULL THEN
      SET list = CONCAT(list, IF(total, ',', ''), x), total = total + 1;
    END IF;
  END LOOP;
END"""


def _vectors(*names: str) -> list[str]:
    return [f"{name}_{axis}" for name in names for axis in "xyz"]


def _middle(name: str, a: str, b: str) -> str:
    length = f"SQRT(POW({a}_x + {b}_x, 2) + POW({a}_y + {b}_y, 2) + POW({a}_z + {b}_z, 2))"
    return "SET " + ", ".join(f"{name}_{c} = ({a}_{c} + {b}_{c}) / {length}" for c in "xyz") + ";"


def _side_of(p: str, a: str, b: str) -> str:
    """p . (a x b)"""
    return (
        f"({p}_x * ({a}_y * {b}_z - {a}_z * {b}_y) + {p}_y * ({a}_z * {b}_x - {a}_x * {b}_z)"
        f" + {p}_z * ({a}_x * {b}_y - {a}_y * {b}_x))"
    )


def _copies(*pairs: tuple[str, str]) -> str:
    return "SET " + ", ".join(f"{to}_{c} = {source}_{c}" for to, source in pairs for c in "xyz") + ";"


def _htm_id() -> str:
    """Descends from an octant: its corners are the poles' axis and two axes on the equator, 90 degrees apart."""
    corners = {
        8: ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
        9: ((0, 1, 0), (0, 0, -1), (-1, 0, 0)),
        10: ((-1, 0, 0), (0, 0, -1), (0, -1, 0)),
        11: ((0, -1, 0), (0, 0, -1), (1, 0, 0)),
        12: ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
        13: ((0, -1, 0), (0, 0, 1), (-1, 0, 0)),
        14: ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
        15: ((0, 1, 0), (0, 0, 1), (1, 0, 0)),
    }
    octants = "".join(
        f"WHEN {number} THEN SET "
        + ", ".join(f"{v}_{c} = {n}" for v, p in zip("abc", three, strict=True) for c, n in zip("xyz", p, strict=True))
        + ";\n"
        for number, three in corners.items()
    )
    return f"""
CREATE FUNCTION scisql_s2HtmId(lon DOUBLE, lat DOUBLE, level INT) RETURNS BIGINT DETERMINISTIC NO SQL
BEGIN
  DECLARE {", ".join(_vectors("a", "b", "c", "d", "e", "f", "p"))} DOUBLE;
  DECLARE id BIGINT;
  IF lon IS NULL OR ABS(lat) > 90 OR lat IS NULL OR level IS NULL OR level NOT BETWEEN 0 AND 24 THEN
    RETURN NULL;
  END IF;
  SET p_x = COS(RADIANS(lat)) * COS(RADIANS(lon)), p_y = COS(RADIANS(lat)) * SIN(RADIANS(lon)), p_z = SIN(RADIANS(lat));
  SET id = IF(p_z < 0, IF(p_y >= 0, IF(p_x > 0, 8, 9), IF(p_x < 0, 10, 11)),
                      IF(p_y >= 0, IF(p_x > 0, 15, 14), IF(p_x < 0, 13, 12)));
  CASE id
  {octants}END CASE;
  WHILE level > 0 DO
    {_middle("d", "b", "c")} {_middle("e", "a", "c")} {_middle("f", "a", "b")}
    IF {_side_of("p", "f", "e")} >= 0 THEN
      SET id = 4 * id; {_copies(("b", "f"), ("c", "e"))}
    ELSEIF {_side_of("p", "d", "f")} >= 0 THEN
      SET id = 4 * id + 1; {_copies(("a", "b"), ("b", "d"), ("c", "f"))}
    ELSEIF {_side_of("p", "e", "d")} >= 0 THEN
      SET id = 4 * id + 2; {_copies(("a", "c"), ("b", "e"), ("c", "d"))}
    ELSE
      SET id = 4 * id + 3; {_copies(("a", "d"), ("b", "e"), ("c", "f"))}
    END IF;
    SET level = level - 1;
  END WHILE;
  RETURN id;
END"""


def _polygon(vertices: int) -> str:
    names = [f"lon{i} DOUBLE, lat{i} DOUBLE" for i in range(1, vertices + 1)]
    numbers = range(1, vertices + 1)
    edges = list(zip(numbers, [*range(2, vertices + 1), 1], strict=True))
    given = [f"{c}{i} IS NULL" for i in numbers for c in ("lon", "lat")]
    # All other vertices lie on the same side of every edge, or there is a dent.
    turns = [
        f"oracle_side(lon{k}, lat{k}, lon{i}, lat{i}, lon{j}, lat{j})"
        for i, j in edges
        for k in numbers
        if k not in (i, j)
    ]
    sides = [f"oracle_side(lon, lat, lon{i}, lat{i}, lon{j}, lat{j})" for i, j in edges]
    return f"""
CREATE FUNCTION scisql_s2PtInCPoly{vertices}(lon DOUBLE, lat DOUBLE, {", ".join(names)})
RETURNS INT DETERMINISTIC NO SQL
BEGIN
  DECLARE turn INT;
  IF lon IS NULL OR lat IS NULL OR {" OR ".join(given)} THEN RETURN 0; END IF;
  IF ABS(lat) > 90 OR {" OR ".join(f"ABS(lat{i}) > 90" for i in numbers)} THEN RETURN NULL; END IF;
  SET turn = SIGN({" + ".join(turns)});
  IF turn = 0 OR {" OR ".join(f"turn * {t} < 0" for t in turns)} THEN RETURN NULL; END IF;
  RETURN {" AND ".join(f"turn * {s} >= 0" for s in sides)};
END"""


_K = "(2.5 / LN(10))"
#: Flux of magnitude 0, erg/s/cm2/Hz.
_F0 = "POW(10e0, -19.44e0)"

#: Name, arguments and value of what is one formula.
_FORMULAS = (
    ("fluxToAbMag", "f", "IF(f > 0, -2.5 * LOG10(f) - 48.6, NULL)"),
    ("fluxToAbMagSigma", "f, s", f"{_K} * s / NULLIF(f, 0)"),
    ("nanojanskyToAbMag", "f", "IF(f > 0, 31.4 - 2.5 * LOG10(f), NULL)"),
    ("nanojanskyToAbMagSigma", "f, s", f"{_K} * s / NULLIF(f, 0)"),
    ("abMagToFlux", "m", f"{_F0} * EXP(-m / {_K})"),
    ("abMagToFluxSigma", "m, s", f"s / {_K} * {_F0} * EXP(-m / {_K})"),
    ("abMagToNanojansky", "m", f"EXP((31.4 - m) / {_K})"),
    ("abMagToNanojanskySigma", "m, s", f"s / {_K} * EXP((31.4 - m) / {_K})"),
    ("dnToAbMag", "n, u", f"IF(n * u > 0, -{_K} * LN(n / u), NULL)"),
    ("dnToAbMagSigma", "n, s, u, t", f"{_K} * SQRT(POW(s / NULLIF(n, 0), 2) + POW(t / NULLIF(u, 0), 2))"),
    ("abMagToDn", "m, u", f"u * EXP(-m / {_K})"),
    ("abMagToDnSigma", "m, s, u, t", f"EXP(-m / {_K}) * u * SQRT(POW(s / {_K}, 2) + POW(t / NULLIF(u, 0), 2))"),
    ("dnToFlux", "n, u", f"{_F0} * n / NULLIF(u, 0)"),
    ("dnToFluxSigma", "n, s, u, t", f"{_F0} / NULLIF(u, 0) * SQRT(s * s + POW(n / NULLIF(u, 0) * t, 2))"),
    ("fluxToDn", "f, u", f"f * u / {_F0}"),
    ("fluxToDnSigma", "f, s, u, t", f"SQRT(POW(s * u, 2) + POW(f * t, 2)) / {_F0}"),
)


def _formula(name: str, arguments: str, value: str) -> str:
    declared = ", ".join(f"{a} DOUBLE" for a in arguments.split(", "))
    return f"CREATE FUNCTION scisql_{name}({declared}) RETURNS DOUBLE DETERMINISTIC NO SQL\nRETURN {value}"


def functions() -> list[str]:
    """CREATE FUNCTION statements, in an order in which each finds what it calls."""
    return [
        _ANG_SEP,
        _ANG_SEP_OF_VECTORS,
        _IN_BOX,
        _IN_CIRCLE,
        _IN_ELLIPSE,
        _SIDE,
        _polygon(3),
        _polygon(4),
        _htm_id(),
        _HTM_LEVEL,
        _EXTRACT,
        _PERCENTILE_OF_LIST,
        _percentile("median", "", "50"),
        _percentile("percentile", ", p DOUBLE", "p"),
        *(_formula(*one) for one in _FORMULAS),
    ]
