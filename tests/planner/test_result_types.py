"""What type a value has: FLOAT travels as DOUBLE, unless there is text beside it."""

from __future__ import annotations

import pytest

from qproxy.planner.constants import SessionValues
from qproxy.planner.planner import analyze, make_plan
from tests.harness.catalogs import catalog


def partial(value: str) -> str:
    """The statement of a chunk for the greatest of some values."""
    session = SessionValues("sky", "me@here", 7, "10.11", lambda name: None)
    return make_plan(analyze(f"SELECT MAX({value}) FROM Star", catalog(), session), {}).partial


@pytest.mark.parametrize(
    "value",
    [
        "mag",
        "COALESCE(mag, 1)",
        "IF(starId > 1, mag, LENGTH(name))",
        "CASE WHEN starId > 1 THEN mag ELSE CAST(name AS SIGNED) END",
        "NULLIF(mag, 'x')",
        "IFNULL(mag, NULL)",
        "GREATEST(mag, JSON_LENGTH(name))",
        "COALESCE(mag, (SELECT MAX(bandId) FROM Band))",
        "COALESCE(mag, starId + 1)",
    ],
)
def test_a_float_travels_as_a_double(value: str) -> None:
    assert "+ 0e0" in partial(value)


@pytest.mark.parametrize(
    "value",
    [
        "name",
        "ra",
        "mag + 1",
        "COALESCE(mag, 'x')",
        "COALESCE(mag, name)",
        "IF(starId > 1, mag, CONCAT(starId))",
        "COALESCE(mag, IF(starId > 1, 1, LOWER(name)))",
        "COALESCE(mag, x'41')",
        "COALESCE(mag, 0x41)",
        "COALESCE(mag, b'1')",
        "COALESCE(mag, _utf8mb4'x')",
        "COALESCE(mag, DATE'2020-01-01')",
        "COALESCE(mag, '2020-01-01' + INTERVAL 1 DAY)",
        "COALESCE(mag, CAST(starId AS CHAR))",
        "COALESCE(mag, CONVERT(name USING latin1))",
        "COALESCE(mag, name COLLATE utf8mb4_bin)",
        "COALESCE(mag, JSON_EXTRACT(name, '$'))",
        "COALESCE(mag, ST_ASTEXT(POINT(1, 2)))",
        "COALESCE(mag, NOW())",
        "COALESCE(mag, (SELECT MAX(name) FROM Band))",
    ],
)
def test_beside_text_it_is_text(value: str) -> None:
    assert "+ 0e0" not in partial(value)
