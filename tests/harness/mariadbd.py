"""Private MariaDB servers: own data directory, socket and loopback port, stopped by process id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

#: Settings of every server: small buffers, one collation everywhere, UTC.
SETTINGS = (
    "--skip-networking=0",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--default-time-zone=+00:00",
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=2",
    "--key-buffer-size=8M",
    "--aria-pagecache-buffer-size=8M",
    "--table-open-cache=4000",
    "--local-infile=1",
    "--performance-schema=OFF",
)

START_SECONDS = 60.0
STOP_SECONDS = 30.0

#: A file system in memory, and the bytes that must be free in it before a cluster is laid there.
SHARED_MEMORY = Path("/dev/shm")
QUICK_BYTES = 4 << 30


class ServerError(Exception):
    """A private server did not come up; the message ends with its own log."""


def unprivileged_user() -> str | None:
    """The account servers run as: None for our own unless we are root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "mysql" if "mysql" in known else "nobody"


def free_port() -> int:
    """A loopback port that nothing listens on right now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running private server.

    Attributes:
        directory: holds ``data``, the socket and ``error.log``.
        port: on 127.0.0.1.
        user: an account without password and with all rights, loopback and socket only.
    """

    directory: Path
    port: int
    process: subprocess.Popen[bytes]
    user: str = "qproxy"

    @property
    def socket(self) -> Path:
        """Path of the Unix socket."""
        return self.directory / "s.sock"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self.process.pid

    def connect(self, database: str | None = None, **options: Any) -> pymysql.Connection[Any]:
        """A PyMySQL connection over the socket, in autocommit mode.

        Args:
            database: the default database.
            options: passed on to PyMySQL.
        """
        settings: dict[str, Any] = {"charset": "utf8mb4", "autocommit": True, "local_infile": True} | options
        return pymysql.connect(unix_socket=str(self.socket), user=self.user, database=database, **settings)

    def script(self, statements: Sequence[str], database: str | None = None) -> None:
        """Run statements one after the other."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def pause(self) -> None:
        """Freeze the server: connections stay open and nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the server as a crash would."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """End the server and wait for it; harmless where it has ended already."""
        if self.process.poll() is None:
            self.resume()
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


def start(directory: Path, *settings: str, port: int | None = None) -> Server:
    """Start a server on a directory, making its system tables where there are none.

    Args:
        directory: must be reachable by the unprivileged user; made where missing.
        settings: further command-line options of mariadbd.
        port: by default a free one.

    Raises:
        ServerError: it did not answer in time.
    """
    user = unprivileged_user()
    data = directory / "data"
    directory.mkdir(parents=True, exist_ok=True)
    if user:
        shutil.chown(directory, user)
    run_as = [f"--user={user}"] if user else []
    if not (data / "mysql").exists():
        _install(data, run_as)
    number = port or free_port()
    log = directory / "error.log"
    process = subprocess.Popen(
        [
            "mariadbd",
            "--no-defaults",
            *run_as,
            f"--datadir={data}",
            f"--socket={directory / 's.sock'}",
            f"--port={number}",
            f"--pid-file={directory / 'pid'}",
            f"--log-error={log}",
            f"--tmpdir={directory}",
            *SETTINGS,
            *settings,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    server = Server(directory, number, process)
    try:
        _wait_until_up(server, log)
        _add_user(server)
    except BaseException:
        server.stop()
        raise
    return server


@contextmanager
def running_server(*settings: str) -> Iterator[Server]:
    """A server in a temporary directory of its own, gone afterwards.

    Args:
        settings: further command-line options of mariadbd.
    """
    with temporary_directory() as directory:
        server = start(directory, *settings)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """A directory that the unprivileged user can reach, with a path short enough for a socket; gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="qproxy-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def quick_directory() -> Iterator[Path]:
    """As `temporary_directory`, in memory where there is plenty: clusters of thousands of small tables wait for disks.

    Setting a cluster up at 85 x 12 and taking it down again took a third of the time.
    """
    roomy = SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK)
    if not roomy or shutil.disk_usage(SHARED_MEMORY).free < QUICK_BYTES:
        with temporary_directory() as directory:
            yield directory
        return
    directory = Path(tempfile.mkdtemp(prefix="qproxy-", dir=SHARED_MEMORY))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _install(data: Path, run_as: list[str]) -> None:
    done = subprocess.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            *run_as,
            f"--datadir={data}",
            # Two installations at once delete each other's temporary tables in a shared directory.
            f"--tmpdir={data.parent}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerError(f"mariadb-install-db failed in {data}: {done.stdout}{done.stderr}")


def _wait_until_up(server: Server, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        if server.process.poll() is not None:
            raise ServerError(f"mariadbd ended with {server.process.returncode}: {_tail(log)}")
        try:
            pymysql.connect(unix_socket=str(server.socket), user="root").close()
            return
        except pymysql.err.OperationalError as error:
            if time.monotonic() > deadline:
                raise ServerError(f"mariadbd does not answer: {error}; {_tail(log)}") from error
        time.sleep(0.02)


def _add_user(server: Server) -> None:
    with closing(pymysql.connect(unix_socket=str(server.socket), user="root")) as connection:
        cursor = connection.cursor()
        for host in ("localhost", "127.0.0.1"):
            cursor.execute(f"CREATE USER IF NOT EXISTS '{server.user}'@'{host}'")
            cursor.execute(f"GRANT ALL ON *.* TO '{server.user}'@'{host}' WITH GRANT OPTION")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-1500:] if log.exists() else "no log"
