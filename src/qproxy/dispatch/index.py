"""The director index as a proxy sees it: what was told is not asked again, and what many ask at once goes together.

An index does not change as long as its snapshot of the catalogue stands; with the next one everything is forgotten.
A look-up of few ids goes out at once where none is under way in its partition, and waits for it where one is: what has
gathered then is one statement. So one client never waits for others, and many clients share statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from qproxy.backends.base import DEFAULT_SETTINGS, Backend, SessionSettings
from qproxy.catalog.model import Catalog, Database, Table
from qproxy.catalog.naming import CHUNK_COLUMN, index_table
from qproxy.dispatch.lookup import find_places, together
from qproxy.errors import SQLError, WorkerError
from qproxy.planner.plan import Lookup
from qproxy.sky.coverage import Coverage
from qproxy.wire.rowblock import decode_rows

#: More ids than this are asked for by a statement of their own.
FEW = 16
#: Bytes that an id and its chunks take in memory: an upper bound of what was measured.
ENTRY = 300

#: Look-ups that share a statement.
_TOGETHER = 100
#: A worker that failed is asked last for so long, where another one can answer as well. Seconds.
_AVOIDED = 10.0

#: Chunks in which rows with an id lie.
Chunks = tuple[int, ...]
#: Who waits for what.
_Waiting = list[tuple[Sequence[int], "asyncio.Future[dict[int, Chunks]]"]]


@dataclass(frozen=True)
class _Place:
    """A partition of an index.

    Attributes:
        name: of its table on the workers, quoted.
        unique: whether no two rows share an id.
    """

    name: str
    workers: tuple[str, ...]
    unique: bool


class Index:
    """Looks ids up.

    Args:
        backends: by worker name.
        memory: bytes that places which are known may take.
    """

    def __init__(self, backends: Mapping[str, Backend], memory: int) -> None:
        self._backends = backends
        self._half = memory // ENTRY // 2
        self._version = -1
        # What was asked for of late, and before: together they hold what is asked for most.
        self._young: dict[tuple[str, int], Chunks] = {}
        self._old: dict[tuple[str, int], Chunks] = {}
        # Partitions that a look-up is under way in, and the look-ups that wait for it.
        self._asked: dict[str, _Waiting] = {}
        self._failed: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def find(
        self, lookups: Collection[Lookup], catalog: Catalog, settings: SessionSettings = DEFAULT_SETTINGS
    ) -> dict[Lookup, Coverage]:
        """The chunks in which the rows with the ids of each look-up can be.

        Args:
            settings: of the query, with which integers are as well looked up as with any: a connection that has them
                already can then be used for both.

        Raises:
            SQLError: no copy of a partition of the index can be read; the message names it.
        """
        if not lookups:
            return {}
        if catalog.version > self._version:
            self._version = catalog.version
            self._young, self._old = {}, {}
        if catalog.version == self._version and len(lookups) == 1:
            (lookup,) = lookups
            ids = lookup.ids
            if lookup.child is None and isinstance(ids, frozenset) and len(ids) <= FEW:
                numbers = [i for i in ids if isinstance(i, int)]
                if len(numbers) == len(ids):
                    return {lookup: await self._few(lookup, numbers, catalog, settings)}
        return await find_places(lookups, catalog, self._backends)

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _few(self, lookup: Lookup, ids: Sequence[int], catalog: Catalog, settings: SessionSettings) -> Coverage:
        database = catalog.databases[lookup.director[0]]
        director = database.tables[lookup.director[1]]
        index = director.index
        assert index is not None
        count = len(index.partitions)
        version = self._version
        chunks: set[int] = set()
        missing: dict[int, list[int]] = {}
        for number in ids:
            partition = number % count
            known = self._known(_name(database, director, partition), number)
            if known is None:
                missing.setdefault(partition, []).append(number)
            else:
                chunks.update(known)
        asked = [
            (_Place(_name(database, director, p), index.partitions[p], director.unique_id), numbers)
            for p, numbers in missing.items()
        ]
        work = [self._ask(place, numbers, settings) for place, numbers in asked]
        answers = [await work[0]] if len(work) == 1 else await together(work)
        for (place, numbers), found in zip(asked, answers, strict=True):
            for number in numbers:
                told = found.get(number, ())
                chunks.update(told)
                if version == self._version:
                    self._keep((place.name, number), told)
        return Coverage.of_chunks(chunks)

    async def _ask(self, place: _Place, ids: Sequence[int], settings: SessionSettings) -> dict[int, Chunks]:
        """The chunks of some ids, and maybe of others that were asked for together with them."""
        waiting = self._asked.get(place.name)
        if waiting is None:
            self._asked[place.name] = []
            try:
                return await self._read(place, ids, settings)
            finally:
                self._next(place)
        told: asyncio.Future[dict[int, Chunks]] = asyncio.get_running_loop().create_future()
        waiting.append((ids, told))
        return await told

    def _next(self, place: _Place) -> None:
        """Ask for what has gathered in a partition."""
        waiting = [one for one in self._asked[place.name] if not one[1].done()]
        if not waiting:
            del self._asked[place.name]
            return
        self._asked[place.name] = waiting[_TOGETHER:]
        task = asyncio.get_running_loop().create_task(self._together(place, waiting[:_TOGETHER]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _together(self, place: _Place, waiting: _Waiting) -> None:
        """Answer several look-ups by one statement."""
        try:
            found = await self._read(place, sorted({number for ids, _ in waiting for number in ids}), DEFAULT_SETTINGS)
        except SQLError as error:
            for _, told in waiting:
                if not told.done():
                    told.set_exception(SQLError(error.code, error.message, error.sqlstate))
        except BaseException:
            for _, told in waiting:
                if not told.done():
                    told.set_exception(RuntimeError("a look-up of ids broke off"))
            raise
        else:
            for _, told in waiting:
                if not told.done():
                    told.set_result(found)
        finally:
            self._next(place)

    async def _read(self, place: _Place, ids: Sequence[int], settings: SessionSettings) -> dict[int, Chunks]:
        """What a worker says of ids; those that it does not know are left out."""
        distinct = "" if place.unique else "DISTINCT "
        sql = f"SELECT {distinct}id, {CHUNK_COLUMN} FROM {place.name} WHERE id IN ({', '.join(map(str, ids))})"
        reasons = []
        for name in self._in_order(place.workers):
            backend = self._backends.get(name)
            if backend is None:
                reasons.append(f"worker '{name}' is not known to this proxy")
                continue
            found: dict[int, Chunks] = {}
            try:
                async with backend.query(backend.translate(sql), settings) as stream:
                    async for block in stream:
                        for number, chunk in decode_rows(block):
                            if number is not None and chunk is not None:
                                found[int(number)] = (*found.get(int(number), ()), int(chunk))
            except WorkerError as error:
                self._failed[name] = asyncio.get_running_loop().time()
                reasons.append(f"worker '{error.worker}' {error.reason}")
            else:
                return found
        raise SQLError(1105, f"the director index cannot be read: {'; '.join(reasons)}")

    def _in_order(self, workers: Sequence[str]) -> Sequence[str]:
        """Workers that failed of late come last."""
        if not self._failed:
            return workers
        since = asyncio.get_running_loop().time() - _AVOIDED
        self._failed = {name: when for name, when in self._failed.items() if when > since}
        return sorted(workers, key=self._failed.__contains__)

    def _known(self, name: str, number: int) -> Chunks | None:
        key = (name, number)
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self._keep(key, found)
        return found

    def _keep(self, key: tuple[str, int], chunks: Chunks) -> None:
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        if self._half:
            self._young[key] = chunks


def _name(database: Database, director: Table, partition: int) -> str:
    """A partition of an index as statements write it."""
    return f"`{database.physical}`.`{index_table(director.name, partition)}`"
