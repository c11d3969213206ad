"""Where placeholders are found, and what stands in their place."""

from __future__ import annotations

import pytest

from qproxy.errors import SQLError
from qproxy.session.parameters import Place
from qproxy.session.placeholders import template

FREE, COMPARED, LIMIT = Place.FREE, Place.COMPARED, Place.LIMIT


@pytest.mark.parametrize(
    ("sql", "filled"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT '?', \"?\", `?` /* ? */ -- ?\n FROM t # ?", "SELECT '?', \"?\", `?` /* ? */ -- ?\n FROM t # ?"),
        ("SELECT ? FROM t", "SELECT  5  AS `?` FROM t"),
        ("SELECT a-? AS d FROM t", "SELECT a- 5  AS d FROM t"),
        ("SELECT a FROM t WHERE b=?", "SELECT a FROM t WHERE b= 5 "),
        ("SELECT (?), +?", "SELECT ( 5 ) AS `?`, + 5  AS `+?`"),
        ("SELECT ? x, ? 'y', ? AS `z`, ?+a", "SELECT  5  x,  5  'y',  5  AS `z`,  5 +a AS `?+a`"),
        ("SELECT NOW() + INTERVAL ? DAY", "SELECT NOW() + INTERVAL  5  DAY AS `NOW() + INTERVAL ? DAY`"),
        ("SELECT ? MOD a, ? IS NULL", "SELECT  5  MOD a AS `? MOD a`,  5  IS NULL AS `? IS NULL`"),
        ("SELECT CONCAT(?, '`') FROM t", "SELECT CONCAT( 5 , '`') AS `CONCAT(?, '``')` FROM t"),
        ("SELECT DISTINCT ?, a", "SELECT DISTINCT  5  AS `?`, a"),
        (
            "SELECT x FROM (SELECT ? + 1, a FROM t WHERE c = ?) d",
            "SELECT x FROM (SELECT  5  + 1 AS `? + 1`, a FROM t WHERE c =  5 ) d",
        ),
    ],
)
def test_filled(sql: str, filled: str) -> None:
    taken = template(sql)
    assert taken.fill(["5"] * len(taken.places)) == filled


@pytest.mark.parametrize(
    ("sql", "places"),
    [
        ("SELECT ? FROM t WHERE a = ? AND ? < b LIMIT ?, ?", [FREE, COMPARED, COMPARED, LIMIT, LIMIT]),
        ("SELECT a FROM t LIMIT ? OFFSET ?", [LIMIT, LIMIT]),
        ("SELECT a FROM t WHERE a IN (?, ?) AND b BETWEEN ? AND ? OR f(?)", [COMPARED] * 4 + [FREE]),
        ("SELECT a FROM t WHERE a = ? + 1 AND b = -? AND c > 5 - ?", [FREE] * 3),
        ("SELECT a FROM t WHERE qserv_areaspec_box(?, ?, ?, ?)", [COMPARED] * 4),
        ("SELECT a FROM t GROUP BY ?, b, ? + 1 ORDER BY ? DESC, ?", [COMPARED, FREE, COMPARED, COMPARED]),
        ("SELECT a FROM t WHERE a = (SELECT ? FROM u LIMIT ?) AND b = ?", [FREE, LIMIT, COMPARED]),
    ],
)
def test_places(sql: str, places: list[Place]) -> None:
    assert list(template(sql).places) == places


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT DATE ?",
        "SELECT ? ?",
        "SELECT 'a' ?",
        "SELECT _utf8 ?",
        "SELECT a ? FROM t",
        "SELECT 1 AS ?",
        "SELECT a FROM ?",
        "SELECT ?.a FROM t",
        "SELECT t.? FROM t",
        "SELECT @?",
        "SELECT ??",
        "SELECT x'41' ?",
        "SELECT f ?(1)",
        "SELECT SUM(a) OVER (ORDER BY a ROWS ? PRECEDING) FROM t",
    ],
)
def test_misplaced(sql: str) -> None:
    with pytest.raises(SQLError) as caught:
        template(sql)
    assert caught.value.code == 1064
    assert "?" in caught.value.message
