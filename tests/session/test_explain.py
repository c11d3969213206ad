"""EXPLAIN and ANALYZE of queries: what is understood, and what real workers did."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import replace
from typing import Any

import pymysql
import pytest

from qproxy.config import Config
from qproxy.errors import SQLError
from qproxy.session.explain import asked
from qproxy.wire.server import Server
from tests.harness.small import ROWS, Small, proxied

SLOW = "SELECT SUM(SQRT(a.n + b.n + c.n + d.n + e.n)) FROM Factor a, Factor b, Factor c, Factor d, Factor e"


@pytest.mark.parametrize(
    ("sql", "json_", "run"),
    [
        ("EXPLAIN SELECT 1", False, False),
        ("desc (SELECT 1) UNION SELECT 2", False, False),
        ("DESCRIBE EXTENDED SELECT 1", False, False),
        ("EXPLAIN PARTITIONS SELECT 1", False, False),
        ("EXPLAIN FORMAT=JSON WITH a AS (SELECT 1) SELECT * FROM a", True, False),
        ("EXPLAIN FORMAT = traditional SELECT 1", False, False),
        ("EXPLAIN ANALYZE SELECT 1", False, True),
        ("EXPLAIN ANALYZE FORMAT=JSON SELECT 1", True, True),
        ("ANALYZE SELECT 1", False, True),
        ("ANALYZE FORMAT=JSON SELECT 1", True, True),
    ],
)
def test_what_is_asked_for(sql: str, json_: bool, run: bool) -> None:
    found = asked(sql)
    assert found is not None
    assert (found.json, found.run) == (json_, run)
    assert found.query.startswith(("SELECT", "(SELECT", "WITH"))


@pytest.mark.parametrize("sql", ["DESCRIBE Object", "DESC format", "ANALYZE TABLE Object", "SELECT 1", "EXPLAIN x y"])
def test_other_statements(sql: str) -> None:
    assert asked(sql) is None


@pytest.mark.parametrize(
    ("sql", "code", "text"),
    [
        ("EXPLAIN FORMAT=TREE SELECT 1", 1791, "Unknown EXPLAIN format name: 'TREE'"),
        ("EXPLAIN UPDATE Object SET id = 1", 1290, "(UPDATE)"),
        ("ANALYZE DELETE FROM Object", 1290, "(DELETE)"),
        ("EXPLAIN FOR CONNECTION 3", 1235, "EXPLAIN FOR CONNECTION"),
        ("EXPLAIN EXTENDED", 1064, "near ''"),
        ("EXPLAIN FORMAT=JSON Object", 1064, "near 'Object'"),
    ],
)
def test_what_cannot_be_explained(sql: str, code: int, text: str) -> None:
    with pytest.raises(SQLError) as refusal:
        asked(sql)
    assert refusal.value.code == code
    assert text in refusal.value.message


def proxy(small: Small, config: Config | None = None) -> AbstractAsyncContextManager[Server]:
    return proxied(small, config or Config())


def connected(server: Server) -> pymysql.Connection[Any]:
    return pymysql.connect(host="127.0.0.1", port=server.port, user="qproxy", database="two")


async def ask(server: Server, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    def run() -> tuple[list[str], list[tuple[Any, ...]]]:
        with closing(connected(server)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return [d[0] for d in cursor.description], list(cursor.fetchall())

    return await asyncio.to_thread(run)


NESTED = "SELECT id FROM Object WHERE id IN (SELECT b.id FROM Object b WHERE b.id < 30) AND id > 9"


async def test_the_plan_is_told_step_by_step(small: Small) -> None:
    async with proxy(small) as server:
        names, rows = await ask(server, f"EXPLAIN {NESTED}")
    assert names == ["step", "what", "detail"]
    steps = [step for step, _, _ in rows]
    assert steps == sorted(steps, key=["  step 1", "answer"].index)
    told = {(step.strip(), what): detail for step, what, detail in rows}
    assert told["step 1", "read by"].endswith("its ids tell the chunks")
    assert told["step 1", "fragment"] == "SELECT `b`.`id` FROM `two`.`Object_%CHUNK%` AS `b` WHERE " + ("`b`.`id` < 30")
    assert told["answer", "coverage"].startswith("at most ")
    assert "`step 1`" in told["answer", "fragment"]
    assert not any("§" in detail or "q_scratch" in detail for detail in told.values())
    assert "ran" not in {what for _, what in told}


async def test_what_was_run_is_counted_by_step(small: Small) -> None:
    async with proxy(small) as server:
        names, rows = await ask(server, f"ANALYZE FORMAT=JSON {NESTED}")
        assert await ask(server, NESTED.replace("id FROM", "COUNT(*) FROM", 1)) == (["COUNT(*)"], [(20,)])
    assert names == ["ANALYZE"]
    plan = json.loads(rows[0][0])["plan"]
    first = plan["first"][0]
    assert (plan["ran"]["rows"], first["ran"]["rows"]) == (20, 30)
    assert first["ran"]["fragment_rows"] == 30
    for step in (plan, first):
        assert step["ran"]["chunks"] == step["coverage"]["chunks"] <= 30
        assert step["coverage"]["at_most"] is False
        assert step["ran"]["fragments"] >= len(step["workers"])
        assert step["ran"]["retries"] == 0
        assert step["ran"]["bytes"] > 0
        assert 0 < step["ran"]["seconds"] < 60


async def test_statements_that_broke_off_are_counted(small: Small) -> None:
    async with proxy(small) as server:
        await ask(server, "SELECT 1")
        small.kill("w1")
        try:
            _, rows = await ask(server, "EXPLAIN ANALYZE FORMAT=JSON SELECT SUM(id) FROM Object")
        finally:
            await small.restart("w1")
    ran = json.loads(rows[0][0])["plan"]["ran"]
    assert ran["retries"] > 0
    assert ran["rows"] == 1


async def test_the_query_log_counts_the_chunks_of_all_steps(small: Small) -> None:
    async with proxy(small) as server:
        _, rows = await ask(server, f"ANALYZE FORMAT=JSON {NESTED} -- counted")
    (logged,) = [r for r in small.store.recent_queries(10) if r.statement.endswith("-- counted")]
    plan = json.loads(rows[0][0])["plan"]
    assert logged.chunks == plan["ran"]["chunks"] + plan["first"][0]["ran"]["chunks"]
    assert logged.error is None


async def test_a_query_that_is_analysed_can_be_killed(small: Small) -> None:
    async with proxy(small) as server:
        with closing(await asyncio.to_thread(connected, server)) as connection:
            number = connection.thread_id()

            def run() -> int:
                try:
                    connection.cursor().execute(f"EXPLAIN ANALYZE {SLOW}")
                except pymysql.MySQLError as error:
                    return int(error.args[0])
                return 0

            waiting = asyncio.create_task(asyncio.to_thread(run))
            deadline = time.monotonic() + 30
            while True:
                _, processes = await ask(server, "SHOW FULL PROCESSLIST")
                if any(p[0] == number and p[7] and "ANALYZE" in p[7] for p in processes):
                    break
                assert time.monotonic() < deadline
            await ask_done(server, f"KILL QUERY {number}")
            assert await asyncio.wait_for(waiting, 30) == 1317


async def ask_done(server: Server, sql: str) -> None:
    def run() -> None:
        with closing(connected(server)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)

    await asyncio.to_thread(run)


async def test_limits_hold(small: Small) -> None:
    config = replace(Config(), merge=replace(Config().merge, share_limit_mb=1))
    big = "SELECT COUNT(*) FROM Object a WHERE a.pad IN (SELECT CONCAT(b.pad, b.id) FROM Object b)"
    async with proxy(small, config) as server:
        with pytest.raises(pymysql.MySQLError) as refused:
            await ask(server, f"ANALYZE {big}")
        assert refused.value.args[0] == 1104
        _, rows = await ask(server, f"EXPLAIN {big}")
        assert any("at most 1 MB" in detail for _, _, detail in rows)
        with pytest.raises(pymysql.MySQLError) as late:
            await ask(server, f"SET STATEMENT max_statement_time = 0.2 FOR ANALYZE {SLOW}")
        assert late.value.args[0] == 1969


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("EXPLAIN SELECT nope FROM Object", 1054),
        ("EXPLAIN SELECT ABS(1, 2) FROM Object", 1582),
        ("EXPLAIN SELECT * FROM information_schema.tables", 1235),
        ("EXPLAIN SELECT SLEEP(1)", 1235),
    ],
)
async def test_what_is_refused_has_no_plan(small: Small, sql: str, code: int) -> None:
    async with proxy(small) as server:
        with pytest.raises(pymysql.MySQLError) as refused:
            await ask(server, sql)
    assert refused.value.args[0] == code


async def test_row_counters_and_single_statements(small: Small) -> None:
    async with proxy(small) as server:
        _, counted = await ask(server, "EXPLAIN FORMAT=JSON SELECT COUNT(*) FROM Object")
        _, regular = await ask(server, "EXPLAIN FORMAT=JSON SELECT n FROM Factor")
    plan = json.loads(counted[0][0])["plan"]
    assert plan["merge"] == {"kind": "counted"}
    assert plan["fragment"] == f"SELECT {ROWS}"
    assert json.loads(regular[0][0]) == {
        "version": 1,
        "plan": {
            "step": "answer",
            "tables": ["two.Factor (regular)"],
            "fragment": "SELECT `Factor`.`n` FROM `two`.`Factor` AS `Factor`",
            "merge": {"kind": "none"},
        },
    }


async def test_a_prepared_explain(small: Small) -> None:
    def run(server: Server) -> list[tuple[Any, ...]]:
        with closing(connected(server)) as connection, connection.cursor() as cursor:
            cursor.execute("PREPARE p FROM 'EXPLAIN SELECT n FROM Factor WHERE n < ?'")
            cursor.execute("EXECUTE p USING 3")
            return list(cursor.fetchall())

    async with proxy(small) as server:
        rows = await asyncio.to_thread(run, server)
    assert any(what == "fragment" and detail.endswith("`Factor`.`n` < 3") for _, what, detail in rows)
