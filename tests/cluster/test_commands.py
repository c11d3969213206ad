"""Clusters of real servers; each test leaves none behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pymysql
import pytest

from qproxy.catalog.model import Family, Worker
from qproxy.catalog.store import CatalogStore
from qproxy.cluster import commands
from qproxy.cluster.server import MAX_SOCKET_PATH
from qproxy.cluster.system import processes_with
from qproxy.config import load_config
from qproxy.errors import QproxyError


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the servers' account can reach, with no server left when the test ends."""
    top = Path(tempfile.mkdtemp(prefix="qproxy-cluster-"))
    top.chmod(0o755)
    try:
        yield top / "c"
    finally:
        for directory in top.rglob("worker-*"):
            if (directory.parent / commands.STORE_FILE).exists():
                commands.down(directory.parent)
                break
        assert not servers_in(top)
        shutil.rmtree(top)


def servers_in(directory: Path) -> list[int]:
    found = []
    for number in (p.name for p in Path("/proc").iterdir() if p.name.isdigit()):
        try:
            line = Path(f"/proc/{number}/cmdline").read_bytes()
        except OSError:
            continue
        if f"={directory}".encode() in line and b"mariadbd" in line:
            found.append(int(number))
    return found


def workers_of(directory: Path) -> dict[str, Worker]:
    with CatalogStore.open(load_config(directory / commands.CONFIG_FILE).catalog.url) as store:
        return store.workers()


