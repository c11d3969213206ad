"""How the chunks of a plan fall to workers and statements. Pure: nothing is sent."""

from __future__ import annotations

from qproxy.dispatch.fragments import Cursor


def shares(cursor: Cursor) -> dict[str, tuple[int, int]]:
    """Chunks and statements of each worker, as they are if no worker fails, all of them are
    equally fast, and all stored rows travel: where few do, statements become fewer.

    Args:
        cursor: at its beginning; it is used up.
    """
    found: dict[str, tuple[int, int]] = {}
    while cursor.workers:
        for worker in cursor.workers:
            batch = cursor.next(worker)
            if batch is not None:
                chunks, statements = found.get(worker, (0, 0))
                found[worker] = chunks + len(batch), statements + 1
    return dict(sorted(found.items()))
