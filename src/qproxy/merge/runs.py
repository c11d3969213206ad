"""Sorted runs of rows in one file that has no name, and the merge of such runs a window at a time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from qproxy.errors import SQLError
from qproxy.merge.rows import Keys, Rows, put_together

#: Bytes of a run that are read at once.
WINDOW = 1 << 17


class RunFile:
    """Where runs lie that do not fit in memory.

    Args:
        directory: where the file goes; None for the system's place for temporary files.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._file: IO[bytes] | None = None
        self._end = 0

    def append(self, window: Rows) -> Window:
        """Write a window of a run.

        Raises:
            SQLError: 1021, the file cannot be written.
        """
        lengths = (window.ends - window.begins).tobytes()
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._directory, prefix="qproxy-", buffering=0)  # noqa: SIM115
            at = self._end
            for data in (window.keys.tobytes(), lengths, window.joined()):
                view = memoryview(data)
                while view:
                    written = os.pwrite(self._file.fileno(), view, self._end)
                    self._end += written
                    view = view[written:]
        except OSError as error:
            where = self._directory or tempfile.gettempdir()
            raise SQLError(
                1021,
                f"the proxy cannot keep the rows that it sorts in {where} (dispatch.spool_dir): {error.strerror}",
            ) from error
        return Window(at, self._end - at, len(window), window.keys.dtype)

    def read(self, window: Window) -> Rows:
        """A window as it was written."""
        assert self._file is not None
        data = os.pread(self._file.fileno(), window.nbytes, window.at)
        keys: Keys = np.frombuffer(data, window.dtype, window.rows)  # type: ignore[assignment]
        lengths = np.frombuffer(data, np.int64, window.rows, keys.nbytes)
        ends = np.cumsum(lengths) + (keys.nbytes + lengths.nbytes)
        return Rows(keys, (data,), np.zeros(window.rows, np.int32), ends - lengths, ends)

    def run(self, windows: Sequence[Window]) -> Iterator[Rows]:
        """The windows of a run, each read when it is asked for."""
        return map(self.read, windows)

    def close(self) -> None:
        """Give the rows up."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Window:
    """Where in the file a part of a run lies."""

    __slots__ = ("at", "dtype", "nbytes", "rows")

    def __init__(self, at: int, nbytes: int, rows: int, dtype: np.dtype[np.uint64] | np.dtype[np.bytes_]) -> None:
        self.at = at
        self.nbytes = nbytes
        self.rows = rows
        self.dtype = dtype


def merged(runs: Sequence[Iterator[Rows]]) -> Iterator[Rows]:
    """The rows of sorted runs in order.

    What is not above the smallest of the windows' last keys cannot be preceded by any row that was not read yet.

    Args:
        runs: windows of each, of at least one row.
    """
    heads = [_Head(windows) for windows in runs]
    while heads := [h for h in heads if len(h.rows)]:
        bounds = [h.rows.keys[-1] for h in heads if h.following is not None]
        bound = min(bounds) if bounds else None
        yield put_together([h.take(bound) for h in heads]).sorted()


class _Head:
    """The window of a run that is read, and the one behind it: a last window bounds nothing."""

    def __init__(self, windows: Iterator[Rows]) -> None:
        self._windows = windows
        self.following = next(windows, None)
        self.rows = _NOTHING
        self._advance()

    def take(self, bound: np.uint64 | np.bytes_ | None) -> Rows:
        count = len(self.rows) if bound is None else int(np.searchsorted(self.rows.keys, bound, side="right"))
        taken = self.rows.part(0, count)
        self.rows = self.rows.part(count, len(self.rows))
        self._advance()
        return taken

    def _advance(self) -> None:
        if not len(self.rows) and self.following is not None:
            self.rows, self.following = self.following, next(self._windows, None)


_NOTHING = Rows(np.empty(0, np.uint64), (), np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64))
