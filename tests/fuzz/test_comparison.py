"""How an answer of the proxy is judged, with systems that say what they are told to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.fuzz.comparison import Comparison
from tests.fuzz.generator import Made
from tests.fuzz.nodes import Node
from tests.fuzz.query import Item, Key, Ref, Select
from tests.harness.answers import Answer, Refusal, ResultColumn
from tests.harness.judge import Connections

_X = Node("x")
ROWS = Select((Item(_X),), Ref("t", ""))
ORDERED = Select((Item(_X),), Ref("t", ""), orders=(Key(_X),), total=True)
FIRST = Select((Item(_X),), Ref("t", ""), limit=2)


_SWITCH = "SET SESSION optimizer_switch = "


class _Said(Connections):
    """A system with answers that were given beforehand, some of them for one value of its optimizer_switch."""

    def __init__(self, answers: Mapping[str, Answer | Refusal]) -> None:
        self.answers = answers
        self.plan = "'default'"

    def ask(self, sql: str, database: str) -> Answer | Refusal:
        if sql.startswith(_SWITCH):
            self.plan = sql.removeprefix(_SWITCH)
            return Answer((), ())
        return self.answers.get(self.plan + sql) or self.answers[sql]


def _rows(*values: str, kind: int = 3, **more: int) -> Answer:
    return Answer((ResultColumn("x", kind, **more),), tuple((v.encode(),) for v in values))  # type: ignore[arg-type]


def _kind(
    query: Select,
    wanted: Answer | Refusal,
    got: Answer | Refusal,
    twin: Answer | Refusal | None = None,
    pool: Answer | None = None,
) -> str:
    oracle = {query.sql(): wanted, ROWS.sql(): pool or wanted} if query.limit is not None else {query.sql(): wanted}
    said = (_Said(oracle), _Said({query.sql(): twin or wanted}), _Said({query.sql(): got}))
    return Comparison(*said, "sky").outcome(1, Made(query)).kind


def test_rows_count_whatever_their_order_unless_it_is_fixed() -> None:
    assert _kind(ROWS, _rows("1", "2"), _rows("2", "1")) == "alike"
    assert _kind(ORDERED, _rows("1", "2"), _rows("2", "1")) == "different"
    assert _kind(ROWS, _rows("1", "2"), _rows("1", "2", "2")) == "different"


def test_sums_may_differ_in_their_last_digits_alone() -> None:
    assert _kind(ROWS, _rows("1.0000000000000002", kind=5), _rows("1", kind=5)) == "alike"
    assert _kind(ROWS, _rows("1.00000000001", kind=5), _rows("1", kind=5)) == "different"
    assert _kind(ROWS, _rows("1.0000000000000002", kind=246), _rows("1", kind=246)) == "different"


def test_the_rows_of_a_limit_without_order_are_any_of_all() -> None:
    pool = _rows("1", "2", "3")
    assert _kind(FIRST, _rows("1", "2"), _rows("3", "2"), pool=pool) == "alike"
    assert _kind(FIRST, _rows("1", "2"), _rows("3", "4"), pool=pool) == "different"
    assert _kind(FIRST, _rows("1", "2"), _rows("3"), pool=pool) == "different"


def test_refusals() -> None:
    unsupported, unknown, lost = Refusal(1235, "no unions"), Refusal(1054, "no x"), Refusal(2013, "connection lost")
    assert _kind(ROWS, _rows("1"), unsupported) == "refused"
    assert _kind(ROWS, unknown, unknown) == "failed"
    assert _kind(ROWS, unknown, unsupported) == "failed"
    assert _kind(ROWS, unknown, _rows("1")) == "different"
    assert _kind(ROWS, unknown, Refusal(1064, "syntax")) == "different"
    assert _kind(ROWS, _rows("1"), unknown) == "different"
    assert _kind(ROWS, _rows("1"), lost) == "different"
    assert _kind(ROWS, Refusal(1969, "took too long"), _rows("1")) == "slow"


def test_what_plain_servers_answer_in_two_ways_is_left_open() -> None:
    assert _kind(ROWS, _rows("1"), _rows("2"), twin=_rows("3")) == "open"
    assert _kind(ROWS, _rows("1"), _rows("2"), twin=_rows("1")) == "different"


def test_what_a_plain_server_answers_by_its_plan_is_left_open() -> None:
    answers = {ROWS.sql(): _rows("1"), "'derived_merge=off'" + ROWS.sql(): _rows("3")}
    oracle, twin, proxy = _Said({ROWS.sql(): _rows("1")}), _Said(answers), _Said({ROWS.sql(): _rows("2")})
    assert Comparison(oracle, twin, proxy, "sky").outcome(1, Made(ROWS)).kind == "open"
    assert twin.plan == "'default'"
    answers["'derived_merge=off'" + ROWS.sql()] = _rows("1")
    assert Comparison(oracle, twin, proxy, "sky").outcome(1, Made(ROWS)).kind == "different"


@pytest.mark.parametrize(
    ("kind", "what", "one", "other"),
    [(253, "charset", 45, 63), (253, "length", 40, 80), (12, "scale", 6, 0)],
)
def test_definitions_of_columns_count(kind: int, what: str, one: int, other: int) -> None:
    assert _kind(ROWS, _rows("1", kind=kind, **{what: one}), _rows("1", kind=kind, **{what: other})) == "different"
    assert _kind(ROWS, _rows("1", kind=kind, **{what: one}), _rows("1", kind=kind, **{what: one})) == "alike"


def test_a_column_of_a_table_keeps_its_flags() -> None:
    columns = [ResultColumn("x", 254, flags=flags, origin="x") for flags in (256, 0)]
    enum, text = (Answer((column,), ((b"1",),)) for column in columns)
    assert _kind(ROWS, enum, text) == "different"
    assert _kind(ROWS, enum, enum) == "alike"


def test_short_integers_of_expressions_are_as_wide_as_a_temporary_table_makes_them() -> None:
    assert _kind(ROWS, _rows("1", kind=3, length=11), _rows("1", kind=8, length=11)) == "alike"
    assert _kind(ROWS, _rows("1", kind=3, length=11), _rows("1", kind=8, length=21)) == "different"
