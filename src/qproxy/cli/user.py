"""``qproxy user add|passwd|grant|revoke|remove|list``: who may log in to the proxy, how, and to read what."""

from __future__ import annotations

import argparse
import getpass
import sys

from qproxy.catalog.store import CatalogStore
from qproxy.catalog.users import ALL, User
from qproxy.cli.arguments import add_config, count_from, read_config
from qproxy.errors import QproxyError


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "user",
        help="who may log in, and read what",
        description="Passwords are asked for at the terminal, or read as one line where input is no terminal.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|passwd|grant|revoke|remove|list")
    add = actions.add_parser("add", help="let somebody log in")
    add.add_argument("--no-password", action="store_true", help="none; only connections from this machine are let in")
    add.add_argument("--loopback-only", action="store_true", help="let in connections from this machine alone")
    add.add_argument("--require-tls", action="store_true", help="let in connections with TLS or by Unix socket alone")
    add.add_argument(
        "--certificate",
        default="",
        metavar="SUBJECT",
        help="let in clients alone whose certificate has this subject, e.g. /O=Observatory/CN=anna; '*' for any",
    )
    add.add_argument("--max-connections", type=count_from(0), default=0, metavar="N", help="at once (as configured)")
    add.add_argument(
        "--grant", action="append", default=[], metavar="DATABASE", help="let the user read it; '*' for all databases"
    )
    passwd = actions.add_parser("passwd", help="change a password")
    for action in (add, passwd):
        action.add_argument(
            "--sha2-only",
            action="store_true",
            help="keep no hash for mysql_native_password: old clients cannot log in, but every hash is salted",
        )
    grant = actions.add_parser("grant", help="let a user read databases")
    revoke = actions.add_parser("revoke", help="no longer let a user read databases")
    remove = actions.add_parser("remove", help="no longer let somebody log in")
    listing = actions.add_parser("list", help="who may log in, and read what")
    runs = {add: _add, passwd: _passwd, grant: _grant, revoke: _revoke, remove: _remove, listing: _list}
    for action, run in runs.items():
        action.set_defaults(run=run)
        if action is not listing:
            action.add_argument("name", metavar="NAME")
        if action in (grant, revoke):
            action.add_argument("databases", nargs="+", metavar="DATABASE", help="by name; '*' for all")
        add_config(action)


def _open(args: argparse.Namespace) -> CatalogStore:
    return CatalogStore.open(read_config(args).catalog.url)


def _add(args: argparse.Namespace) -> int:
    with _open(args) as store:
        if store.find_user(args.name) is not None:
            raise QproxyError(
                f"user '{args.name}' exists already: change the password with 'qproxy user passwd {args.name}'"
            )
        store.add_user(
            args.name,
            None if args.no_password else read_password(),
            loopback_only=args.no_password or args.loopback_only,
            native=not args.sha2_only,
            require_tls=args.require_tls,
            certificate=args.certificate,
            max_connections=args.max_connections,
            databases=args.grant,
        )
        _name_unknown(store, args.grant)
    print(f"user '{args.name}' added")
    if not args.grant:
        print(f"it may read nothing yet: 'qproxy user grant {args.name} DATABASE'", file=sys.stderr)
    return 0


def _passwd(args: argparse.Namespace) -> int:
    with _open(args) as store:
        if store.find_user(args.name) is None:
            raise QproxyError(f"there is no user '{args.name}'")
        store.set_password(args.name, read_password(), native=not args.sha2_only)
    print(f"password of user '{args.name}' changed")
    return 0


def _grant(args: argparse.Namespace) -> int:
    with _open(args) as store:
        for database in args.databases:
            store.grant(args.name, database)
        _name_unknown(store, args.databases)
    print(f"user '{args.name}' may read {_named(args.databases)}")
    return 0


def _revoke(args: argparse.Namespace) -> int:
    with _open(args) as store:
        for database in args.databases:
            store.revoke(args.name, database)
    print(f"user '{args.name}' may no longer read {_named(args.databases)}")
    return 0


def _remove(args: argparse.Namespace) -> int:
    with _open(args) as store:
        store.remove_user(args.name)
    print(f"user '{args.name}' removed")
    return 0


def _list(args: argparse.Namespace) -> int:
    with _open(args) as store:
        for user in store.users():
            print("\t".join((user.name, _password(user), _place(user), _named(sorted(user.privileges.databases)))))
    return 0


def _password(user: User) -> str:
    if user.sha2 is None and user.native_hash is None:
        return "no password"
    return "password" if user.native_hash else "password, sha2 only"


def _place(user: User) -> str:
    said = ["this machine only" if user.loopback_only else "anywhere"]
    if user.certificate:
        said.append("any certificate" if user.certificate == "*" else f"certificate {user.certificate}")
    elif user.require_tls:
        said.append("TLS only")
    if user.max_connections:
        said.append(f"{user.max_connections} connections")
    return ", ".join(said)


def _named(databases: list[str]) -> str:
    if not databases:
        return "no database"
    return "all databases" if ALL in databases else ", ".join(databases)


def _name_unknown(store: CatalogStore, databases: list[str]) -> None:
    """Say which databases are not there: it may be a typing mistake."""
    there = store.load().databases
    for database in databases:
        if database != ALL and database not in there:
            print(f"note: there is no database '{database}' yet", file=sys.stderr)


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
