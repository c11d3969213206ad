"""One private MariaDB server in a directory of its own: made, started, found again and stopped.

The directory holds ``data``, ``tmp``, ``server.cnf`` (which remembers port and socket), ``server.pid`` and
``error.log``. A server belongs to a directory if the file of its options does: that is how it is told from any
other process, whatever its process id.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pymysql

from qproxy.cluster.system import (
    POLL_SECONDS,
    Account,
    become,
    end_process,
    find_program,
    free_port,
    port_is_free,
    process_runs,
    processes_with,
    run_command,
)
from qproxy.errors import QproxyError

#: Longest path of a Unix socket in bytes: sun_path of unix(7) less its closing zero.
MAX_SOCKET_PATH = 107
START_SECONDS = 60.0
STOP_SECONDS = 120.0

#: Small buffers, so that several servers fit beside each other; the rest is what loading and dispatch rely on.
# sync-frm off: the data files of Aria tables are not synced either, so a machine that loses power loses chunks all the
# same (a replica has them); synced, each of some thousand small tables costs two more writes to the disk.
# tmp-memory-table-size, max-heap-table-size: what a near-neighbour join looks into is found 5 times as fast in memory
# as in a file, which 100,000 rows with a VARCHAR(40) among their columns became at MariaDB's own 16M.
_OPTIONS = """\
bind-address = 127.0.0.1
skip-name-resolve
skip-log-bin
local-infile = 1
character-set-server = utf8mb4
collation-server = utf8mb4_general_ci
performance-schema = OFF
max-connections = 200
max-allowed-packet = 1G
table-open-cache = 4000
table-definition-cache = 4000
sync-frm = 0
key-buffer-size = 16M
aria-pagecache-buffer-size = 32M
innodb-buffer-pool-size = 32M
innodb-log-file-size = 16M
tmp-memory-table-size = 128M
max-heap-table-size = 128M
"""


@dataclass(frozen=True)
class Address:
    """Where a server listens: a loopback port, and a Unix socket."""

    port: int
    socket: str


@dataclass(frozen=True)
class PrivateServer:
    """A server and its directory; whether it runs is asked of the system each time.

    Attributes:
        name: what operators call it.
        directory: absolute.
        account: the system account that it runs as, None for our own.
    """

    name: str
    directory: Path
    account: Account | None

    @property
    def options_file(self) -> Path:
        """The file with its options."""
        return self.directory / "server.cnf"

    @property
    def log(self) -> Path:
        """Its error log."""
        return self.directory / "error.log"

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.directory / "data"

    def address(self) -> Address | None:
        """Where it listens, or did when it last ran; None where it never did."""
        options = configparser.ConfigParser(allow_no_value=True, interpolation=None)
        try:
            options.read_string(self.options_file.read_text())
            return Address(options.getint("mariadbd", "port"), options.get("mariadbd", "socket"))
        except (OSError, configparser.Error, ValueError):
            return None

    def pid(self) -> int | None:
        """Its process id, None where it does not run."""
        mark = f"--defaults-file={self.options_file}"
        with contextlib.suppress(OSError, ValueError):
            noted = int((self.directory / "server.pid").read_text())
            if process_runs(noted, mark):
                return noted
        # One that is still starting has not noted its id yet.
        found = processes_with(mark)
        return found[0] if found else None

    def install(self) -> None:
        """Make directory and system tables where they are missing.

        Raises:
            QproxyError: the server package is missing, or the directory cannot be used.
        """
        try:
            self._make_directories()
            if self.data.exists():
                return
            # Renamed when whole, so that an installation that was cut off is never taken for one.
            unfinished = self.directory / "data.unfinished"
            for pid in processes_with(f"--datadir={unfinished}"):
                end_process(pid, signal.SIGKILL, f"--datadir={unfinished}")
            shutil.rmtree(unfinished, ignore_errors=True)
            command = [
                find_program("mariadb-install-db"),
                "--no-defaults",
                f"--datadir={unfinished}",
                # Installations side by side trip over each other's temporary tables in the system's directory.
                f"--tmpdir={self.directory / 'tmp'}",
                "--auth-root-authentication-method=socket",
                "--skip-test-db",
                "--skip-name-resolve",
                "--innodb-log-file-size=16M",
                "--innodb-buffer-pool-size=32M",
                *([f"--user={self.account.name}"] if self.account else []),
            ]
            done = run_command(command)
            if done.returncode:
                raise QproxyError(
                    f"worker '{self.name}': its system tables could not be made in {unfinished}:\n"
                    f"{_last_lines(done.stdout)}"
                )
            unfinished.rename(self.data)
        except OSError as error:
            raise self._directory_error(error) from None

    def start(self, user: str, password: str) -> None:
        """Start it in the background, without waiting for it; it outlives this process.

        The account of the proxy is made, or given this password, before the server answers anybody.

        Args:
            user, password: of the proxy's account, which may connect from this machine alone.

        Raises:
            QproxyError: the directory cannot be used.
        """
        try:
            self._write_options(self._choose_address())
            first = self.directory / "accounts.sql"
            self._write_private(first, _accounts(user, password))
            # The shell ends at once, so the server has no parent that would have to wait for it.
            with self.log.open("ab") as log:
                _own(self.log, self.account)
                subprocess.run(
                    [
                        "/bin/sh",
                        "-c",
                        '"$@" &',
                        "sh",
                        find_program("mariadbd"),
                        f"--defaults-file={self.options_file}",
                        f"--init-file={first}",
                        *([f"--user={self.account.name}"] if self.account else []),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    start_new_session=True,
                    check=True,
                )
        except OSError as error:
            raise self._directory_error(error) from None

    def wait_until_ready(self, user: str, password: str, seconds: float = START_SECONDS) -> None:
        """Wait until it lets the proxy's account in.

        Raises:
            QproxyError: it ended, or does not answer in time; with the end of its error log.
        """
        deadline = time.monotonic() + seconds
        seen = False
        while not self.answers(user, password):
            running = self.pid() is not None
            seen = seen or running
            late = time.monotonic() > deadline
            # The shell's child shows up under its name a moment later than the shell ends.
            if late or (not running and (seen or time.monotonic() > deadline - seconds + 2)):
                what = f"does not answer within {seconds:.0f} s" if late else "ended while starting"
                raise QproxyError(f"worker '{self.name}' {what}; the end of {self.log}:\n{self._log_tail()}")
            time.sleep(POLL_SECONDS)
        (self.directory / "accounts.sql").unlink(missing_ok=True)

    def answers(self, user: str, password: str) -> bool:
        """Whether the proxy's account can log in."""
        address = self.address()
        if address is None:
            return False
        try:
            pymysql.connect(
                unix_socket=address.socket, user=user, password=password, connect_timeout=5, read_timeout=5
            ).close()
        except pymysql.MySQLError:
            return False
        return True

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Stop it and wait for its end; beyond the given seconds it is killed.

        Returns:
            Whether it was running.

        Raises:
            QproxyError: this account may not stop it.
        """
        mark = f"--defaults-file={self.options_file}"
        pids = processes_with(mark)
        try:
            for pid in pids:
                end_process(pid, signal.SIGTERM, mark, seconds)
        except PermissionError:
            raise QproxyError(
                f"worker '{self.name}' (process {pids[0]}) belongs to another user: stop it as that user or as root"
            ) from None
        (self.directory / "accounts.sql").unlink(missing_ok=True)
        address = self.address()
        if address and Path(address.socket).parent != self.directory:
            with contextlib.suppress(OSError):
                Path(address.socket).parent.rmdir()
        return bool(pids)

    def lost_its_port(self) -> bool:
        """Whether it last ended because another program listens on its port."""
        return "Bind on TCP/IP port" in self._log_tail()

    def _make_directories(self) -> None:
        for path in (self.directory, self.directory / "tmp"):
            path.mkdir(parents=True, exist_ok=True)
            _own(path, self.account)
        # Others must be able to reach the socket; data and options are closed by their own modes.
        self.directory.chmod(0o755)
        reach = subprocess.run(
            ["/bin/ls", "-d", f"{self.directory}/."], capture_output=True, check=False, **become(self.account)
        )
        if reach.returncode and self.account:
            raise QproxyError(
                f"worker '{self.name}': the account '{self.account.name}', which runs the servers where root "
                f"starts them, cannot enter {self.directory}: choose a --dir outside of private directories "
                "such as /root"
            )

    def _choose_address(self) -> Address:
        before = self.address()
        path = str(self.directory / "mariadb.sock")
        if len(os.fsencode(path)) > MAX_SOCKET_PATH:
            path = before.socket if before else ""
            short = Path(path).parent
            if not path or not short.is_dir() or short.stat().st_uid != _uid(self.account):
                short = Path(tempfile.mkdtemp(prefix="qproxy-", dir="/tmp"))
                short.chmod(0o755)
                _own(short, self.account)
            path = str(short / "mariadb.sock")
        port = before.port if before and port_is_free(before.port) else free_port()
        return Address(port, path)

    def _write_options(self, address: Address) -> None:
        self._write_private(
            self.options_file,
            "# Written by `qproxy cluster up` each time that it starts this server.\n[mariadbd]\n"
            f"datadir = {self.data}\n"
            f"tmpdir = {self.directory / 'tmp'}\n"
            f"socket = {address.socket}\n"
            f"port = {address.port}\n"
            f"pid-file = {self.directory / 'server.pid'}\n"
            f"log-error = {self.log}\n" + _OPTIONS,
        )

    def _write_private(self, path: Path, text: str) -> None:
        # Written aside and renamed: a server never reads half a file, and the mode is right from the start.
        aside = path.with_name(path.name + ".new")
        aside.unlink(missing_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        _own(aside, self.account)
        aside.rename(path)

    def _log_tail(self) -> str:
        try:
            return _last_lines(self.log.read_text(errors="replace"))
        except OSError as error:
            return f"(no log: {error.strerror})"

    def _directory_error(self, error: OSError) -> QproxyError:
        return QproxyError(
            f"worker '{self.name}': {error.filename or self.directory}: {error.strerror}; "
            "check that the directory is yours and that its disk has room"
        )


def _accounts(user: str, password: str) -> str:
    """Statements, one a line as --init-file wants them, that make the proxy's account.

    It may do what loading and querying need, and nothing that reaches files or other accounts' statements.
    """
    rights = (
        "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE TEMPORARY TABLES, "
        "LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, RELOAD, PROCESS, SHOW DATABASES"
    )
    lines = []
    for host in ("localhost", "127.0.0.1"):
        account = f"'{user}'@'{host}'"
        lines += [
            f"CREATE USER IF NOT EXISTS {account};",
            f"ALTER USER {account} IDENTIFIED BY '{password}';",
            f"GRANT {rights} ON *.* TO {account};",
        ]
    return "\n".join(lines) + "\n"


def _own(path: Path, account: Account | None) -> None:
    if account:
        os.chown(path, account.uid, account.gid)


def _uid(account: Account | None) -> int:
    return account.uid if account else os.geteuid()


def _last_lines(text: str, count: int = 12) -> str:
    return "\n".join("  " + line for line in text.splitlines()[-count:])
