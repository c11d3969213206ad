"""Constants, operators and literals of SQL arithmetic."""

import math

import pytest
import sqlglot
from sqlglot import exp

from qproxy.sky import arithmetic as sql
from qproxy.sky.arithmetic import constant


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("-1.5", -1.5),
        ("(2 + 3) * 4 / -8", -2.5),
        ("'10.25'", 10.25),
        ("1e400", None),
        ("1 / 0", None),
        ("a", None),
        ("'x'", None),
        ("NULL", None),
        ("RAND()", None),
    ],
)
def test_constants(text, value):
    assert constant(sqlglot.parse_one(text, dialect="mysql")) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1.0e0"),
        (-0.1, "-0.1e0"),
        (1e-7, "1e-07"),
        (-0.0, "0.0e0"),
        (1 / 3, "0.3333333333333333e0"),
        (1e300, "1e+300"),
    ],
)
def test_numbers_are_double_literals_with_every_digit(value, text):
    assert sql.number(value).sql("mysql") == text
    assert float(text) == value
    assert constant(sql.number(value)) == value


def test_operators_keep_their_order():
    a, b, c = (exp.column(n) for n in "abc")
    assert sql.sub(a.copy(), sql.sub(b.copy(), c.copy())).sql("mysql") == "a - (b - c)"
    assert sql.mul(sql.add(a.copy(), b.copy()), c.copy()).sql("mysql") == "(a + b) * c"
    assert sql.both(sql.either(a.copy(), b.copy()), c.copy()).sql("mysql") == "(a OR b) AND c"
    assert sql.sub(a.copy(), sql.number(-1)).sql("mysql") == "a - (-1.0e0)"


def test_constants_are_folded():
    assert sql.cos(sql.radians(sql.number(60))).sql("mysql") == f"{math.cos(math.radians(60))!r}e0"
    assert sql.div(sql.number(1), sql.number(0)).sql("mysql") == "1.0e0 / 0.0e0"
    assert sql.sqrt(sql.number(-1)).sql("mysql") == "SQRT(-1.0e0)"
