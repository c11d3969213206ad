"""What tests of several rooms share: the small cluster, started once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.small import Small, small_cluster


@pytest.fixture(scope="session")
async def small() -> AsyncIterator[Small]:
    async with small_cluster() as one:
        yield one
