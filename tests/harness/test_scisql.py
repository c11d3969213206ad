"""The oracle's sciSQL, at points where the right answer is known without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

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
        ("nanojanskyToAbMag(1)", 31.4),
        ("nanojanskyToAbMag(100)", 26.4),
        ("nanojanskyToAbMagSigma(100, 10)", 0.108573620475813),
    ],
)
def test_near(cursor: Any, call: str, wanted: float) -> None:
    cursor.execute(f"SELECT scisql_{call}")
    assert cursor.fetchone()[0] == pytest.approx(wanted, rel=1e-12)
