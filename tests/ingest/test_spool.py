"""Chunk files, on disks that take them and on disks that are full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from qproxy.errors import QproxyError
from qproxy.ingest.spool import Spool


def lines(*texts: bytes) -> pa.Array:
    return pa.array(texts, pa.large_binary())


def test_rows_are_appended_by_chunk(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "own", memory_bytes=4)
    spool.add(np.array([3, 3, 7], np.int32), lines(b"a\n", b"b\n", b"c\n"))
    spool.add(np.array([7], np.int32), lines(b"d\n"))
    spool.flush()
    assert spool.rows == {3: 2, 7: 2}
    assert spool.path(3).read_bytes() == b"a\nb\n"
    assert spool.path(7).read_bytes() == b"c\nd\n"


def test_a_full_disk_is_said_plainly(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "own")
    spool.path(3).symlink_to("/dev/full")
    spool.add(np.array([3], np.int32), lines(b"a\n"))
    with pytest.raises(QproxyError, match=r"own: chunk files cannot be written: the disk is full; make room, or"):
        spool.flush()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(QproxyError, match="chunk files cannot be written: Not a directory"):
        Spool(tmp_path / "file" / "own")
