"""What tests of several rooms share: the small cluster, started once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.small import Small, small_cluster


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-case",
        action="store_true",
        help="the corpus: every case on every system, not on some of them one in eight",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share servers in one process, where there are several."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    """A system of the corpus, else the directory of the test."""
    system, dash, _ = item.name.rpartition("-")
    return system if dash and item.name.startswith("test_answer[") else str(item.path.parent)


@pytest.fixture(scope="session")
async def small() -> AsyncIterator[Small]:
    async with small_cluster() as one:
        yield one
