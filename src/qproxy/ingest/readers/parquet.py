"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from qproxy.catalog.model import Column
from qproxy.ingest.batch import Batch, InputError
from qproxy.ingest.formats import Format
from qproxy.ingest.readers.names import positions

BATCH_ROWS = 1 << 18


def read_parquet(path: Path, columns: tuple[Column, ...], form: Format) -> Iterator[Batch]:
    """The rows of a Parquet file; columns are found by their names, further ones are left out.

    Raises:
        InputError: the file cannot be read or lacks a column.
    """
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            wanted = [names[i] for i in positions(names, columns, path)]
            size, total = path.stat().st_size, max(1, file.metadata.num_rows)
            first = 1
            for part in file.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
                lines = np.arange(first, first + part.num_rows, dtype=np.int64)
                first += part.num_rows
                arrays = tuple(part.column(n) for n in wanted)
                yield Batch(path, arrays, lines, "row", False, (), size * (first - 1) // total)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {error}") from error
