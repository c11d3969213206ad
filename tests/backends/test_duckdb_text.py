"""Numbers as text, and blocks there and back."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from qproxy.backends.duckdb.text import decode_block, double_text, encode_batch, float_text
from qproxy.errors import SQLError
from qproxy.wire.columns import ColumnDef, ColumnType
from qproxy.wire.rowblock import decode_rows
from tests.backends.duckdb_pair import Pair, Reply

DOUBLE = ColumnDef("d", ColumnType.DOUBLE, decimals=31)


async def test_doubles_and_floats_as_mariadb_prints_them(pair: Pair) -> None:
    chance = random.Random(7)
    values = [0.0, 1e15, 1e14, 999999999999999.9, 1e-15, 9.9e-16, 5e-324, 1.7976931348623157e308]
    for exponent in range(-25, 26):
        for digits in (1, 2, 9, 16, 17):
            figures = str(chance.randint(10 ** (digits - 1), 10**digits - 1))
            values.append(chance.choice((1, -1)) * float(f"{figures[0]}.{figures[1:] or 0}e{exponent}"))
    listed = ",".join(f"({i},{v!r},{v if abs(v) < 1e38 else 1e38!r})" for i, v in enumerate(values))
    pair.server.script(
        ["CREATE OR REPLACE TABLE t.num (i INT, d DOUBLE, f FLOAT)", f"INSERT INTO t.num VALUES {listed}"]
    )
    reply = pair.mariadb("SELECT d, f, f + 0e0 FROM t.num ORDER BY i")
    assert isinstance(reply, Reply)
    for value, (double, single, exact) in zip(values, reply.rows, strict=True):
        assert double_text(value).encode() == double
        assert exact is not None
        assert float_text(float(exact)).encode() == single
    batch = pa.record_batch([pa.array(values)], ["d"])
    assert [row for (row,) in decode_rows(encode_batch(batch, [DOUBLE]))] == [d for d, _, _ in reply.rows]


def test_blocks_there_and_back() -> None:
    texts = ["", "a", None, "x" * 250, "y" * 251, "z" * 70_000]
    numbers = [0, -1, None, 2**62, 5, 6]
    batch = pa.record_batch([pa.array(texts), pa.array(numbers, pa.int64())], ["t", "n"])
    columns = [ColumnDef("t", ColumnType.VAR_STRING), ColumnDef("n", ColumnType.LONGLONG)]
    block = encode_batch(batch, columns)
    expected = [
        [None if t is None else t.encode(), None if n is None else str(n).encode()]
        for t, n in zip(texts, numbers, strict=True)
    ]
    assert list(decode_rows(block)) == expected
    decoded = decode_block(block, 2)
    assert [list(row) for row in zip(*(c.to_pylist() for c in decoded), strict=True)] == expected


def test_a_row_of_several_packets() -> None:
    big = b"q" * (17 << 20)
    block = encode_batch(pa.record_batch([pa.array([big, b"s"])], ["b"]), [ColumnDef("b", ColumnType.LONG_BLOB)])
    assert block.rows == 2
    assert list(decode_rows(block)) == [[big], [b"s"]]
    assert decode_block(block, 1)[0].to_pylist() == [big, b"s"]


def test_infinity_is_out_of_range() -> None:
    with pytest.raises(SQLError) as caught:
        encode_batch(pa.record_batch([pa.array([float("inf")])], ["d"]), [DOUBLE])
    assert caught.value.code == 1690
