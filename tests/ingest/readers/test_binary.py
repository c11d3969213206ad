"""Parquet, FITS and VOTable readers on small files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from astropy.io import fits
from astropy.io.votable import from_table, writeto
from astropy.table import MaskedColumn, Table

from qproxy.catalog.model import Column
from qproxy.ingest.batch import InputError
from qproxy.ingest.formats import Format
from qproxy.ingest.readers import reader_for
from qproxy.ingest.text import field_text

COLUMNS = (
    Column("id", "bigint(20)", ""),
    Column("x", "double", ""),
    Column("f", "float", ""),
    Column("name", "varchar(20)", ""),
    Column("ok", "tinyint(1)", ""),
)
EXPECTED = [
    [b"1", b"0.1", b"0.1", b"a\\tb", b"1"],
    [b"2", None, b"3.4e+38", b"", b"0"],
    [None, b"-1e-300", None, "é".encode(), b"1"],
]
X = np.array([0.1, np.nan, -1e-300])
F = np.array([0.1, 3.4e38, np.inf], np.float32)
OK = np.array([True, False, True])


def texts(path: Path, kind: str) -> list[list[bytes | None]]:
    rows: list[list[bytes | None]] = []
    for batch in reader_for(kind)(path, COLUMNS, Format(kind)):
        assert batch.unit == "row"
        columns = [field_text(c, v, batch.escaped).to_pylist() for c, v in zip(COLUMNS, batch.columns, strict=True)]
        rows += [list(r) for r in zip(*columns, strict=True)]
    return rows


def test_parquet(tmp_path: Path) -> None:
    table = pa.table({"NAME": ["a\tb", "", "é"], "ok": OK, "F": F, "x": X, "more": [1, 2, 3], "id": [1, 2, None]})
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    assert texts(tmp_path / "t.parquet", "parquet") == EXPECTED
    pyarrow.parquet.write_table(table.drop_columns(["x"]), tmp_path / "u.parquet")
    with pytest.raises(InputError, match=r"no column 'x'"):
        texts(tmp_path / "u.parquet", "parquet")
    (tmp_path / "v.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        texts(tmp_path / "v.parquet", "parquet")


@pytest.mark.parametrize("name", ["t.fits", "t.fits.gz"])
def test_fits(tmp_path: Path, name: str) -> None:
    columns = [
        fits.Column("id", "K", array=np.array([1, 2, -9]), null=-9),
        fits.Column("x", "D", array=X),
        fits.Column("f", "E", array=F),
        fits.Column("name", "4A", array=np.array(["a", "", "e"])),
        fits.Column("ok", "L", array=OK),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / name)
    rows = texts(tmp_path / name, "fits")
    assert [r[:3] + r[4:] for r in rows] == [r[:3] + r[4:] for r in EXPECTED]
    assert [r[3] for r in rows] == [b"a", b"", b"e"]


def test_fits_arrays_are_refused(tmp_path: Path) -> None:
    fits.BinTableHDU.from_columns([fits.Column("id", "2K", array=np.ones((3, 2), int))]).writeto(tmp_path / "t.fits")
    with pytest.raises(InputError, match="'id' holds arrays"):
        list(reader_for("fits")(tmp_path / "t.fits", COLUMNS[:1], Format("fits")))


@pytest.mark.parametrize("layout", ["tabledata", "binary2", "binary"])
def test_votable(tmp_path: Path, layout: str) -> None:
    table = Table(
        {
            # BINARY, the older layout, has no mark for a whole number that is NULL.
            "id": MaskedColumn([1, 2, 3], mask=[False, False, layout != "binary"]),
            "x": X,
            "f": F,
            "name": ["a\tb", "", "é"],
            "ok": OK,
        }
    )
    writeto(from_table(table), str(tmp_path / "t.xml"), tabledata_format=layout)
    rows = texts(tmp_path / "t.xml", "votable")
    if layout == "binary":
        assert rows[2][0] == b"3"
        rows[2][0] = None
    assert [[float(v) if v and i in (1, 2) else v for i, v in enumerate(r)] for r in rows] == [
        [float(v) if v and i in (1, 2) else v for i, v in enumerate(r)] for r in EXPECTED
    ]


def test_votable_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "t.xml").write_text("<VOTABLE><RESOURCE>")
    with pytest.raises(InputError, match="cannot be read as VOTable"):
        texts(tmp_path / "t.xml", "votable")
