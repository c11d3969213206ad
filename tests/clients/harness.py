"""Real clients: where they are, what they are asked, and what they answer.

A client is a program in `programs` that does the same work on any server. What it says of the proxy must be what it
says of a plain MariaDB with the same rows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[2]
#: Where `make clients` installs packages of npm and compiles programs.
INSTALLED = ROOT / ".clients"
#: With packages of PyPI whose versions of other packages are not those of qproxy.
PYTHON = INSTALLED / "python" / "bin" / "python"
CONNECTOR_J = Path("/usr/share/java/mariadb-java-client.jar")
#: Set by `make clients`, which installs what a plain test run does without.
ALL_CLIENTS = bool(os.environ.get("QPROXY_CLIENTS"))

FEATURES = ("connect", "tls", "caching_sha2", "query", "prepared", "cancel", "metadata")

_KIND = tuple[str, str | None]


@dataclass(frozen=True)
class Client:
    """A client library.

    Attributes:
        command: runs its program.
        lines: whether the program reads its task line by line.
        lacks: features of `FEATURES` that it does not have.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    lines: bool = False
    lacks: frozenset[str] = frozenset()


def clients() -> list[Client]:
    """The clients of this run: those that a development set-up has, and the others where `make clients` runs."""
    here = sys.executable
    found = [
        _python("MySQL Connector/Python", here, "connector_python"),
        _python("PyMySQL", here, "blocking", "pymysql", lacks=("prepared",)),
        _python("aiomysql", here, "nonblocking", "aiomysql", lacks=("prepared",)),
        _python("asyncmy", here, "nonblocking", "asyncmy", lacks=("prepared",)),
        _python("SQLAlchemy (PyMySQL)", here, "sqlalchemy_frames", "sqlalchemy", "pymysql", lacks=("prepared",)),
        _python(
            "pandas read_sql, SQLAlchemy (PyMySQL)", here, "sqlalchemy_frames", "pandas", "pymysql", lacks=("prepared",)
        ),
        _python("mariadb (command line)", here, "command_line", lacks=("prepared",)),
    ]
    return found + (_further() if ALL_CLIENTS else [])


def _further() -> list[Client]:
    """What `make clients` installs."""
    there = str(PYTHON)
    node = {"NODE_PATH": str(INSTALLED / "node_modules")}
    return [
        _python("MySQL Connector/Python (libmysqlclient)", there, "connector_python", "c"),
        _python("mysqlclient", there, "blocking", "MySQLdb", lacks=("prepared",)),
        _python("SQLAlchemy (mysqlclient)", there, "sqlalchemy_frames", "sqlalchemy", "mysqldb", lacks=("prepared",)),
        _python(
            "pandas read_sql, SQLAlchemy (mysqlclient)",
            there,
            "sqlalchemy_frames",
            "pandas",
            "mysqldb",
            lacks=("prepared",),
        ),
        _python(
            "polars read_database, SQLAlchemy (PyMySQL)",
            there,
            "sqlalchemy_frames",
            "polars",
            "pymysql",
            lacks=("prepared",),
        ),
        _python(
            "polars read_database_uri (connectorx)", there, "connectorx_reader", "polars", lacks=("tls", "prepared")
        ),
        _python("connectorx", there, "connectorx_reader", lacks=("tls", "prepared")),
        _python("MariaDB Connector/ODBC (pyodbc)", there, "odbc"),
        _python("mycli", there, "mycli_sessions", lacks=("prepared",)),
        _python("DuckDB (extension mysql)", there, "duckdb_reader", lacks=("prepared",)),
        Client("mysql2 (npm)", ("node", str(PROGRAMS / "mysql2.js")), node),
        Client("mariadb (npm)", ("node", str(PROGRAMS / "mariadb.js")), node),
        Client("MariaDB Connector/J", ("java", "-cp", f"{INSTALLED}:{CONNECTOR_J}", "ConnectorJ"), lines=True),
    ]


def _python(name: str, interpreter: str, program: str, *arguments: str, lacks: Sequence[str] = ()) -> Client:
    return Client(name, (interpreter, str(PROGRAMS / f"{program}.py"), *arguments), lacks=frozenset(lacks))


def _case(sql: str, *executions: Sequence[_KIND]) -> dict[str, Any]:
    return {
        "sql": sql,
        "executions": [[{"type": kind, "value": value} for kind, value in parameters] for parameters in executions],
    }


_IDS = ("433000017", "1152921504606846979", "-8", "12345")

QUERIES = (
    "SELECT 1 AS one, 'grün' AS text, NULL AS nothing, 1.50 AS exact, 2.5e0 AS real_",
    "SELECT objectId, ra_PS, iFlux_PS, mag, nObs, htmId, firstDate, lastSeen, name, payload, class FROM Object"
    " WHERE objectId IN (433000000, 433000017, -8) ORDER BY objectId",
    "SELECT code, name, tag, note, class, mag FROM Object WHERE decl_PS BETWEEN 20 AND 25 ORDER BY objectId",
    "SELECT objectId, decl_PS, nObs, isStar FROM Object WHERE nObs > 20 ORDER BY objectId",
    "SELECT objectId, name FROM Object WHERE objectId = 12345",
    "SELECT class, COUNT(*) AS n, AVG(mag) FROM Object GROUP BY class ORDER BY class",
    "SELECT nope FROM Object",
)

