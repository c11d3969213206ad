"""Where the rows of a fragment wait until it is complete: memory first, then a file that has no name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from qproxy.errors import SQLError
from qproxy.wire.rowblock import RowBlock


class Disk:
    """Bytes that rows of clients which rest may take in files at a time, all together.

    Args:
        limit: how many.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0

    @property
    def used(self) -> int:
        """How many they have."""
        return self._used

    def take(self, size: int) -> None:
        """Use some.

        Raises:
            SQLError: 1021 where there are not as many left.
        """
        if self._used + size > self._limit:
            raise SQLError(
                1021,
                "others needed the connections of this query while its rows were not fetched, and rows that wait so "
                f"take {self._limit >> 20} MB already (dispatch.spool_limit_mb); fetch sooner, or close cursors",
            )
        self._used += size

    def give_back(self, size: int) -> None:
        """Use them no more."""
        self._used -= size


class Spool:
    """Rows of one fragment.

    Args:
        memory: bytes that it may hold in memory.
        directory: where its file goes; None for the system's place for temporary files.
        disk: what its file may take; None for no bound, see `bound`.
    """

    def __init__(self, memory: int, directory: Path | None = None, disk: Disk | None = None) -> None:
        self.rows = 0
        self.nbytes = 0
        self._memory = memory
        self._directory = directory
        self._disk = disk
        self._taken = 0
        self._blocks: list[RowBlock] = []
        self._held = 0
        self._file: IO[bytes] | None = None
        self._index: list[tuple[int, bytes, int]] = []

    def bound(self, disk: Disk) -> None:
        """Let what goes to the file from here on count."""
        self._disk = disk

    def would_spill(self, block: RowBlock) -> bool:
        """Whether a block is more than the memory that is left, so that it and others would go to a file."""
        return self._held + block.nbytes > self._memory

    def add(self, block: RowBlock) -> None:
        """Take a block; beyond the memory all that is held goes to the file first.

        Raises:
            SQLError: 1021, the file cannot be written, or there is no room for it.
        """
        self.rows += block.rows
        self.nbytes += block.nbytes
        self._blocks.append(block)
        self._held += block.nbytes
        if self._held > self._memory:
            self._spill()

    def blocks(self) -> Iterator[RowBlock]:
        """Give the blocks back, in order, and forget them."""
        if self._file is not None:
            self._file.seek(0)
            for size, starts, rows in self._index:
                data = self._file.read(size)
                yield RowBlock(bytearray(data), np.frombuffer(starts, dtype=np.int64), rows)
        blocks, self._blocks = self._blocks, []
        self._held = 0
        blocks.reverse()
        while blocks:
            yield blocks.pop()
        self.close()

    def again(self) -> Iterator[RowBlock]:
        """Give the blocks, in order, and keep them."""
        if self._file is not None:
            place = 0
            for size, starts, rows in self._index:
                # Others may read the same file in turns.
                self._file.seek(place)
                data = self._file.read(size)
                place += size
                yield RowBlock(bytearray(data), np.frombuffer(starts, dtype=np.int64), rows)
        yield from self._blocks

    def close(self) -> None:
        """Give up rows and file."""
        self._blocks.clear()
        self._held = 0
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._disk is not None:
            self._disk.give_back(self._taken)
            self._taken = 0

    def _spill(self) -> None:
        if self._disk is not None:
            self._disk.take(self._held)
            self._taken += self._held
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._directory, prefix="qproxy-", buffering=0)  # noqa: SIM115
            for block in self._blocks:
                _write(self._file, block.data)
        except OSError as error:
            where = self._directory or tempfile.gettempdir()
            raise SQLError(
                1021,
                f"the proxy cannot keep the rows of this query in {where} (dispatch.spool_dir): {error.strerror}",
            ) from error
        for block in self._blocks:
            self._index.append((block.nbytes, block.starts.tobytes(), block.rows))
        self._blocks.clear()
        self._held = 0


def _write(file: IO[bytes], data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
