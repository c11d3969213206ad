"""Fragments: a plan's chunks cut lazily into statements for the workers that hold them. Pure: nothing here waits.

A cursor holds arrays of chunk ids, never an object a chunk; a statement is text put together from a template.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qproxy.catalog.model import ChunkIds, Placement
from qproxy.catalog.naming import chunk_table, chunk_tables, empty_table
from qproxy.errors import SQLError
from qproxy.planner.plan import SUB_CHUNK_LIST, Final, Plan, Slot, Template

Rows = npt.NDArray[np.int64]

#: A statement of many chunks is cut before it grows longer than this, in characters.
MAX_STATEMENT = 1 << 18
#: Where more sub-chunks of a chunk are wanted than this, all its rows are read.
MAX_SUB_CHUNKS = 200
#: First fragments of a worker that show how many groups there are, and how much smaller they are than later ones.
_PROBES, _PROBE = 2, 8
#: Groups for each row of such a fragment, above which eight times as many rows would hardly be fewer when combined.
_HARDLY = 0.95


@dataclass(frozen=True)
class Batching:
    """How many chunks go into one statement.

    Attributes:
        first_rows: stored rows behind the first fragment whose rows all travel; doubled from fragment to fragment
            until ``rows``, so that the first row comes early and later ones cheaply.
        rows: most stored rows behind a fragment whose rows all travel.
        chunks: most chunks in a statement.
        spread: fragments that each worker's share is cut into where rows are reduced in the worker.
        widest: how many times as many stored rows as ``rows`` go into a fragment at most, where hardly any of them
            travel: a selective scan of large chunks takes as many statements less.
        near_rows: most stored rows behind a statement that looks for near rows: until it ends, the worker keeps the
            tables in memory that it builds of the rows of each chunk.
    """

    first_rows: int = 2_000
    rows: int = 20_000
    chunks: int = 400
    spread: int = 4
    widest: int = 64
    near_rows: int = 500_000


class Statements:
    """Puts the statement of any batch of a plan's chunks together.

    Args:
        plan: what is to run.
        translate: MariaDB's dialect to the engine's.
        spans: whether a template's placeholders may stand for several chunks each: see `Backend.spans`.
    """

    def __init__(
        self, plan: Plan, translate: Callable[[str], str], spans: Callable[[str], bool] = lambda template: False
    ) -> None:
        partial = translate(plan.partial)
        self._slots = plan.slots
        self._partial = Template.cut(partial, plan.slots)
        self._coverage = plan.coverage
        self._narrowed: Template | None = None
        if plan.narrowed is not None:
            markers = [*(s.marker for s in plan.slots), SUB_CHUNK_LIST]
            self._narrowed = Template.cut_at(translate(plan.narrowed), markers)
        self._before = self._after = ""
        if plan.combined is not None:
            self._before, found, self._after = translate(plan.combined).partition(partial)
            if not found:
                self._before = self._after = ""
        optional = [i for i, s in enumerate(plan.slots) if s.table.partitioned and not s.required]
        #: Whether a batch is one statement over all its chunks rather than a UNION ALL of one a chunk.
        self.spanning = spans(plan.partial)
        self._present = {i: frozenset(plan.slots[i].chunks.tolist()) for i in optional}
        #: Text between the chunk's number, for a chunk of which every table exists: a statement is one join.
        self._around = _around(self._partial, plan.slots)

    @property
    def chunk_size(self) -> int:
        """Characters that a chunk adds to a statement, about."""
        if self.spanning:
            return 8 * len(self._slots)
        return self._partial.size + 24 * len(self._slots) + 16

    def batch(self, chunks: Sequence[int], combine: bool = True) -> str:
        """The statement for some chunks of one worker; for none, the one that gives no stored row.

        Args:
            combine: whether the rows of the chunks are to be reduced together, where the plan has a way to.
        """
        before, after = (self._before, self._after) if combine else ("", "")
        if self.spanning and chunks:
            inner = self._partial.fill([self._names(i, s, chunks) for i, s in enumerate(self._slots)])
            return f"{before}{inner}{after}"
        if self._narrowed is None and not self._present:
            around = self._around
            parts = [str(c).join(around) for c in chunks]
        else:
            parts = [self._statement(c) for c in chunks]
        if not parts:
            parts = [self._partial.fill([standing_in(s) for s in self._slots])]
        inner = parts[0] if len(parts) == 1 else "(" + ") UNION ALL (".join(parts) + ")"
        return f"{before}{inner}{after}"

    def _statement(self, chunk: int) -> str:
        names = [self._name(i, s, chunk) for i, s in enumerate(self._slots)]
        wanted = self._coverage.sub_chunks(chunk) if self._narrowed is not None else None
        if self._narrowed is None or wanted is None or not 0 < len(wanted) <= MAX_SUB_CHUNKS:
            return self._partial.fill(names)
        return self._narrowed.fill([*names, ", ".join(map(str, sorted(wanted)))])

    def _names(self, index: int, slot: Slot, chunks: Sequence[int]) -> str:
        """The name that stands for a slot's tables in all the chunks."""
        if not slot.table.partitioned:
            return slot.table.name
        present = self._present.get(index)
        held = chunks if present is None else [c for c in chunks if c in present]
        return chunk_tables(slot.name, held) if held else empty_table(slot.name)

    def _name(self, index: int, slot: Slot, chunk: int) -> str:
        if not slot.table.partitioned:
            return slot.table.name
        if index in self._present and chunk not in self._present[index]:
            return empty_table(slot.name)
        return chunk_table(slot.name, chunk)


