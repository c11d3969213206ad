"""scisql_median and scisql_percentile on a plain MariaDB, against numpy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pytest
import sqlglot
from sqlglot import exp

from qproxy.errors import SQLError
from qproxy.planner import render
from qproxy.planner.percentiles import check_percentiles, has_percentile, is_percentile, stand_in, with_percentiles
from qproxy.planner.query import Order
from tests.harness.mariadbd import running_server

DOUBLE, LARGE = 5, 100_000


@pytest.fixture(scope="module")
def cursor() -> Iterator[Any]:
    with running_server() as server:
        server.script(["CREATE DATABASE p CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"])
        with closing(server.connect("p")) as connection, connection.cursor() as found:
            yield found


def plain(sql: str) -> str:
    """A SELECT over one table as it would run on a server."""
    tree = sqlglot.parse_one(sql, dialect="mysql")
    group, having, order = (tree.args.get(k) for k in ("group", "having", "order"))
    groups = group.expressions if group else None
    rollup = bool(group and group.args.get("rollup"))
    items = [i.unalias() for i in tree.expressions]
    orders = [Order(o.this, bool(o.args.get("desc"))) for o in (order.expressions if order else ())]
    conditions = [having.this] if having else []
    check_percentiles([*items, *conditions, *(o.expression for o in orders)], groups or (), rollup=rollup)
    table = render.sql(tree.args["from_"].this)
    ranked = with_percentiles(table, items, groups, conditions[0] if having else None, orders, rollup=rollup)
    assert not has_percentile(*ranked.items, ranked.having, *(o.expression for o in ranked.orders))
    return render.select(
        [render.sql(i) for i in ranked.items],
        from_=f"FROM {ranked.table}",
        groups=groups,
        rollup=rollup,
        having=ranked.having,
        orders=ranked.orders,
    )


def rows(cursor: Any, sql: str) -> list[tuple[Any, ...]]:
    cursor.execute(plain(sql))
    return list(cursor.fetchall())


def fill(cursor: Any, columns: str, values: Sequence[Sequence[Any]]) -> None:
    # As the scratch table of a merge is: a temporary table can be named but once in a statement.
    cursor.execute("DROP TEMPORARY TABLE IF EXISTS t")
    cursor.execute(f"CREATE TEMPORARY TABLE t ({columns})")
    if values:
        cursor.executemany(f"INSERT INTO t VALUES ({', '.join(['%s'] * len(values[0]))})", values)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10, 101])
def test_values_of_one_group(cursor: Any, count: int) -> None:
    values = np.random.default_rng(count).normal(0, 1e3, count)
    fill(cursor, "x DOUBLE", [[float(v)] for v in values] + [[None]] * 3)
    percentages = [0, 0.5, 10, 25, 33.3, 50, 70, 90, 99.9, 100]
    calls = ", ".join(f"scisql_percentile(x, {p})" for p in percentages)
    found = rows(cursor, f"SELECT scisql_median(x), {calls} FROM t")
    wanted = [np.median(values), *np.percentile(values, percentages)]
    assert found == [pytest.approx(tuple(wanted), rel=1e-12)]
    assert {d[1] for d in cursor.description} == {DOUBLE}


def test_no_values(cursor: Any) -> None:
    fill(cursor, "g INT, x DOUBLE", [])
    assert rows(cursor, "SELECT scisql_median(x), COUNT(*) FROM t") == [(None, 0)]
    assert rows(cursor, "SELECT g, scisql_median(x) FROM t GROUP BY g") == []
    fill(cursor, "g INT, x DOUBLE", [[1, None], [1, None]])
    assert rows(cursor, "SELECT scisql_percentile(x, 0), scisql_percentile(x, 100), COUNT(*) FROM t") == [
        (None, None, 2)
    ]


def test_ties_are_exact(cursor: Any) -> None:
    fill(cursor, "x DOUBLE", [[0.1]] * 6 + [[0.3]] * 3)
    assert rows(cursor, "SELECT scisql_median(x), scisql_percentile(x, 37), scisql_percentile(x, 90) FROM t") == [
        (0.1, 0.1, 0.3)
    ]


def test_percentages_outside_their_range(cursor: Any) -> None:
    fill(cursor, "x DOUBLE", [[1], [2]])
    for percentage in ("-0.001", "100.001", "NULL"):
        assert rows(cursor, f"SELECT scisql_percentile(x, {percentage}) FROM t") == [(None,)]
    assert rows(cursor, "SELECT scisql_percentile(x, '25'), scisql_percentile(x, 20 + 5) FROM t") == [(1.25, 1.25)]


@pytest.mark.parametrize(
    ("kind", "values", "median"),
    [
        ("DECIMAL(20,4)", ["1.0001", "1.0002"], 1.00015),
        ("BIGINT", [2**62, 2**62 + 4096, -5], 2.0**62),
        ("BIGINT UNSIGNED", [2**64 - 1, 0, 2**63], 2.0**63),
        ("TINYINT", [-1, 2], 0.5),
        ("FLOAT", [1.5, 2.5], 2.0),
        ("VARCHAR(10)", ["10", "9", "100"], 10.0),
        ("BIT(8)", [1, 5, 255], 5.0),
        ("DATE", ["2024-01-01", "2024-01-03"], 20240102.0),
    ],
)
def test_types(cursor: Any, kind: str, values: list[Any], median: float) -> None:
    fill(cursor, f"x {kind}", [[v] for v in values])
    assert rows(cursor, "SELECT scisql_median(x) FROM t") == [(median,)]
    assert cursor.description[0][1] == DOUBLE


def test_groups(cursor: Any) -> None:
    random = np.random.default_rng(8)
    groups, values = random.integers(0, 7, 500).tolist(), random.exponential(1.0, 500).tolist()
    fill(cursor, "g INT, x DOUBLE", [*zip(groups, values, strict=True), (None, 1.0), (None, 4.0), (99, None)])
    found = rows(
        cursor,
        "SELECT g, scisql_median(x), ROUND(scisql_percentile(x, 90) - scisql_percentile(x, 10), 6), AVG(x), COUNT(*),"
        " scisql_percentile(x, g * 10) FROM t GROUP BY g ORDER BY g",
    )
    assert found[0] == (None, 2.5, 2.4, 2.5, 2, None)
    assert found[-1] == (99, None, None, None, 1, None)
    assert len(found) == 9
    for g, median, spread, mean, count, tenth in found[1:-1]:
        ours = [v for k, v in zip(groups, values, strict=True) if k == g]
        low, high, some = np.percentile(ours, [10, 90, g * 10])
        assert (median, mean, tenth) == pytest.approx((np.median(ours), np.mean(ours), some), rel=1e-12)
        assert spread == pytest.approx(high - low, abs=1e-6)
        assert count == len(ours)


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_nopad_bin", "utf8mb4_unicode_ci"])
def test_groups_are_those_of_the_collation(cursor: Any, collation: str) -> None:
    keys = ["a", "A", "a ", "ä", "Ä", "b", "", " ", None]
    fill(cursor, f"k VARCHAR(9) COLLATE {collation}, x DOUBLE", [[k, n] for n, k in enumerate(keys * 3)])
    found = rows(
        cursor, "SELECT k, scisql_percentile(x, 0), scisql_percentile(x, 100), scisql_median(x) FROM t GROUP BY k"
    )
    cursor.execute("SELECT k, MIN(x), MAX(x) FROM t GROUP BY k")
    assert sorted(r[1:3] for r in found) == sorted(r[1:] for r in cursor.fetchall())
    assert all(r[3] is not None for r in found)


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("DOUBLE", [0.0, -0.0, 1.5, None]),
        ("DECIMAL(9,2)", ["1.10", "1.1", "-1"]),
        ("ENUM('b','a')", ["a", "b", None]),
        ("BIT(4)", [0, 15, None]),
        ("DATETIME(6)", ["2024-01-01", "2024-01-01 00:00:00.000001"]),
        ("BLOB", [b"a", b"A", b"a ", None]),
    ],
)
def test_groups_of_types(cursor: Any, kind: str, keys: list[Any]) -> None:
    fill(cursor, f"k {kind}, x DOUBLE", [[k, n] for n, k in enumerate(keys * 4)])
    found = rows(cursor, "SELECT k, scisql_percentile(x, 0), scisql_percentile(x, 100) FROM t GROUP BY k")
    cursor.execute("SELECT k, MIN(x), MAX(x) FROM t GROUP BY k")
    assert sorted(map(repr, found)) == sorted(map(repr, cursor.fetchall()))


def test_keys_that_are_expressions(cursor: Any) -> None:
    fill(cursor, "g INT, h INT, x DOUBLE", [(n % 5, n % 3, n) for n in range(60)])
    found = rows(cursor, "SELECT g % 2, h, scisql_median(x), scisql_percentile(x, g % 2) FROM t GROUP BY g % 2, h")
    for g, h, median, low in found:
        ours = [n for n in range(60) if n % 5 % 2 == g and n % 3 == h]
        assert (median, low) == pytest.approx((np.median(ours), np.percentile(ours, g)))
    assert len(found) == 6
    assert rows(cursor, "SELECT scisql_median(x) FROM t GROUP BY 'all'") == [(29.5,)]


def test_having_and_order(cursor: Any) -> None:
    fill(cursor, "g INT, x DOUBLE", [(n % 6, n * n % 17) for n in range(90)])
    medians = {g: float(np.median([n * n % 17 for n in range(90) if n % 6 == g])) for g in range(6)}
    limit = sorted(medians.values())[2]
    found = rows(
        cursor,
        f"SELECT g FROM t GROUP BY g HAVING scisql_median(x) > {limit!r} AND COUNT(*) > 1"
        " ORDER BY ABS(scisql_median(x)) DESC, g",
    )
    wanted = sorted((g for g in medians if medians[g] > limit), key=lambda g: (-medians[g], g))
    assert [g for (g,) in found] == wanted
    assert rows(cursor, "SELECT COUNT(*) FROM t HAVING scisql_median(x) > 1e9") == []


def test_rollup(cursor: Any) -> None:
    fill(cursor, "g INT, h INT, x DOUBLE", [(n % 3, n % 4 if n % 3 else 1, n * n % 101) for n in range(120)])
    found = rows(cursor, "SELECT g, h, COUNT(*), scisql_median(x) FROM t GROUP BY g, h WITH ROLLUP")
    assert len(found) == 1 + 3 + 4 + 4 + 1
    for g, h, count, median in found:
        ours = [n * n % 101 for n in range(120) if g in (None, n % 3) and h in (None, n % 4 if n % 3 else 1)]
        assert (count, median) == (len(ours), np.median(ours))


def test_large_group(cursor: Any) -> None:
    cursor.execute("DROP TEMPORARY TABLE IF EXISTS t")
    cursor.execute(f"CREATE TEMPORARY TABLE t SELECT SQRT(seq * 7919 % 100003) AS x FROM seq_1_to_{LARGE}")
    values = np.sqrt(np.arange(1, LARGE + 1) * 7919 % 100003)
    found = rows(cursor, "SELECT scisql_median(x), scisql_percentile(x, 99.99), COUNT(*) FROM t")
    assert found == [pytest.approx((np.median(values), np.percentile(values, 99.99), LARGE), rel=1e-12)]


def test_extremes_of_doubles(cursor: Any) -> None:
    fill(cursor, "x DOUBLE", [[-1e308], [-1e308], [1e308], [5e-324]])
    assert rows(cursor, "SELECT scisql_percentile(x, 0), scisql_percentile(x, 100) FROM t") == [(-1e308, 1e308)]


@pytest.mark.parametrize(
    ("sql", "code", "text"),
    [
        ("SELECT scisql_median() FROM t", 1582, "scisql_median"),
        ("SELECT scisql_median(x, 1) FROM t", 1582, "scisql_median"),
        ("SELECT scisql_percentile(x) FROM t", 1582, "scisql_percentile"),
        ("SELECT scisql_median(DISTINCT x) FROM t", 1064, "scisql_median"),
        ("SELECT scisql_median(*) FROM t", 1064, "scisql_median"),
        ("SELECT scisql_median(x) OVER (PARTITION BY g) FROM t", 1064, "OVER"),
        ("SELECT scisql_median(SUM(x)) FROM t", 1111, "Invalid use of group function"),
        ("SELECT scisql_percentile(scisql_median(x), 1) FROM t", 1111, "Invalid use of group function"),
        ("SELECT scisql_percentile(x, g) FROM t", 1235, "the same for all rows of a group"),
        ("SELECT scisql_percentile(x, g + h) FROM t GROUP BY g", 1235, "scisql_percentile"),
        ("SELECT scisql_percentile(x, RAND()) FROM t", 1235, "scisql_percentile"),
        ("SELECT scisql_percentile(x, g) FROM t GROUP BY g WITH ROLLUP", 1235, "scisql_percentile"),
    ],
)
def test_refused(sql: str, code: int, text: str) -> None:
    with pytest.raises(SQLError, match=text) as refused:
        plain(sql)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("scisql_median(x)", True),
        ("SCISQL_Percentile(x, 3)", True),
        ("scisql_median_0_3_11(x)", True),
        ("median(x)", False),
        ("scisql_angSep(1, 2, 3, 4)", False),
        ("SUM(x)", False),
    ],
)
def test_calls(call: str, found: bool) -> None:
    node = sqlglot.parse_one(call, dialect="mysql")
    assert is_percentile(node) is found
    aggregate = exp.AnonymousAggFunc(this=node.this, expressions=node.expressions)
    assert not isinstance(node.this, str) or is_percentile(aggregate) is found


def test_stand_in_has_its_type(cursor: Any) -> None:
    fill(cursor, "x DECIMAL(9,2), s VARCHAR(9)", [["1.5", "a"]])
    for call in ("scisql_median(x)", "1 + scisql_percentile(s, 3)", "IF(scisql_median(x) > 1, 2e0, 1e0)"):
        cursor.execute(f"SELECT {render.sql(stand_in(sqlglot.parse_one(call, dialect='mysql')))} FROM t LIMIT 0")
        assert cursor.description[0][1] == DOUBLE
