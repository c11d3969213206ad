"""Many clients at once: memory of idle connections, and how long it takes to come in beside them."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import ssl
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median, quantiles

from benchmarks.options import NotMeasured, Options, WrongAnswer
from benchmarks.processes import cpu_seconds, queued_seconds, resident_bytes
from benchmarks.results import GOALS, Cell, Measured, Table, goal
from benchmarks.sources import made_data
from benchmarks.systems import Cluster, Endpoint, running_cluster, running_proxy
from qproxy.catalog.store import CatalogStore
from qproxy.wire import packets
from qproxy.wire.native_password import native_response
from qproxy.wire.rowblock import frame
from qproxy.wire.sha2_password import PLUGIN, sha2_response
from tests.wire.made import RawClient

IDLE, BUSY, LOGINS = 1000, 100, 300
#: Kilobytes an idle connection may take; milliseconds that half of all logins may take.
AIM_KB, AIM_MS = 100.0, 3.0
USER, PASSWORD = "bench", "a password"
_FULL_LOGIN = b"\x01\x04"
_FILES = 4096
_ROWS = 20_000
#: Of the busy clients, each behind the answer to its last one: small work, as of people who look at single objects.
_STATEMENT = "SELECT objectId, ra, decl FROM Object WHERE objectId = 7"
_BUSY_SECONDS = 5.0
#: Seconds from one question of a client that is busy but not without a pause to the next.
_PAUSE = 1.0


def measure(options: Options) -> Measured:
    """Open the connections, then come in again and again beside them.

    Raises:
        NotMeasured: so many files cannot be open here.
        WrongAnswer: a login or a query was refused.
    """
    _allow_files()
    with tempfile.TemporaryDirectory(prefix="qproxy-bench-") as name, running_cluster(1) as cluster:
        cluster.ingest(made_data(min(options.rows, _ROWS), Path(name)) / "wide.yaml", 1)
        with CatalogStore.open(cluster.config.catalog.url) as store:
            store.add_user(USER, PASSWORD, databases=("*",))
        with cluster.config_file.open("a") as file:
            file.write(f"\n[server]\nmax_connections = {IDLE + 2 * BUSY}\n")
        with running_proxy(cluster) as proxy, ExitStack() as held:
            return _measured(proxy, cluster, options.rounds, held)


def _measured(proxy: Endpoint, cluster: Cluster, rounds: int, held: ExitStack) -> Measured:
    pid = proxy.pids[0]
    _logins(proxy.port, 50)
    # The first login by that plugin says the password itself, for which it wants TLS; then the proxy knows its digest.
    first = _TlsClient(proxy.port, _trusting())
    _say(first, PLUGIN)
    first.close()
    alone = [_logins(proxy.port, LOGINS) for _ in range(rounds)]
    direct = [_direct_logins(cluster, LOGINS) for _ in range(rounds)]
    before = resident_bytes(pid)
    for _ in range(IDLE):
        held.callback(RawClient(proxy.port).login(USER, PASSWORD).close)
    each = (resident_bytes(pid) - before) / IDLE / 1024
    beside = [_logins(proxy.port, LOGINS) for _ in range(rounds)]
    sha2 = [_logins(proxy.port, LOGINS, PLUGIN) for _ in range(rounds)]
    paced = _beside_busy(proxy, rounds, _PAUSE)
    busy = _beside_busy(proxy, rounds, 0.0)
    held.close()
    encrypted = _tls_memory(proxy, held)
    typical, moderate, crowded = (
        median(m for m, _ in map(_middle_and_tail, turns)) for turns in (beside, paced.logins, busy.logins)
    )
    return Measured(
        "connections",
        (
            Table(
                "Connect, log in with a password, and hear that it is right",
                ("beside", "median ms, in turn", "median ms", "p99 ms"),
                (
                    _line("nobody", alone),
                    _line(f"{IDLE:,} idle connections", beside),
                    _line(f"{IDLE:,} idle connections, caching_sha2_password", sha2),
                    _line(f"{IDLE:,} idle, {BUSY} that ask once a second", paced.logins),
                    _line(f"{IDLE:,} idle, {BUSY} that ask without a pause", busy.logins),
                    _line("nobody; straight to a MariaDB worker", direct),
                ),
                (
                    "Clients over loopback without TLS, one login after the other, mysql_native_password where nothing "
                    "else is said.",
                    f"Once a second: {paced.words}.",
                    f"Without a pause: {busy.words}.",
                    "A login waits for the end of two turns of the event loop, and each is as long as what the proxy "
                    "does for a query or more.",
                ),
            ),
            Table(
                "Memory of an idle connection",
                ("connection", "KB"),
                (("plain", each), ("with TLS", encrypted)),
                (f"Growth of the proxy's resident memory with {IDLE:,} of them, divided by their number.",),
            ),
            Table(
                "Goals",
                GOALS,
                (
                    goal("an idle connection", each, "KB", AIM_KB, strictly=True),
                    goal(f"median login beside {IDLE:,} idle connections", typical, "ms", AIM_MS, strictly=True),
                    goal(f"the same beside {BUSY} that ask once a second too", moderate, "ms", AIM_MS, strictly=True),
                    goal(f"the same beside {BUSY} that ask without a pause", crowded, "ms", AIM_MS, strictly=True),
                ),
            ),
        ),
        f"{IDLE:,} idle connections, {BUSY} busy ones, {LOGINS} logins a turn",
    )


@dataclass(frozen=True)
class _Busy:
    """Logins beside busy clients.

    Attributes:
        logins: seconds of each, in turns.
        rate: queries a second meanwhile.
        load: cores that the proxy used meanwhile.
        queued: part of the time in which the proxy had work and no core.
    """

    logins: list[list[float]]
    rate: float
    load: float
    queued: float

    @property
    def words(self) -> str:
        """What the proxy did meanwhile."""
        return (
            f"{self.rate:,.0f} point queries a second; the proxy ran on a core for {self.load:.0%} of the time, and "
            f"for {self.queued:.0%} had work and no core"
        )


def _beside_busy(proxy: Endpoint, rounds: int, pause: float) -> _Busy:
    with _busy_clients(proxy.port, pause) as asked:
        pid = proxy.pids[0]
        began, cpu, queued, queries = time.monotonic(), cpu_seconds(proxy.pids), queued_seconds(pid), asked()
        logins = [_logins(proxy.port, LOGINS) for _ in range(rounds)]
        seconds = time.monotonic() - began
        while seconds < _BUSY_SECONDS:
            time.sleep(_BUSY_SECONDS - seconds)
            seconds = time.monotonic() - began
        return _Busy(
            logins,
            (asked() - queries) / seconds,
            (cpu_seconds(proxy.pids) - cpu) / seconds,
            (queued_seconds(pid) - queued) / seconds,
        )


def _line(beside: str, turns: Sequence[Sequence[float]]) -> tuple[Cell, ...]:
    found = [_middle_and_tail(turn) for turn in turns]
    return (beside, " ".join(f"{m:.2f}" for m, _ in found), median(m for m, _ in found), median(t for _, t in found))


def _middle_and_tail(times: Sequence[float]) -> tuple[float, float]:
    """Median and 99th percentile, in milliseconds."""
    return median(times) * 1000, quantiles(times, n=100)[-1] * 1000


def _logins(port: int, count: int, plugin: str = "") -> list[float]:
    """Seconds that each login took.

    Args:
        plugin: that the client would like; by default that of the greeting.
    """
    found = []
    for _ in range(count):
        began = time.perf_counter()
        raw = RawClient(port)
        if plugin:
            raw.greeting()
            _say(raw, plugin)
        else:
            raw.login(USER, PASSWORD)
        found.append(time.perf_counter() - began)
        raw.close()
    return found


def _say(raw: RawClient, plugin: str) -> None:
    """Log in by caching_sha2_password on a connection that was greeted."""
    raw.send(raw.response(USER, b"", plugin))
    raw.send(sha2_response(PASSWORD, raw.read()[-21:-1]))
    if raw.read() == _FULL_LOGIN:
        raw.send(PASSWORD.encode() + b"\0")
    if raw.read()[:1] != b"\0":
        raise WrongAnswer("a login by caching_sha2_password was refused")


class _TlsClient(RawClient):
    """A raw client that has changed to TLS and not logged in yet."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(port)
        self.greeting()
        self.capabilities |= packets.SSL
        self.send(struct.pack("<IIB23x", self.capabilities, 1 << 24, 45))
        self.sock = context.wrap_socket(self.sock)


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _direct_logins(cluster: Cluster, count: int) -> list[float]:
    """Seconds that each login to the first worker took."""
    worker, found = cluster.workers()[0], []
    for _ in range(count):
        began = time.perf_counter()
        raw = RawClient(worker.port)
        raw.login(worker.user, worker.password)
        found.append(time.perf_counter() - began)
        raw.close()
    return found


