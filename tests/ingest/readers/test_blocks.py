"""Packed files that were cut off or damaged must never pass for shorter ones."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zstandard

from qproxy.ingest.batch import InputError
from qproxy.ingest.readers.blocks import read_blocks

ROWS = 20_000
TEXT = b"".join(b"%d\t%d\n" % (i, n) for i, n in enumerate(np.random.default_rng(3).integers(0, 10**9, ROWS).tolist()))
PACKERS = [(".gz", gzip.compress), (".zst", zstandard.compress)]


def rows_of(path: Path) -> int:
    return sum(len(b.ends) for b in read_blocks(path, "", "\\", 1 << 16))


@pytest.mark.parametrize(("suffix", "pack"), PACKERS)
def test_whole_and_joined_files(suffix: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(pack(TEXT))
    assert rows_of(path) == ROWS
    path.write_bytes(pack(TEXT) * 2)
    assert rows_of(path) == 2 * ROWS


@pytest.mark.parametrize("cut", [1, 4, 9, 1000, -1, -5, -20, 0])
@pytest.mark.parametrize(("suffix", "pack"), PACKERS)
def test_files_cut_off_anywhere(suffix: str, pack: Callable[[bytes], bytes], cut: int, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    packed = pack(TEXT)
    path.write_bytes(packed[:-cut] if cut > 0 else packed[: -cut or 0])
    with pytest.raises(InputError, match=rf"a{suffix}: cannot be"):
        rows_of(path)


@pytest.mark.parametrize(("suffix", "pack"), PACKERS)
def test_what_is_not_packed(suffix: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"1\t2\n")
    with pytest.raises(InputError, match=rf"a{suffix}: cannot be"):
        rows_of(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        rows_of(tmp_path / "b.tsv")
