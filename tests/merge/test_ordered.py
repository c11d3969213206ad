"""Ordered merge: the order of a real server, in memory and with runs in a file, within its limits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from random import Random

import pytest

from qproxy.backends.base import DEFAULT_SETTINGS
from qproxy.errors import SQLError
from qproxy.merge.ordered import ordered
from qproxy.planner.plan import KeyKind, Ordered, SortKey
from qproxy.wire.rowblock import RowBlock, decode_rows, encode_rows
from tests.harness.small import Small

Row = list[bytes | None]
LARGE = 64 << 20

#: Type of a column, what carries it as a key, its kind and width, and values that are hard to order.
HARD: Sequence[tuple[str, str, KeyKind, int, Sequence[str]]] = (
    ("DOUBLE", "x", KeyKind.REAL, 0, ("0", "-0.0", "1e-320", "-1e-320", "1e308", "-1e308", "0.1", "0.1+0.2", "-7",
                                      "1e15", "1e16", "123456789012345678", "1/3e0", "0.30000000000000004", "0.3")),
    ("FLOAT", "(x + 0e0)", KeyKind.REAL, 0, ("0.1", "0.10000001", "16777216", "16777217", "-3e38", "1e-40", "5")),
    ("DOUBLE(12,2)", "(x + 0e0)", KeyKind.REAL, 0, ("0.07", "0.08", "-0.07", "123456789.01", "0", "-9999999.99")),
    ("ENUM('z','a','m')", "(x + 0e0)", KeyKind.REAL, 0, ("'z'", "'a'", "'m'")),
    ("TINYINT", "x", KeyKind.INTEGER, 0, ("-128", "127", "0", "-1", "10", "9")),
    ("INT(8) UNSIGNED ZEROFILL", "x", KeyKind.INTEGER, 0, ("4294967295", "0", "10", "9")),
    ("YEAR", "x", KeyKind.INTEGER, 0, ("0", "1901", "2155", "2024")),
    ("BIGINT", "x", KeyKind.BIGINT, 0, ("-9223372036854775808", "9223372036854775807", "9223372036854775806", "0", "-1",
                                        "10", "9", "9007199254740993", "9007199254740992")),
    ("BIGINT UNSIGNED", "x", KeyKind.UNSIGNED, 0, ("18446744073709551615", "9223372036854775808", "0", "10", "9",
                                                   "9223372036854775807")),
    ("DECIMAL(18,4)", "x", KeyKind.DECIMAL, 4, ("-0.5", "0.5", "0.0001", "-0.0001", "99999999999999.9999", "0", "-7",
                                                "99999999999999.9998", "-99999999999999.9999", "12.5")),
    ("DECIMAL(18,0)", "x", KeyKind.DECIMAL, 0, ("-5", "5", "999999999999999999", "999999999999999998", "0")),
    ("DATE", "x", KeyKind.TEXT, 10, ("'0000-00-00'", "'1000-01-01'", "'9999-12-31'", "'2024-02-29'", "'2024-02-00'")),
    ("DATETIME", "x", KeyKind.TEXT, 19, ("'0000-00-00'", "'2024-02-29 23:59:59'", "'2024-03-01'", "'1999-01-01'")),
    ("DATETIME(3)", "x", KeyKind.TEXT, 23, ("'2024-01-01 00:00:00.999'", "'2024-01-01'", "'2024-01-01 00:00:01'")),
)  # fmt: skip


async def given(rows: Sequence[Row], size: int = 7) -> AsyncGenerator[RowBlock, None]:
    for first in range(0, len(rows), size):
        yield encode_rows(rows[first : first + size])


async def sorted_rows(merge: Ordered, rows: Sequence[Row], memory: int = LARGE, size: int = 7) -> list[Row]:
    async with aclosing(ordered(merge, given(rows, size), memory, LARGE)) as blocks:
        return [row async for block in blocks for row in decode_rows(block)]


async def ask(small: Small, sql: str) -> list[Row]:
    async with small.backends["w0"].query(sql, DEFAULT_SETTINGS) as stream:
        return [row async for block in stream for row in decode_rows(block)]


@pytest.mark.parametrize("memory", [LARGE, 400])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(("type_", "key", "kind", "width", "values"), HARD, ids=[h[0] for h in HARD])
async def test_the_order_is_the_server_s(
    small: Small, type_: str, key: str, kind: KeyKind, width: int, values: Sequence[str], descending: bool, memory: int
) -> None:
    backend = small.backends["w0"]
    await backend.execute("CREATE DATABASE IF NOT EXISTS ordering")
    await backend.execute(f"CREATE OR REPLACE TABLE ordering.t (n INT, x {type_} NULL)")
    listed = ", ".join(f"({n}, {v})" for n, v in enumerate(["NULL", *values, *values[:3], "NULL"]))
    await backend.execute(f"SET STATEMENT sql_mode='' FOR INSERT INTO ordering.t VALUES {listed}")
    way = "DESC" if descending else ""
    rows = await ask(small, f"SELECT {key}, n, n, x FROM ordering.t")
    Random(3).shuffle(rows)
    expected = await ask(small, f"SELECT n, x FROM ordering.t ORDER BY x {way}, n DESC")
    assert len(expected) == len(rows)
    first, second = SortKey(kind, descending, width), SortKey(KeyKind.INTEGER, True)
    assert await sorted_rows(Ordered((first, second)), rows, memory) == expected
    # A single key has a form of its own.
    alone = await sorted_rows(Ordered((first,)), [[k, n, x] for k, n, _, x in rows], memory)
    assert [x for _, x in alone] == [x for _, x in expected]
    assert sorted(alone) == sorted(expected)


def many(count: int) -> list[Row]:
    random = Random(11)
    keys = [random.randrange(count // 2) for _ in range(count)]
    return [[b"%d" % k, b"%d" % k, b"x" * random.randrange(300), b"%d" % n] for n, k in enumerate(keys)]


BY_NUMBER = (SortKey(KeyKind.INTEGER, False),)


@pytest.mark.parametrize("memory", [LARGE, 1 << 20, 1 << 16])
@pytest.mark.parametrize(("limit", "offset"), [(None, 0), (10, 0), (500, 1500), (0, 0), (9000, 100), (None, 7990)])
async def test_runs_limit_and_offset(memory: int, limit: int | None, offset: int) -> None:
    rows = many(8000)
    found = await sorted_rows(Ordered(BY_NUMBER, limit, offset), rows, memory, 500)
    ours = [int(row[0] or 0) for row in found]
    keys = sorted(int(row[0] or 0) for row in rows)
    assert ours == keys[offset : None if limit is None else offset + limit]
    given_rows = {tuple(row[1:]) for row in rows}
    assert len({tuple(row) for row in found}) == len(found)
    assert {tuple(row) for row in found} <= given_rows


@pytest.mark.parametrize("memory", [LARGE, 1 << 16])
async def test_keys_are_read_behind_values_of_any_length(memory: int) -> None:
    random = Random(4)
    lengths = (0, 1, 250, 251, 65_535, 65_536, 1 << 24)
    sizes = [None, *lengths[:-1]] * 12 + [lengths[-1]]
    rows: list[Row] = [
        [b"%d" % (n % 3), b"%d" % n, None if size is None else b"z" * size, b"%d" % random.randrange(50), b"end"]
        for n, size in enumerate(sizes)
    ]
    # The first column is hidden; of the others the last but one is the key that counts most.
    keys = (
        SortKey(KeyKind.INTEGER, True, column=2),
        SortKey(KeyKind.INTEGER, False),
        SortKey(KeyKind.INTEGER, True, column=0),
    )
    found = await sorted_rows(Ordered(keys), rows, memory)
    rows.sort(key=lambda row: (-int(row[3] or 0), int(row[0] or 0), -int(row[1] or 0)))
    assert found == [row[1:] for row in rows]


async def test_rows_of_many_packets_and_long_keys() -> None:
    sizes = [3, 1 << 24, 5, (1 << 24) - 6, (1 << 24) - 5, 9]
    rows: list[Row] = [[b"%300d" % -n, b"%d" % n, b"y" * size] for n, size in enumerate(sizes)]
    found = await sorted_rows(Ordered((SortKey(KeyKind.TEXT, False, 300),)), rows, size=2)
    assert [(row[0], len(row[1] or b"")) for row in found] == [
        (b"%d" % n, sizes[n]) for n in sorted(range(6), key=lambda n: b"%300d" % -n)
    ]


async def test_no_rows() -> None:
    assert await sorted_rows(Ordered(BY_NUMBER), []) == []


async def test_too_many_bytes_are_refused_in_plain_words() -> None:
    with pytest.raises(SQLError) as refused:
        async with aclosing(ordered(Ordered(BY_NUMBER), given(many(100)), LARGE, 2000)) as blocks:
            await anext(blocks)
    assert refused.value.code == 1104
    assert "merge.gather_limit_mb" in refused.value.message


async def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SQLError) as refused:
        async with aclosing(ordered(Ordered(BY_NUMBER), given(many(100)), 1000, LARGE, tmp_path / "none")) as blocks:
            await anext(blocks)
    assert refused.value.code == 1021
    assert str(tmp_path / "none") in refused.value.message


@pytest.mark.parametrize("key", [SortKey(KeyKind.DECIMAL, False, 2), SortKey(KeyKind.TEXT, False, 10)])
async def test_a_key_that_is_none_is_refused(key: SortKey) -> None:
    with pytest.raises(SQLError) as refused:
        await sorted_rows(Ordered((key,)), [[b"1.5", b"x"]])
    assert refused.value.code == 1105


@pytest.mark.parametrize("kind", KeyKind)
async def test_blocks_of_nothing_but_null(kind: KeyKind) -> None:
    rows: list[Row] = [[None, b"a"], [None, b"b"]]
    assert sorted(await sorted_rows(Ordered((SortKey(kind, False, 2),)), rows)) == [[b"a"], [b"b"]]


async def test_what_gives_the_rows_is_closed_with_it() -> None:
    closed = []

    async def source() -> AsyncGenerator[RowBlock, None]:
        try:
            yield encode_rows([[b"x", b"x"]])
            yield encode_rows([[b"1", b"1"]])
        finally:
            closed.append(1)

    with pytest.raises(SQLError):
        async with aclosing(ordered(Ordered(BY_NUMBER), source(), LARGE, LARGE)) as blocks:
            await anext(blocks)
    assert closed == [1]
