"""``qproxy serve``: answer MySQL clients."""

from __future__ import annotations

import argparse
import logging

from qproxy.cli.arguments import add_config, port_number, read_config
from qproxy.config import LogConfig
from qproxy.errors import QproxyError


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("serve", help="answer MySQL clients")
    parser.add_argument("--host", help="to listen on, instead of the configured one")
    parser.add_argument("--port", type=port_number, metavar="N", help="to listen on, instead of the configured one")
    add_config(parser)
    parser.set_defaults(run=_serve)


def _serve(args: argparse.Namespace) -> int:
    config = read_config(args)
    import uvloop

    from qproxy.service.app import serve

    start_log(config.log)
    host = args.host if args.host is not None else config.server.host
    port = args.port if args.port is not None else config.server.port
    uvloop.run(serve(config, host, port))
    return 0


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
