"""Chunk files: rows gathered by chunk, in memory first, then appended to a file a chunk."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from qproxy.errors import QproxyError
from qproxy.ingest.batch import ArrowArray
from qproxy.ingest.ids import Ints
from qproxy.ingest.text import value_bytes

#: Bytes that may wait in memory before they are written out.
MEMORY_BYTES = 256 << 20


class Spool:
    """The chunk files of one table. At most one is open at any time.

    Args:
        folder: for the files, made if it does not exist.
        memory_bytes: how much may wait in memory.
    """

    def __init__(self, folder: Path, memory_bytes: int = MEMORY_BYTES) -> None:
        self._folder = folder
        self._limit = memory_bytes
        self._waiting: dict[int, list[memoryview]] = {}
        self._bytes = 0
        self._rows: dict[int, int] = {}
        with self._complaints():
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def rows(self) -> dict[int, int]:
        """Rows by chunk."""
        return self._rows

    def path(self, chunk: int) -> Path:
        """The file of a chunk."""
        return self._folder / f"{chunk}.txt"

    def add(self, chunks: Ints, lines: ArrowArray) -> None:
        """Append rows.

        Args:
            chunks: of each row, sorted.
            lines: large binary values, each with its line end, in the same order.

        Raises:
            QproxyError: the disk is full or cannot be written to.
        """
        if not len(chunks):
            return
        data, offsets = value_bytes(lines)
        starts = np.flatnonzero(np.diff(chunks, prepend=chunks[0] - 1))
        bounds = np.append(starts, len(chunks))
        ids = chunks[starts].tolist()
        counts = np.diff(bounds).tolist()
        places = offsets[bounds].tolist()
        for i, chunk in enumerate(ids):
            self._waiting.setdefault(chunk, []).append(data[places[i] : places[i + 1]])
            self._rows[chunk] = self._rows.get(chunk, 0) + counts[i]
        self._bytes += places[-1] - places[0]
        if self._bytes > self._limit:
            self.flush()

    def flush(self) -> None:
        """Write out what waits in memory.

        Raises:
            QproxyError: the disk is full or cannot be written to.
        """
        for chunk in sorted(self._waiting):
            with self._complaints():
                self._append(chunk, self._waiting[chunk])
        self._waiting.clear()
        self._bytes = 0

    def _append(self, chunk: int, pieces: Iterable[memoryview]) -> None:
        with self.path(chunk).open("ab", buffering=0) as file:
            view = memoryview(b"".join(pieces))
            # Linux writes at most 2 GB at a time.
            while len(view):
                view = view[file.write(view) :]

    @contextmanager
    def _complaints(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            what = "the disk is full" if full else (error.strerror or str(error))
            raise QproxyError(
                f"{self._folder}: chunk files cannot be written: {what}; "
                "make room, or name another folder for them, and run again"
            ) from error
