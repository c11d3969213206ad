"""The proxy put together: store, workers, sessions and the listening server."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from qproxy.backends.base import Backend
from qproxy.backends.mariadb import MariaDBBackend
from qproxy.catalog.model import Catalog, Worker
from qproxy.catalog.store import CatalogStore
from qproxy.config import Config, ServerConfig
from qproxy.dispatch.dispatcher import Dispatcher, Limits
from qproxy.dispatch.fragments import Batching
from qproxy.errors import QproxyError, SQLError
from qproxy.service.query_log import QueryLog
from qproxy.service.siblings import Place, Siblings
from qproxy.service.stored_users import StoredUsers
from qproxy.service.tls_watch import TlsWatch
from qproxy.service.watch import CatalogWatch
from qproxy.service.workers import Workers
from qproxy.session.services import Services
from qproxy.session.session import Session
from qproxy.wire.handler import Client
from qproxy.wire.limits import Limits as WireLimits
from qproxy.wire.proxy_protocol import parse_networks
from qproxy.wire.rsa_key import RsaKey
from qproxy.wire.server import Server, Ways

log = logging.getLogger(__name__)

#: Files beside those of clients: connections to workers, spools, the store.
_OTHER_FILES = 4096

#: Scratch tables that are older belong to a proxy that ended without dropping them: no query runs for so long.
SCRATCH_AGE = timedelta(days=3)
#: Of the garbage collector: new objects before it looks at them, and how often that is done before it looks at older.
_THRESHOLDS = (10_000, 20, 20)


def connect(workers: Mapping[str, Worker], config: Config) -> dict[str, Backend]:
    """A backend for each registered worker; nothing is connected yet."""
    return {name: _backend(worker, config) for name, worker in workers.items()}


@asynccontextmanager
async def running(
    config: Config,
    store: CatalogStore,
    backends: Mapping[str, Backend],
    host: str,
    port: int,
    part: Part | None = None,
) -> AsyncIterator[Server]:
    """A proxy that listens for as long as the context lasts.

    Args:
        config: its settings.
        store: databases, users, query log.
        backends: by worker name; they stay open. Workers that the store gets or changes later are added to them.
        host, port: to listen on; port 0 takes a free one, see `Server.port`.
        part: of the proxy that this process is; None where it is the whole.

    Raises:
        QproxyError: the address cannot be had.
    """
    tls = TlsWatch(config.server)
    ways = _ways(config.server)

    def changed(catalog: Catalog) -> None:
        workers.follow(catalog.workers)
        services.known.forget()
        _let_go(server, catalog)

    def may_read(user: str, database: str) -> bool:
        found = watch.current().users.get(user)
        return found is not None and found.privileges.may_read(database)

    watch = CatalogWatch(store, config.catalog.refresh_seconds, changed)
    workers = Workers(backends, watch.current().workers, lambda worker: _backend(worker, config))
    query_log = QueryLog(store)
    services = Services(
        catalog=watch.current,
        dispatcher=Dispatcher(workers.backends, dispatch_limits(config, len(backends))),
        merge_limit=config.merge.gather_limit_mb << 20,
        share_limit=config.merge.share_limit_mb << 20,
        max_packet=config.server.max_packet_mb << 20,
        record=query_log.record if config.log.queries else lambda record: None,
        kill=lambda connection_id, query_only: server.kill(connection_id, query_only),
        may_read=may_read,
        variables=lambda: {"port": str(server.port), "socket": config.server.socket},
        idle_timeouts=(config.server.idle_timeout, config.server.interactive_timeout),
    )

    def session(client: Client, database: str | None) -> Session:
        return Session(services, client)

    listeners, ids = (part.listeners, part.place.ids) if part is not None else ((), None)
    limits = wire_limits(config.server)
    server = Server(session, StoredUsers(watch), host, port, tls.context, limits, ways, listeners, ids)
    async with AsyncExitStack() as stack:
        if part is not None:
            siblings = Siblings(part.place, services)
            services.siblings = siblings
            await siblings.start()
            stack.push_async_callback(siblings.stop)
        stack.push_async_callback(workers.close)
        stack.push_async_callback(services.dispatcher.close)
        services.dispatcher.later(services.dispatcher.sweep(SCRATCH_AGE))
        await server.start()
        query_log.start()
        stack.push_async_callback(query_log.stop)
        watch.start()
        stack.push_async_callback(watch.stop)
        tls.start(server)
        stack.push_async_callback(tls.stop)
        stack.push_async_callback(server.close)
        yield server


def _backend(worker: Worker, config: Config) -> Backend:
    given = config.workers
    return MariaDBBackend(worker, given.connections, given.connect_timeout, given.silence_timeout)


@dataclass(frozen=True)
class Part:
    """What a process of a proxy is given that is several.

    Attributes:
        listeners: sockets that listen, shared by all.
        parent: readable once the process that started it has ended.
    """

    place: Place
    listeners: Sequence[socket.socket]
    parent: int | None


async def serve(config: Config, host: str, port: int, ready: Callable[[int], None], part: Part | None = None) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        host, port: to listen on.
        ready: told the port once clients can come.
        part: of the proxy that this process is; None where it is the whole.

    Raises:
        QproxyError: the store cannot be opened, no worker is registered, or the address cannot be had.
    """
    _allow_files(config)
    with CatalogStore.open(config.catalog.url) as store:
        workers = store.workers()
        if not workers:
            raise QproxyError("no worker is registered in the catalogue store; `qproxy cluster up` makes some")
        backends = connect(workers, config)
        try:
            async with running(config, store, backends, host, port, part) as server:
                with collecting_rarely():
                    ready(server.port)
                    await stopped(part.parent if part is not None else None)
        finally:
            await asyncio.gather(*(b.close() for b in backends.values()))


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Let this process look for garbage less often: a plan is thousands of objects that refer to one another, and what
    was imported stays."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        # What stays frozen at the end, compiled libraries report as leaked.
        gc.unfreeze()


