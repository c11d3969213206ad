"""``qproxy serve``: answer MySQL clients."""

from __future__ import annotations

import argparse

from qproxy.cli.arguments import add_config, port_number, read_config


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

    host = args.host if args.host is not None else config.server.host
    port = args.port if args.port is not None else config.server.port
    uvloop.run(serve(config, host, port))
    return 0
