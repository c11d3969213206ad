"""``qproxy ingest``: load a catalogue as its description says."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from qproxy.catalog.store import CatalogStore
from qproxy.cli.arguments import add_config, count_from, read_config
from qproxy.cli.connected import connected, patience, run_interruptible

if TYPE_CHECKING:
    from qproxy.config import Config
    from qproxy.ingest.report import Report


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
        report = run_interruptible(_load(args, config, store))
    print(format_report(report))
    return 0


async def _load(args: argparse.Namespace, config: Config, store: CatalogStore) -> Report:
    from qproxy.ingest.progress import terminal_progress
    from qproxy.ingest.run import ingest

    async with connected(store, config) as backends:
        with terminal_progress() or contextlib.nullcontext() as progress:
            return await ingest(
                args.description,
                store,
                backends,
                replicas=args.replicas if args.replicas is not None else config.ingest.replicas,
                replace=args.replace,
                max_bad_rows=args.max_bad_rows,
                engine=config.ingest.engine,
                progress=progress,
                folder=Path(config.ingest.temp_dir) if config.ingest.temp_dir else None,
                patience=patience(config),
            )


def format_report(report: Report) -> str:
    """What a run did, a line a table, for people."""
    lines = []
    for table in report.tables:
        parts = [f"{table.rows_stored:,} rows"]
        if table.chunks:
            parts.append(f"in {table.chunks:,} chunks")
        extras = [
            f"{count:,} {what}"
            for count, what in (
                (table.overlap_rows, "overlap copies"),
                (table.orphans, "without director, placed by their own position"),
                (table.bad_rows, "bad rows left out"),
            )
            if count
        ]
        detail = f" ({', '.join(extras)})" if extras else ""
        lines.append(f"{report.database}.{table.name}: {' '.join(parts)}{detail}, {table.seconds:.1f} s")
    lines += [f"left out: {row}" for row in report.bad]
    left_out = sum(table.bad_rows for table in report.tables)
    if left_out > len(report.bad):
        lines.append(f"left out: {left_out - len(report.bad):,} more")
    lines.append(f"database '{report.database}' is ready, loaded in {report.seconds:.1f} s")
    return "\n".join(lines)
