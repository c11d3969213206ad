"""The command ``qproxy``: which subcommands there are, and how their errors reach a person.

Each subcommand is a module with ``configure`` (its arguments) and ``run``. Modules import what they need when they
run, so that ``qproxy user list`` does not wait for the planner.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from qproxy import __version__
from qproxy.cli import cluster, database, ingest, serve, user
from qproxy.cli.arguments import port_number
from qproxy.cli.connected import Interrupted
from qproxy.errors import QproxyError

#: Exit code of a command that Ctrl-C ended, as shells give it: 128 and the signal's number.
INTERRUPTED = 128 + signal.SIGINT


def build_parser() -> argparse.ArgumentParser:
    """All subcommands and their arguments."""
    parser = argparse.ArgumentParser(
        prog="qproxy", description="One MySQL server in front of a sky catalogue that is spread over many."
    )
    parser.add_argument("--version", action="version", version=f"qproxy {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="serve a sample of the sky from this process; no other server needed")
    demo.add_argument("--port", type=port_number, default=4040, help="to listen on, on 127.0.0.1 (4040)")
    demo.set_defaults(run=_demo)
    cluster.configure(commands)
    serve.configure(commands)
    ingest.configure(commands)
    database.configure(commands)
    user.configure(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: words behind ``qproxy``; by default those of this process.

    Returns:
        The exit code: 0 done, 1 an error that was told in a sentence, 2 wrong arguments, 130 or 143
        interrupted.
    """
    args = build_parser().parse_args(arguments)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except QproxyError as error:
        print(f"qproxy: {error}", file=sys.stderr)
        return 1
    except Interrupted as error:
        print(f"qproxy: interrupted by {signal.Signals(error.number).name}; nothing is left half done", file=sys.stderr)
        return 128 + error.number
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has had enough; closing it at exit would complain a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _demo(args: argparse.Namespace) -> int:
    from qproxy.cli import demo

    return demo.run(args)
