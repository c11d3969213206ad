"""Chunk tables of the embedded engine: one table behind their names, whatever is asked of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from qproxy.backends.base import DEFAULT_SETTINGS
from qproxy.backends.duckdb.backend import DuckDBBackend
from qproxy.backends.duckdb.chunks import CHUNK, chunks_named, resolved
from qproxy.errors import SQLError
from qproxy.wire.rowblock import decode_rows

STAR = "(`id` BIGINT NOT NULL, `name` VARCHAR(10))"
SOURCE = "(`sid` BIGINT NOT NULL, `id` BIGINT)"


@pytest_asyncio.fixture
async def backend() -> AsyncIterator[DuckDBBackend]:
    """Chunks 1, 2 and 5 of stars and of sources; a source of chunk 2 has the id of a star in chunk 1."""
    made = DuckDBBackend("embedded")
    await made.execute("CREATE DATABASE d")
    for table, body in (("Star", STAR), ("Source", SOURCE)):
        for name in (table, f"{table}_empty", f"{table}_1", f"{table}_2", f"{table}_5"):
            await made.execute(f"CREATE TABLE `d`.`{name}` {body}")
    await made.execute("INSERT INTO d.Star_1 (id, name) VALUES (10, 'a'), (11, 'b')")
    await made.execute("INSERT INTO d.Star_2 (id, name) VALUES (20, 'c')")
    await made.execute("INSERT INTO d.Star_5 (id, name) VALUES (50, 'd')")
    await made.execute("INSERT INTO d.Source_1 (sid, id) VALUES (100, 10), (101, 10)")
    await made.execute("INSERT INTO d.Source_2 (sid, id) VALUES (200, 20), (201, 10)")
    yield made
    await made.close()


def members(database: str, table: str) -> list[int] | None:
    return [1, 2, 5] if (database, table) == ("d", "Star") else None


async def asked(backend: DuckDBBackend, sql: str) -> list[list[bytes | None]]:
    async with backend.query(sql, DEFAULT_SETTINGS) as stream:
        return sorted(([row async for block in stream for row in decode_rows(block)]), key=str)


async def filled(backend: DuckDBBackend, template: str, *names: str) -> list[list[bytes | None]]:
    """Rows of a template whose placeholders 0, 1 ... stand for the names."""
    assert backend.spans(template)
    sql = backend.translate(template)
    for number, name in enumerate(names):
        sql = sql.replace(f"§{number}§{name.rsplit('_', 1)[0]}§", name)
    return await asked(backend, sql)


@pytest.mark.parametrize(
    ("name", "found"),
    [("Star_7", ("Star", [7])), ("a_1_2,3", ("a_1", [2, 3])), ("Star", None), ("Star_empty", None), ("Star_1,", None)],
)
def test_names_of_chunk_tables(name: str, found: tuple[str, list[int]] | None) -> None:
    assert chunks_named(name) == found


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("Star_2", f'"{CHUNK}" = 2'),
        ("Star_1,2,5", f'"{CHUNK}" BETWEEN 1 AND 5'),
        ("Star_1,5", f'"{CHUNK}" IN (1, 5)'),
        ("Star_empty", f'"{CHUNK}" IS NULL'),
    ],
)
def test_names_are_replaced(name: str, condition: str) -> None:
    sql = resolved(f'SELECT 1 FROM "d"."{name}" AS "s"', members)
    assert sql == f'SELECT 1 FROM (SELECT * FROM "d"."Star_empty" WHERE {condition}) AS "s"'


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT 1 FROM "d"."Star_3" AS "s"',
        'SELECT 1 FROM "d"."Band" AS "s"',
        """SELECT '"d"."Star_1"' FROM "d"."Band" AS "s" """,
        """SELECT 'it''s "d"."Star_1"', "a""b" FROM "d"."Band" AS "s" """,
        '/*q "d"."Star_1" */ SELECT 1',
    ],
)
def test_all_else_is_kept(sql: str) -> None:
    assert resolved(sql, members) == sql


async def test_a_chunk_table_has_its_own_rows(backend: DuckDBBackend) -> None:
    assert await asked(backend, "SELECT id FROM d.Star_1 AS s") == [[b"10"], [b"11"]]
    assert await asked(backend, "SELECT * FROM d.Star_5 AS s") == [[b"50", b"d"]]
    assert await asked(backend, "SELECT * FROM d.Star_empty AS s") == []
    assert await asked(backend, "SELECT * FROM d.Star AS s") == []
    with pytest.raises(SQLError) as caught:
        await asked(backend, "SELECT id FROM d.Star_3 AS s")
    assert caught.value.code == 1146


async def test_a_template_spans_chunks(backend: DuckDBBackend) -> None:
    template = "SELECT COUNT(*) AS n, MAX(id) AS m FROM d.`§0§Star§` AS s"
    assert await filled(backend, template, "Star_1,2,5") == [[b"4", b"50"]]
    assert await filled(backend, template, "Star_1,5") == [[b"3", b"50"]]
    assert await filled(backend, template, "Star_empty") == [[b"0", None]]


@pytest.mark.parametrize(
    ("join", "rows"),
    [
        ("JOIN", [[b"10", b"100"], [b"10", b"101"], [b"20", b"200"]]),
        ("LEFT JOIN", [[b"10", b"100"], [b"10", b"101"], [b"11", None], [b"20", b"200"]]),
        ("RIGHT JOIN", [[b"10", b"100"], [b"10", b"101"], [b"20", b"200"], [None, b"201"]]),
    ],
)
async def test_rows_meet_in_equal_chunks_only(
    backend: DuckDBBackend, join: str, rows: list[list[bytes | None]]
) -> None:
    template = f"SELECT s.id, o.sid FROM d.`§0§Star§` AS s {join} d.`§1§Source§` AS o ON o.id = s.id"
    assert await filled(backend, template, "Star_1,2", "Source_1,2") == sorted(rows, key=str)
    one_by_one = await filled(backend, template, "Star_1", "Source_1")
    one_by_one += await filled(backend, template, "Star_2", "Source_2")
    assert sorted(one_by_one, key=str) == sorted(rows, key=str)


async def test_a_third_table_meets_either_side_of_an_outer_join(backend: DuckDBBackend) -> None:
    template = (
        "SELECT s.id, o.sid, p.sid FROM d.`§0§Star§` AS s RIGHT JOIN d.`§1§Source§` AS o ON o.id = s.id "
        "JOIN d.`§2§Source§` AS p ON p.sid = o.sid"
    )
    found = await filled(backend, template, "Star_1,2", "Source_1,2", "Source_1,2")
    assert [b"10", b"100", b"100"] in found
    assert [None, b"201", b"201"] in found
    assert len(found) == 4


async def test_tables_without_a_condition_meet_in_equal_chunks_too(backend: DuckDBBackend) -> None:
    template = "SELECT COUNT(*) AS n FROM d.`§0§Star§` AS s, d.`§1§Source§` AS o"
    assert await filled(backend, template, "Star_1,2", "Source_1,2") == [[b"6"]]


def test_nested_placeholders_stand_for_one_chunk() -> None:
    backend = DuckDBBackend("embedded")
    assert not backend.spans("SELECT n FROM (SELECT COUNT(*) AS n FROM d.`§0§Star§` AS s) AS t")
    assert not backend.spans("SELECT id FROM d.`§0§Star§` AS s WHERE id = (SELECT MAX(id) FROM d.`§1§Star§` AS t)")
    assert not backend.spans("SELECT id FROM d.`§0§Star§` AS s LIMIT 3 OFFSET 2")
    assert backend.spans("SELECT id FROM d.`§0§Star§` AS s LIMIT 3")


async def test_files_are_loaded_together_and_a_wrong_one_alone_is_refused(
    backend: DuckDBBackend, tmp_path: Path
) -> None:
    texts = {1: b"1\tx\n2\t\\N\n", 2: b"3\ta\\nb\n4\ta\\\nb\n", 3: b"x\ty\n", 4: b"", 5: b"6\tz"}
    for chunk, text in texts.items():
        await backend.execute(f"CREATE TABLE IF NOT EXISTS `d`.`Star_{chunk}` {STAR}")
        (tmp_path / f"{chunk}.txt").write_bytes(text)
    loads = (backend.load("d", f"Star_{c}", ["id", "name"], tmp_path / f"{c}.txt", "utf8mb4") for c in texts)
    found = await asyncio.gather(*loads, return_exceptions=True)
    assert [found[0], found[1], found[3], found[4]] == [2, 2, 0, 1]
    assert isinstance(found[2], SQLError)
    assert found[2].code == 1366
    assert await asked(backend, "SELECT id, name FROM d.Star_2 AS s WHERE id < 10") == [
        [b"3", b"a\nb"],
        [b"4", b"a\nb"],
    ]
    tables = [*(f"Star_{c}" for c in texts), "Star", "Source_1"]
    assert await backend.count("d", tables) == [4, 3, 0, 0, 2, 0, 2]


async def test_a_load_that_is_cancelled_leaves_the_others(backend: DuckDBBackend, tmp_path: Path) -> None:
    file = tmp_path / "f.txt"
    file.write_bytes(b"1\tx\n")
    tasks = [asyncio.create_task(backend.load("d", f"Star_{c}", ["id", "name"], file, "utf8mb4")) for c in (1, 2, 5)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [1, 1]
    assert (await backend.count("d", ["Star_2", "Star_5"])) == [2, 2]


async def test_chunk_tables_can_be_dropped(backend: DuckDBBackend) -> None:
    await backend.execute("DROP TABLE d.Star_1")
    with pytest.raises(SQLError) as caught:
        await asked(backend, "SELECT id FROM d.Star_1 AS s")
    assert caught.value.code == 1146
    await backend.execute(f"CREATE TABLE `d`.`Star_1` {STAR}")
    assert await asked(backend, "SELECT id FROM d.Star_1 AS s") == []
    with pytest.raises(SQLError) as caught:
        await backend.execute(f"CREATE TABLE `d`.`Star_1` {STAR}")
    assert caught.value.code == 1050
    with pytest.raises(SQLError) as caught:
        await backend.execute("DROP TABLE d.Star_empty")
    assert caught.value.code == 1235


async def test_a_chunk_table_of_another_shape_is_a_table_of_its_own(backend: DuckDBBackend) -> None:
    await backend.execute("CREATE TABLE `d`.`Star_9` (`n` INT)")
    await backend.execute("INSERT INTO d.Star_9 (n) VALUES (3)")
    assert await asked(backend, "SELECT n FROM d.Star_9 AS s") == [[b"3"]]
    assert await backend.count("d", ["Star_9"]) == [1]
