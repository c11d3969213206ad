"""What all corpus tests share: the rows, the oracle that holds them, and its answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import data
from tests.harness.answers import connect
from tests.harness.data import Catalogue
from tests.harness.judge import Connections, Verdicts
from tests.harness.oracle import running_oracle


def pytest_report_header() -> str:
    return f"corpus catalogue: seed {data.SEED}"


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """All rows of the corpus."""
    return data.make()


@pytest.fixture(scope="session")
def oracle(catalogue: Catalogue) -> Iterator[Connections]:
    """The plain server."""
    with running_oracle(catalogue) as server:
        connections = Connections(lambda database: connect(server.port, database))
        yield connections
        connections.close()


@pytest.fixture(scope="session")
def verdicts(oracle: Connections) -> Verdicts:
    """Judges by the oracle's answers; each is asked for once in a run."""
    return Verdicts(oracle.ask)
