"""What a session takes from its statements."""

from __future__ import annotations

import pytest

from qproxy.session.session import _name_behind


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
