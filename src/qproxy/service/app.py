"""The proxy put together: store, workers, sessions and the listening server."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from qproxy.backends.base import Backend
from qproxy.backends.mariadb import MariaDBBackend
from qproxy.catalog.model import Worker
from qproxy.catalog.store import CatalogStore
from qproxy.config import Config, DispatchConfig
from qproxy.dispatch.dispatcher import Dispatcher, Limits
from qproxy.dispatch.fragments import Batching
from qproxy.errors import ConfigError, QproxyError
from qproxy.service.query_log import QueryLog
from qproxy.service.watch import CatalogWatch
from qproxy.service.workers import Workers
from qproxy.session.services import Services
from qproxy.session.session import Session
from qproxy.wire.handler import Client, UserRecord
from qproxy.wire.limits import Limits as WireLimits
from qproxy.wire.server import Server

log = logging.getLogger(__name__)


class StoredUsers:
    """Users of the catalogue store, as the wire asks for them."""

    def __init__(self, store: CatalogStore) -> None:
        self._store = store

    async def find(self, name: str) -> UserRecord | None:
        """The user of that name, or None."""
        user = await asyncio.to_thread(self._store.find_user, name)
        return None if user is None else UserRecord(user.name, user.native_hash, user.loopback_only)


def connect(workers: Mapping[str, Worker], config: Config) -> dict[str, Backend]:
    """A backend for each registered worker; nothing is connected yet."""
    return {name: _backend(worker, config) for name, worker in workers.items()}


@asynccontextmanager
async def running(
    config: Config, store: CatalogStore, backends: Mapping[str, Backend], host: str, port: int
) -> AsyncIterator[Server]:
    """A proxy that listens for as long as the context lasts.

    Args:
        config: its settings.
        store: databases, users, query log.
        backends: by worker name; they stay open. Workers that the store gets or changes later are added to them.
        host, port: to listen on; port 0 takes a free one, see `Server.port`.

    Raises:
        QproxyError: the address cannot be had.
    """
    watch = CatalogWatch(store, config.catalog.refresh_seconds, lambda catalog: workers.follow(catalog.workers))
    workers = Workers(backends, watch.current().workers, lambda worker: _backend(worker, config))
    query_log = QueryLog(store)
    services = Services(
        catalog=watch.current,
        dispatcher=Dispatcher(workers.backends, dispatch_limits(config.dispatch, len(backends))),
        merge_limit=config.merge.gather_limit_mb << 20,
        max_packet=config.server.max_packet_mb << 20,
        record=query_log.record if config.log.queries else lambda record: None,
        kill=lambda connection_id, query_only: server.kill(connection_id, query_only),
    )

    def session(client: Client, database: str | None) -> Session:
        return Session(services, client)

    server = Server(session, StoredUsers(store), host, port, _tls(config), _wire_limits(config))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(workers.close)
        await server.start()
        query_log.start()
        stack.push_async_callback(query_log.stop)
        watch.start()
        stack.push_async_callback(watch.stop)
        stack.push_async_callback(server.close)
        yield server


def _backend(worker: Worker, config: Config) -> Backend:
    return MariaDBBackend(worker, config.workers.connections, config.workers.connect_timeout)


async def serve(config: Config, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        QproxyError: the store cannot be opened, no worker is registered, or the address cannot be had.
    """
    with CatalogStore.open(config.catalog.url) as store:
        workers = store.workers()
        if not workers:
            raise QproxyError("no worker is registered in the catalogue store; `qproxy cluster up` makes some")
        backends = connect(workers, config)
        try:
            async with running(config, store, backends, host, port) as server:
                print(f"qproxy ready on {host}:{server.port}", flush=True)
                await stopped()
        finally:
            await asyncio.gather(*(b.close() for b in backends.values()))


async def stopped() -> None:
    """Return at SIGINT or SIGTERM."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    await event.wait()


def dispatch_limits(config: DispatchConfig, workers: int) -> Limits:
    """What one query may use: its buffer is shared by the fragments that can wait at a time."""
    parallel, waiting = 2, 4
    fragments = parallel * max(1, workers) + waiting
    return Limits(
        batching=Batching(rows=config.fragment_rows, chunks=config.fragment_chunks),
        parallel=parallel,
        waiting=waiting,
        memory=max(1 << 16, (config.buffer_mb << 20) // fragments),
        spool=Path(config.spool_dir) if config.spool_dir else None,
    )


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.server.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(config.server.tls_cert, config.server.tls_key or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"server.tls_cert {config.server.tls_cert}: {error}") from error
    return context


def _wire_limits(config: Config) -> WireLimits:
    server = config.server
    return WireLimits(
        max_connections=server.max_connections,
        max_packet=server.max_packet_mb << 20,
        handshake_timeout=server.handshake_timeout,
        idle_timeout=server.idle_timeout,
        write_timeout=server.write_timeout,
    )
