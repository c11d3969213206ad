from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.answers import Answer, Refusal, ResultColumn
from tests.harness.corpus import LOOSE, Case, CorpusError, ExpectedError, read_topic
from tests.harness.judge import Verdicts

ANSWER = Answer((ResultColumn("id", 8),), ((b"1",), (b"2",)))


def topic(directory: Path, text: str) -> list[Case]:
    path = directory / "stars.yaml"
    path.write_text(text, encoding="utf-8")
    return read_topic(path)


def test_a_query_alone_is_a_case(tmp_path: Path) -> None:
    (case,) = topic(tmp_path, "bright: SELECT 1")
    assert case == Case("stars.bright", "SELECT 1", "SELECT 1")


def test_all_keys_are_read(tmp_path: Path) -> None:
    one, two = topic(
        tmp_path,
        "a: {q: SELECT 1, oracle: SELECT 2, ordered: [1, 2], loose: true, database: extra, empty: true}\n"
        "b: {q: SELECT, error: {code: 1064, text: syntax}}\n",
    )
    assert one == Case("stars.a", "SELECT 1", "SELECT 2", (1, 2), loose=LOOSE, database="extra", empty=True)
    assert two.error == ExpectedError(1064, "syntax")


@pytest.mark.parametrize(
    "text",
    ["a: {x: 1}", "a: {q: SELECT 1, colour: red}", "a: {q: SELECT 1, error: 1064}", "- SELECT 1", "a: q\na: r"],
)
def test_mistakes_are_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(CorpusError):
        topic(tmp_path, text)


def verdicts() -> Verdicts:
    return Verdicts(lambda sql, database: ANSWER)


def test_right_answer_has_no_faults() -> None:
    assert verdicts().faults(Case("t.a", "q", "q"), ANSWER) == []


def test_refusal_is_a_fault_unless_expected() -> None:
    refusal = Refusal(1146, "Table 'sky.x' doesn't exist")
    assert verdicts().faults(Case("t.a", "q", "q"), refusal)
    assert verdicts().faults(Case("t.a", "q", "q", error=ExpectedError(1146, "SKY.X")), refusal) == []
    assert verdicts().faults(Case("t.a", "q", "q", error=ExpectedError(1146, "other")), refusal)
    assert verdicts().faults(Case("t.a", "q", "q", error=ExpectedError(1054, "sky.x")), refusal)
    assert verdicts().faults(Case("t.a", "q", "q", error=ExpectedError(1146, "sky.x")), ANSWER)


def test_limited_rows_must_be_of_the_whole_answer_and_as_many() -> None:
    pool = Answer(ANSWER.columns, ((b"1",), (b"2",), (b"3",)))
    judge = Verdicts(lambda sql, database: pool if sql == "all" else ANSWER)
    case = Case("t.a", "q", "q", limited="all")
    assert judge.faults(case, Answer(ANSWER.columns, ((b"3",), (b"1",)))) == []
    assert judge.faults(case, Answer(ANSWER.columns, ((b"3",),)))
    assert judge.faults(case, Answer(ANSWER.columns, ((b"3",), (b"3",))))