PREPARED = (
    _case("SELECT ? + 1 AS plus, CONCAT(?, 'x') AS text", [("int", "5"), ("text", "g'rün\\ \"?")]),
    _case(
        "SELECT objectId, ra_PS, iFlux_PS, mag, nObs, flagBits, htmId, isStar, firstDate, lastSeen, code, name,"
        " payload, class FROM Object WHERE objectId = ?",
        *([("int", number)] for number in _IDS),
    ),
    _case(
        "SELECT objectId FROM Object WHERE objectId IN (?, ?) ORDER BY objectId", [("int", _IDS[0]), ("int", _IDS[2])]
    ),
    _case(
        "SELECT objectId, iFlux_PS FROM Object WHERE nObs > ? ORDER BY objectId LIMIT ?",
        [("int", "150"), ("int", "7")],
        [("int", "10"), ("int", "3")],
    ),
    _case(
        "SELECT class, COUNT(*), AVG(mag) FROM Object WHERE decl_PS BETWEEN ? AND ? GROUP BY class ORDER BY class",
        [("double", "-20.5"), ("double", "30.25")],
        [("double", "80"), ("double", "90")],
    ),
    _case("SELECT COUNT(*) FROM Object WHERE mag < ?", [("decimal", "20.1250")], [("decimal", None)]),
    _case("SELECT COUNT(*) FROM Object WHERE lastSeen < ?", [("datetime", "2021-06-01T12:30:00")]),
    _case("SELECT COUNT(*) FROM Object WHERE firstDate >= ?", [("date", "2015-03-01")]),
    _case("SELECT COUNT(*) FROM Object WHERE name <=> ?", [("text", "Vega")], [("text", None)]),
    _case("SELECT HEX(?) AS h, LENGTH(?) AS n", [("bytes", "00ff5c27"), ("bytes", "00")]),
    _case("SELECT ADDTIME('10:00:00', ?)", [("time", "01:02:03")]),
    _case("SELECT nope FROM Object WHERE objectId = ?", [("int", "1")]),
    _case("SELECT ? FROM WHERE", [("int", "1")]),
    _case("SELECT COUNT(*) FROM Object WHERE objectId = 433000017"),
)
PREPARED[-1]["executions"].append([])

METADATA = (
    "SHOW TABLES",
    "SHOW COLUMNS FROM Object LIKE 'obj%'",
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'sky' ORDER BY table_name",
)

#: Runs for minutes unless it is stopped.
SLOW = "SELECT COUNT(*) FROM " + ", ".join(f"Filter f{i}" for i in range(12)) + " WHERE f0.effWave + f11.effWave > 1"


@dataclass(frozen=True)
class Account:
    """Where a server listens, and who may enter."""

    port: int
    user: str = "qproxy"
    password: str = ""


def run(client: Client, account: Account, modern: Account | None = None) -> dict[str, Any]:
    """What a client says of a server.

    Args:
        modern: who logs in by caching_sha2_password alone; None for a server that offers neither this nor TLS.

    Raises:
        AssertionError: its program failed; with what it printed.
    """
    task = {
        "port": account.port,
        "user": account.user,
        "password": account.password,
        "queries": QUERIES,
        "prepared": PREPARED,
        "metadata": METADATA,
        "slow": SLOW,
        "before_kill": 0.7,
        "tls": modern is not None,
        "modern": modern and {"user": modern.user, "password": modern.password},
    }
    text = lines(task) if client.lines else json.dumps(task)
    done = subprocess.run(
        client.command,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **client.environment},
    )
    assert done.returncode == 0, f"{client.name}: {done.stderr[-2000:]}"
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def lines(task: Mapping[str, Any]) -> str:
    """A task line by line, texts in hex: what a program can read without a parser."""
    database = f"jdbc:mariadb://127.0.0.1:{task['port']}/sky"
    out = [f"{database}?user={task['user']}&password={task['password']}"]
    out += [f"query {_hex(sql)}" for sql in task["queries"]]
    for case in task["prepared"]:
        out.append(f"prepare {_hex(case['sql'])}")
        for parameters in case["executions"]:
            words = [w for p in parameters for w in (p["type"], "-" if p["value"] is None else _hex(p["value"]))]
            out.append(" ".join(["execute", *words]))
    out += [f"metadata {_hex(sql)}" for sql in task["metadata"]]
    out += [f"slow {_hex(task['slow'])}", f"before_kill {task['before_kill']}", f"tls {str(task['tls']).lower()}"]
    if task["modern"]:
        out.append(f"modern {task['modern']['user']} {_hex(task['modern']['password'])}")
    return "\n".join(out) + "\n"


def _hex(text: str) -> str:
    return text.encode().hex()
