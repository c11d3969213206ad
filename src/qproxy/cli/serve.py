"""``qproxy serve``: answer MySQL clients."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from qproxy.cli.arguments import add_config, port_number, read_config
from qproxy.config import Config, LogConfig
from qproxy.errors import QproxyError

if TYPE_CHECKING:
    import socket
    from multiprocessing.connection import Connection

    from qproxy.service.siblings import Place

_MOST = 256


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("serve", help="answer MySQL clients")
    parser.add_argument("--host", help="to listen on, instead of the configured one")
    parser.add_argument("--port", type=port_number, metavar="N", help="to listen on, instead of the configured one")
    parser.add_argument(
        "--processes", type=_count, default=1, metavar="N", help="that serve together, a core for each (1)"
    )
    add_config(parser)
    parser.set_defaults(run=_serve)


def _serve(args: argparse.Namespace) -> int:
    config = read_config(args)
    host = args.host if args.host is not None else config.server.host
    port = args.port if args.port is not None else config.server.port
    start_log(config.log)
    if args.processes > 1:
        from qproxy.service.processes import supervise

        supervise(partial(_one_of_several, config, host, port), args.processes, host, port, config.server.socket)
        return 0
    import uvloop

    from qproxy.service.app import serve

    uvloop.run(serve(config, host, port, lambda taken: print(f"qproxy ready on {host}:{taken}", flush=True)))
    return 0


def _one_of_several(
    config: Config, host: str, port: int, place: Place, listeners: Sequence[socket.socket], pipe: Connection
) -> None:
    """Serve as one process of several; says over the pipe when it does, or why it cannot."""
    import uvloop

    from qproxy.service.app import Part, serve
    from qproxy.service.processes import parent

    def ready(taken: int) -> None:
        # Nobody listens where this one stands in for one that broke off.
        with suppress(OSError):
            pipe.send(None)

    try:
        start_log(config.log)
        uvloop.run(serve(config, host, port, ready, Part(place, listeners, parent())))
    except QproxyError as error:
        logging.getLogger(__name__).error("%s", error)
        with suppress(OSError):
            pipe.send(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(0)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"processes are from 1 to {_MOST}, not '{text}'")
    return int(text)


def start_log(config: LogConfig) -> None:
    """Send the messages of this process where the configuration says.

    Raises:
        QproxyError: the file cannot be written.
    """
    try:
        handler = logging.FileHandler(config.file) if config.file else logging.StreamHandler()
    except OSError as error:
        raise QproxyError(
            f"log file {config.file}: {error.strerror}; set log.file to one that can be written"
        ) from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=config.level.upper(), handlers=[handler], force=True)
