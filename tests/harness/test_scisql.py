"""The oracle's sciSQL, at points where the right answer is known without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from lsst import sphgeom

from tests.harness.mariadbd import running_server
from tests.harness.scisql import functions


@pytest.fixture(scope="module")
def cursor() -> Iterator[Any]:
    with running_server() as server:
        server.script(["CREATE DATABASE sci"])
        server.script(functions(), "sci")
        with closing(server.connect("sci")) as connection, connection.cursor() as found:
            yield found


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("s2PtInBox(0, 0, 355, -5, 360, 5)", 1),
        ("s2PtInBox(1, 0, 355, -5, 360, 5)", 0),
        ("s2PtInBox(357, 0, 355, -5, 360, 5)", 1),
        ("s2PtInBox(-3, 0, 355, -5, 360, 5)", 1),
        ("s2PtInBox(77, 5, 0, -5, 360, 5)", 1),
        ("s2PtInBox(77, 5.1, 0, -5, 360, 5)", 0),
        ("s2PtInBox(5, 0, 1, 2, 10, -2)", 0),
        ("s2PtInBox(5, 0, 1, -91, 10, 2)", None),
        ("s2PtInBox(5, 0, 10, -1, -5, 2)", None),
        ("s2PtInBox(NULL, 0, 1, -1, 10, 2)", 0),
        ("s2PtInCircle(0, 1, 0, 0, 1.0000001)", 1),
        ("s2PtInCircle(0, 1, 0, 0, 0.9999999)", 0),
        ("s2PtInCircle(180, 89.9, 0, 89.9, 0.21)", 1),
        ("s2PtInCircle(0, 0, 0, 0, -1)", None),
        ("s2PtInCircle(0, NULL, 0, 0, 1)", 0),
        ("s2PtInEllipse(0, 0.9, 0, 0, 3600, 36, 0)", 1),
        ("s2PtInEllipse(0.9, 0, 0, 0, 3600, 36, 0)", 0),
        ("s2PtInEllipse(0.9, 0, 0, 0, 3600, 36, 90)", 1),
        ("s2PtInEllipse(180, 0, 0, 0, 3600, 36, 90)", 0),
        ("s2PtInEllipse(0, 0, 0, 0, 36, 3600, 90)", None),
        ("s2PtInCPoly3(10, 9, 8, 8, 12, 8, 10, 12)", 1),
        ("s2PtInCPoly3(10, 9, 10, 12, 12, 8, 8, 8)", 1),
        ("s2PtInCPoly3(10, 7, 8, 8, 12, 8, 10, 12)", 0),
        ("s2PtInCPoly3(190, -9, 8, 8, 12, 8, 10, 12)", 0),
        ("s2PtInCPoly4(0, 0, 359, -1, 1, -1, 1, 1, 359, 1)", 1),
        ("s2PtInCPoly4(2, 0, 359, -1, 1, -1, 1, 1, 359, 1)", 0),
        ("s2PtInCPoly3(10, 9, 8, 8, 12, 8, 10, NULL)", 0),
        ("s2PtInCPoly3(10, 9, 8, 8, 12, 8, 10, 91)", None),
        ("s2PtInCPoly4(2, 1, 0, 0, 10, 0, 2, 2, 0, 10)", None),
        ("s2HtmId(45, 45, 0)", 15),
        ("s2HtmId(315, -45, 0)", 11),
        ("s2HtmId(45, 45, 25)", None),
        ("s2HtmId(45, 91, 5)", None),
        ("s2HtmId(10, NULL, 5)", None),
        ("s2HtmLevel(scisql_s2HtmId(12.3, -45.6, 24))", 24),
        ("s2HtmLevel(7)", None),
        ("s2HtmLevel(8)", 0),
        ("s2HtmLevel(16)", None),
        ("s2HtmLevel((1 << 52) - 1)", 24),
        ("s2HtmLevel(1 << 52)", None),
        ("s2HtmLevel(-8)", None),
        ("extractInt64(x'0500000000000000ffffffffffffffff', 0)", 5),
        ("extractInt64(x'0500000000000000ffffffffffffffff', 1)", -1),
        ("extractInt64(x'0500000000000000ffffffffffffffff', 2)", None),
        ("extractInt64(x'0500000000000000ffffffffffffffff', -1)", None),
        ("fluxToAbMag(0)", None),
        ("fluxToAbMag(-1)", None),
        ("fluxToAbMag(NULL)", None),
    ],
)
def test_exact(cursor: Any, call: str, wanted: int | None) -> None:
    cursor.execute(f"SELECT scisql_{call}")
    assert cursor.fetchone() == (wanted,)


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("angSep(0, 0, 90, 0)", 90.0),
        ("angSep(12, 90, 200, -90)", 180.0),
        ("angSep(359.5, 0, 0.5, 0)", 1.0),
        ("angSep(0, 0, 0, 1e-9)", 1e-9),
        ("fluxToAbMag(1e-20)", 1.4),
        ("angSep6(1, 0, 0, 0, 0, 5)", 90.0),
        ("abMagToFlux(-48.6)", 1.0),
        ("abMagToNanojansky(31.4)", 1.0),
        ("abMagToNanojanskySigma(31.4, 0.1)", 0.0921034037197618),
        ("dnToAbMag(1, 100)", 5.0),
        ("abMagToDn(5, 100)", 1.0),
        ("fluxToDn(scisql_dnToFlux(7, 3), 3)", 7.0),
        ("dnToFluxSigma(10, 3, 100, 40) / scisql_dnToFlux(1, 100)", 5.0),
        ("fluxToDnSigma(scisql_dnToFlux(10, 100), scisql_dnToFlux(3, 100), 100, 40)", 5.0),
        ("nanojanskyToAbMag(1)", 31.4),
        ("nanojanskyToAbMag(100)", 26.4),
        ("nanojanskyToAbMagSigma(100, 10)", 0.108573620475813),
    ],
)
def test_near(cursor: Any, call: str, wanted: float) -> None:
    cursor.execute(f"SELECT scisql_{call}")
    assert cursor.fetchone()[0] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("level", [0, 1, 7, 24])
def test_htm_ids_are_those_of_sphgeom(cursor: Any, level: int) -> None:
    mesh = sphgeom.HtmPixelization(level)
    random = np.random.default_rng(level)
    for lon, lat in zip(random.uniform(0, 360, 40).tolist(), random.uniform(-90, 90, 40).tolist(), strict=True):
        cursor.execute(f"SELECT scisql_s2HtmId({lon!r}, {lat!r}, {level})")
        assert cursor.fetchone() == (mesh.index(sphgeom.UnitVector3d(sphgeom.LonLat.fromDegrees(lon, lat))),)


def test_percentiles(cursor: Any) -> None:
    values = np.random.default_rng(1).normal(0, 1, 101)
    cursor.execute("CREATE OR REPLACE TABLE v (g INT, x DOUBLE)")
    cursor.executemany("INSERT INTO v VALUES (%s, %s)", [(i % 2, float(v)) for i, v in enumerate(values)])
    cursor.execute("INSERT INTO v VALUES (1, NULL), (2, NULL), (3, 5)")
    cursor.execute("SELECT scisql_median(x), scisql_percentile(x, 90), scisql_percentile(x, 101) FROM v WHERE g < 2")
    assert cursor.fetchone() == (
        pytest.approx(np.median(values), rel=1e-12),
        pytest.approx(np.percentile(values, 90), rel=1e-12),
        None,
    )
    cursor.execute("SELECT g, scisql_median(x), scisql_percentile(x, g * 20), COUNT(*) FROM v GROUP BY g")
    odd = np.percentile(values[1::2], [50, 20])
    assert cursor.fetchall()[1:] == (
        (1, *(pytest.approx(o, rel=1e-12) for o in odd), 51),
        (2, None, None, 1),
        (3, 5.0, 5.0, 1),
    )
    cursor.execute("SELECT scisql_median(x) FROM v WHERE g > 9")
    assert cursor.fetchone() == (None,)
