"""A worker that says nothing for long: what it says over another connection tells whether to wait on.

A statement may rightly give its first row after an hour. A machine that vanished, or a network that lost a
connection, looks no different on the statement's own connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from qproxy.errors import WorkerError

log = logging.getLogger(__name__)

#: Of the connections of a worker: command and state, by the connection's number.
Processes = Mapping[int, tuple[str, str]]
# State of a statement whose rows nobody takes (MariaDB Knowledge Base, "General Thread States").
_DELIVERING = "Writing to net"
_RESTING = "Sleep"


class Silent(WorkerError):
    """A worker that answers nobody: to ask it once more would be to wait once more."""


class Silence:
    """How long the statements of one worker may say nothing.

    Args:
        worker: its name, for errors.
        seconds: without a byte, after which the worker is asked.
        processes: asks the worker over a new connection. Raises WorkerError where it does not answer; gives None where
            it answers that it cannot tell.

    Attributes:
        seconds: see above.
    """

    def __init__(
        self, worker: str, seconds: float, processes: Callable[[], Coroutine[Any, Any, Processes | None]]
    ) -> None:
        self.seconds = seconds
        self._worker = worker
        self._processes = processes
        self._asking: asyncio.Task[Processes | None] | None = None

    async def works(self, thread: int) -> bool:
        """Whether a statement that waits for its worker should wait on.

        Args:
            thread: number of its connection on the worker.

        Returns:
            False where the worker has ended it, or tries to deliver it and nothing comes. That may be as it should for
            a moment; twice in a row it is not.

        Raises:
            Silent: the worker answers nobody.
        """
        try:
            processes = await self._asked()
        except WorkerError as error:
            reason = f"fell silent: nothing for {self.seconds:g} s, and it {error.reason}"
            log.warning("worker %s: %s", self._worker, reason)
            raise Silent(self._worker, reason) from error
        return processes is None or _is_working(processes.get(thread))

    async def _asked(self) -> Processes | None:
        """What the worker says; statements that fall silent together ask once."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._processes())
            self._asking.add_done_callback(_heard)
        return await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            with suppress(asyncio.CancelledError, WorkerError):
                await self._asking


def _is_working(process: tuple[str, str] | None) -> bool:
    return process is not None and process[0] != _RESTING and process[1] != _DELIVERING


def _heard(task: asyncio.Task[Processes | None]) -> None:
    # Where all who asked have gone, nobody else looks at it.
    if not task.cancelled():
        task.exception()