def run(worker: Worker, statement: str, over_port: bool = True) -> list[tuple[object, ...]]:
    address = {"host": worker.host, "port": worker.port} if over_port else {"unix_socket": worker.socket}
    with (
        closing(pymysql.connect(user=worker.user, password=worker.password, autocommit=True, **address)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        return list(cursor.fetchall())


def test_up_status_down_and_up_again(place: Path) -> None:
    lines: list[str] = []
    config = commands.up(place, 2, lines.append)
    assert config == place / "qproxy.toml"
    workers = workers_of(place)
    assert list(workers) == ["worker-1", "worker-2"]
    for worker in workers.values():
        assert run(worker, "SELECT @@local_infile, @@bind_address") == [(1, "127.0.0.1")]
        assert run(worker, "SELECT @@port", over_port=False) == [(worker.port,)]
        assert worker.password not in "".join(lines)
    first = workers["worker-1"]
    run(first, "CREATE DATABASE kept")
    with closing(socket.create_connection(("127.0.0.1", first.port))), pytest.raises(pymysql.OperationalError):
        pymysql.connect(host="127.0.0.1", port=first.port, user=first.user, password="wrong")

    with CatalogStore.open(load_config(config).catalog.url) as store:
        user = store.find_user("qproxy")
        assert user is not None
        assert (user.native_hash, user.loopback_only) == (None, True)
        store.place_chunks(Family(18, 10, 0.01), np.arange(10), 1)
    before = commands.status(place)
    assert [(w.name, w.state, w.chunks) for w in before] == [("worker-1", "running", 5), ("worker-2", "running", 5)]
    assert all(w.size and w.size > 2**20 and w.port and w.pid for w in before)

    # Up on a cluster that runs changes nothing.
    commands.up(place)
    assert [w.pid for w in commands.status(place)] == [w.pid for w in before]

    assert commands.down(place) == 2
    assert [w.state for w in commands.status(place)] == ["stopped", "stopped"]
    assert not servers_in(place)
    assert commands.down(place) == 0

    commands.up(place)
    assert [w.port for w in commands.status(place)] == [w.port for w in before]
    assert ("kept",) in run(workers_of(place)["worker-1"], "SHOW DATABASES")


def test_files_with_secrets_are_closed_and_servers_do_not_run_as_root(place: Path) -> None:
    commands.up(place, 1)
    for path in [place / "catalog.sqlite", place / "worker-1" / "server.cnf"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((place / "worker-1" / "data").stat().st_mode) & 0o007 == 0
    assert not (place / "worker-1" / "accounts.sql").exists()
    pid = commands.status(place)[0].pid
    assert Path(f"/proc/{pid}").stat().st_uid != 0
    worker = workers_of(place)["worker-1"]
    for forbidden in ("SELECT 1 INTO OUTFILE '/tmp/x'", "SET GLOBAL max_connections = 5", "SHUTDOWN"):
        with pytest.raises(pymysql.MySQLError, match="denied"):
            run(worker, forbidden)


def test_an_up_that_was_cut_off_at_any_point_is_finished_by_the_next(place: Path) -> None:
    code = f"from pathlib import Path\nfrom qproxy.cluster.commands import up\nup(Path({str(place)!r}), 2)"
    # From before the first directory to servers that are starting.
    for seconds in (0.5, 0.9, 1.4, 2.0):
        with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
    commands.up(place, 2)
    assert [w.state for w in commands.status(place)] == ["running", "running"]
    assert len(servers_in(place)) == 2
    commands.down(place)
    assert not servers_in(place)


def test_a_server_that_is_still_starting_is_stopped_too(place: Path) -> None:
    commands.up(place, 1)
    commands.down(place)
    worker = workers_of(place)["worker-1"]
    server = commands._server(place, "worker-1")
    server.start(worker.user, worker.password)
    deadline = time.monotonic() + 10
    while not processes_with(f"--defaults-file={server.options_file}"):
        assert time.monotonic() < deadline
    (server.directory / "server.pid").unlink(missing_ok=True)
    assert commands.down(place) == 1
    assert not servers_in(place)


def test_a_stale_pid_file_stops_nobody_else(place: Path) -> None:
    commands.up(place, 1)
    pid = commands.status(place)[0].pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while commands.status(place)[0].pid is not None:
        assert time.monotonic() < deadline
    (place / "worker-1" / "server.pid").write_text(str(os.getpid()))
    assert commands.status(place)[0].state == "stopped"
    assert commands.down(place) == 0


def test_a_port_that_was_taken_meanwhile_is_replaced(place: Path) -> None:
    commands.up(place, 1)
    commands.down(place)
    port = workers_of(place)["worker-1"].port
    with closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        commands.up(place)
    worker = workers_of(place)["worker-1"]
    assert worker.port != port
    assert run(worker, "SELECT 1") == [(1,)]


def test_a_path_too_long_for_a_socket(place: Path) -> None:
    directory = place / ("x" * MAX_SOCKET_PATH) / "c"
    directory.parent.mkdir(parents=True)
    try:
        commands.up(directory, 1)
        worker = workers_of(directory)["worker-1"]
        assert worker.socket is not None
        assert len(worker.socket) <= MAX_SOCKET_PATH
        assert run(worker, "SELECT 1", over_port=False) == [(1,)]
    finally:
        commands.down(directory)
    assert not Path(worker.socket).parent.exists()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(place: Path) -> None:
    commands.up(place, 1)
    commands.down(place)
    data = place / "worker-1" / "data"
    (data / "ibdata1").write_bytes(b"spoilt" * 1000)
    with pytest.raises(QproxyError, match=r"worker 'worker-1' ended while starting(.|\n)*ERROR"):
        commands.up(place)
    assert not servers_in(place)


def test_without_the_server_package_the_one_command_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    with pytest.raises(QproxyError, match="type: sudo apt-get install -y mariadb-server"):
        commands.up(place, 1)
    assert not place.exists()


def test_directories_that_cannot_be_used(place: Path) -> None:
    with pytest.raises(QproxyError, match=r"there is no cluster in .*: make one with"):
        commands.status(place)
    with pytest.raises(QproxyError, match="there is no cluster in "):
        commands.down(place)
    place.mkdir()
    (place / "thesis.tex").write_text("x")
    with pytest.raises(QproxyError, match=r"is not empty \(it holds 'thesis.tex'\)"):
        commands.up(place)
    assert [p.name for p in place.iterdir()] == ["thesis.tex"]
    with pytest.raises(QproxyError, match="Not a directory"):
        commands.up(place / "thesis.tex" / "c")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers under another account")
def test_a_directory_that_the_servers_account_cannot_enter(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(QproxyError, match=r"cannot enter .*choose a --dir outside of private directories"):
        commands.up(closed / "c", 1)
    assert not servers_in(place)


def test_two_commands_at_once_and_another_number_of_workers(place: Path) -> None:
    commands.up(place, 1)
    with commands._locked(place), pytest.raises(QproxyError, match="another 'qproxy cluster' command works on"):
        commands.up(place)
    with pytest.raises(QproxyError, match="0 workers"):
        commands.up(place, 0)
    commands.up(place, 2)
    with pytest.raises(QproxyError, match="has 2 workers, 1 were asked for"):
        commands.up(place, 1)
