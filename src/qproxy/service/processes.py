"""One proxy that is several processes: they share the sockets that listen; who is free takes the next client."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from qproxy.errors import QproxyError
from qproxy.service.siblings import Place
from qproxy.wire import listening

log = logging.getLogger(__name__)

#: Seconds for a process to end by itself once it was told to.
PATIENCE = 15.0
#: A process that ends is started anew after so many seconds at the earliest.
PAUSE = 1.0

Sockets = Sequence[socket.socket]
#: What a process runs: its place, the sockets that listen, and where it says None when it serves, or why it cannot.
Run = Callable[[Place, Sockets, Connection], None]


def supervise(run: Run, count: int, host: str, port: int, path: str = "") -> None:
    """Serve with several processes until SIGINT or SIGTERM; one that breaks off is started anew.

    Args:
        run: at the top of a module, as another interpreter has to find it.
        count: of processes.
        host, port, path: to listen on, see `listening.listen`.

    Raises:
        QproxyError: an address cannot be had, or a process cannot serve.
    """
    with contextlib.ExitStack() as stack:
        listeners = listening.listen(host, port, path)
        stack.callback(listening.close, listeners)
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="qproxy-"))
        told = stack.enter_context(_signals())
        family = _Family(run, count, directory, listeners)
        stack.callback(family.stop)
        if not family.start(told):
            return
        taken = next((s.getsockname()[1] for s in listeners if s.family != socket.AF_UNIX), port)
        print(f"qproxy ready on {host}:{taken}", flush=True)
        family.watch(told)


class _Family:
    """The processes.

    Args:
        run, count: see `supervise`.
        directory: where they meet.
        listeners: sockets that listen.
    """

    def __init__(self, run: Run, count: int, directory: str, listeners: Sockets) -> None:
        self._run = run
        self._count = count
        self._directory = directory
        self._listeners = listeners
        # Not forked: another interpreter starts without the threads and locks of this one.
        self._context = multiprocessing.get_context("spawn")
        self._members: dict[int, SpawnProcess] = {}

    def start(self, told: socket.socket) -> bool:
        """Start all, and wait until they serve; whether no signal came meanwhile.

        Raises:
            QproxyError: one cannot serve.
        """
        waiting = {self._begin(number): number for number in range(self._count)}
        while waiting:
            for ready in wait([*waiting, told]):
                if ready is told:
                    return False
                assert isinstance(ready, Connection)
                self._heard(ready, waiting.pop(ready))
        return True

    def _begin(self, number: int) -> Connection:
        mine, theirs = self._context.Pipe(duplex=False)
        place = Place(number, self._count, self._directory)
        process = self._context.Process(
            target=self._run, args=(place, self._listeners, theirs), name=f"qproxy-{number}"
        )
        process.start()
        theirs.close()
        self._members[number] = process
        return mine

    @staticmethod
    def _heard(pipe: Connection, number: int) -> None:
        with pipe:
            try:
                refusal: str | None = pipe.recv()
            except EOFError:
                refusal = f"process {number} of the proxy ended before it served; its own words stand above"
        if refusal is not None:
            raise QproxyError(refusal)

    def watch(self, told: socket.socket) -> None:
        """Start anew what ends, until a signal comes."""
        while True:
            numbers = {process.sentinel: number for number, process in self._members.items()}
            for ready in wait([*numbers, told]):
                if ready is told:
                    return
                number = numbers[ready]  # type: ignore[index]
                log.error("process %d of the proxy ended with %s", number, self._members[number].exitcode)
                if wait([told], PAUSE):
                    return
                self._begin(number).close()

    def stop(self) -> None:
        """End all."""
        for process in self._members.values():
            if process.is_alive():
                process.terminate()
        until = time.monotonic() + PATIENCE
        for process in self._members.values():
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket that has something to read when SIGINT or SIGTERM came."""
    mine, theirs = socket.socketpair()
    with mine, theirs:
        theirs.setblocking(False)
        before = signal.set_wakeup_fd(theirs.fileno())
        handlers = {n: signal.signal(n, lambda *_: None) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield mine
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)


def parent() -> int | None:
    """A file descriptor that can be read from once the process that started this one has ended; None without one."""
    process = multiprocessing.parent_process()
    return None if process is None else os.dup(process.sentinel)
