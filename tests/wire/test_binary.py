"""Binary rows beside those that a real server sends for the same values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from qproxy.wire.binary import decode_binary, fits, moment_text, recoded, time_text, to_binary
from qproxy.wire.columns import ColumnDef, ColumnType
from qproxy.wire.rowblock import decode_rows, encode_rows, payloads
from tests.harness.mariadbd import Server, running_server
from tests.wire.prepared_client import PreparedClient, Result, block_of

#: Type of a column and the values to hold, as literals.
COLUMNS = {
    "TINYINT": "-128, 127, 0",
    "TINYINT UNSIGNED": "0, 255, 7",
    "SMALLINT": "-32768, 32767, 5",
    "SMALLINT UNSIGNED": "65535, 0, 5",
    "MEDIUMINT": "-8388608, 8388607, 1",
    "MEDIUMINT UNSIGNED": "16777215, 0, 1",
    "INT": "-2147483648, 2147483647, 1",
    "INT(6) ZEROFILL": "4294967295, 0, 12",
    "BIGINT": "-9223372036854775808, 9223372036854775807, 0",
    "BIGINT UNSIGNED": "18446744073709551615, 0, 1",
    "YEAR": "1999, 0, 2155",
    "DOUBLE": "0.1, -1.7976931348623157e308, 5e-324",
    "DOUBLE(8,3)": "-0.125, 12345.678, 0",
    "DECIMAL(20,5)": "1.5, -123456789012345.67891, 0",
    "DATE": "'2020-02-29', '0000-00-00', '9999-12-31'",
    "DATETIME": "'2020-01-02 03:04:05', '2020-01-02', '0000-00-00'",
    "DATETIME(6)": "'2020-01-02 00:00:00.000001', '2020-01-02 03:04:05', '1000-01-01'",
    "TIMESTAMP(3)": "'2020-01-02 03:04:05.123', '2000-01-01', '2000-01-01 00:00:01'",
    "TIME": "'-838:59:59', '00:00:00', '23:59:59'",
    "TIME(6)": "'-00:00:00.000001', '838:59:59.999999', '24:00:00'",
    "CHAR(5)": "'ab', '', 'grün'",
    "VARCHAR(300)": "'x', REPEAT('y', 251), REPEAT('z', 300)",
    "TEXT": "REPEAT('t', 65535), '', 'a'",
    "BLOB": "x'00ff', '', REPEAT('b', 300)",
    "ENUM('a','b')": "'a', 'b', 'a'",
    "SET('a','b')": "'a,b', '', 'b'",
    "BIT(12)": "b'101', 0, 4095",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server("--sql-mode=ALLOW_INVALID_DATES") as running:
        names = [f"c{i}" for i in range(len(COLUMNS))]
        columns = ", ".join(f"`{n}` {t} NULL" for n, t in zip(names, COLUMNS, strict=True))
        running.script(["CREATE DATABASE t", f"CREATE TABLE t.v (n INT, {columns}, f FLOAT NULL, f2 FLOAT(7,2) NULL)"])
        with closing(running.connect("t")) as connection, connection.cursor() as cursor:
            for row in range(3):
                picks = ", ".join(f"(SELECT ELT({row + 1}, {v}))" for v in COLUMNS.values())
                cursor.execute(f"INSERT INTO v SELECT {row}, {picks}, {row} / 3, {row} / 7")
            # NULLs at every place of the bitmap.
            for i, name in enumerate(names):
                cursor.execute(f"INSERT INTO v (n, `{name}`) SELECT {10 + i}, `{name}` FROM v WHERE n = 0")
        yield running


def _both(server: Server, columns: str) -> tuple[list[bytes], Result]:
    """Text rows and binary rows of the table."""
    client = PreparedClient(server.port, database="t")
    sql = f"SELECT {columns} FROM v ORDER BY n"
    answer = client.query(sql)
    return answer[1 + answer[0][0] : -1], client.run(sql)


def test_text_becomes_what_a_server_sends(server: Server) -> None:
    columns = ", ".join(f"c{i}" for i in range(len(COLUMNS)))
    texts, binary = _both(server, columns)
    assert len(texts) == 3 + len(COLUMNS)
    made = list(payloads(to_binary(block_of(texts), binary.columns)))
    assert made == binary.packets


def test_binary_rows_are_read(server: Server) -> None:
    names = list(COLUMNS)
    plain = [i for i, name in enumerate(names) if "ZEROFILL" not in name and not name.startswith(("DOUBLE", "YEAR"))]
    texts, binary = _both(server, ", ".join(f"c{i}" for i in plain))
    for wanted, found in zip(decode_rows(block_of(texts)), binary.rows, strict=True):
        for i, one, other in zip(plain, wanted, found, strict=True):
            # A fraction of zeros does not travel.
            if one is not None and other is not None and names[i].startswith(("TIME", "DATETIME")):
                one, other = _shortest(one), _shortest(other)
            assert one == other, names[i]


def _shortest(clock: bytes) -> bytes:
    return clock.rstrip(b"0").rstrip(b".") if b"." in clock else clock


def test_floats_keep_their_bits(server: Server) -> None:
    _, binary = _both(server, "f, f2")
    again = list(payloads(to_binary(encode_rows(binary.rows), binary.columns)))
    assert again == binary.packets
    doubles = [ColumnDef(c.name, ColumnType.DOUBLE) for c in binary.columns]
    widened = recoded(block_of(binary.packets), binary.columns, doubles)
    wanted = PreparedClient(server.port, database="t").run("SELECT f + 0e0, f2 + 0e0 FROM v ORDER BY n")
    assert list(payloads(widened)) == wanted.packets


def test_recoded_as_the_server_converts(server: Server) -> None:
    """Integers, decimals and text as wider types, as UNION would make them."""
    client = PreparedClient(server.port, database="t")
    pairs = {
        "c0": "c0 + 0",
        "c1": "CAST(c1 AS SIGNED)",
        "c4": "CAST(c4 AS SIGNED)",
        "c6": "CAST(c6 AS CHAR)",
        "c14": "TIMESTAMP(c14)",
        "c0 ": "CAST(c0 AS DECIMAL(5,0))",
        "c2": "c2 + 0e0",
    }
    narrow = client.run(f"SELECT {', '.join(pairs)} FROM v WHERE n = 0")
    wide = client.run(f"SELECT {', '.join(pairs.values())} FROM v WHERE n = 0")
    assert not fits(narrow.columns, wide.columns)
    assert fits(wide.columns, wide.columns)
    assert list(payloads(recoded(block_of(narrow.packets), narrow.columns, wide.columns))) == wide.packets


def test_rows_of_several_packets() -> None:
    column = ColumnDef("fat", ColumnType.BLOB)
    rows = [[b"x" * 0xFFFFFF], [None], [b"y" * (0xFFFFFF - 6)], [b"z"]]
    block = to_binary(encode_rows(rows), [column])
    assert block.rows == 4 and len(block.starts) == 6
    assert list(decode_binary(block, [column])) == rows


@pytest.mark.parametrize("size", [1, 3, 5, 8, 12])
def test_moments_have_known_lengths(size: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        moment_text(bytes(size))


@pytest.mark.parametrize("size", [1, 7, 9, 13])
def test_times_have_known_lengths(size: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        time_text(bytes(size))
