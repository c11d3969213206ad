"""A run of ingest: from a description to a published database, or to nothing at all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qproxy.backends.base import Backend
from qproxy.catalog import naming
from qproxy.catalog.generations import Generation
from qproxy.catalog.model import (
    NO_CHUNKS,
    Catalog,
    ChunkRows,
    Database,
    DirectorIndex,
    Table,
    TableKind,
)
from qproxy.catalog.store import CatalogStore
from qproxy.errors import QproxyError, SQLError, WorkerError
from qproxy.ingest.cleaning import clean, drop_everywhere
from qproxy.ingest.description import Description, TableSpec, read_description
from qproxy.ingest.director_index import index_loads, lay_out, read_index
from qproxy.ingest.folder import work_folder
from qproxy.ingest.ids import IdIndex, is_integer
from qproxy.ingest.load import (
    Loads,
    TableLoad,
    chunk_loads,
    chunks_of,
    load_all,
    make_skeleton,
    regular_loads,
)
from qproxy.ingest.precheck import check, external_director
from qproxy.ingest.printed import printed
from qproxy.ingest.progress import Progress, Quiet
from qproxy.ingest.report import SHOWN, BadRows, Report, TableReport
from qproxy.ingest.schema import TableSchema
from qproxy.ingest.spread import SpreadTable, spread
from qproxy.ingest.verify import verify

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Loaded:
    """A table on the workers, counted but not yet published."""

    table: Table
    report: TableReport


class _Run:
    """State of one run."""

    def __init__(
        self,
        description: Description,
        catalog: Catalog,
        store: CatalogStore,
        backends: Mapping[str, Backend],
        replicas: int,
        bad: BadRows,
        engine: str,
        folder: Path,
        progress: Progress,
    ) -> None:
        self.description = description
        self.catalog = catalog
        self.store = store
        self.backends = backends
        self.replicas = replicas
        self.bad = bad
        self.engine = engine
        self.folder = folder
        self.progress = progress
        self.stop = threading.Event()
        self.loader = asyncio.Lock()
        self.physical = ""
        self.indexes: dict[tuple[str, str], IdIndex] = {}
        self.layouts: dict[tuple[str, str], DirectorIndex] = {}
        self.workers = tuple(sorted(backends))
        self.positions = {p for t in description.tables if t.kind is TableKind.MATCH for p in t.parents}

    async def tables(self) -> list[_Loaded]:
        """Load all tables; while one is being loaded, the next is being read."""
        loading: list[asyncio.Task[_Loaded]] = []
        try:
            for table in self.description.tables:
                began = time.monotonic()
                spread_table = await self._spread(table)
                loading.append(asyncio.create_task(self._load(spread_table, began)))
                failed = [t for t in loading if t.done() and t.exception()]
                if failed:
                    break
            return list(await asyncio.gather(*loading))
        finally:
            self.stop.set()
            for task in loading:
                task.cancel()
            await asyncio.gather(*loading, return_exceptions=True)

    async def _spread(self, table: TableSpec) -> SpreadTable:
        directors = tuple([await self._director(table, p) for p in table.parents])
        work = asyncio.create_task(
            asyncio.to_thread(
                spread,
                table,
                self.description.family,
                directors,
                self.folder,
                self.bad,
                (self.description.database, table.name) in self.positions,
                self.progress,
                self.stop,
            )
        )
        try:
            found = await asyncio.shield(work)
        except asyncio.CancelledError:
            # A thread cannot be cancelled; it must be gone before its folder is removed.
            self.stop.set()
            await asyncio.wait([work])
            # Its complaint that it was interrupted is of no interest, but must have been asked for.
            work.exception()
            raise
        if found.ids is not None:
            key = (self.description.database, table.name)
            self.indexes[key] = found.ids
            self.layouts[key] = lay_out(is_integer(found.ids.column), self.workers, self.replicas)
        return found

    async def _director(self, table: TableSpec, parent: tuple[str, str]) -> IdIndex:
        if parent not in self.indexes:
            database, director = external_director(self.catalog, self.description, table, parent)
            placement = self.catalog.placements.get(database.family)
            positions = parent in self.positions
            self.indexes[parent] = await read_index(database, director, placement, positions, self.backends)
            if director.index is not None:
                self.layouts[parent] = director.index
        return self.indexes[parent]

    async def _load(self, found: SpreadTable, began: float) -> _Loaded:
        table = found.table
        parts: list[Loads] = []
        chunks: list[int] = []
        if table.kind is TableKind.REGULAR:
            parts.append(regular_loads(found, self.workers))
        else:
            chunks = chunks_of(found)
            placement = await asyncio.to_thread(
                self.store.place_chunks,
                self.description.family,
                np.array(chunks, np.int32),
                self.replicas,
            )
            parts.append(chunk_loads(found, placement, self.physical, self.engine))
        parts += await asyncio.to_thread(self._index_parts, found)
        stage = f"loading {table.name}"
        self.progress.begin(stage, sum(len(loads) for part in parts for loads in part.values()))
        # One table at a time: more statements at once only get in each other's way on a worker.
        async with self.loader:
            for part in parts:
                await load_all(part, self.backends, self.physical, lambda load: self._loaded(stage, load))
            await verify(parts, self.backends, self.physical)
        await asyncio.to_thread(shutil.rmtree, self.folder / table.name, True)
        report = TableReport(
            table.name,
            table.kind,
            found.rows_in,
            found.rows_stored,
            found.overlap_rows,
            found.bad_rows,
            found.orphan_rows,
            len(chunks),
            time.monotonic() - began,
        )
        create_sql = await printed(table, self.backends.values(), self.physical, self.engine)
        return _Loaded(self._published(found, chunks, create_sql), report)

    def _loaded(self, stage: str, load: TableLoad) -> None:
        self.progress.advance(stage, 1, load.rows)

    def _index_parts(self, found: SpreadTable) -> list[Loads]:
        """Index tables of a director, tables of the orphans of a child."""
        table = found.table
        if found.ids is not None:
            layout, ids = self.layouts[self.description.database, table.name], found.ids
            schema = table.schema
        elif found.orphans is not None and table.director is not None:
            layout, ids = self.layouts[table.director], found.orphans
            schema = self._schema_of(table.director)
        else:
            return []
        name = naming.index_table if found.ids is not None else naming.orphan_table
        return [
            index_loads(
                ids,
                layout,
                lambda partition: name(table.name, partition),
                self.physical,
                schema,
                self.engine,
                table.format.charset,
                self.folder / table.name / "ids",
            )
        ]

    def _schema_of(self, director: tuple[str, str]) -> TableSchema:
        """For the charset of text ids: a director that was published before has it in its column's definition."""
        own = (t.schema for t in self.description.tables if (self.description.database, t.name) == director)
        return next(own, TableSchema(()))

    def _published(self, found: SpreadTable, chunks: Sequence[int], create_sql: str) -> Table:
        """The table as the catalogue keeps it."""
        table = found.table
        overlap = found.overlap.rows if found.overlap else {}
        rows = NO_CHUNKS
        if table.kind is not TableKind.REGULAR:
            rows = ChunkRows(
                np.array(chunks, np.int32),
                np.array([found.own.rows.get(c, 0) for c in chunks], np.int64),
                np.array([overlap.get(c, 0) > 0 for c in chunks], np.bool_),
            )
        database = self.description.database
        return Table(
            database=database,
            name=table.name,
            kind=table.kind,
            columns=table.schema.columns,
            id=table.id,
            lon=table.lon,
            lat=table.lat,
            director=table.director,
            director_id=table.director_id,
            directors=table.directors,
            director_ids=table.director_ids,
            flags=table.flags,
            separation=table.separation,
            unique_id=table.unique_id,
            orphans=found.orphans is not None,
            indexes=tuple(k.index for k in table.keys),
            chunk_rows=rows,
            index=self.layouts.get((database, table.name)),
            total_rows=found.rows_stored,
            create_sql=create_sql,
        )


