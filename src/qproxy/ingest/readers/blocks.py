r"""Blocks of whole rows from text files, plain or compressed, and what is escaped in them.

The rules are those of LOAD DATA (MariaDB Knowledge Base, "LOAD DATA INFILE"): a backslash takes away the meaning of
the character behind it, be that a delimiter, a quote or a line end; a line end within quotes is part of the value.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from qproxy.ingest.batch import InputError

BLOCK_BYTES = 16 << 20
#: A "row" longer than this is a quote or escape that never ends.
MAX_ROW_BYTES = 256 << 20

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Whole rows as they stand in the file.

    Attributes:
        data: the rows, each with its line end.
        ends: position of the line end of each row.
        lines: line number at which each row begins.
        consumed: bytes of the file on disk read so far.
    """

    data: bytes
    ends: Positions
    lines: Positions
    consumed: int


def escaped_positions(codes: npt.NDArray[np.uint8]) -> Positions:
    """Positions of the characters whose meaning a backslash takes away.

    Args:
        codes: the text, beginning outside of any escape.
    """
    slashes = np.flatnonzero(codes == 0x5C)
    if not len(slashes):
        return slashes
    begins = np.empty(len(slashes), bool)
    begins[0] = True
    np.not_equal(np.diff(slashes), 1, out=begins[1:])
    order = np.arange(len(slashes))
    in_run = order - np.maximum.accumulate(np.where(begins, order, 0))
    # In a run of backslashes each second one is itself escaped.
    return cast(Positions, slashes[in_run % 2 == 0] + 1)


def _among(values: Positions, sorted_set: Positions) -> npt.NDArray[np.bool_]:
    if not len(sorted_set):
        return np.zeros(len(values), bool)
    at = np.minimum(np.searchsorted(sorted_set, values), len(sorted_set) - 1)
    return cast("npt.NDArray[np.bool_]", sorted_set[at] == values)


def row_ends(data: bytes, quote: str, escape: str) -> tuple[Positions, Positions]:
    """All line ends in the text, and which of them (as indexes) end a row.

    Args:
        data: text that begins with a row.
        quote, escape: one character each, or empty.
    """
    codes = np.frombuffer(data, np.uint8)
    breaks = np.flatnonzero(codes == 0x0A)
    real = np.ones(len(breaks), bool)
    escaped = escaped_positions(codes) if escape and b"\\" in data else np.empty(0, np.int64)
    real &= ~_among(breaks, escaped)
    if quote and quote.encode() in data:
        quotes = np.flatnonzero(codes == ord(quote))
        quotes = quotes[~_among(quotes, escaped)]
        real &= np.searchsorted(quotes, breaks) % 2 == 0
    return breaks, np.flatnonzero(real)


@contextmanager
def open_text(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The file as readable bytes, unpacked where its name ends in .gz or .zst, and the file on disk itself.

    Raises:
        InputError: the file cannot be read or unpacked.
    """
    try:
        with path.open("rb") as raw:
            if path.suffix in (".gz", ".zst", ".zstd") and not path.stat().st_size:
                raise InputError(f"{path}: cannot be unpacked: it is empty, which no packed file is")
            if path.suffix == ".gz":
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield cast(BinaryIO, unpacked), raw
            elif path.suffix in (".zst", ".zstd"):
                # Arrow's reader, as others take a file that was cut off for one that ends there.
                with pa.CompressedInputStream(raw, "zstd") as stream:
                    yield cast(BinaryIO, stream), raw
            else:
                yield raw, raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be unpacked: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def read_blocks(path: Path, quote: str, escape: str, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """The rows of a file, in blocks.

    Args:
        path: of the file.
        quote, escape: one character each, or empty.
        block_bytes: how much to read at a time.

    Raises:
        InputError: the file cannot be read, or a row never ends.
    """
    with open_text(path) as (stream, raw):
        rest = b""
        line = 1
        while True:
            more = stream.read(block_bytes)
            if line == 1 and not rest:
                more = more.removeprefix(b"\xef\xbb\xbf")
            data = rest + more
            if not more and data and not data.endswith(b"\n"):
                data += b"\n"
            breaks, real = row_ends(data, quote, escape)
            if len(real):
                cut = int(breaks[real[-1]]) + 1
                ends = breaks[real]
                lines = np.concatenate(([line], line + real[:-1] + 1)).astype(np.int64)
                yield Block(data[:cut], ends, lines, raw.tell())
                line += int(real[-1]) + 1
                rest = data[cut:]
            else:
                rest = data
            if not more:
                break
            if len(rest) > MAX_ROW_BYTES:
                raise InputError(f"{path}, line {line}: the row never ends; a quote or an escape is not closed")
        if rest:
            raise InputError(f"{path}, line {line}: the row never ends; a quote or an escape is not closed")
