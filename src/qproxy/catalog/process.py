"""Telling whether the process that began a run still lives, even where its number was given out again."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process of some machine.

    Attributes:
        host: name of the machine.
        pid: its process number.
        start: what tells it from another process of the same number: boot of the machine and start within it.
    """

    host: str
    pid: int
    start: str


def _start_of(pid: int) -> str | None:
    """The start mark of a process of this machine, None where there is no such process.

    Fields of /proc/<pid>/stat are those of proc(5): 3 is the state, 22 the start time in clock ticks.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def this_process() -> Process:
    """The process that asks."""
    pid = os.getpid()
    return Process(socket.gethostname(), pid, _start_of(pid) or "")


def is_local(process: Process) -> bool:
    """Whether the process is or was one of this machine."""
    return process.host == socket.gethostname()


def may_live(process: Process) -> bool:
    """Whether the process still runs, or runs on a machine that cannot be asked from here."""
    if not is_local(process):
        return True
    return _start_of(process.pid) == process.start