async def _give_up(store: CatalogStore, backends: Mapping[str, Backend], database: str, generation: Generation) -> None:
    """Remove what a failed run left. What cannot be removed now, the next run removes."""
    with contextlib.suppress(QproxyError):
        await drop_everywhere(backends, (generation.physical,))
    # Where the store cannot be written either, the next run sees that this process is gone.
    with contextlib.suppress(QproxyError):
        await asyncio.to_thread(store.abandon_database, database, generation)


async def ingest(
    description: Path,
    store: CatalogStore,
    backends: Mapping[str, Backend],
    *,
    replicas: int,
    replace: bool,
    max_bad_rows: int,
    engine: str,
    progress: Progress | None = None,
    folder: Path | None = None,
    patience: float = 0.0,
) -> Report:
    """Load a database and publish it. Whatever goes wrong, nothing of it becomes visible.

    Args:
        description: the YAML file.
        store: the catalogue store.
        backends: of all workers, by name.
        replicas: copies of each chunk.
        replace: whether a published database of that name may be replaced at the end.
        max_bad_rows: how many rows may be left out because they are wrong.
        engine: storage engine of MariaDB workers.
        progress: hears how far it is.
        folder: where chunk files are kept meanwhile; by default the system's place for temporary files.
        patience: seconds to wait at the end for queries that still read replaced data, before dropping those.

    Returns:
        What was done.

    Raises:
        ConfigError: the description is wrong.
        QproxyError: anything else that went wrong, in a plain sentence.
    """
    began = time.monotonic()
    wanted = await asyncio.to_thread(read_description, description)
    catalog = await asyncio.to_thread(store.load)
    check(wanted, catalog, backends, replicas)
    bad = BadRows(max_bad_rows)
    with work_folder(folder) as work:
        try:
            run = _Run(wanted, catalog, store, backends, replicas, bad, engine, work, progress or Quiet())
            tables = await _load_and_publish(run, replace, patience)
        except SQLError as error:
            raise QproxyError(f"a worker refused a statement: {error.message} (error {error.code})") from error
        except WorkerError as error:
            raise QproxyError(f"{error}; nothing was published: see to that worker, then run again") from error
    order = {t.name: i for i, t in enumerate(wanted.tables)}
    reports = tuple(sorted((t.report for t in tables), key=lambda r: order[r.name]))
    return Report(wanted.database, reports, tuple(bad.first[:SHOWN]), time.monotonic() - began)


async def _load_and_publish(run: _Run, replace: bool, patience: float) -> list[_Loaded]:
    wanted, store, backends = run.description, run.store, run.backends
    generation = await asyncio.to_thread(store.begin_database, wanted.database, wanted.family, replace)
    run.physical = generation.physical
    try:
        await drop_everywhere(backends, (*generation.leftovers, generation.physical))
        await make_skeleton(wanted, generation.physical, run.engine, backends)
        tables = await run.tables()
        by_name = {t.table.name: t.table for t in tables}
        published = Database(
            wanted.database, generation.physical, wanted.family, {t.name: by_name[t.name] for t in wanted.tables}
        )
        await asyncio.to_thread(store.publish, published)
    except BaseException:
        await asyncio.shield(_give_up(store, backends, wanted.database, generation))
        raise
    try:
        read = await clean(store, backends, patience)
    except QproxyError as error:
        # The new database is visible and whole; what is left over is dropped by the next run.
        log.warning("data that are out of use could not be dropped now, the next run drops them: %s", error)
    else:
        if read:
            log.warning(
                "replaced data (%s) are still read by queries; 'qproxy database clean' or the next run drops them",
                ", ".join(read),
            )
    return tables
