"""Rows as lines for LOAD DATA: what a server makes of them is what it made of literals."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from qproxy.backends.base import DEFAULT_SETTINGS
from qproxy.backends.mariadb_scratch import LOADED_ROWS
from qproxy.backends.tab_separated import tab_separated
from qproxy.errors import SQLError
from qproxy.wire.rowblock import decode_rows, encode_rows
from tests.harness.small import Small

Row = list[bytes | None]


def lines(rows: Sequence[Row]) -> bytes:
    return b"".join(b"\t".join(b"\\N" if v is None else v for v in row) + b"\n" for row in rows)


@pytest.mark.parametrize("seed", range(20))
def test_any_rows(seed: int) -> None:
    random = Random(seed)
    columns = random.randrange(1, 6)
    sizes = [0, 1, 125, 126, 127, 300, 32767] if seed % 2 else [0, 1, 7]
    nulls = random.choice([0.0, 0.3, 1.0])

    def value() -> bytes | None:
        return (
            None
            if random.random() < nulls
            else random.randbytes(random.choice(sizes)).hex().encode()[random.randrange(2) :]
        )

    rows = [[value() for _ in range(columns)] for _ in range(random.randrange(1, 60))]
    assert tab_separated(encode_rows(rows), columns, True) == lines(rows)


@pytest.mark.parametrize("value", [b"a\tb", b"a\nb", b"a\\b", b"\\N", b"x" * (1 << 16), b"x" * (1 << 24)])
def test_what_needs_more_is_left_to_literals(value: bytes) -> None:
    assert tab_separated(encode_rows([[b"1", b"2"], [b"1", value]]), 2, True) is None


TYPES = (
    "CAST(9223372036854775807 AS SIGNED)",
    "1e0",
    "CAST(1.5 AS DECIMAL(20,6))",
    "CAST('a' AS CHAR(30))",
    "CAST('2024-01-01' AS DATE)",
    "CAST('2024-01-01' AS DATETIME(3))",
    "CAST('10:00' AS TIME(2))",
)
VALUES: Sequence[Row] = (
    [b"-9223372036854775808", b"1e308", b"-0.000001", "Ä\u20ac\U0001f600 ".encode(), b"0000-00-00", None,
     b"-838:59:59.00"],
    [b"9223372036854775807", b"-5e-324", b"12345678901234.123456", b"", b"2024-02-31", b"0000-00-00 00:00:00.000",
     None],
    [None, b"0.1", None, b"'\"%_`;--", None, b"9999-12-31 23:59:59.999", b"00:00:00.10"],
    [b"0", None, b"0.000000", None, b"1000-01-01", b"2024-02-29 01:02:03.004", b"12:00:00.00"],
)  # fmt: skip


@pytest.mark.parametrize("mode", [None, "ANSI_QUOTES,NO_BACKSLASH_ESCAPES", "STRICT_ALL_TABLES,NO_ZERO_DATE"])
async def test_a_server_reads_them_as_they_were(small: Small, mode: str | None) -> None:
    settings = DEFAULT_SETTINGS if mode is None else type(DEFAULT_SETTINGS)(sql_mode=mode)
    columns = ", ".join(f"IF(1, {t}, NULL) AS c{n}" for n, t in enumerate(TYPES))
    rows = [list(VALUES[n % len(VALUES)]) for n in range(LOADED_ROWS)]
    backend = small.backends["w0"]
    for texts in (rows, [[row[3]] for row in rows]):
        # The second table has a single column: of an empty text and of NULL whole lines are left.
        select = f"SELECT {columns}" if texts is rows else f"SELECT IF(1, {TYPES[3]}, NULL) AS c0"
        async with backend.scratch("loaded", f"{select} LIMIT 0", settings) as scratch:
            await scratch.append(encode_rows(texts))
            async with scratch.query("SELECT * FROM loaded") as stream:
                found = [row async for block in stream for row in decode_rows(block)]
        assert found == texts


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("CAST(0 AS SIGNED)", b"9223372036854775808"),
        ("CAST('a' AS CHAR(3))", b"abcd"),
        ("CAST(1 AS DECIMAL(4,1))", b"1e9"),
    ],
)
async def test_what_does_not_fit_is_refused(small: Small, type_: str, value: bytes) -> None:
    with pytest.raises(SQLError) as refused:
        async with small.backends["w0"].scratch("loaded", f"SELECT {type_} AS c LIMIT 0", DEFAULT_SETTINGS) as scratch:
            await scratch.append(encode_rows([[b"1"]] * LOADED_ROWS + [[value]]))
            async with scratch.query("SELECT COUNT(*) FROM loaded"):
                pass
    assert refused.value.code == 1235
    assert "put a CAST around" in refused.value.message


async def test_a_server_that_lets_nobody_load_is_given_literals(small: Small) -> None:
    backend = small.backends["w0"]
    rows: list[Row] = [[b"%d" % n] for n in range(LOADED_ROWS)]
    await backend.execute("SET GLOBAL local_infile = 0")
    try:
        async with backend.scratch("loaded", "SELECT 1 AS c LIMIT 0", DEFAULT_SETTINGS) as scratch:
            await scratch.append(encode_rows(rows))
            await scratch.append(encode_rows(rows))
            async with scratch.query("SELECT COUNT(*), SUM(c) FROM loaded") as stream:
                found = [row async for block in stream for row in decode_rows(block)]
    finally:
        await backend.execute("SET GLOBAL local_infile = 1")
    assert found == [[b"200", b"9900"]]


def test_negative_zeros_lose_their_sign() -> None:
    rows: list[list[bytes | None]] = [[b"-0", b"-0.00"], [b"-0.5", b"0"], [b"-0.00", b"-0"]]
    assert tab_separated(encode_rows(rows), 2, texts=False) == b"0\t0.00\n-0.5\t0\n0.00\t0\n"
    assert tab_separated(encode_rows(rows), 2, texts=True) is None
