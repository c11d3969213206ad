"""Prepared statements that outlive the data they were prepared for: executed anew they tell of what is there now."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import replace
from typing import Any

import pytest

from qproxy.config import Config
from qproxy.ingest.run import ingest
from qproxy.wire.columns import ColumnType
from qproxy.wire.server import Server
from tests.harness.small import Small, proxied
from tests.wire.prepared_client import Failure, PreparedClient, Result, integer

CONFIG = replace(Config(), catalog=replace(Config().catalog, refresh_seconds=0.05))
DATABASE = "changing"
_DESCRIPTION = """\
database: changing
family: {{stripes: 6, sub_stripes: 3, overlap: 0.01}}
tables:
  Thing:
    kind: director
    id: id
    lon: ra
    lat: decl
    columns:
      - {{name: id, type: BIGINT NOT NULL}}
      - {{name: ra, type: DOUBLE NOT NULL}}
      - {{name: decl, type: DOUBLE NOT NULL}}
{columns}
    files: [thing.tsv]
    format: {{kind: csv}}
"""


async def publish(small: Small, columns: dict[str, str], rows: list[tuple[Any, ...]]) -> None:
    """Replace the database.

    Args:
        columns: types of those behind id and position.
        rows: id and their values.
    """
    folder = small.directory / "changing"
    folder.mkdir(exist_ok=True)
    declared = "\n".join(f"      - {{name: {name}, type: {kind}}}" for name, kind in columns.items())
    (folder / "changing.yaml").write_text(_DESCRIPTION.format(columns=declared))
    lines = ["\t".join(map(str, (n, n % 360, n % 170 - 85, *values))) for n, *values in rows]
    (folder / "thing.tsv").write_text("\n".join(lines) + "\n")
    await ingest(
        folder / "changing.yaml",
        small.store,
        small.backends,
        replicas=1,
        replace=True,
        max_bad_rows=0,
        engine="Aria",
    )


def proxy(small: Small) -> AbstractAsyncContextManager[Server]:
    return proxied(small, CONFIG)


def seen(server: Server, sql: str, expected: list[list[bytes | None]] | int) -> None:
    """Wait until a new statement gets these rows or that error: until the proxy knows the news."""
    end = time.monotonic() + 10
    while True:
        with closing(PreparedClient(server.port)) as client:
            try:
                found: list[list[bytes | None]] | int = client.run(sql).rows
            except Failure as failure:
                found = failure.code
        if found == expected:
            return
        assert time.monotonic() < end, found
        time.sleep(0.02)


def executed(client: PreparedClient, statement: int, *values: int) -> Result:
    return client.execute(statement, *map(integer, values))


async def test_statements_follow_the_data(small: Small) -> None:
    await publish(small, {"value": "INT"}, [(n, n * 2) for n in range(3000)])
    loop = asyncio.get_running_loop()

    def republish(columns: dict[str, str], rows: list[tuple[Any, ...]]) -> None:
        asyncio.run_coroutine_threadsafe(publish(small, columns, rows), loop).result(60)

    def work(server: Server) -> None:
        with closing(PreparedClient(server.port, database=DATABASE)) as client:
            one = client.prepare("SELECT id, value FROM Thing WHERE id = ?").number
            star = client.prepare("SELECT * FROM Thing WHERE id = ?").number
            many = client.prepare("SELECT COUNT(*), MAX(value) FROM Thing WHERE id > ?").number
            client.query("PREPARE named FROM 'SELECT value FROM Thing WHERE id = ?'")
            client.ok(client.ask(3, b"SET @x = 7"))
            cursor = client.prepare("SELECT id, value FROM Thing ORDER BY id").number
            head = client.execute(cursor, cursor=True)
            first = client.fetch(cursor, 10, head.columns).rows
            assert executed(client, one, 7).rows == [[b"7", b"14"]]
            assert executed(client, star, 7).rows == [[b"7", b"7.0", b"-78.0", b"14"]]
            assert executed(client, many, 9).rows == [[b"2990", b"5998"]]
            assert client.query("EXECUTE named USING @x")[-2] == b"\x0214"

            # Other types, another column, other rows.
            republish({"value": "VARCHAR(20)", "more": "INT"}, [(n, f"v{n:05}", n + 1) for n in range(2000)])
            seen(server, "SELECT COUNT(more) FROM changing.Thing", [[b"2000"]])
            again = executed(client, one, 7)
            assert (again.rows, again.columns[1].type) == ([[b"7", b"v00007"]], ColumnType.VAR_STRING)
            assert executed(client, star, 7).rows == [[b"7", b"7.0", b"-78.0", b"v00007", b"8"]]
            assert executed(client, many, 9).rows == [[b"1990", b"v01999"]]
            assert executed(client, one, 2500).rows == []
            assert client.query("EXECUTE named USING @x")[-2] == b"\x06v00007"
            # What a cursor began it ends, on the rows that it began with.
            rest = client.fetch(cursor, 5000, head.columns).rows
            assert first + rest == [[str(n).encode(), str(n * 2).encode()] for n in range(3000)]

            # A column is gone.
            republish({"other": "INT"}, [(n, n) for n in range(100)])
            seen(server, "SELECT COUNT(other) FROM changing.Thing", [[b"100"]])
            for statement in (one, many):
                with pytest.raises(Failure, match="value") as failed:
                    executed(client, statement, 7)
                assert failed.value.code == 1054
            with pytest.raises(Failure, match="value"):
                client.query("EXECUTE named USING @x")
            assert executed(client, star, 7).rows == [[b"7", b"7.0", b"-78.0", b"7"]]

            # All is gone, and back.
            small.store.drop_database(DATABASE)
            seen(server, "SELECT COUNT(*) FROM changing.Thing", 1049)
            for statement in (one, star, many):
                with pytest.raises(Failure, match=r"Unknown database .changing") as failed:
                    executed(client, statement, 7)
                assert failed.value.code == 1049
            republish({"value": "INT"}, [(n, n * 3) for n in range(50)])
            seen(server, "SELECT COUNT(value) FROM changing.Thing", [[b"50"]])
            assert executed(client, one, 7).rows == [[b"7", b"21"]]
            assert executed(client, many, 9).rows == [[b"40", b"147"]]
            assert client.query("EXECUTE named USING @x")[-2] == b"\x0221"

    async with proxy(small) as server:
        await asyncio.to_thread(work, server)
    small.store.drop_database(DATABASE)
