"""Which workers are to hold which chunks: the decision alone, without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush

import numpy as np
import numpy.typing as npt

from qproxy.catalog.model import ChunkIds, Placement
from qproxy.errors import QproxyError


def empty_placement(workers: Sequence[str]) -> Placement:
    """No chunks yet."""
    return Placement(np.empty(0, np.int32), tuple(workers), np.empty((0, 1), np.int16))


def replica_counts(placement: Placement) -> dict[str, int]:
    """How many chunks each worker holds a copy of."""
    held = placement.replicas[placement.replicas >= 0]
    counts = np.bincount(held, minlength=len(placement.workers))
    return {name: int(counts[i]) for i, name in enumerate(placement.workers)}


def total_load(placements: Iterable[Placement]) -> dict[str, int]:
    """How many copies of chunks each worker holds in all families together."""
    load: dict[str, int] = {}
    for placement in placements:
        for worker, count in replica_counts(placement).items():
            load[worker] = load.get(worker, 0) + count
    return load


def extend_placement(
    current: Placement, chunks: ChunkIds, replicas: int, workers: Sequence[str], load: Mapping[str, int]
) -> Placement:
    """Place the chunks that have no place yet; a chunk that has one keeps it.

    New chunks go round-robin over the workers with the least copies, so that neighbouring chunks, which a cone
    touches together, lie on different workers. The copies of one chunk lie on distinct workers, and each worker
    is preferred equally often.

    Args:
        current: where chunks of the family lie now.
        chunks: ids that must have a place; in any order, repeats allowed.
        replicas: copies of each.
        workers: names of all workers there are.
        load: copies that each worker holds, in all families.

    Raises:
        QproxyError: more copies than workers, or chunks that are placed with fewer copies.
    """
    if replicas < 1:
        raise QproxyError(f"{replicas} replicas of each chunk were asked for; ask for 1 or more")
    if not workers:
        raise QproxyError("the catalogue has no workers: start some with 'qproxy cluster up'")
    if replicas > len(workers):
        raise QproxyError(
            f"{replicas} replicas of each chunk were asked for, but there are only {len(workers)} workers: "
            f"ask for at most {len(workers)}, or add workers"
        )
    names = tuple(dict.fromkeys((*current.workers, *workers)))
    wanted = np.unique(np.asarray(chunks, np.int32))
    kept = np.isin(current.chunks, wanted, assume_unique=True)
    copies = (current.replicas[kept] >= 0).sum(axis=1)
    if len(copies) and int(copies.min()) < replicas:
        raise QproxyError(
            f"{int((copies < replicas).sum())} chunks already lie on {int(copies.min())} worker(s) each, because "
            f"another database of the same family uses them; {replicas} were asked for: ask for at most "
            f"{int(copies.min())}, or choose other stripes, sub-stripes or overlap"
        )
    new = np.setdiff1d(wanted, current.chunks, assume_unique=True)
    added = _assign(len(new), replicas, names, workers, load)
    width = max(current.replicas.shape[1] if len(current.chunks) else 1, replicas)
    all_chunks = np.concatenate([current.chunks, new])
    table = np.full((len(all_chunks), width), -1, np.int16)
    if len(current.chunks):
        table[: len(current.chunks), : current.replicas.shape[1]] = current.replicas
    table[len(current.chunks) :, :replicas] = added
    order = np.argsort(all_chunks, kind="stable")
    return Placement(all_chunks[order].astype(np.int32), names, table[order])


def _assign(
    count: int, replicas: int, names: Sequence[str], workers: Sequence[str], load: Mapping[str, int]
) -> npt.NDArray[np.int16]:
    """Indexes into ``names`` of the copies of ``count`` new chunks, shape (count, replicas)."""
    at = {name: i for i, name in enumerate(names)}
    # The second number makes equal workers take turns: whoever was used last comes last.
    heap = [(load.get(name, 0), turn, at[name]) for turn, name in enumerate(workers)]
    heapify(heap)
    turn = len(heap)
    preferred = [0] * len(names)
    table = np.empty((count, replicas), np.int16)
    for row in range(count):
        chosen = [heappop(heap) for _ in range(replicas)]
        for held, _, worker in chosen:
            heappush(heap, (held + 1, turn, worker))
            turn += 1
        copies = sorted((worker for _, _, worker in chosen), key=preferred.__getitem__)
        preferred[copies[0]] += 1
        table[row] = copies
    return table
