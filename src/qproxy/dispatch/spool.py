"""Where the rows of a fragment wait until it is complete: memory first, then a file that has no name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from qproxy.errors import SQLError
from qproxy.wire.rowblock import RowBlock


class Spool:
    """Rows of one fragment.

    Args:
        memory: bytes that it may hold in memory.
        directory: where its file goes; None for the system's place for temporary files.
    """

    def __init__(self, memory: int, directory: Path | None = None) -> None:
        self.rows = 0
        self.nbytes = 0
        self._memory = memory
        self._directory = directory
        self._blocks: list[RowBlock] = []
        self._held = 0
        self._file: IO[bytes] | None = None
        self._index: list[tuple[int, bytes, int]] = []

    @property
    def full(self) -> bool:
        """Whether the memory is used up, so that more rows go to a file."""
        return self._held >= self._memory

    def add(self, block: RowBlock) -> None:
        """Take a block; beyond the memory all that is held goes to the file first.

        Raises:
            SQLError: 1021, the file cannot be written.
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

    def _spill(self) -> None:
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
