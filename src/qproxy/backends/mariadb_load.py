"""LOAD DATA LOCAL INFILE on a MariaDB connection: the file goes out block by block, as fast as the worker takes it.

Protocol: MariaDB Knowledge Base, "LOCAL INFILE packet". aiomysql's own sender queues a whole file in memory and hands
each block to a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qproxy.backends.mariadb_errors import classified
from qproxy.backends.mariadb_pool import Link
from qproxy.errors import WorkerError
from qproxy.wire.rowblock import frame, read_length_encoded_int
from qproxy.wire.rowscan import PacketSplitter, parse_error

BLOCK = 1 << 18
_LOCAL_INFILE = 0xFB


@dataclass(frozen=True)
class Loaded:
    """What a worker says of a load."""

    rows: int
    warnings: int


async def load_file(worker: str, link: Link, sql: str, path: Path) -> Loaded:
    """Run a LOAD DATA LOCAL INFILE statement with the content of a file: see `load`.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return await load(worker, link, sql, iter(lambda: file.read(BLOCK), b""))


def pieces(data: bytes) -> Iterator[bytes]:
    """Data in blocks as they are sent."""
    return (data[at : at + BLOCK] for at in range(0, len(data), BLOCK))


async def load(worker: str, link: Link, sql: str, blocks: Iterable[bytes]) -> Loaded:
    """Run a LOAD DATA LOCAL INFILE statement.

    Args:
        worker: name, for errors.
        link: nothing may be under way on it; where another error than SQLError comes out, it is out of step.
        sql: the statement; the file name in it means nothing.
        blocks: what is sent, none of them empty.

    Raises:
        SQLError: the worker refused the statement or a row.
        WorkerError: the worker broke off.
    """
    splitter = PacketSplitter()
    try:
        link.socket.write(frame(b"\x03" + sql.encode()))
        answer = await _packet(worker, link, splitter)
        sequence = 2
        if answer[0] == _LOCAL_INFILE:
            for block in blocks:
                link.socket.write(frame(block, sequence))
                sequence += 1
                await link.socket.drain()
            link.socket.write(frame(b"", sequence))
            answer = await _packet(worker, link, splitter)
    except (ConnectionError, TimeoutError) as error:
        raise WorkerError(worker, "connection lost") from error
    if answer[0] == 0xFF:
        raise classified(worker, parse_error(answer))
    rows, at = read_length_encoded_int(answer, 1)
    _, at = read_length_encoded_int(answer, at)
    return Loaded(rows, int.from_bytes(answer[at + 2 : at + 4], "little"))


async def _packet(worker: str, link: Link, splitter: PacketSplitter) -> bytes:
    while (packet := splitter.next()) is None:
        data = await link.socket.read()
        if not data:
            raise WorkerError(worker, "connection lost")
        splitter.feed(data)
    return packet
