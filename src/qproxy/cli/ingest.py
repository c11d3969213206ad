"""``qproxy ingest``: load a catalogue as its description says."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from qproxy.catalog.model import Worker
from qproxy.catalog.store import CatalogStore
from qproxy.cli.arguments import add_config, count_from, read_config
from qproxy.errors import QproxyError

if TYPE_CHECKING:
    from qproxy.backends.mariadb import MariaDBBackend
    from qproxy.config import Config
    from qproxy.ingest.run import Report


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("ingest", help="load a catalogue")
    parser.add_argument("description", type=Path, metavar="DESCRIPTION.yaml", help="what to load, and how")
    parser.add_argument("--replicas", type=count_from(1), metavar="N", help="copies of each chunk (as configured: 1)")
    parser.add_argument("--replace", action="store_true", help="put the new data in the place of published ones")
    parser.add_argument(
        "--max-bad-rows", type=count_from(0), default=0, metavar="N", help="rows that may be left out (0)"
    )
    add_config(parser)
    parser.set_defaults(run=_ingest)


def _ingest(args: argparse.Namespace) -> int:
    config = read_config(args)
    with CatalogStore.open(config.catalog.url) as store:
        report = asyncio.run(_load(args, config, store))
    print(report)
    return 0


async def _load(args: argparse.Namespace, config: Config, store: CatalogStore) -> Report:
    from qproxy.ingest.run import ingest

    backends = {name: _connect(worker, config) for name, worker in store.workers().items()}
    try:
        return await ingest(
            args.description,
            store,
            backends,
            replicas=args.replicas if args.replicas is not None else config.ingest.replicas,
            replace=args.replace,
            max_bad_rows=args.max_bad_rows,
            engine=config.ingest.engine,
        )
    finally:
        for backend in backends.values():
            await backend.close()


def _connect(worker: Worker, config: Config) -> MariaDBBackend:
    from qproxy.backends.mariadb import MariaDBBackend

    if worker.kind != "mariadb":
        raise QproxyError(
            f"worker '{worker.name}' is embedded ({worker.kind}): it cannot be loaded from another process"
        )
    return MariaDBBackend(worker, config.ingest.load_connections, config.workers.connect_timeout)
