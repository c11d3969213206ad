"""``qproxy cluster up|status|down``: private MariaDB servers in a directory."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from qproxy.cli.arguments import count_from

if TYPE_CHECKING:
    from qproxy.cluster.commands import WorkerStatus


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("cluster", help="private MariaDB servers to hold a catalogue")
    actions = parser.add_subparsers(dest="action", required=True, metavar="up|status|down")
    up = actions.add_parser("up", help="make and start the servers; again: start those that do not run")
    up.add_argument("--workers", type=count_from(1), metavar="N", help="how many (3; again: as many as there are)")
    up.set_defaults(run=_up)
    status = actions.add_parser("status", help="which run, on which port, with how many chunks")
    status.set_defaults(run=_status)
    down = actions.add_parser("down", help="stop the servers; the data stay")
    down.set_defaults(run=_down)
    for action in (up, status, down):
        action.add_argument("--dir", type=Path, required=True, metavar="DIR", help="directory of the cluster")


def _up(args: argparse.Namespace) -> int:
    from qproxy.cluster.commands import up

    config = shlex.quote(str(up(args.dir, args.workers, _say)))
    print(f"configuration: {config}")
    print(f"load a catalogue:  qproxy ingest DESCRIPTION.yaml --config {config}")
    print(f"serve it:          qproxy serve --config {config}")
    return 0


def _status(args: argparse.Namespace) -> int:
    from qproxy.cluster.commands import status

    print(format_status(status(args.dir)))
    return 0


def _down(args: argparse.Namespace) -> int:
    from qproxy.cluster.commands import down

    down(args.dir, _say)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def format_status(workers: list[WorkerStatus]) -> str:
    """The workers as a table for people."""
    rows = [("worker", "state", "port", "pid", "chunks", "size")]
    for worker in workers:
        size = "?" if worker.size is None else f"{worker.size / 2**20:,.1f} MiB"
        rows.append(
            (worker.name, worker.state, str(worker.port or "-"), str(worker.pid or "-"), str(worker.chunks), size)
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        texts = [cell.ljust(w) for cell, w in zip(row[:2], widths[:2], strict=True)]
        numbers = [cell.rjust(w) for cell, w in zip(row[2:], widths[2:], strict=True)]
        lines.append("  ".join(texts + numbers))
    return "\n".join(lines)
