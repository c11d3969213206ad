"""``python -m benchmarks.simulator.workers DIRECTORY FIRST COUNT DELAY``: MySQL servers on Unix sockets, one process.

Each is a socket ``w<number>`` in the directory. DELAY is what a statement that reads chunks waits for its answer, in
seconds. Anybody may log in. Says ``ready`` when all of them listen.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

import uvloop

from benchmarks.simulator.answers import OK, Answers
from qproxy.wire.packets import SERVER_CAPABILITIES, handshake
from qproxy.wire.rowblock import frame

# A client must not wait for the protocol's extras.
_CAPABILITIES = SERVER_CAPABILITIES
_QUIT, _QUERY = 0x01, 0x03
_NONCE = b"n" * 20


class Connection(asyncio.Protocol):
    """One connection to a simulated worker.

    Args:
        number: of the connection.
        delay: seconds.
    """

    def __init__(self, number: int, delay: float) -> None:
        self._number = number
        self._delay = delay
        self._buffer = bytearray()
        self._answers = Answers()
        self._known = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]
        greeting = handshake(self._number, _NONCE, _CAPABILITIES, 2, "mysql_native_password")
        self._transport.write(frame(greeting))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 4:
            end = 4 + int.from_bytes(self._buffer[:3], "little")
            if len(self._buffer) < end:
                return
            message = bytes(self._buffer[4:end])
            del self._buffer[:end]
            self._take(message)

    def _take(self, message: bytes) -> None:
        if not self._known:
            self._known = True
            self._transport.write(frame(b"\0\0\0\x02\0\0\0", 2))
        elif message[0] == _QUIT:
            self._transport.close()
        elif message[0] == _QUERY:
            statement = message[1:]
            answer = self._answers.of(statement)
            if self._delay and b"Object_" in statement:
                asyncio.get_running_loop().call_later(self._delay, self._send, answer)
            else:
                self._transport.write(answer)
        else:
            self._transport.write(OK)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def serve(directory: Path, first: int, count: int, delay: float) -> None:
    """Listen until the process is ended."""
    loop = asyncio.get_running_loop()
    numbers = itertools.count(1)
    servers = [
        await loop.create_unix_server(lambda: Connection(next(numbers), delay), str(directory / f"w{n}"), backlog=1000)
        for n in range(first, first + count)
    ]
    print("ready", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