def _tls_memory(proxy: Endpoint, held: ExitStack) -> float:
    """Kilobytes of an idle connection over TLS."""
    context = _trusting()
    before = resident_bytes(proxy.pids[0])
    for _ in range(IDLE):
        raw = _TlsClient(proxy.port, context)
        held.callback(raw.close)
        raw.send(raw.response(USER, native_response(PASSWORD, raw.nonce)))
        if raw.read()[:1] != b"\0":
            raise WrongAnswer("a login over TLS was refused")
    return (resident_bytes(proxy.pids[0]) - before) / IDLE / 1024


@contextmanager
def _busy_clients(port: int, pause: float) -> Iterator[Callable[[], int]]:
    """Clients in a process of their own that ask; gives a function that says how often they did.

    Args:
        pause: seconds from a question to the next of the same client; 0 for none behind the answer.
    """
    context = multiprocessing.get_context("spawn")
    counter, ready, stop = context.Value("q", 0), context.Event(), context.Event()
    process = context.Process(target=_ask_for_ever, args=(port, pause, counter, ready, stop))
    process.start()
    try:
        if not ready.wait(60):
            raise WrongAnswer("the busy clients got no answer")
        yield lambda: int(counter.value)
    finally:
        stop.set()
        process.join(30)


def _ask_for_ever(port: int, pause: float, counter: object, ready: Event, stop: Event) -> None:
    asyncio.run(_ask_all(port, pause, counter, ready, stop))


