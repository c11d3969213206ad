"""The processes of one proxy talk: which connections they have, and which of these are to be stopped.

Each listens on a Unix socket in a directory that only the proxy's account can enter. Questions and answers are lines of
JSON.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qproxy.errors import SQLError
from qproxy.session.services import Services
from qproxy.session.show_server import Process

log = logging.getLogger(__name__)

#: A process that does not answer within so many seconds is taken for one that is being started anew.
PATIENCE = 2.0
#: Longest question or answer, bytes: a statement of each of thousands of connections.
_LONGEST = 1 << 30


@dataclass(frozen=True)
class Place:
    """Which process of a proxy one is.

    Attributes:
        number: from 0.
        count: of processes.
        directory: where their sockets are.
    """

    number: int
    count: int
    directory: str

    @property
    def ids(self) -> Iterable[int]:
        """Numbers of connections that no other process gives."""
        return itertools.count(self.number + 1, self.count)

    def owner(self, connection_id: int) -> int:
        """The process that gave a connection its number."""
        return (connection_id - 1) % self.count

    def socket(self, number: int) -> Path:
        """The socket of a process."""
        return Path(self.directory) / f"{number}.sock"


class Siblings:
    """The other processes of this proxy, see `qproxy.session.services.Siblings`.

    Args:
        place: of this process.
        services: what its sessions share.
    """

    def __init__(self, place: Place, services: Services) -> None:
        self._place = place
        self._services = services
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Answer the others."""
        path = self._place.socket(self._place.number)
        # Of a process that this one stands in for.
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._served, str(path), limit=_LONGEST)

    async def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
            self._place.socket(self._place.number).unlink(missing_ok=True)

    async def processes(self) -> Sequence[Process]:
        """See `qproxy.session.services.Siblings.processes`."""
        others = [n for n in range(self._place.count) if n != self._place.number]
        answers = await asyncio.gather(*(self._ask(n, {}) for n in others))
        return [Process(**one) for answer in answers if answer is not None for one in answer["processes"]]

    async def kill(self, connection_id: int, query_only: bool, user: str) -> bool:
        """See `qproxy.session.services.Siblings.kill`."""
        owner = self._place.owner(connection_id)
        if connection_id < 1 or owner == self._place.number:
            return False
        answer = await self._ask(owner, {"kill": connection_id, "query_only": query_only, "user": user})
        if answer is None:
            return False
        if "error" in answer:
            raise SQLError(*answer["error"])
        return bool(answer["found"])

    async def _ask(self, number: int, question: dict[str, Any]) -> dict[str, Any] | None:
        """The answer of another process; None where it gives none."""
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_unix_connection(str(self._place.socket(number)), limit=_LONGEST)
                try:
                    writer.write(json.dumps(question).encode() + b"\n")
                    line = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            log.warning("process %d of this proxy does not answer: %s", number, error)
            return None
        found: dict[str, Any] | None = json.loads(line) if line else None
        return found

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            if line:
                writer.write(json.dumps(self._answer(json.loads(line))).encode() + b"\n")
                await writer.drain()
        except OSError as error:
            log.info("another process of this proxy went away: %s", error)
        finally:
            writer.close()

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        if "kill" not in question:
            return {"processes": [asdict(p) for p in self._services.processes()]}
        try:
            return {"found": self._services.stop(question["kill"], question["query_only"], question["user"])}
        except SQLError as refusal:
            return {"error": [refusal.code, refusal.message]}
