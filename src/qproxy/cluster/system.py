"""What cluster commands ask of the operating system: programs, accounts, processes."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qproxy.errors import QproxyError

#: The one command that installs the servers on Debian and Ubuntu.
INSTALL_COMMAND = "sudo apt-get install -y mariadb-server"


#: Seconds between two looks at something that is waited for.
POLL_SECONDS = 0.03


@dataclass(frozen=True)
class Account:
    """An account of the system."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """The account that servers run as: ``mysql`` or else ``nobody`` where we are root, else None: our own."""
    if os.geteuid() != 0:
        return None
    for name in ("mysql", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise QproxyError(
        "servers do not run as root, and there is no account 'mysql' or 'nobody': run this as another user"
    )


def become(account: Account | None) -> dict[str, Any]:
    """Arguments of `subprocess.run` that let a command run as that account."""
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}


def find_program(name: str) -> str:
    """Path of a program of the MariaDB server package.

    Raises:
        QproxyError: it is not installed.
    """
    # Daemons lie in directories that are not on every user's PATH.
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
    found = shutil.which(name, path=path)
    if found is None:
        raise QproxyError(f"'{name}' was not found: the MariaDB server is not installed; type: {INSTALL_COMMAND}")
    return found


def process_runs(pid: int, argument: str) -> bool:
    """Whether that process runs, and has that argument on its command line; one that only waits to be reaped
    does not run, and has no command line any more."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return os.fsencode(argument) in line.split(b"\0")[1:]


def processes_with(argument: str) -> list[int]:
    """Ids of the running processes that have that argument on their command line."""
    return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and process_runs(int(p.name), argument)]


def bytes_in(directory: Path) -> int | None:
    """Bytes that a directory takes on its disk, None where it cannot be read."""
    total = 0
    waiting = [directory]
    try:
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    try:
                        info = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    total += info.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
    except OSError:
        return None
    return total


def run_command(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in a process group that does not outlive us where we are interrupted."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, output)


def end_process(pid: int, first: signal.Signals, argument: str, seconds: float = 10.0) -> None:
    """Signal a process and wait until it is gone; beyond the given seconds it is killed.

    Args:
        pid: of the process.
        first: the signal.
        argument: what its command line holds, so that another process of that id is left alone.
        seconds: to wait.
    """
    if not process_runs(pid, argument):
        return
    for number in (first, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        for _ in _until(seconds):
            if _ended(pid, argument):
                return
    raise QproxyError(f"process {pid} does not end, not even when killed: its disk may hang")


def _ended(pid: int, argument: str) -> bool:
    """Whether a process has gone for good, its files closed: its command line goes earlier than that.

    Field 3 of /proc/<pid>/stat is the state: Z and X for what only waits to be reaped (proc(5)).
    """
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, IndexError):
        return True
    return state in "ZX" or (bool(line) and not process_runs(pid, argument))


def _until(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(POLL_SECONDS)


def port_is_free(port: int) -> bool:
    """Whether a server could listen on that port of 127.0.0.1."""
    with socket.socket() as probe:
        # As the server does: what only lingers in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
