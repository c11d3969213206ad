"""A proxy of two processes: one port, one process list, kills that find their connection, and no end before its own."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest

from qproxy.catalog.model import Worker
from qproxy.catalog.store import CatalogStore
from qproxy.service.siblings import Place
from tests.harness.small import Small

SLOW = "SELECT SUM(SQRT(a.n + b.n + c.n + d.n + e.n)) FROM Factor a, Factor b, Factor c, Factor d, Factor e"
SECONDS = 30.0


@pytest.fixture(scope="module")
def config(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration over a copy of the small cluster's catalogue, whose workers are reached without detours."""
    home = tmp_path_factory.mktemp("processes")
    with (
        closing(sqlite3.connect(small.directory / "catalog.sqlite")) as known,
        closing(sqlite3.connect(home / "catalog.sqlite")) as copy,
    ):
        known.backup(copy)
    url = f"sqlite:///{home}/catalog.sqlite"
    with CatalogStore.open(url) as store:
        for name, server in small.servers.items():
            store.add_worker(Worker(name, port=server.port, user=server.user))
        for user in ("anna", "bert"):
            store.add_user(user, None, loopback_only=True, databases=("*",))
    file = home / "qproxy.toml"
    file.write_text(f'[catalog]\nurl = "{url}"\n')
    return file


@contextmanager
def proxy(config: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "qproxy", "serve", "--config", str(config), "--port", "0", "--processes", "2"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert "ready on" in ready
            yield process, int(ready.strip().rpartition(":")[2])
        finally:
            process.terminate()
            process.wait(SECONDS)


def client(port: int, user: str = "anna") -> pymysql.Connection[Any]:
    return pymysql.connect(host="127.0.0.1", port=port, user=user, database="two", ssl_disabled=True)


def ask(connection: pymysql.Connection[Any], sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def children(process: subprocess.Popen[str]) -> list[int]:
    """The processes that serve, told from what Python starts beside them."""
    found = [int(p) for p in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    return [p for p in found if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]


def on_both(port: int) -> tuple[pymysql.Connection[Any], pymysql.Connection[Any]]:
    """Two connections, one to each process: their numbers tell."""
    found: dict[int, pymysql.Connection[Any]] = {}
    deadline = time.monotonic() + SECONDS
    while len(found) < 2:
        assert time.monotonic() < deadline
        connection = client(port)
        place = connection.thread_id() % 2
        if place in found:
            connection.close()
        else:
            found[place] = connection
        # One process that is awake takes all: keep it busy meanwhile.
        for one in found.values():
            ask(one, "SELECT 1")
    return found[0], found[1]


def test_numbers_of_connections_tell_the_process() -> None:
    places = [Place(n, 3, "") for n in range(3)]
    for place in places:
        for number, _ in zip(place.ids, range(5), strict=False):
            assert [p.owner(number) for p in places] == [place.number] * 3


def test_one_process_list_and_kills_across_processes(config: Path) -> None:
    with proxy(config) as (_, port):
        one, two = on_both(port)
        numbers = {one.thread_id(), two.thread_id()}
        for connection in (one, two):
            assert numbers <= {row[0] for row in ask(connection, "SHOW PROCESSLIST")}
            asked = ask(connection, "SELECT ID FROM information_schema.PROCESSLIST")
            assert numbers <= {int(row[0]) for row in asked}

        failed: list[BaseException] = []

        def run() -> None:
            try:
                ask(two, SLOW)
            except pymysql.MySQLError as error:
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        deadline = time.monotonic() + SECONDS
        while not any(row[0] == two.thread_id() and row[4] == "Query" for row in ask(one, "SHOW PROCESSLIST")):
            assert time.monotonic() < deadline
        ask(one, f"KILL QUERY {two.thread_id()}")
        thread.join(SECONDS)
        assert [error.args[0] for error in failed] == [1317]
        assert ask(two, "SELECT COUNT(*) FROM Factor") == [(50,)]

        ask(one, f"KILL {two.thread_id()}")
        with pytest.raises(pymysql.MySQLError):
            ask(two, "SELECT 1")
        with pytest.raises(pymysql.MySQLError) as unknown:
            ask(one, f"KILL {two.thread_id()}")
        assert unknown.value.args[0] == 1094
        one.close()


def test_nobody_stops_what_is_of_others(config: Path) -> None:
    with proxy(config) as (_, port):
        one, two = on_both(port)
        stranger = client(port, "bert")
        for theirs in (one, two):
            with pytest.raises(pymysql.MySQLError) as refused:
                ask(stranger, f"KILL {theirs.thread_id()}")
            assert refused.value.args[0] == 1095
            assert ask(theirs, "SELECT COUNT(*) FROM Factor") == [(50,)]
        for connection in (one, two, stranger):
            connection.close()


def test_a_process_that_breaks_off_is_replaced(config: Path) -> None:
    with proxy(config) as (process, port):
        before = children(process)
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while not (len(now := children(process)) == 2 and before[0] not in now):
            assert time.monotonic() < deadline
            with suppress(pymysql.MySQLError):
                connection = client(port)
                assert ask(connection, "SELECT COUNT(*) FROM Factor") == [(50,)]
                connection.close()
        one, two = on_both(port)
        assert {one.thread_id(), two.thread_id()} <= {row[0] for row in ask(one, "SHOW PROCESSLIST")}
        one.close()
        two.close()


def test_processes_end_with_the_one_that_started_them(config: Path) -> None:
    with proxy(config) as (process, port):
        mine = children(process)
        process.kill()
        deadline = time.monotonic() + SECONDS
        while any(Path(f"/proc/{pid}").exists() for pid in mine):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with pytest.raises(pymysql.MySQLError):
            client(port)


def test_what_keeps_a_process_from_serving_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/empty.sqlite"
    with CatalogStore.open(url):
        pass
    file = tmp_path / "qproxy.toml"
    file.write_text(f'[catalog]\nurl = "{url}"\n')
    command = [sys.executable, "-m", "qproxy", "serve", "--config", str(file), "--port", "0", "--processes", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 1
    assert "qproxy: no worker is registered" in ended.stderr
