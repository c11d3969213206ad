"""What the operating system knows of a process: CPU seconds, memory; and commands that are timed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """What a command took.

    Attributes:
        seconds: of wall time, from its start to its end.
        cpu: seconds of its own and of children that it waited for.
        output: what it wrote; empty where that was thrown away.
    """

    seconds: float
    cpu: float
    output: str = ""


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU seconds of running processes so far: fields 14 and 15 of /proc/<pid>/stat, see proc(5)."""
    ticks = 0
    for pid in pids:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks / _TICKS


def queued_seconds(pid: int) -> float:
    """Seconds that the first thread of a process could have run and no core was free: /proc/<pid>/schedstat, field 2
    (Linux, Documentation/scheduler/sched-stats)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def _status_bytes(pid: int, key: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/{pid}/status has no {key}")


def resident_bytes(pid: int) -> int:
    """Memory of a process that is resident now."""
    return _status_bytes(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    """The most that was resident since the process began or `forget_peak` was called."""
    return _status_bytes(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let the peak begin anew at what is resident now: the value 5 of /proc/<pid>/clear_refs, see proc(5)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def start(
    command: Sequence[str],
    stdout: IO[bytes] | int = subprocess.DEVNULL,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command; its errors appear where ours do.

    Args:
        command: with its arguments.
        stdout, stdin: by default nothing.
        env: variables beside our own.
    """
    return subprocess.Popen(list(command), stdin=stdin, stdout=stdout, env=dict(os.environ) | dict(env or {}))


def finish(processes: Sequence[subprocess.Popen[bytes]]) -> float:
    """Wait for processes to end.

    Returns:
        Their CPU seconds together.

    Raises:
        RuntimeError: one failed; the others are ended.
    """
    cpu = 0.0
    try:
        for process in processes:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            cpu += usage.ru_utime + usage.ru_stime
            if process.returncode:
                raise RuntimeError(f"{str(process.args[:3])[:200]} ended with {process.returncode}")  # type: ignore[index]
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                process.wait()
    return cpu


def run(command: Sequence[str], env: Mapping[str, str] | None = None) -> Spent:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed.
    """
    began = time.monotonic()
    process = start(command, stdout=subprocess.PIPE, env=env)
    assert process.stdout is not None
    try:
        output = process.stdout.read().decode(errors="replace")
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        process.stdout.close()
    cpu = finish([process])
    return Spent(time.monotonic() - began, cpu, output)
