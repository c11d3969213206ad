"""``qproxy user add|passwd|remove|list``: who may log in to the proxy."""

from __future__ import annotations

import argparse
import getpass
import sys

from qproxy.catalog.store import CatalogStore
from qproxy.cli.arguments import add_config, read_config
from qproxy.errors import QproxyError


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "user",
        help="who may log in",
        description="Passwords are asked for at the terminal, or read as one line where input is no terminal.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|passwd|remove|list")
    add = actions.add_parser("add", help="let somebody log in")
    add.add_argument("--no-password", action="store_true", help="none; only connections from this machine are let in")
    add.add_argument("--loopback-only", action="store_true", help="let in connections from this machine alone")
    passwd = actions.add_parser("passwd", help="change a password")
    remove = actions.add_parser("remove", help="no longer let somebody log in")
    listing = actions.add_parser("list", help="who may log in")
    for action, run in ((add, _add), (passwd, _passwd), (remove, _remove), (listing, _list)):
        action.set_defaults(run=run)
        if action is not listing:
            action.add_argument("name", metavar="NAME")
        add_config(action)


def _open(args: argparse.Namespace) -> CatalogStore:
    return CatalogStore.open(read_config(args).catalog.url)


def _add(args: argparse.Namespace) -> int:
    with _open(args) as store:
        if store.find_user(args.name) is not None:
            raise QproxyError(
                f"user '{args.name}' exists already: change the password with 'qproxy user passwd {args.name}'"
            )
        if args.no_password:
            store.add_user(args.name, None, loopback_only=True)
        else:
            store.add_user(args.name, read_password(), loopback_only=args.loopback_only)
    print(f"user '{args.name}' added")
    return 0


def _passwd(args: argparse.Namespace) -> int:
    with _open(args) as store:
        if store.find_user(args.name) is None:
            raise QproxyError(f"there is no user '{args.name}'")
        store.set_password(args.name, read_password())
    print(f"password of user '{args.name}' changed")
    return 0


def _remove(args: argparse.Namespace) -> int:
    with _open(args) as store:
        store.remove_user(args.name)
    print(f"user '{args.name}' removed")
    return 0


def _list(args: argparse.Namespace) -> int:
    with _open(args) as store:
        for user in store.users():
            password = "password" if user.native_hash else "no password"
            print(f"{user.name}\t{password}\t{'this machine only' if user.loopback_only else 'anywhere'}")
    return 0


def read_password() -> str:
    """A password from the terminal, typed twice without echo, or from a line of other input.

    Raises:
        QproxyError: it is empty, or was not typed the same way twice.
    """
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if password != getpass.getpass("Again: "):
            raise QproxyError("the two passwords differ; nothing was changed")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise QproxyError("the password is empty; nothing was changed")
    return password
