"""A cluster of private servers in one directory: up, status, down.

Every step can be repeated, and is where it was done before: an ``up`` that was cut off is run again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qproxy.catalog.model import Worker
from qproxy.catalog.placing import total_load
from qproxy.catalog.store import CatalogStore
from qproxy.catalog.users import ALL
from qproxy.cluster.server import PrivateServer
from qproxy.cluster.system import bytes_in, find_program, server_account
from qproxy.config import load_config
from qproxy.errors import QproxyError

CONFIG_FILE = "qproxy.toml"
STORE_FILE = "catalog.sqlite"
LOCK_FILE = ".lock"
#: Account of the proxy on the workers, and the first user of the proxy itself.
WORKER_USER = "qproxy"
FIRST_USER = "qproxy"

_CONFIG = """\
# Written by `qproxy cluster up`; yours to change: it is never written again.
# Every other setting, with its default: conf/qproxy.toml of the qproxy sources.

[catalog]
# The catalogue store, beside this file. It holds the workers' passwords.
url = "sqlite:///catalog.sqlite"
"""


@dataclass(frozen=True)
class WorkerStatus:
    """How a worker of the cluster is.

    Attributes:
        state: ``running``, ``not answering`` or ``stopped``.
        port: on loopback, None where it never ran.
        pid: None where it does not run.
        chunks: copies of chunks that it holds, in all families.
        size: bytes that its data take, None where they cannot be read.
    """

    name: str
    state: str
    port: int | None
    pid: int | None
    chunks: int
    size: int | None


def up(directory: Path, count: int | None = None, report: Callable[[str], None] = lambda line: None) -> Path:
    """Make the cluster where it is new, and start those of its servers that do not run.

    Args:
        directory: of the cluster.
        count: workers; None for as many as there are, or 3.
        report: takes a line for each thing done.

    Returns:
        The configuration file that other commands take.

    Raises:
        QproxyError: the server package is missing, a directory or port cannot be used, a server does not start,
            or another number of workers is asked of a cluster that holds data.
    """
    for program in ("mariadbd", "mariadb-install-db"):
        find_program(program)
    directory = directory.absolute()
    _refuse_foreign(directory)
    with _locked(directory), _open_store(directory) as store:
        workers = _registered(store, directory, count)
        servers = {name: _server(directory, name) for name in workers}
        started = []
        for name, server in servers.items():
            worker = workers[name]
            if server.answers(worker.user, worker.password):
                continue
            # One that runs but does not let us in was cut off while starting.
            server.stop()
            if not server.data.exists():
                report(f"{name}: making its system tables")
            server.install()
            server.start(worker.user, worker.password)
            started.append(name)
        for name, server in servers.items():
            if name in started:
                _wait(server, workers[name])
            address = server.address()
            assert address is not None
            if (workers[name].port, workers[name].socket) != (address.port, address.socket):
                _register(store, workers[name], address.port, address.socket)
            report(f"{name}: {'started' if name in started else 'running'} on 127.0.0.1:{address.port}")
        config = directory / CONFIG_FILE
        if not config.exists():
            if store.find_user(FIRST_USER) is None:
                store.add_user(FIRST_USER, None, loopback_only=True, databases=(ALL,))
            # Last of all: where it is there, the first set-up was finished.
            aside = directory / f".{CONFIG_FILE}.new"
            aside.write_text(_CONFIG)
            aside.rename(config)
        return config


def status(directory: Path) -> list[WorkerStatus]:
    """How the workers of a cluster are.

    Raises:
        QproxyError: there is no cluster.
    """
    directory = _existing(directory)
    with _open_store(directory) as store:
        catalog = store.load()
    chunks = total_load(catalog.placements.values())
    found = []
    for name, worker in sorted(catalog.workers.items(), key=lambda item: _number(item[0])):
        server = _server(directory, name)
        address, pid = server.address(), server.pid()
        state = "stopped" if pid is None else "not answering"
        if pid is not None and server.answers(worker.user, worker.password):
            state = "running"
        port = address.port if address else None
        found.append(WorkerStatus(name, state, port, pid, chunks.get(name, 0), bytes_in(server.data)))
    return found


def down(directory: Path, report: Callable[[str], None] = lambda line: None) -> int:
    """Stop all servers of a cluster and wait for their end; the data stay.

    Returns:
        The number of servers that were running.

    Raises:
        QproxyError: there is no cluster, or a server belongs to somebody else.
    """
    directory = _existing(directory)
    stopped = 0
    with _locked(directory):
        # By directory, not by the store: one that was cut off before its registration is stopped too.
        names = (p.name for p in directory.iterdir() if p.is_dir() and _number(p.name))
        for name in sorted(names, key=_number):
            if _server(directory, name).stop():
                stopped += 1
                report(f"{name}: stopped")
            else:
                report(f"{name}: was not running")
    return stopped


def _registered(store: CatalogStore, directory: Path, count: int | None) -> dict[str, Worker]:
    """The workers of the cluster by name, the missing ones registered."""
    catalog = store.load()
    there = dict(sorted(catalog.workers.items(), key=lambda item: _number(item[0])))
    wanted = count if count is not None else (len(there) or 3)
    if wanted < 1:
        raise QproxyError(f"{wanted} workers were asked for; ask for 1 or more")
    first_setup_done = (directory / CONFIG_FILE).exists()
    if wanted < len(there) or (wanted > len(there) and catalog.databases and first_setup_done):
        raise QproxyError(
            f"the cluster in {directory} has {len(there)} workers"
            f"{' with data' if catalog.databases else ''}, {wanted} were asked for: leave out --workers, or choose "
            "another --dir for a new cluster"
        )
    for number in range(1, wanted + 1):
        name = f"worker-{number}"
        if name not in there:
            # Before it is started: whatever happens then, its password is known.
            password = secrets.token_urlsafe(24)
            there[name] = Worker(name, user=WORKER_USER, password=password, port=0)
            store.add_worker(there[name])
    return there


def _wait(server: PrivateServer, worker: Worker) -> None:
    try:
        server.wait_until_ready(worker.user, worker.password)
    except QproxyError:
        # Between our look for a free port and the server's use of it, another program may have taken it.
        if server.pid() is not None or not server.lost_its_port():
            raise
        server.start(worker.user, worker.password)
        server.wait_until_ready(worker.user, worker.password)


def _register(store: CatalogStore, worker: Worker, port: int, socket: str) -> None:
    store.add_worker(
        Worker(worker.name, worker.kind, "127.0.0.1", port, worker.user, worker.password, socket, worker.path)
    )


def _server(directory: Path, name: str) -> PrivateServer:
    return PrivateServer(name, directory / name, server_account())


def _number(name: str) -> int:
    found = re.fullmatch(r"worker-(\d+)", name)
    return int(found[1]) if found else 0


def _existing(directory: Path) -> Path:
    directory = directory.absolute()
    if not _is_cluster(directory):
        raise QproxyError(f"there is no cluster in {directory}: make one with 'qproxy cluster up --dir {directory}'")
    return directory


def _open_store(directory: Path) -> CatalogStore:
    config = directory / CONFIG_FILE
    if config.exists():
        return CatalogStore.open(load_config(config).catalog.url)
    return CatalogStore.open(f"sqlite:///{directory / STORE_FILE}")


def _is_cluster(directory: Path) -> bool:
    return (directory / STORE_FILE).exists() or (directory / CONFIG_FILE).exists()


def _refuse_foreign(directory: Path) -> None:
    """Refuse a directory with other things in it, before anything is written there."""
    try:
        others = [p.name for p in directory.iterdir() if p.name != LOCK_FILE] if directory.exists() else []
    except OSError as error:
        raise QproxyError(f"{directory}: {error.strerror}; choose another --dir") from None
    if others and not _is_cluster(directory):
        raise QproxyError(
            f"{directory} is not empty (it holds '{min(others)}') and no cluster: choose a new directory for --dir"
        )


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep other cluster commands off the directory, which is made where missing."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise QproxyError(f"{error.filename or directory}: {error.strerror}; choose another --dir") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise QproxyError(
                f"another 'qproxy cluster' command works on {directory}: try again when it has ended"
            ) from None
        if os.stat(directory).st_uid == os.geteuid():
            # The servers' account must be able to pass through, whatever our umask.
            os.chmod(directory, os.stat(directory).st_mode | 0o711)
        yield
    finally:
        os.close(lock)
