"""A statement on a MariaDB connection: sent, and its answer read raw off the socket.

Rows are never decoded, and not reading them stops the worker through TCP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from qproxy.backends.mariadb_errors import ENDED_CODES, classified
from qproxy.backends.mariadb_pool import Link
from qproxy.backends.mariadb_silence import Silence
from qproxy.errors import WorkerError
from qproxy.wire.binary import definitions_fit, recoded
from qproxy.wire.columns import ColumnDef
from qproxy.wire.rowblock import RowBlock, frame, read_length_encoded_int
from qproxy.wire.rowscan import PacketSplitter, RowScanner, parse_error

# MariaDB takes the number -1 for the statement prepared last (MariaDB Knowledge Base, "COM_STMT_EXECUTE"): a statement
# is prepared, run and closed without waiting in between.
_LAST = b"\xff\xff\xff\xff"
_RUN_AND_CLOSE = frame(b"\x17" + _LAST + b"\x00" + b"\x01\x00\x00\x00") + frame(b"\x19" + _LAST)


class MariaDBStream:
    """The answer to one statement.

    Args:
        worker: name, for errors.
        link: nothing may be under way on it.
        silence: what is done where the worker says nothing; None to wait for ever.

    Attributes:
        answered: whether the worker has taken the statement.
        finished: whether the whole answer was read, so that the connection is in step.
        complete: see `ResultStream.complete`.
    """

    def __init__(self, worker: str, link: Link, silence: Silence | None = None) -> None:
        self._definitions = b""
        self._count = 0
        self._columns: tuple[ColumnDef, ...] | None = None
        self.answered = False
        self.finished = False
        self.complete = False
        self.link = link
        self._worker = worker
        self._silence = silence
        self._splitter = PacketSplitter()
        self._wanted: Sequence[ColumnDef] | None = None
        self._scanner: RowScanner | None = None
        self._failed = False

    @property
    def columns(self) -> tuple[ColumnDef, ...]:
        """Definitions, none for a statement without rows. Read when asked for: fragments of rows never ask."""
        if self._columns is None:
            self._columns = tuple(map(ColumnDef.parse, self._split()))
        return self._columns

    async def start(self, sql: str | bytes, wanted: Sequence[ColumnDef] | None = None) -> None:
        """Send the statement and read the column definitions.

        Args:
            wanted: columns whose types the rows are to have, in the binary protocol; None for rows of text.

        Raises:
            SQLError: the worker refused the statement.
            WorkerError: the worker broke off.
        """
        statement = sql if isinstance(sql, bytes) else sql.encode("utf-8", "surrogateescape")
        packets = frame(b"\x03" + statement) if wanted is None else frame(b"\x16" + statement) + _RUN_AND_CLOSE
        try:
            self.link.socket.write(packets)
        except OSError as error:
            raise WorkerError(self._worker, "connection lost") from error
        if wanted is not None:
            await self._prepared()
        (first,) = await self._packets(1)
        if first[0] == 0xFF:
            refusal = parse_error(first)
            self.answered = refusal.code not in ENDED_CODES
            self.finished = True
            raise classified(self._worker, refusal)
        self.answered = True
        if first[0] == 0:
            self.finished = True
            return
        count, _ = read_length_encoded_int(first, 0)
        # With the EOF behind them: aiomysql does not agree to DEPRECATE_EOF.
        while (definitions := self._splitter.take_whole(count + 1)) is None:
            self._splitter.feed(await self._read())
        self._definitions, self._count, self._columns = definitions, count, None
        if wanted is not None and not definitions_fit(self._split(), wanted):
            self._wanted = wanted

    def _split(self) -> list[bytes]:
        splitter = PacketSplitter()
        splitter.feed(self._definitions)
        return splitter.take(self._count)

    async def _prepared(self) -> None:
        """Read how the worker took the statement; its run follows."""
        (taken,) = await self._packets(1)
        if taken[0] == 0xFF:
            refusal = parse_error(taken)
            self.answered = refusal.code not in ENDED_CODES
            if self.answered:
                await self._packets(1)  # there is nothing to run
            self.finished = True
            raise classified(self._worker, refusal)
        self.answered = True
        columns = int.from_bytes(taken[5:7], "little")
        while self._splitter.take_whole(columns + 1 if columns else 0) is None:
            self._splitter.feed(await self._read())

    async def drain(self) -> None:
        """Read what is left of the answer."""
        async for _ in self:
            pass

    def __aiter__(self) -> AsyncIterator[RowBlock]:
        return self

    async def __anext__(self) -> RowBlock:
        """See `ResultStream.__anext__`."""
        scanner = self._scanner
        if scanner is None:
            if self.finished:
                raise StopAsyncIteration
            scanner = self._scanner = RowScanner()
            block = scanner.feed(self._splitter.rest())
        elif scanner.end is None:
            block = scanner.feed(await self._read())
        else:
            block = None
        while block is None and scanner.end is None:
            block = scanner.feed(await self._read())
        # With the last rows comes the end: a consumer that stops at its last row leaves nothing unread.
        if scanner.end is not None:
            self.finished = True
            self.complete = scanner.end[0] != 0xFF
            if block is None:
                if self.complete or self._failed:
                    raise StopAsyncIteration
                self._failed = True
                raise classified(self._worker, parse_error(scanner.end))
        assert block is not None
        return block if self._wanted is None else recoded(block, self.columns, self._wanted)

    async def _packets(self, count: int) -> list[bytes]:
        """The payloads that come next."""
        packets = self._splitter.take(count)
        while len(packets) < count:
            self._splitter.feed(await self._read())
            packets += self._splitter.take(count - len(packets))
        return packets

    async def _read(self) -> bytes:
        if self.link.closed:
            raise WorkerError(self._worker, "connection lost")
        try:
            data = await self._heard()
        except OSError as error:
            raise WorkerError(self._worker, "connection lost") from error
        if not data:
            where = " in the middle of a result" if self.answered else ""
            raise WorkerError(self._worker, f"connection lost{where}")
        return data

    async def _heard(self) -> bytes:
        """The next bytes, however long the worker works on them.

        Raises:
            WorkerError: the worker fell silent, or has an answer that does not come.
        """
        silence = self._silence
        within = None if silence is None else silence.seconds
        idle = 0
        while (data := await self.link.socket.read(within)) is None:
            assert silence is not None
            idle = 0 if await silence.works(self.link.thread) else idle + 1
            if idle == 2:
                raise WorkerError(self._worker, f"has not delivered its answer for {2 * silence.seconds:g} s")
        return data