def _around(template: Template, slots: Sequence[Slot]) -> tuple[str, ...]:
    """What stands around each place of a chunk's number, where each slot takes the chunk's own table."""
    found = [template.pieces[0]]
    for index, piece in zip(template.slots, template.pieces[1:], strict=True):
        slot = slots[index]
        if slot.table.partitioned:
            before, after = chunk_table(slot.name, 0).rsplit("0", 1)
            found[-1] += before
            found.append(after + piece)
        else:
            found[-1] += slot.table.name + piece
    return tuple(found)


def standing_in(slot: Slot) -> str:
    """The table that a slot reads where no chunk is: the empty stand-in, or a whole regular table."""
    return empty_table(slot.name) if slot.table.partitioned else slot.name


def first_replica(placement: Placement, chunk: int) -> str | None:
    """The worker that a chunk is asked of where none has failed; None where no worker holds it."""
    at = min(int(placement.chunks.searchsorted(chunk)), len(placement.chunks) - 1)
    return next((placement.workers[i] for i in placement.replicas[at].tolist() if i >= 0), None)


@dataclass
class _Part:
    """Some chunks of one worker, taken from the front.

    Attributes:
        chunks: in their order.
        stored: stored rows of the chunks up to each one, that one included.
        taken: chunks that are gone.
    """

    chunks: ChunkIds
    stored: Rows
    taken: int = 0

    @property
    def left(self) -> ChunkIds:
        """Chunks that are still there."""
        return self.chunks[self.taken :]

    def fitting(self, rows: int) -> int:
        """How many of the next chunks together have so many stored rows."""
        before = self.stored[self.taken - 1] if self.taken else 0
        return int(np.searchsorted(self.stored[self.taken :], before + rows)) + 1

    def take(self, count: int) -> ChunkIds:
        """The next chunks."""
        self.taken += count
        return self.chunks[self.taken - count : self.taken]


