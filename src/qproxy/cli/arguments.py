"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from qproxy.config import DEFAULT_FILE, Config, load_config
from qproxy.errors import QproxyError


def add_config(parser: argparse.ArgumentParser) -> None:
    """Let a command take ``--config FILE``."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"configuration file (./{DEFAULT_FILE} where it is there)"
    )


def read_config(args: argparse.Namespace) -> Config:
    """The configuration that a command is to use.

    Raises:
        QproxyError: none is given and there is none in the working directory.
        ConfigError: it is wrong.
    """
    path: Path | None = args.config
    if path is None:
        path = Path(DEFAULT_FILE)
        if not path.exists():
            raise QproxyError(
                f"no --config was given and there is no {DEFAULT_FILE} in this directory: give --config FILE; "
                "'qproxy cluster up --dir DIR' writes DIR/qproxy.toml"
            )
    return load_config(path)


def port_number(text: str) -> int:
    """A TCP port as an argument; 0 takes a free one."""
    if not (text.isascii() and text.isdecimal()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not '{text}'")
    return int(text)


def count_from(least: int) -> argparse._ActionType:
    """A whole number of at least that much, as an argument."""

    def convert(text: str) -> int:
        if not (text.isascii() and text.isdecimal()) or int(text) < least:
            raise argparse.ArgumentTypeError(f"a whole number of {least} or more is wanted, not '{text}'")
        return int(text)

    return convert
