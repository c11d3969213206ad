"""The corpus on plain servers alone: a case that says nothing there would prove nothing elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.answers import connect
from tests.harness.corpus import Case, read_corpus
from tests.harness.data import Catalogue, shuffled
from tests.harness.judge import Connections, Verdicts
from tests.harness.oracle import running_oracle

CASES = read_corpus()
ANSWERED = [case for case in CASES if case.error is None]


@pytest.fixture(scope="module")
def reordered(catalogue: Catalogue) -> Iterator[Connections]:
    """A second plain server, with the same rows stored in another order."""
    with running_oracle(shuffled(catalogue)) as server:
        connections = Connections(lambda database: connect(server.port, database))
        yield connections
        connections.close()


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.id)
def test_case_has_one_answer(case: Case, verdicts: Verdicts, reordered: Connections) -> None:
    answer = verdicts.wanted(case.oracle, case.database)
    assert bool(answer.rows) != case.empty, f"{len(answer.rows)} rows"
    if case.limited is not None:
        assert len(verdicts.wanted(case.limited, case.database).rows) >= len(answer.rows)
    assert verdicts.faults(case, reordered.ask(case.oracle, case.database)) == []


def test_corpus_is_large_enough() -> None:
    assert len(CASES) >= 200
    assert len({case.id for case in CASES}) == len(CASES)
