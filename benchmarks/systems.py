"""What is measured, running: clusters, a plain server, the proxy; all of them stopped on the way out."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql

from benchmarks.processes import Spent, cpu_seconds, run
from benchmarks.sources import plain_tables
from qproxy.catalog.model import Catalog, Worker
from qproxy.catalog.store import CatalogStore
from qproxy.cluster.commands import FIRST_USER, down, status, up
from qproxy.cluster.server import PrivateServer
from qproxy.cluster.system import server_account
from qproxy.config import Config, load_config
from tests.harness.mariadbd import temporary_directory

_STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Endpoint:
    """Where a client connects: on 127.0.0.1.

    Attributes:
        port, user, password: to log in with.
        pids: of the processes behind it.
    """

    port: int
    user: str
    password: str
    pids: tuple[int, ...]

    def client(self, *options: str) -> list[str]:
        """The plain client's command line; the password goes into its environment."""
        # Without TLS, which the proxy offers and workers of a cluster do not.
        where = ["--skip-ssl", "--host=127.0.0.1", f"--port={self.port}", f"--user={self.user}"]
        return ["mariadb", "--no-defaults", *where, *options]

    @property
    def environment(self) -> dict[str, str]:
        """Variables that the plain client needs beside its command line."""
        return {"MYSQL_PWD": self.password}

    def connect(self, database: str) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection over TCP."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            autocommit=True,
            ssl_disabled=True,
        )


@dataclass(frozen=True)
class Cluster:
    """A running cluster of private workers.

    Attributes:
        config_file: for the commands of qproxy.
        pids: of its servers.
    """

    config_file: Path
    pids: tuple[int, ...]

    @property
    def config(self) -> Config:
        """Its settings."""
        return load_config(self.config_file)

    def catalog(self) -> Catalog:
        """What is published on it."""
        with CatalogStore.open(self.config.catalog.url) as store:
            return store.load()

    def workers(self) -> list[Worker]:
        """Its workers."""
        with CatalogStore.open(self.config.catalog.url) as store:
            return list(store.workers().values())

    def ingest(self, description: Path, replicas: int) -> tuple[Spent, float]:
        """Load a catalogue with the command that users type, in a process of its own.

        Returns:
            What the command took, and the CPU seconds of the workers meanwhile.
        """
        before = cpu_seconds(self.pids)
        command = [sys.executable, "-m", "qproxy", "ingest", str(description)]
        spent = run([*command, "--config", str(self.config_file), "--replicas", str(replicas)])
        return spent, cpu_seconds(self.pids) - before


@contextmanager
def running_cluster(workers: int) -> Iterator[Cluster]:
    """A new cluster in a temporary directory, gone afterwards."""
    with temporary_directory() as directory:
        home = directory / "cluster"
        try:
            config = up(home, workers)
            pids = tuple(s.pid for s in status(home) if s.pid is not None)
            yield Cluster(config, pids)
        finally:
            if home.exists():
                down(home)


@contextmanager
def running_plain_server() -> Iterator[Endpoint]:
    """One server with the settings of a worker and nothing in it, gone afterwards."""
    with temporary_directory() as directory:
        server = PrivateServer("plain", directory / "plain", server_account())
        try:
            server.install()
            server.start("bench", "")
            server.wait_until_ready("bench", "")
            address, pid = server.address(), server.pid()
            assert address is not None and pid is not None
            yield Endpoint(address.port, "bench", "", (pid,))
        finally:
            server.stop()


@contextmanager
def running_proxy(cluster: Cluster) -> Iterator[Endpoint]:
    """The proxy of a cluster, in a process of its own, for the user that `cluster up` made."""
    with proxy_process(cluster.config_file, FIRST_USER) as endpoint:
        yield endpoint


@contextmanager
def proxy_process(config: Path, user: str, *options: str) -> Iterator[Endpoint]:
    """A proxy in a process of its own.

    Args:
        config: its configuration file.
        user: who can log in without a password.
        options: of the command.
    """
    command = [sys.executable, "-m", "qproxy", "serve", "--config", str(config), "--port", "0", *options]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            if "ready on" not in ready:
                raise RuntimeError(f"qproxy serve did not start; its own words stand above: {ready.strip()}")
            pids = (process.pid, *_children(process.pid))
            yield Endpoint(int(ready.strip().rpartition(":")[2]), user, "", pids)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _children(pid: int) -> list[int]:
    """Processes that another one started: /proc/<pid>/task/<tid>/children, see proc(5)."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def make_plain_tables(server: Endpoint, description: Path, engine: str) -> None:
    """Lay the tables of a description, empty, on a plain server; those that are there are dropped before.

    Args:
        server: with rights on all databases.
        description: whose tables get the columns that users see and the keys of chunk tables.
        engine: storage engine.
    """
    database, statements = plain_tables(description, engine)
    with server.connect("mysql") as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS `{database}`")
        for statement in statements:
            cursor.execute(statement)


def load_plain(server: Endpoint, database: str, files: Sequence[Path]) -> tuple[Spent, float]:
    """Load files of tab-separated rows, each into the table that it is named after, with the plain client.

    Returns:
        What the client took, and the CPU seconds of the server meanwhile.
    """
    statements = ";".join(f"LOAD DATA LOCAL INFILE '{f}' INTO TABLE `{f.stem}`" for f in files)
    before = cpu_seconds(server.pids)
    spent = run(server.client("--local-infile=1", f"--execute={statements}", database), server.environment)
    return spent, cpu_seconds(server.pids) - before
