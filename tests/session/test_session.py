"""A session's own state in its queries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from qproxy.session.session import _ahead, _name_behind


@pytest.mark.parametrize(
    ("zone", "minutes"), [(None, 0), ("+00:00", 0), ("+02:00", 120), ("-03:30", -210), ("+5:45", 345)]
)
def test_zones(zone: str | None, minutes: int) -> None:
    assert _ahead(zone) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("USE sky", "sky"),
        ("use `a b`;", "a b"),
        ("USE `a``b`", "a`b"),
        (" USE  sky ; ", "sky"),
        ("/* mine */ USE sky -- ours", "sky"),
    ],
)
def test_the_name_behind_use(sql: str, name: str) -> None:
    assert _name_behind(sql) == name
