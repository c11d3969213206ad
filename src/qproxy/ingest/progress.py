"""How far a run has come: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any, Protocol, Self


class Progress(Protocol):
    """Hears how far a run has come. Calls may come from any thread."""

    def begin(self, stage: str, total: float) -> None:
        """A stage begins.

        Args:
            stage: what is done, for people; each name once a run.
            total: its size, in a unit of the stage's own.
        """
        ...

    def advance(self, stage: str, done: float, rows: int) -> None:
        """More of a stage is done.

        Args:
            stage: as begun.
            done: of ``total``, since the last call.
            rows: since the last call.
        """
        ...


class Quiet:
    """Tells nobody."""

    def begin(self, stage: str, total: float) -> None:
        """Nothing."""

    def advance(self, stage: str, done: float, rows: int) -> None:
        """Nothing."""


class Bars:
    """A bar a stage on standard error, with rows a second and the time left. A context manager."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[rows]:,} rows  {task.fields[rate]:,.0f}/s"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._stages: dict[str, tuple[Any, float]] = {}
        self._rows: dict[str, int] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, stage: str, total: float) -> None:
        """See `Progress.begin`."""
        with self._lock:
            task = self._bars.add_task(stage, total=max(total, 1), rows=0, rate=0.0)
            self._stages[stage] = (task, time.monotonic())
            self._rows[stage] = 0

    def advance(self, stage: str, done: float, rows: int) -> None:
        """See `Progress.advance`."""
        with self._lock:
            task, began = self._stages[stage]
            self._rows[stage] += rows
            rate = self._rows[stage] / max(time.monotonic() - began, 1e-3)
            self._bars.update(task, advance=done, rows=self._rows[stage], rate=rate)


def terminal_progress() -> Bars | None:
    """Bars where standard error is a terminal, else None."""
    return Bars() if sys.stderr.isatty() else None
