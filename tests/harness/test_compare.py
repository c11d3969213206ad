from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.answers import Answer, ResultColumn, Row
from tests.harness.compare import differences, surplus_rows

LONG, FLOAT, DOUBLE, LONGLONG, NEWDECIMAL, VAR_STRING = 3, 4, 5, 8, 246, 253

ID = ResultColumn("id", LONGLONG)
X = ResultColumn("x", DOUBLE)


def answer(*rows: Row, columns: tuple[ResultColumn, ...] = (ID, X)) -> Answer:
    return Answer(columns, rows)


ROWS = ((b"1", b"0.1"), (b"2", None), (b"2", None), (b"3", b"1e300"))


def test_equal_answers_do_not_differ() -> None:
    assert differences(answer(*ROWS), answer(*ROWS), order=True) == []


def test_order_counts_only_where_asked() -> None:
    other = answer(*reversed(ROWS))
    assert differences(answer(*ROWS), other) == []
    assert differences(answer(*ROWS), other, order=True)
    assert differences(answer(*ROWS), other, order=[1])


def test_ties_may_change_places_in_an_order_of_columns() -> None:
    wanted = answer((b"1", b"5.0"), (b"1", b"6.0"), (b"2", b"7.0"))
    got = answer((b"1", b"6.0"), (b"1", b"5.0"), (b"2", b"7.0"))
    assert differences(wanted, got, order=[1]) == []
    assert differences(wanted, got, order=True)


@pytest.mark.parametrize("order", [False, True])
def test_lost_and_doubled_rows_are_found(order: bool) -> None:
    assert any(
        "missing" in d or "3 rows, not 4" in d for d in differences(answer(*ROWS), answer(*ROWS[:3]), order=order)
    )
    assert differences(answer(*ROWS), answer(*ROWS, ROWS[1]), order=order)
    assert differences(answer(*ROWS), answer(ROWS[0], ROWS[0], *ROWS[2:]), order=order)


def test_doubles_may_differ_in_their_last_digits_only() -> None:
    wanted = answer((b"1", b"1.0"), (b"1", b"2.0"))
    assert differences(wanted, answer((b"1", b"2.0000000000000004"), (b"1", b"0.9999999999999999"))) == []
    assert differences(wanted, answer((b"1", b"2.0"), (b"1", b"1.00000000001")))
    assert differences(wanted, answer((b"1", b"2.0"), (b"1", b"1.00000000001")), relative=1e-9) == []


def test_the_last_digit_that_is_shown_may_be_rounded_otherwise() -> None:
    wanted, near, far = answer((b"0.12345678",)), answer((b"0.12345679",)), answer((b"0.12345680",))
    shown, full = (ResultColumn("v", DOUBLE, scale=8),), (ResultColumn("v", DOUBLE, scale=31),)
    assert differences(replace(wanted, columns=shown), replace(near, columns=shown)) == []
    assert differences(replace(wanted, columns=shown), replace(far, columns=shown))
    assert differences(replace(wanted, columns=full), replace(near, columns=full))


def test_double_is_not_equal_to_null() -> None:
    assert differences(answer((b"1", b"0")), answer((b"1", None)))


@pytest.mark.parametrize("kind", [LONG, FLOAT, NEWDECIMAL, VAR_STRING])
def test_other_types_must_be_equal_byte_for_byte(kind: int) -> None:
    columns = (ResultColumn("v", kind),)
    assert differences(answer((b"1.0",), columns=columns), answer((b"1.00",), columns=columns))


@pytest.mark.parametrize(
    "column",
    [
        ResultColumn("ID", LONGLONG),
        ResultColumn("id", LONG),
        ResultColumn("id", LONGLONG, unsigned=True),
    ],
)
def test_names_and_types_of_columns_count(column: ResultColumn) -> None:
    assert differences(answer(*ROWS), answer(*ROWS, columns=(column, X)))


def test_decimals_count() -> None:
    one, other = ResultColumn("d", NEWDECIMAL, 2), ResultColumn("d", NEWDECIMAL, 4)
    assert differences(answer((b"1.00",), columns=(one,)), answer((b"1.00",), columns=(other,)))
    assert differences(answer(columns=(one,)), answer(columns=(other,)), types=False) == []


def test_number_of_columns_counts() -> None:
    assert differences(answer(), answer(columns=(ID,)))


def test_surplus_rows_are_those_that_the_pool_has_not() -> None:
    pool = answer(*ROWS)
    assert surplus_rows(pool, answer(ROWS[1], ROWS[2])) == []
    assert surplus_rows(pool, answer(ROWS[0], ROWS[0]))
    assert surplus_rows(pool, answer((b"9", None)))


def test_reports_are_short() -> None:
    many = [(str(n).encode(), None) for n in range(1000)]
    assert len(differences(answer(*many), answer())) < 10
