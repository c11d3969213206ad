"""Readers of data files: each yields batches of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from qproxy.catalog.model import Column
from qproxy.ingest.batch import Batch
from qproxy.ingest.formats import Format

Reader = Callable[[Path, tuple[Column, ...], Format], Iterator[Batch]]


def reader_for(kind: str) -> Reader:
    """The reader for files of a kind: csv, parquet, fits or votable."""
    # Each reader is imported when it is needed: astropy alone takes half a second.
    if kind == "csv":
        from qproxy.ingest.readers.csv import read_csv

        return read_csv
    if kind == "parquet":
        from qproxy.ingest.readers.parquet import read_parquet

        return read_parquet
    if kind == "fits":
        from qproxy.ingest.readers.fits import read_fits

        return read_fits
    from qproxy.ingest.readers.votable import read_votable

    return read_votable
