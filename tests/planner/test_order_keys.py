"""Which keys of ORDER BY the proxy compares itself, and what carries them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qproxy.catalog.model import Catalog, Column
from qproxy.planner.constants import SessionValues
from qproxy.planner.plan import Final, KeyKind, Ordered, Plan, SortKey
from qproxy.planner.planner import analyze, make_plan
from tests.harness.catalogs import catalog


def variable(name: str) -> str:
    raise KeyError(name)


def with_column(type_: str) -> Catalog:
    """The catalogue with one more column of Star, ``x``."""
    found = catalog()
    sky = found.databases["sky"]
    star = sky.tables["Star"]
    wider = replace(star, columns=(*star.columns, Column("x", type_, type_)))
    return replace(found, databases={**found.databases, "sky": replace(sky, tables={**sky.tables, "Star": wider})})


def planned(order: str, type_: str = "double", in_order: bool = True, items: str = "starId") -> Plan:
    session = SessionValues("sky", "me@here", 7, "10.11", variable)
    return make_plan(analyze(f"SELECT {items} FROM Star ORDER BY {order}", with_column(type_), session), {}, in_order)


@pytest.mark.parametrize(
    ("type_", "carried", "kind", "width"),
    [
        ("double", "`Star`.`x`", KeyKind.REAL, 0),
        ("double(10,2)", "(`Star`.`x` + 0e0)", KeyKind.REAL, 0),
        ("float", "(`Star`.`x` + 0e0)", KeyKind.REAL, 0),
        ("enum('b','a')", "(`Star`.`x` + 0e0)", KeyKind.REAL, 0),
        ("int(10) unsigned", "`Star`.`x`", KeyKind.INTEGER, 0),
        ("bigint(20)", "`Star`.`x`", KeyKind.BIGINT, 0),
        ("bigint(20) unsigned", "`Star`.`x`", KeyKind.UNSIGNED, 0),
        ("decimal(18,4)", "`Star`.`x`", KeyKind.DECIMAL, 4),
        ("date", "`Star`.`x`", KeyKind.TEXT, 10),
        ("datetime", "`Star`.`x`", KeyKind.TEXT, 19),
        ("timestamp(6)", "`Star`.`x`", KeyKind.TEXT, 26),
    ],
)
def test_columns_whose_text_tells_their_order(type_: str, carried: str, kind: KeyKind, width: int) -> None:
    plan = planned("(x) DESC", type_)
    assert plan.merge == Ordered((SortKey(kind, True, width),))
    assert plan.partial.startswith(f"SELECT {carried} AS `k0`, `Star`.`starId` AS `p0` FROM")


@pytest.mark.parametrize(
    "type_", ["decimal(19,4)", "time", "set('a','b')", "bit(8)", "blob", "text", "varbinary(10)", "inet6"]
)
def test_other_columns_are_left_to_an_engine(type_: str) -> None:
    assert isinstance(planned("x", type_).merge, Final)


@pytest.mark.parametrize("key", ["-x", "x + 1", "SQRT(ABS(starId)) / 2", "2 * (ra - x)", "ABS(x)", "1e0 * starId"])
def test_real_numbers_travel_with_all_their_digits(key: str) -> None:
    plan = planned(key)
    assert plan.merge == Ordered((SortKey(KeyKind.REAL, False),))
    assert " + 0e0) AS `k0`" in plan.partial


@pytest.mark.parametrize(
    "key",
    ["starId + 1", "RAND()", "x + RAND()", "FLOOR(x)", "x = 1", "-name", "starId / 3", "ABS(starId)", "IF(x, 1, 2)"],
)
def test_other_expressions_are_left_to_an_engine(key: str) -> None:
    assert isinstance(planned(key).merge, Final)


def test_one_key_for_an_engine_leaves_all_to_it() -> None:
    assert isinstance(planned("x, x = 1").merge, Final)
    assert isinstance(planned("x", in_order=False).merge, Final)


def test_of_a_limit_each_chunk_gives_its_first_rows() -> None:
    plan = planned("x DESC, starId LIMIT 5, 10")
    assert plan.merge == Ordered((SortKey(KeyKind.REAL, True), SortKey(KeyKind.BIGINT, False, column=0)), 10, 5)
    assert plan.partial.endswith("ORDER BY `Star`.`x` DESC, `Star`.`starId` LIMIT 15")
    assert plan.combined is not None
    assert plan.combined.endswith("AS `parts` ORDER BY `k0` DESC, `p0` LIMIT 15")
    assert plan.limit is None


@pytest.mark.parametrize(
    ("items", "order", "columns"),
    [
        ("starId, name, ra", "ra, starId DESC", [2, 0]),
        ("1, 2, 3, 4, 5, 6, ra", "ra", [6]),
        ("1, 2, 3, 4, 5, 6, 7, ra", "ra", [None]),
        ("1, 2, 3, starId", "starId", [None]),
        ("ra + 1, ra", "ra + 1", [None]),
        ("(ra + 1 + 0e0), ra AS starId", "starId, decl", [1, None]),
    ],
)
def test_a_column_of_the_answer_that_is_near_carries_the_key(items: str, order: str, columns: list[int | None]) -> None:
    plan = planned(order, items=items)
    assert isinstance(plan.merge, Ordered)
    assert [key.column for key in plan.merge.keys] == columns
    assert plan.partial.count(" AS `k") == columns.count(None)


@pytest.mark.parametrize("items", ["starId = 1", "CONCAT(name, 1)", "x"])
def test_what_a_derived_table_may_change_is_not_put_through_one(items: str) -> None:
    plan = planned("starId LIMIT 5", "bit(8)", items=items)
    assert isinstance(plan.merge, Ordered)
    assert plan.combined is None
