"""Long lists of ids: what is lifted out of a statement, and that it comes back letter for letter."""

from __future__ import annotations

import pytest
from sqlglot import exp

from qproxy.errors import SQLError
from qproxy.planner.constants import SessionValues
from qproxy.planner.lists import LIST, lex, members
from qproxy.planner.plan import Lookup
from qproxy.planner.planner import Analysis, analyze, make_plan
from qproxy.sky.coverage import Coverage
from tests.harness.catalogs import catalog

SKY = catalog()
NUMBERS = ",".join(str(n) for n in range(-3, 40))
STRINGS = ", ".join(f"'s {n}'" for n in range(40))


def analysed(sql: str) -> Analysis:
    return analyze(sql, SKY, SessionValues("sky", "me@here", 7, "10.11", lambda name: name))


def sent(sql: str) -> str:
    analysis = analysed(sql)
    return make_plan(analysis, dict.fromkeys(analysis.lookups, Coverage.of_places([(36, 1)]))).partial


def kinds(sql: str) -> int:
    return sum(token.token_type is LIST for token in lex(sql))


@pytest.mark.parametrize("written", [NUMBERS, STRINGS, f" {NUMBERS}\n", NUMBERS.replace(",", " ,\n\t")])
def test_a_list_is_one_token_in_its_place(written: str) -> None:
    sql = f"SELECT 1 FROM t WHERE x IN({written}) AND y = 2"
    tokens = lex(sql)
    (listed,) = [t for t in tokens if t.token_type is LIST]
    assert listed.text == written.strip()
    assert [sql[t.start : t.end + 1] for t in tokens[-5:]] == [")", "AND", "y", "=", "2"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'x IN ({n})'",
        "SELECT 1 /* IN ({n}) */",
        "SELECT 1 -- IN ({n})",
        "SELECT `IN ({n})` FROM t",
        "SELECT ELT({n})",
        "SELECT main({n})",
        "SELECT x IN ({n}, 1 + 1)",
        "SELECT x IN ({n}, 1.5)",
        "SELECT x IN ({n}, 'a')",
        "SELECT x IN ({n}, NULL)",
        "SELECT x IN (1, 2, 3)",
        "SELECT x IN ({n} /* and so on */)",
    ],
)
def test_what_is_no_long_list_of_plain_ids_stays(sql: str) -> None:
    sql = sql.replace("{n}", NUMBERS)
    assert kinds(sql) == 0
    assert "x" not in [t.text for t in lex("SELECT 1 /* IN (" + NUMBERS + ") */")]


def test_strings_with_escapes_stay() -> None:
    for item in ("'it''s'", r"'a\'b'", '"a"', "'a' 'b'", "N'a'", "'§q0§'"):
        assert kinds(f"SELECT x IN ({STRINGS}, {item})") == 0


def test_what_a_list_holds() -> None:
    assert members(exp.Anonymous(this="\0" + NUMBERS)) == frozenset(range(-3, 40))
    assert members(exp.Anonymous(this="\0" + STRINGS)) == frozenset(f"s {n}" for n in range(40))
    for other in ("\x000x41", "\0DATE '2020-01-01, x'", "\x00§q0§", "ELT"):
        assert members(exp.Anonymous(this=other)) is None


def test_ids_are_looked_up_and_sent_as_written() -> None:
    sql = f"SELECT ra FROM Star WHERE starId IN ( {NUMBERS.replace(',', ' , ')})"
    assert analysed(sql).lookups == {Lookup(("sky", "Star"), frozenset(range(-3, 40)))}
    assert f"IN ({NUMBERS.replace(',', ' , ')})" in sent(sql)


def test_lists_of_another_type_than_the_ids_restrict_nothing() -> None:
    assert not analysed(f"SELECT ra FROM Star WHERE starId IN ({STRINGS})").lookups
    assert f"NOT IN ({NUMBERS})" in sent(f"SELECT ra FROM Star WHERE starId NOT IN ({NUMBERS})")


def test_positions_in_a_list_narrow_the_sky() -> None:
    everywhere = make_plan(analysed("SELECT 1 FROM Star WHERE mag > 0"), {}).chunks
    near = make_plan(analysed(f"SELECT 1 FROM Star WHERE decl IN ({NUMBERS})"), {}).chunks
    assert 0 < len(near) < len(everywhere)


def test_a_list_and_the_same_one_with_a_comment() -> None:
    commented = NUMBERS.replace(",", " /* , */ ,", 1)
    assert sent(f"SELECT ra FROM Star WHERE mag IN ({NUMBERS}) OR decl IN ({commented})").count("IN (-3") == 2


def test_digits_without_end_are_no_list() -> None:
    huge = "9" * 5000
    assert kinds(f"SELECT x IN ({NUMBERS}, {huge})") == 0


def test_what_was_lifted_is_still_guarded() -> None:
    with pytest.raises(SQLError) as refused:
        analysed(f"SELECT ra FROM Star WHERE LOAD_FILE('x') IN ({STRINGS})")
    assert refused.value.code == 1235
