"""Relay: limit and offset over blocks of any size."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from qproxy.merge.relay import relay
from qproxy.planner.plan import Relay
from qproxy.wire.rowblock import RowBlock, decode_rows, encode_rows


async def blocks_of(sizes: tuple[int, ...]) -> AsyncIterator[RowBlock]:
    number = 0
    for size in sizes:
        yield encode_rows([[str(number + i).encode()] for i in range(size)])
        number += size


@pytest.mark.parametrize("sizes", [(30,), (10, 10, 10), (1,) * 30, (0, 29, 1)])
@pytest.mark.parametrize(
    ("limit", "offset"), [(None, 0), (0, 0), (1, 0), (10, 0), (10, 5), (7, 9), (100, 0), (None, 12), (5, 40)]
)
async def test_limit_and_offset(sizes: tuple[int, ...], limit: int | None, offset: int) -> None:
    rows = [row[0] async for b in relay(Relay(limit, offset), blocks_of(sizes)) for row in decode_rows(b)]
    expected = range(30)[offset : None if limit is None else offset + limit]
    assert rows == [str(i).encode() for i in expected]


async def test_it_stops_asking_when_the_limit_is_reached() -> None:
    asked = []

    async def endless() -> AsyncIterator[RowBlock]:
        while True:
            asked.append(1)
            yield encode_rows([[b"x"]] * 4)

    assert sum([b.rows async for b in relay(Relay(6, 0), endless())]) == 6
    assert len(asked) == 2