async def _ask_all(port: int, pause: float, counter: object, ready: Event, stop: Event) -> None:
    clock = asyncio.get_running_loop().time

    async def ask(number: int) -> None:
        raw = await asyncio.to_thread(lambda: RawClient(port).login(USER, PASSWORD))
        raw.ask(2, b"wide")
        reader, writer = await asyncio.open_connection(sock=raw.sock)
        query = frame(b"\x03" + _STATEMENT.encode())
        due = clock() + pause * number / BUSY
        while not stop.is_set():
            await asyncio.sleep(max(0.0, due - clock()))
            due += pause
            writer.write(query)
            last = b""
            while last[:1] not in (b"\xfe", b"\xff"):
                header = await reader.readexactly(4)
                last = await reader.readexactly(int.from_bytes(header[:3], "little"))
            if last[:1] == b"\xff":
                raise WrongAnswer(f"a busy client was refused: {last!r}")
            counter.value += 1  # type: ignore[attr-defined]
            ready.set()
        writer.close()

    async with asyncio.TaskGroup() as group:
        for number in range(BUSY):
            group.create_task(ask(number))


def _allow_files() -> None:
    """Let this process and those that it starts open a file for each connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _FILES:
        if hard != resource.RLIM_INFINITY and hard < _FILES:
            raise NotMeasured(f"{_FILES} open files are needed and {hard} are allowed; raise 'ulimit -Hn'")
        resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, hard))
