"""The CSV reader, against the rules of LOAD DATA."""

from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import zstandard

from qproxy.catalog.model import Column
from qproxy.ingest.batch import Batch, InputError
from qproxy.ingest.formats import Format
from qproxy.ingest.readers.csv import read_csv
from qproxy.ingest.text import field_text, unescape

COLUMNS = (Column("a", "varchar(99)", ""), Column("b", "varchar(99)", ""))
MYSQL = Format("csv")
QUOTED = Format("csv", delimiter=",", quote='"', escape="", null="", header=False)


def read(path: Path, form: Format, block_bytes: int = 1 << 20) -> tuple[list[list[bytes | None]], list[Batch]]:
    batches = list(read_csv(path, COLUMNS, form, block_bytes))
    rows: list[list[bytes | None]] = []
    for batch in batches:
        texts = [field_text(c, v, batch.escaped).to_pylist() for c, v in zip(COLUMNS, batch.columns, strict=True)]
        rows += [[None if v is None else unescape(v) for v in row] for row in zip(*texts, strict=True)]
    return rows, batches


def lines_of(batches: list[Batch]) -> list[int]:
    return [int(n) for b in batches for n in b.lines]


def rejected(batches: list[Batch]) -> list[tuple[int, str]]:
    return [(r.line, r.reason) for b in batches for r in b.rejected]


@pytest.mark.parametrize("block_bytes", [1, 7, 1 << 20])
def test_mysql_escapes(tmp_path: Path, block_bytes: int) -> None:
    path = tmp_path / "t.tsv"
    path.write_bytes(
        b"1\t\\N\n"
        b"a\\tb\tc\\\\\n"  # a backslash at the end of the row
        b"x\\\ty\tz\\\nw\n"  # a backslash before a real tab and before a real newline
        b"\\\\N\tq\\\\\\\nr\n"
        b"l\rm\t\xff\\0\n"
        b"last\t"
    )
    rows, batches = read(path, MYSQL, block_bytes)
    assert rows == [
        [b"1", None],
        [b"a\tb", b"c\\"],
        [b"x\ty", b"z\nw"],
        [b"\\N", b"q\\\nr"],
        [b"l\rm", b"\xff\0"],
        [b"last", b""],
    ]
    assert lines_of(batches) == [1, 2, 3, 5, 7, 8]
    assert rejected(batches) == []


@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
def test_quotes(tmp_path: Path, block_bytes: int) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'1,"a,b"\r\n2,"say ""hi"""\r\n3,"two\nlines\\n"\r\n4,\r\n5,""\r\n')
    rows, batches = read(path, QUOTED, block_bytes)
    assert rows == [
        [b"1", b"a,b"],
        [b"2", b'say "hi"'],
        [b"3", b"two\nlines\\n"],
        [b"4", None],
        [b"5", b""],
    ]
    assert lines_of(batches) == [1, 2, 3, 5, 6]


def test_quotes_and_escapes_together(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'"a\\"b","c\td"\n"e\\,f",g\\,h\n\\N,"x\ny"\n')
    rows, _ = read(path, replace(QUOTED, escape="\\", null="\\N"))
    assert rows == [[b'a"b', b"c\td"], [b"e,f", b"g,h"], [None, b"x\ny"]]


@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
def test_wrong_number_of_columns_names_the_line(tmp_path: Path, block_bytes: int) -> None:
    path = tmp_path / "t.tsv"
    path.write_bytes(b"1\t2\n3\n\n4\t5\\\n6\n7\t8\t9\n10\t11\n")
    rows, batches = read(path, MYSQL, block_bytes)
    assert [r[0] for r in rows] == [b"1", b"4", b"10"]
    assert lines_of(batches) == [1, 4, 7]
    assert sorted(rejected(batches)) == [
        (2, "1 columns instead of 2"),
        (3, "the line is empty instead of 2 columns"),
        (6, "3 columns instead of 2"),
    ]


def test_header_gives_the_order(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfB,a\n1,2\n")
    rows, batches = read(path, replace(QUOTED, header=True))
    assert rows == [[b"2", b"1"]]
    assert lines_of(batches) == [2]
    path.write_bytes(b"b,c\n1,2\n")
    with pytest.raises(InputError, match="no column 'a'"):
        read(path, replace(QUOTED, header=True))


def test_compressed(tmp_path: Path) -> None:
    data = b"".join(b"%d\tx\n" % i for i in range(1000))
    (tmp_path / "t.gz").write_bytes(gzip.compress(data))
    (tmp_path / "t.zst").write_bytes(zstandard.compress(data))
    for name in ("t.gz", "t.zst"):
        rows, _ = read(tmp_path / name, MYSQL, 512)
        assert rows == [[b"%d" % i, b"x"] for i in range(1000)]
    (tmp_path / "cut.gz").write_bytes(gzip.compress(data)[:-20])
    with pytest.raises(InputError, match="cannot be unpacked"):
        read(tmp_path / "cut.gz", MYSQL)


def test_random_values_survive(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    alphabet = np.frombuffer(b"\\\\\\\t\n\r\0,\"'aN\xff\x01", np.uint8)
    values = [random.choice(alphabet, random.integers(0, 9)).tobytes() for _ in range(4000)]
    table = {b"\\": b"\\\\", b"\t": b"\\\t", b"\n": b"\\\n", b"\0": b"\\0"}

    def written(value: bytes) -> bytes:
        return b"".join(table.get(value[i : i + 1], value[i : i + 1]) for i in range(len(value)))

    path = tmp_path / "t.tsv"
    path.write_bytes(b"".join(written(a) + b"\t" + written(b) + b"\n" for a, b in pairwise(values)))
    rows, _ = read(path, MYSQL, 1000)
    # A carriage return at the end of the first row would be taken for the line end of another system.
    assert not values[1].endswith(b"\r")
    assert rows == [list(pair) for pair in pairwise(values)]


def test_a_quote_that_never_ends(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'1,2\n3,"4\n')
    with pytest.raises(InputError, match="line 2: the row never ends"):
        read(path, QUOTED)
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "missing.csv", QUOTED)
