"""The TLS of a running server, kept up with its files."""

from __future__ import annotations

import asyncio
import logging
import ssl

from qproxy.config import ServerConfig
from qproxy.errors import ConfigError
from qproxy.wire.server import Server
from qproxy.wire.tls import CertificateFiles, self_signed_context

log = logging.getLogger(__name__)

#: Between two looks at the files. Seconds.
INTERVAL = 5.0


class TlsWatch:
    """Gives new connections the certificate that the files hold now.

    Args:
        config: says which files, if any.
        interval: seconds between looks.

    Raises:
        ConfigError: the files cannot be used.
    """

    def __init__(self, config: ServerConfig, interval: float = INTERVAL) -> None:
        self._interval = interval
        self._files: CertificateFiles | None = None
        self._made: ssl.SSLContext | None = None
        self._task: asyncio.Task[None] | None = None
        if config.tls == "off":
            return
        if config.tls_cert:
            self._files = CertificateFiles(config.tls_cert, config.tls_key, config.tls_ca)
        else:
            self._made = self_signed_context(config.tls_ca)

    @property
    def context(self) -> ssl.SSLContext | None:
        """What new connections are offered; None for no TLS."""
        return self._files.context if self._files else self._made

    def start(self, server: Server) -> None:
        """Begin to look for changes on behalf of a server."""
        if self._files is not None:
            self._task = asyncio.create_task(self._watch(server, self._files))

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self, server: Server, files: CertificateFiles) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                if await asyncio.to_thread(files.refresh):
                    server.tls = files.context
                    log.info("TLS: the certificate was read again")
            except ConfigError as error:
                log.error("TLS: %s; the former certificate stays in use", error)