def _allow_files(config: Config) -> None:
    """Let this process open a file for each client, each connection to a worker and what else it needs."""
    needed = config.server.max_connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        log.warning(
            "%d open files are allowed and %d may be needed for server.max_connections = %d; raise 'ulimit -Hn'",
            allowed,
            needed,
            config.server.max_connections,
        )


async def stopped(parent: int | None = None) -> None:
    """Return at SIGINT or SIGTERM.

    Args:
        parent: a file descriptor; also when it can be read from.
    """
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    if parent is not None:
        loop.add_reader(parent, event.set)
    await event.wait()
    if parent is not None:
        loop.remove_reader(parent)


def dispatch_limits(config: Config, workers: int) -> Limits:
    """What one query may use: its buffer is shared by the fragments that can wait at a time."""
    parallel, waiting = 2, 4
    fragments = parallel * max(1, workers) + waiting
    dispatch = config.dispatch
    return Limits(
        batching=Batching(rows=dispatch.fragment_rows, chunks=dispatch.fragment_chunks),
        parallel=parallel,
        waiting=waiting,
        memory=max(1 << 16, (dispatch.buffer_mb << 20) // fragments),
        spool=Path(dispatch.spool_dir) if dispatch.spool_dir else None,
        sorting=config.merge.sort_memory_mb << 20,
        disk=dispatch.spool_limit_mb << 20,
        index=dispatch.index_cache_mb << 20,
    )


def _let_go(server: Server, catalog: Catalog) -> None:
    """Close the connections of users that there are no more."""
    for connection in server.connections:
        client = connection.client
        if client is not None and client.user not in catalog.users:
            log.info("connection %d: its user was removed", client.connection_id)
            connection.kill(SQLError(1045, f"Access denied for user '{client.user}'@'{client.address}'"))


def _ways(server: ServerConfig) -> Ways:
    """How clients may come in.

    Raises:
        ConfigError: the key cannot be read, or a network is none.
    """
    return Ways(
        server.socket,
        parse_networks(server.proxy_protocol_from),
        server.default_plugin,
        server.tls == "required",
        RsaKey.read(server.rsa_key) if server.rsa_key else None,
    )


def wire_limits(server: ServerConfig) -> WireLimits:
    """What one client may take."""
    return WireLimits(
        max_connections=server.max_connections,
        max_user_connections=server.max_user_connections,
        max_packet=server.max_packet_mb << 20,
        handshake_timeout=server.handshake_timeout,
        idle_timeout=server.idle_timeout,
        write_timeout=server.write_timeout,
        free_login_failures=server.free_login_failures,
    )
