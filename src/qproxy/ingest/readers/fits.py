"""FITS tables, read in slices through a memory map."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from qproxy.catalog.model import Column
from qproxy.ingest.batch import ArrowArray, Batch, InputError
from qproxy.ingest.formats import Format
from qproxy.ingest.readers.names import positions

BATCH_ROWS = 1 << 18


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The file itself, or an unpacked copy: what is compressed cannot be mapped into memory."""
    if path.suffix != ".gz":
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="qproxy-fits-", suffix=".fits") as copy:
        with gzip.open(path, "rb") as packed:
            shutil.copyfileobj(packed, copy, 1 << 20)
        copy.flush()
        yield Path(copy.name)


def to_arrow(values: Any, column: Column, path: Path, null: int | None = None) -> ArrowArray:
    """Values of one FITS or VOTable column as Arrow values.

    Args:
        values: a numpy array, masked or not, in any byte order.
        column: of the table.
        path: for complaints.
        null: the whole number that stands for NULL.

    Raises:
        InputError: the column holds arrays or complex numbers.
    """
    plain = np.ma.getdata(values) if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else np.zeros(len(plain), bool)
    kind = plain.dtype.kind
    if plain.ndim != 1 or kind not in "biufSUO":
        raise InputError(f"{path}: column '{column.name}' holds arrays or complex numbers, which no column can store")
    if kind in "SUO":
        texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in plain.tolist()]
        return pa.array([None if m else t for t, m in zip(texts, mask.tolist(), strict=True)], pa.string())
    if null is not None and kind in "iu":
        mask = mask | (plain == null)
    native = np.ascontiguousarray(plain.astype(plain.dtype.newbyteorder("="), copy=False))
    return pa.array(native, mask=mask if mask.any() else None)


def read_fits(path: Path, columns: tuple[Column, ...], form: Format) -> Iterator[Batch]:
    """The rows of the first table of a FITS file; columns are found by their names, further ones are left out.

    Raises:
        InputError: the file cannot be read, has no table, or lacks a column.
    """
    try:
        from astropy.io import fits
    except ImportError as error:
        raise InputError("reading FITS needs astropy: pip install 'qproxy[fits]'") from error

    try:
        with _unpacked(path) as plain, fits.open(plain, memmap=True) as file:
            tables = [h for h in file if isinstance(h, (fits.BinTableHDU, fits.TableHDU))]
            if not tables:
                raise InputError(f"{path}: has no table")
            hdu = tables[0]
            names = list(hdu.columns.names)
            chosen = [hdu.columns[i] for i in positions(names, columns, path)]
            size, total = path.stat().st_size, len(hdu.data) if hdu.data is not None else 0
            for start in range(0, total, BATCH_ROWS):
                stop = min(total, start + BATCH_ROWS)
                part = hdu.data[start:stop]
                arrays = tuple(
                    to_arrow(part.field(found.name), column, path, _null(found))
                    for found, column in zip(chosen, columns, strict=True)
                )
                lines = np.arange(start + 1, stop + 1, dtype=np.int64)
                yield Batch(path, arrays, lines, "row", False, (), size * stop // total)
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise InputError(f"{path}: cannot be read as FITS: {error}") from error


def _null(column: Any) -> int | None:
    """The value that a FITS column declares as its NULL; scaled columns have none that survives scaling."""
    if column.null in (None, "") or column.bscale not in (None, "", 1):
        return None
    zero = column.bzero if column.bzero not in (None, "") else 0
    return int(column.null) + int(zero)
