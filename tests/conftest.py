"""What tests of several rooms share: the small cluster, started once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.small import Small, small_cluster


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-case",
        action="store_true",
        help="the corpus: every case on every system, not on some of them one in four",
    )


@pytest.fixture(scope="session")
async def small() -> AsyncIterator[Small]:
    async with small_cluster() as one:
        yield one
