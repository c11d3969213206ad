"""Every case of the corpus on every system, at every striping: the answer must be that of the plain server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.answers import connect
from tests.harness.corpus import Case, read_corpus
from tests.harness.data import Catalogue
from tests.harness.files import Striping
from tests.harness.judge import Connections, Verdicts
from tests.harness.systems import clustered, embedded

STRIPINGS = (Striping(1, 1), Striping(3, 1), Striping(18, 10), Striping(85, 12))
KINDS = {"cluster": clustered, "embedded": embedded}
#: One chunk, some, and the demo's, where the engine takes seconds for what reads hundreds of chunks in one statement.
EMBEDDED_STRIPINGS = (Striping(1, 1), Striping(3, 1), Striping(18, 10))
SYSTEMS = [("cluster", striping) for striping in STRIPINGS] + [
    ("embedded", striping) for striping in EMBEDDED_STRIPINGS
]


@pytest.fixture(scope="module", params=SYSTEMS, ids=lambda system: f"{system[0]}-{system[1]}")
def system(request: Any, catalogue: Catalogue) -> Iterator[tuple[str, Connections]]:
    """One system with the corpus catalogue: its kind, and connections to its proxy."""
    kind, striping = request.param
    with KINDS[kind](catalogue, striping) as port:
        connections = Connections(lambda database: connect(port, database))
        yield kind, connections
        connections.close()


@pytest.mark.parametrize("case", read_corpus(), ids=lambda case: case.id)
def test_answer(case: Case, system: tuple[str, Connections], verdicts: Verdicts) -> None:
    kind, connections = system
    if kind == "embedded" and case.embedded:
        pytest.skip(f"DuckDB: {case.embedded}")
    faults = verdicts.faults(case, connections.ask(case.q, case.database))
    assert not faults, "\n".join([case.q, *faults])
