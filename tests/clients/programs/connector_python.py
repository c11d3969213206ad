"""MySQL Connector/Python, its pure implementation: see `tests.clients.programs`."""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import mysql.connector
from mysql.connector import Error


def connect(task: dict[str, Any], **options: Any) -> Any:
    return mysql.connector.connect(
        host="127.0.0.1",
        port=task["port"],
        user=task["user"],
        password=task["password"],
        database="sky",
        use_pure=True,
        **options,
    )


def value(parameter: dict[str, Any]) -> Any:
    kind, text = parameter["type"], parameter["value"]
    if text is None:
        return None
    convert = {
        "int": int,
        "double": float,
        "decimal": Decimal,
        "bytes": bytes.fromhex,
        "date": date.fromisoformat,
        "datetime": datetime.fromisoformat,
    }
    if kind == "time":
        hours, minutes, seconds = text.split(":")
        return timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    return convert.get(kind, str)(text)


def shown(item: Any) -> str | None:
    if item is None:
        return None
    return bytes(item).hex() if isinstance(item, bytes | bytearray) else str(item)


def answer(connection: Any, sql: str, executions: list[list[dict[str, Any]]], prepared: bool) -> list[Any]:
    results: list[Any] = []
    cursor = connection.cursor(prepared=True) if prepared else connection.cursor()
    for parameters in executions:
        try:
            # The statement's own placeholder is %s for plain cursors alone.
            cursor.execute(sql, tuple(value(p) for p in parameters))
            rows = cursor.fetchall() if cursor.description else []
            columns = [[c[0], c[1]] for c in cursor.description or ()]
            results.append({"columns": columns, "rows": [[shown(v) for v in row] for row in rows]})
        except Error as error:
            results.append({"error": error.errno})
    cursor.close()
    return results


def cancelled(task: dict[str, Any]) -> int | None:
    victim, killer = connect(task), connect(task)
    codes: list[int | None] = []

    def run() -> None:
        cursor = victim.cursor()
        try:
            cursor.execute(task["slow"])
            cursor.fetchall()
            codes.append(None)
        except Error as error:
            codes.append(error.errno)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(task["before_kill"])
    killer.cursor().execute(f"KILL QUERY {victim.connection_id}")
    thread.join(30)
    return codes[0] if codes else None


def main() -> None:
    task = json.load(sys.stdin)
    result: dict[str, Any] = {"version": mysql.connector.__version__}
    connection = connect(task, ssl_disabled=True)
    result["connect"] = bool(connection.is_connected())
    result["query"] = [answer(connection, sql, [[]], False)[0] for sql in task["queries"]]
    result["prepared"] = [answer(connection, c["sql"], c["executions"], True) for c in task["prepared"]]
    result["metadata"] = [answer(connection, sql, [[]], False)[0] for sql in task["metadata"]]
    connection.close()
    if task["tls"]:
        secure = connect(task, ssl_verify_cert=False)
        cursor = secure.cursor()
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        result["tls"] = bool(cursor.fetchall()[0][1])
        secure.close()
    result["cancel"] = cancelled(task)
    print(json.dumps(result))


main()
