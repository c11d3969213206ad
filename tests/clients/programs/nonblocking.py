"""aiomysql and asyncmy, which have one interface; the argument is the module."""

from __future__ import annotations

import asyncio
import importlib
import ssl
import sys
from importlib.metadata import version
from typing import Any

from work import Account, Answer, main, refused, told, value


class Nonblocking:
    """Drives a loop for each thing asked; a kill is asked of the same loop while the victim waits."""

    ways = ("whole", "streamed")

    def __init__(self, name: str) -> None:
        self.version = version(name)
        self._module = importlib.import_module(name)
        self._cursors = importlib.import_module(f"{name}.cursors")
        self._errors = importlib.import_module(f"{name}.errors" if name == "asyncmy" else "pymysql.err")
        self._loop = asyncio.new_event_loop()

    def connect(self, account: Account, tls: bool) -> Any:
        return self._loop.run_until_complete(self._connect(account, tls))

    def ask(self, connection: Any, sql: str, way: str) -> Answer:
        kind = self._cursors.Cursor if way == "whole" else self._cursors.SSCursor
        return self._loop.run_until_complete(self._run(connection, kind, sql, None))

    def bound(self, connection: Any, sql: str, executions: list[list[dict[str, Any]]]) -> list[Answer]:
        async def run() -> list[Answer]:
            kind = self._cursors.Cursor
            taken = [p for p in executions if self._takes(p)]
            return [await self._run(connection, kind, sql, tuple(map(value, p))) for p in taken]

        return self._loop.run_until_complete(run())

    def number(self, connection: Any) -> int:
        return int(connection.thread_id())

    def close(self, connection: Any) -> None:
        connection.close()

    def cancelled(self, account: Account, slow: str, before_kill: float) -> int | None:
        async def run() -> int | None:
            victim, killer = await self._connect(account, False), await self._connect(account, False)
            running = asyncio.create_task(self._run(victim, self._cursors.Cursor, slow, None))
            await asyncio.sleep(before_kill)
            await self._run(killer, self._cursors.Cursor, f"KILL QUERY {self.number(victim)}", None)
            answer = await asyncio.wait_for(running, 30)
            assert "rows" in await self._run(victim, self._cursors.Cursor, "SELECT 1", None)
            victim.close()
            killer.close()
            code: int | None = answer.get("error")
            return code

        return self._loop.run_until_complete(run())

    def _takes(self, parameters: list[dict[str, Any]]) -> bool:
        """aiomysql 0.3.2 calls a function of PyMySQL for bytes that is not there any more."""
        return self._module.__name__ != "aiomysql" or all(p["type"] != "bytes" for p in parameters)

    async def _connect(self, account: Account, tls: bool) -> Any:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return await self._module.connect(
            host="127.0.0.1",
            port=account.port,
            user=account.user,
            password=account.password,
            db=account.database,
            charset="utf8mb4",
            ssl=context if tls else None,
        )

    async def _run(self, connection: Any, kind: Any, sql: str, parameters: tuple[Any, ...] | None) -> Answer:
        async with connection.cursor(kind) as cursor:
            try:
                await cursor.execute(sql, parameters)
                return told(cursor.description or (), await cursor.fetchall() if cursor.description else ())
            except self._errors.MySQLError as error:
                return refused(error.args[0])


main(Nonblocking(sys.argv[1]))
