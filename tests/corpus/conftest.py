"""What all corpus tests share: the rows, the oracle that holds them, and its answers."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import pytest

from tests.harness import data
from tests.harness.answers import connect
from tests.harness.data import Catalogue
from tests.harness.judge import Connections, Verdicts
from tests.harness.oracle import running_oracle

#: Topics for which it matters where the sky is cut.
SKY = frozenset(
    ("across_chunks", "areas", "astronomy", "coverage", "empty", "ids", "joins_child", "joins_gathered", "limit")
) | {"match", "near", "orderby"}
#: Systems on which all cases run; on the others those of the sky, and of the rest one in eight, by their names.
WHOLE = ("cluster-18x10", "embedded-3x1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what would say the same again."""
    if config.getoption("--every-case"):
        return
    left_out = [item for item in items if item.name.startswith("test_answer[") and not _runs(item.name)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]


def _runs(name: str) -> bool:
    """Whether a test named ``test_answer[system-topic.case]`` is to run."""
    inside = name.removeprefix("test_answer[").removesuffix("]")
    system, _, case = inside.rpartition("-")
    return system in WHOLE or case.split(".", 1)[0] in SKY or crc32(case.encode()) % 8 == 0


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
def verdicts(oracle: Connections, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """Judges by the oracle's answers; each is asked for once in a run, of however many processes."""
    if worker_id == "master":
        return Verdicts(oracle.ask)
    shared = tmp_path_factory.getbasetemp().parent / "oracle"
    shared.mkdir(exist_ok=True)
    return Verdicts(oracle.ask, shared)
