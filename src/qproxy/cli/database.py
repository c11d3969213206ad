"""``qproxy database list|drop|abandon|clean``: what is published, and getting rid of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from qproxy.catalog.model import Catalog
from qproxy.catalog.store import CatalogStore
from qproxy.cli.arguments import add_config, read_config
from qproxy.cli.connected import connected, patience, run_interruptible
from qproxy.config import Config
from qproxy.errors import QproxyError, WorkerError


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("database", help="what is published, and getting rid of it")
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|drop|abandon|clean")
    listing = actions.add_parser("list", help="databases, their families, tables and rows")
    drop = actions.add_parser("drop", help="make a database invisible and drop it on the workers")
    abandon = actions.add_parser("abandon", help="give up the loading of a database by a machine that is gone")
    clean = actions.add_parser("clean", help="drop on the workers what was replaced or left by failed runs")
    for action, run in ((listing, _list), (drop, _drop), (abandon, _abandon), (clean, _clean)):
        action.set_defaults(run=run)
        if action in (drop, abandon):
            action.add_argument("name", metavar="NAME")
        add_config(action)


def _list(args: argparse.Namespace) -> int:
    with CatalogStore.open(read_config(args).catalog.url) as store:
        catalog = store.load()
    for database in catalog.databases.values():
        family = database.family
        print(f"{database.name}\t{family.stripes} x {family.sub_stripes}, overlap {family.overlap} deg")
        for table in database.tables.values():
            print(f"  {table.name}\t{table.kind}\t{table.total_rows:,} rows")
    return 0


def _drop(args: argparse.Namespace) -> int:
    config = read_config(args)
    with CatalogStore.open(config.catalog.url) as store:
        followers = followers_of(store.load(), args.name)
        if followers:
            raise QproxyError(
                f"database '{args.name}' holds the directors of {', '.join(followers)}: drop these databases first"
            )
        store.drop_database(args.name)
        print(f"database '{args.name}' is no longer published")
        _tell(run_interruptible(_cleaned(store, config)))
    return 0


def _abandon(args: argparse.Namespace) -> int:
    config = read_config(args)
    with CatalogStore.open(config.catalog.url) as store:
        if not store.abandon_lost(args.name):
            raise QproxyError(f"no loading of a database '{args.name}' is under way")
        print(f"the loading of '{args.name}' is given up")
        _tell(run_interruptible(_cleaned(store, config)))
    return 0


def _clean(args: argparse.Namespace) -> int:
    config = read_config(args)
    with CatalogStore.open(config.catalog.url) as store:
        _tell(run_interruptible(_cleaned(store, config)))
    return 0


async def _cleaned(store: CatalogStore, config: Config) -> tuple[str, ...]:
    from qproxy.ingest.cleaning import clean

    async with connected(store, config) as backends:
        try:
            return await clean(store, backends, patience(config))
        except WorkerError as error:
            raise QproxyError(f"{error}; 'qproxy database clean' drops what is left there when it answers") from error


def _tell(read: Sequence[str]) -> None:
    if read:
        print(f"still read by running queries: {', '.join(read)}; 'qproxy database clean' drops them later")
    else:
        print("nothing that is out of use is left on the workers")


def followers_of(catalog: Catalog, name: str) -> list[str]:
    """Tables of other databases whose directors a database holds, as ``database.table``."""
    return [
        f"{database.name}.{table.name}"
        for database in catalog.databases.values()
        if database.name != name
        for table in database.tables.values()
        if name in {d[0] for d in (table.director, *(table.directors or ())) if d}
    ]
