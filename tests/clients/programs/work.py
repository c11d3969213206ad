"""The work of a client in Python: a task read, done by a driver, told in one line. See README.md beside this file."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

Answer = dict[str, Any]
_CIPHER = "SHOW SESSION STATUS LIKE 'Ssl_cipher'"
#: The slow query, not the one that asks for it.
_RUNNING = "SELECT id FROM information_schema.processlist WHERE info LIKE '%Filter f1%' AND id <> CONNECTION_ID()"


@dataclass(frozen=True)
class Account:
    """Where a server listens, and who logs in."""

    port: int
    user: str
    password: str
    database: str = "sky"


class Driver(Protocol):
    """What a client can do; each of its answers is made by `told` or `refused`."""

    version: str
    #: Ways in which it reads rows.
    ways: Sequence[str]

    def connect(self, account: Account, tls: bool) -> Any:
        """A connection; without TLS where ``tls`` is false."""

    def ask(self, connection: Any, sql: str, way: str) -> Answer:
        """The answer to a statement, read in one of its ways."""

    def number(self, connection: Any) -> int | None:
        """The id of a connection; None where this client does not tell it."""

    def close(self, connection: Any) -> None:
        """Take leave."""


def told(columns: Iterable[Sequence[Any]], rows: Iterable[Sequence[Any]]) -> Answer:
    """An answer with rows, its values as text."""
    return {
        "columns": [[shown(part) for part in column] for column in columns],
        "rows": [[shown(value) for value in row] for row in rows],
    }


def refused(code: int) -> Answer:
    """An answer that is an error."""
    return {"error": code}


def shown(item: Any) -> str | None:
    """A value as text, bytes in hex."""
    if item is None:
        return None
    return bytes(item).hex() if isinstance(item, bytes | bytearray | memoryview) else str(item)


def value(parameter: dict[str, Any]) -> Any:
    """A parameter as the type of Python that a driver binds."""
    kind, text = parameter["type"], parameter["value"]
    if text is None:
        return None
    if kind == "time":
        hours, minutes, seconds = text.split(":")
        return timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    convert: dict[str, Callable[[str], Any]] = {
        "int": int,
        "double": float,
        "decimal": Decimal,
        "bytes": bytes.fromhex,
        "date": date.fromisoformat,
        "datetime": datetime.fromisoformat,
    }
    return convert.get(kind, str)(text)


def cancelled(driver: Driver, account: Account, slow: str, before_kill: float) -> int | None:
    """The error that a query ends with when another connection kills it.

    Where the driver does not tell the id of a connection, the list of processes does.
    """
    victim, killer = driver.connect(account, False), driver.connect(account, False)
    found: list[Answer] = []
    way, number = driver.ways[0], driver.number(victim)
    thread = threading.Thread(target=lambda: found.append(driver.ask(victim, slow, way)))
    thread.start()
    time.sleep(before_kill)
    if number is None:
        number = driver.ask(killer, _RUNNING, way)["rows"][0][0]
    driver.ask(killer, f"KILL QUERY {number}", way)
    thread.join(30)
    still = driver.ask(victim, "SELECT 1", way)
    driver.close(victim)
    driver.close(killer)
    assert "rows" in still, f"nothing is answered after a kill: {still}"
    return found[0].get("error") if found else None


def main(driver: Driver) -> None:
    """Do the task of standard input.

    A driver may have more: ``prepared(connection, sql, executions)`` answers a prepared statement, ``bound(connection,
    sql, executions)`` one whose parameters it writes into the text itself, ``metadata(connection)`` tells of databases
    by its own means, ``cancelled(account, slow, before_kill)`` stops a query in its own way; ``secured`` is False where
    it has no TLS.
    """
    task = json.load(sys.stdin)
    account = Account(task["port"], task["user"], task["password"])
    connection = driver.connect(account, False)
    result: dict[str, Any] = {"version": driver.version, "connect": True}
    result["query"] = [driver.ask(connection, sql, way) for sql in task["queries"] for way in driver.ways]
    if hasattr(driver, "bound"):
        for case in task["prepared"]:
            result["query"] += driver.bound(connection, case["sql"].replace("?", "%s"), case["executions"])
    prepared = getattr(driver, "prepared", None)
    result["prepared"] = prepared and [prepared(connection, c["sql"], c["executions"]) for c in task["prepared"]]
    result["metadata"] = [driver.ask(connection, sql, driver.ways[0]) for sql in task["metadata"]]
    result["metadata"] += driver.metadata(connection) if hasattr(driver, "metadata") else []
    driver.close(connection)
    secured = getattr(driver, "secured", True)
    if task["tls"] and secured:
        secure = driver.connect(account, True)
        result["tls"] = bool(driver.ask(secure, _CIPHER, driver.ways[0])["rows"][0][1])
        driver.close(secure)
    if task["modern"]:
        modern = Account(account.port, task["modern"]["user"], task["modern"]["password"])
        result["caching_sha2"] = all(_is(driver, modern, tls) for tls in ((True, False) if secured else (False,)))
    if hasattr(driver, "cancelled"):
        result["cancel"] = driver.cancelled(account, task["slow"], task["before_kill"])
    else:
        result["cancel"] = cancelled(driver, account, task["slow"], task["before_kill"])
    print(json.dumps(result))


def _is(driver: Driver, account: Account, tls: bool) -> bool:
    """Whether the server knows who logged in."""
    connection = driver.connect(account, tls)
    answer = driver.ask(connection, "SELECT CURRENT_USER() AS whoami", driver.ways[0])
    driver.close(connection)
    return bool(answer["rows"][0][0].startswith(account.user))
