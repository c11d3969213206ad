"""A session's own state in its queries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from qproxy.session.state import _ahead


@pytest.mark.parametrize(
    ("zone", "minutes"), [(None, 0), ("+00:00", 0), ("+02:00", 120), ("-03:30", -210), ("+5:45", 345)]
)
def test_zones(zone: str | None, minutes: int) -> None:
    assert _ahead(zone) == timedelta(minutes=minutes)
