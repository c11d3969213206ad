"""The embedded engine as a backend: loading, streaming, leaving early, scratch tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from qproxy.backends.base import DEFAULT_SETTINGS, ResultStream
from qproxy.backends.duckdb.backend import DuckDBBackend
from qproxy.errors import SQLError
from qproxy.wire.rowblock import decode_rows

COLUMNS = ["id", "x", "name", "day", "data"]


@pytest_asyncio.fixture
async def backend() -> AsyncIterator[DuckDBBackend]:
    made = DuckDBBackend("embedded")
    await made.execute("CREATE DATABASE d")
    await made.execute(
        "CREATE TABLE d.T (id BIGINT NOT NULL, x FLOAT, name VARCHAR(20), day DATE, data BLOB, KEY (id)) ENGINE=Aria"
    )
    await made.execute("CREATE TABLE d.T_1 LIKE d.T")
    yield made
    await made.close()


async def rows_of(statement: AbstractAsyncContextManager[ResultStream]) -> list[list[bytes | None]]:
    async with statement as stream:
        return [row async for block in stream for row in decode_rows(block)]


async def test_loads_a_plain_chunk_file(backend: DuckDBBackend, tmp_path: Path) -> None:
    file = tmp_path / "c.tsv"
    file.write_bytes(b"1\t1.5\t\\N\t2020-01-02\tab\n2\t\\N\t\xc3\xa9\t\\N\t\\N\n")
    assert await backend.load("d", "T_1", COLUMNS, file, "utf8mb4") == 2
    rows = await rows_of(backend.query("SELECT * FROM d.T_1 AS t ORDER BY id", DEFAULT_SETTINGS))
    assert rows == [[b"1", b"1.5", None, b"2020-01-02", b"ab"], [b"2", None, "é".encode(), None, None]]


async def test_loads_escapes_and_latin1(backend: DuckDBBackend, tmp_path: Path) -> None:
    file = tmp_path / "c.tsv"
    file.write_bytes(b"1\t1\ta\\tb\\\\\\\nc\\n\t\\N\t\\0\xff\n2\t\\N\t\xe9\x80\t\\N\tN\n")
    assert await backend.load("d", "T_1", COLUMNS, file, "latin1") == 2
    rows = await rows_of(backend.query("SELECT name, data FROM d.T_1 AS t ORDER BY id", DEFAULT_SETTINGS))
    assert rows == [[b"a\tb\\\nc\n", b"\0\xff"], ["é€".encode(), b"N"]]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b"1\t1\tx\n", 1261),
        (b"one\t1\tx\t\\N\t\\N\n", 1366),
        (b"1\t1\tx\tnever\t\\N\n", 1366),
        (b"\\N\t1\tx\t\\N\t\\N\n", 1366),
    ],
)
async def test_a_bad_row_loads_nothing(backend: DuckDBBackend, tmp_path: Path, row: bytes, code: int) -> None:
    file = tmp_path / "c.tsv"
    file.write_bytes(b"1\t1\tx\t\\N\t\\N\n" + row)
    with pytest.raises(SQLError) as caught:
        await backend.load("d", "T_1", COLUMNS, file, "utf8mb4")
    assert caught.value.code == code
    assert await rows_of(backend.query("SELECT COUNT(*) FROM d.T_1 AS t", DEFAULT_SETTINGS)) == [[b"0"]]


async def test_definitions(backend: DuckDBBackend) -> None:
    with pytest.raises(SQLError) as caught:
        await backend.execute("CREATE TABLE d.T (id INT)")
    assert caught.value.code == 1050
    with pytest.raises(SQLError) as caught:
        await backend.execute("DROP TABLE d.nosuch")
    assert caught.value.code == 1051
    await backend.execute("DROP TABLE IF EXISTS d.nosuch")
    await backend.execute("DROP DATABASE d")
    with pytest.raises(SQLError) as caught:
        backend.translate("SELECT id FROM d.T AS t")
    assert caught.value.code == 1146


async def fill(backend: DuckDBBackend, tmp_path: Path, rows: int) -> None:
    file = tmp_path / "many.tsv"
    file.write_bytes(b"".join(b"%d\t%d.5\tn%d\t\\N\t\\N\n" % (i, i, i) for i in range(rows)))
    assert await backend.load("d", "T_1", COLUMNS, file, "utf8mb4") == rows


async def test_leaving_early_stops_the_statement(backend: DuckDBBackend, tmp_path: Path) -> None:
    await fill(backend, tmp_path, 50_000)
    pairs = backend.query("SELECT a.id, b.name FROM d.T_1 AS a, d.T_1 AS b", DEFAULT_SETTINGS)
    async with asyncio.timeout(20), pairs as stream:
        async for block in stream:
            assert block.rows
            break
    assert await rows_of(backend.query("SELECT COUNT(*) FROM d.T_1 AS t", DEFAULT_SETTINGS)) == [[b"50000"]]


async def test_cancelling_interrupts_the_engine(backend: DuckDBBackend, tmp_path: Path) -> None:
    await fill(backend, tmp_path, 100_000)
    endless = "SELECT COUNT(*) FROM d.T_1 AS a, d.T_1 AS b WHERE SIN(a.x * b.x) > 2"
    async with asyncio.timeout(20):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rows_of(backend.query(endless, DEFAULT_SETTINGS)), 0.3)


async def test_scratch_merges_partial_rows(backend: DuckDBBackend, tmp_path: Path) -> None:
    await fill(backend, tmp_path, 20_000)
    partial = "SELECT COUNT(*) AS n, SUM(id) AS s, MAX(name) AS m, MAX(day) AS day FROM d.T_1 AS t"
    async with backend.scratch("q_7", partial, DEFAULT_SETTINGS) as scratch:
        async with backend.query(backend.translate(partial), DEFAULT_SETTINGS) as stream:
            async for block in stream:
                await scratch.append(block)
                await scratch.append(block)
        merged = scratch.query("SELECT SUM(n) AS n, SUM(s) / SUM(n) AS a, MAX(m) AS m, MAX(day) AS day FROM q_7")
        assert await rows_of(merged) == [[b"40000", b"9999.5000", b"n9999", None]]
    with pytest.raises(SQLError):
        backend.translate("SELECT n FROM q_7")


async def test_group_concat_of_another_length_is_refused(backend: DuckDBBackend, tmp_path: Path) -> None:
    await fill(backend, tmp_path, 3)
    settings = replace(DEFAULT_SETTINGS, group_concat=10)
    assert await rows_of(backend.query("SELECT COUNT(*) AS n FROM d.T_1 AS t", settings)) == [[b"3"]]
    with pytest.raises(SQLError, match="group_concat_max_len"):
        await rows_of(backend.query("SELECT GROUP_CONCAT(id ORDER BY id) AS g FROM d.T_1 AS t", settings))


async def test_empty_result_has_its_columns(backend: DuckDBBackend) -> None:
    async with backend.query(
        "SELECT id, name, COUNT(*) AS n FROM d.T AS t GROUP BY id, name", DEFAULT_SETTINGS
    ) as stream:
        assert [(c.name, int(c.type)) for c in stream.columns] == [("id", 8), ("name", 253), ("n", 8)]
        assert [block async for block in stream] == []