class Cursor:
    """The chunks of a plan that are still to be read, by worker.

    Args:
        plan: whose chunks.
        placement: where they are.
        batching: how many at a time.
        chunk_size: characters that a chunk adds to a statement.
        together: whether a statement may hold several chunks; by default as the plan says for a UNION ALL of them.
    """

    def __init__(
        self,
        plan: Plan,
        placement: Placement,
        batching: Batching,
        chunk_size: int,
        together: bool | None = None,
    ) -> None:
        self._placement = placement
        self._batching = batching
        self._reduced = plan.combined is not None
        self._grouped = self._reduced and isinstance(plan.merge, Final) and plan.merge.grouped
        self._probes: Counter[str] = Counter()
        self._near = any(s.overlap for s in plan.slots)
        several = plan.together if together is None else together
        self._most = max(1, min(batching.chunks, MAX_STATEMENT // chunk_size)) if several else 1
        self._rows = batching.first_rows
        self._learned = self._given = 0
        self._weights = _weights(plan)
        self._lost: dict[str, str] = {}
        self._waiting: dict[str, list[_Part]] = {}
        self._shares: dict[str, int] = {}
        self._assign(plan.chunks)
        for worker, parts in self._waiting.items():
            total = sum(len(p.chunks) for p in parts)
            self._shares[worker] = max(1, -(-total // batching.spread))

    @property
    def workers(self) -> list[str]:
        """Workers with chunks still to be read."""
        return list(self._waiting)

    def next(self, worker: str) -> ChunkIds | None:
        """Take the next batch of a worker; None where it has none left."""
        parts = self._waiting.get(worker)
        if not parts:
            return None
        batch = parts[0].take(self._size(worker, parts[0]))
        if not len(parts[0].left):
            parts.pop(0)
            if not parts:
                del self._waiting[worker]
        return batch

    def learn(self, batch: ChunkIds, given: int) -> None:
        """A batch is complete: how many rows it gave tells how many chunks may go into the next ones, or how many
        groups there are."""
        if self._grouped or not self._reduced:
            self._learned += int(self._stored(batch).sum())
            self._given += given

    @property
    def combining(self) -> bool:
        """Whether it pays to combine the groups of chunks: not where nearly every row so far was a group of its own."""
        return not self._grouped or self._given <= _HARDLY * self._learned

    def lose(self, worker: str, batch: ChunkIds, reason: str) -> None:
        """A worker failed: its batch and all that still waits for it go to other replicas.

        Raises:
            SQLError: some chunk has no other replica left; the message names chunk and workers.
        """
        self._lost[worker] = reason
        self._assign(np.concatenate([batch, *(p.left for p in self._waiting.pop(worker, []))]))

    def only_here(self, batch: ChunkIds) -> bool:
        """Whether some chunk of a batch can be read nowhere else, so that the query ends with its worker."""
        return self._placement.replicas.shape[1] == 1 or bool((self._usable(batch)[1].sum(axis=1) < 2).any())

    def _size(self, worker: str, part: _Part) -> int:
        share = min(self._most, self._shares.get(worker, 1))
        if self._grouped and self._probes[worker] < _PROBES:
            self._probes[worker] += 1
            share = -(-share // _PROBE)
        if self._reduced:
            return min(share, part.fitting(self._batching.near_rows)) if self._near else share
        # Wider than by its rows alone only as far as every worker keeps several fragments to give.
        size = min(part.fitting(self._rows), max(share, part.fitting(self._batching.rows)))
        self._rows = min(self._rows * 2, self._widest())
        return min(self._most, size)

    def _widest(self) -> int:
        """Most stored rows of a fragment whose rows all travel: as many as have given `Batching.rows` so far."""
        rows = self._batching.rows
        if self._learned < rows:
            return rows
        return min(rows * self._learned // max(1, self._given), rows * self._batching.widest)

    def _stored(self, chunks: ChunkIds) -> Rows:
        """Stored rows of each chunk."""
        ids, rows = self._weights
        return rows[np.minimum(np.searchsorted(ids, chunks), max(0, len(ids) - 1))]

    def _assign(self, chunks: ChunkIds) -> None:
        """Give each chunk to the first of its replicas that has not failed."""
        if len(chunks) == 1:
            # A point query's: a few numbers are chosen from faster without arrays.
            self._assign_one(chunks)
            return
        placement = self._placement
        replicas, usable = self._usable(chunks)
        found = usable.any(axis=1)
        if not found.all():
            index = int(np.argmin(found))
            raise self._unreadable(int(chunks[index]), replicas[index].tolist())
        chosen = replicas[np.arange(len(chunks)), usable.argmax(axis=1)]
        # One sort for all workers: a comparison of all chunks with each worker is hundreds of passes over them.
        order = np.argsort(chosen, kind="stable")
        held, starts = np.unique(chosen[order], return_index=True)
        for index, own in zip(held.tolist(), np.split(chunks[order], starts[1:]), strict=True):
            worker = placement.workers[index]
            if not self._reduced:
                # The first row may have to wait for the last one of its chunk: the smallest chunk begins.
                least = int(self._stored(own).argmin())
                own[: least + 1] = np.roll(own[: least + 1], 1)
            self._waiting.setdefault(worker, []).append(_Part(own, np.cumsum(self._stored(own))))
            self._shares.setdefault(worker, self._most)

    def _usable(self, chunks: ChunkIds) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.bool_]]:
        """The replicas of each chunk, and which of them are on workers that have not failed."""
        placement = self._placement
        at = np.searchsorted(placement.chunks, chunks)
        at = np.minimum(at, max(0, len(placement.chunks) - 1))
        replicas = placement.replicas[at]
        lost = [i for i, w in enumerate(placement.workers) if w in self._lost]
        usable = replicas >= 0
        if lost:
            usable &= ~np.isin(replicas, lost)
        return replicas, usable

    def _assign_one(self, chunk: ChunkIds) -> None:
        """Give the one chunk of an array to a replica."""
        placement = self._placement
        at = min(int(placement.chunks.searchsorted(chunk[0])), len(placement.chunks) - 1)
        replicas = placement.replicas[at].tolist()
        for index in replicas:
            worker = placement.workers[index]
            if index >= 0 and worker not in self._lost:
                self._waiting.setdefault(worker, []).append(_Part(chunk, self._stored(chunk)))
                self._shares.setdefault(worker, self._most)
                return
        raise self._unreadable(int(chunk[0]), replicas)

    def _unreadable(self, chunk: int, replicas: list[int]) -> SQLError:
        workers = self._placement.workers
        reasons = [f"worker '{workers[i]}' {self._lost.get(workers[i], 'is unknown')}" for i in replicas if i >= 0]
        return SQLError(1105, f"chunk {chunk} cannot be read: {'; '.join(reasons) or 'no worker holds it'}")


def _weights(plan: Plan) -> tuple[ChunkIds, Rows]:
    """Chunk ids and stored rows of the plan's largest table."""
    tables = [s.table for s in plan.slots if s.table.partitioned]
    largest = max(tables, key=lambda t: t.chunk_rows.total)
    return largest.chunk_rows.chunks, largest.chunk_rows.rows
