"""The folder in which a run keeps its chunk files; gone with the run, or with the next one where it was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from qproxy.errors import QproxyError

PREFIX = "qproxy-ingest-"
_LOCK = ".lock"


@contextmanager
def work_folder(parent: Path | None) -> Iterator[Path]:
    """A new folder for chunk files. Those of runs that were killed are removed on the way.

    Args:
        parent: in which to make it; None for the system's place for temporary files.

    Raises:
        QproxyError: it cannot be made.
    """
    base = parent or Path(tempfile.gettempdir())
    _remove_orphans(base)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    except OSError as error:
        raise QproxyError(
            f"{base}: no folder for chunk files can be made there: {error.strerror}; set ingest.temp_dir to one with "
            "room for the whole catalogue"
        ) from error
    lock = _locked(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked(folder: Path) -> int:
    """A lock file in the folder, held by this process: it comes into being locked."""
    aside = folder / f"{_LOCK}.new"
    try:
        lock = os.open(aside, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        aside.rename(folder / _LOCK)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise QproxyError(f"{folder}: cannot be written to: {error.strerror}") from error
    return lock


def _remove_orphans(base: Path) -> None:
    for folder in base.glob(f"{PREFIX}*"):
        # Not ours to remove, or just being made: left alone.
        with suppress(OSError):
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
