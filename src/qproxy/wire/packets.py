"""Server-side codecs of the protocol: payloads in, payloads out, no I/O and no sequence numbers.

Layouts: MySQL Internals Manual and MariaDB Knowledge Base, "Clients & Utilities / Server Protocol".
What they parse may come from anyone who can reach the port.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from mysql_mimic.types import Capabilities, ServerStatus

from qproxy.errors import SQLError
from qproxy.wire.charsets import codec_of_collation
from qproxy.wire.columns import UTF8MB4
from qproxy.wire.reader import Reader, malformed
from qproxy.wire.rowblock import NULL, length_encoded, length_prefix

# MariaDB's connectors cut "5.5.5-" off and read the rest; others want a first number of at least 5.
# SQLAlchemy picks its MariaDB dialect by the word "MariaDB".
SERVER_VERSION = "5.5.5-10.11.0-MariaDB-qproxy"

PROTOCOL_41 = int(Capabilities.CLIENT_PROTOCOL_41)
CONNECT_WITH_DB = int(Capabilities.CLIENT_CONNECT_WITH_DB)
SSL = int(Capabilities.CLIENT_SSL)
SECURE_CONNECTION = int(Capabilities.CLIENT_SECURE_CONNECTION)
MULTI_STATEMENTS = int(Capabilities.CLIENT_MULTI_STATEMENTS)
PLUGIN_AUTH = int(Capabilities.CLIENT_PLUGIN_AUTH)
CONNECT_ATTRS = int(Capabilities.CLIENT_CONNECT_ATTRS)
LENENC_AUTH = int(Capabilities.CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA)
DEPRECATE_EOF = int(Capabilities.CLIENT_DEPRECATE_EOF)
QUERY_ATTRIBUTES = int(Capabilities.CLIENT_QUERY_ATTRIBUTES)
COMPRESS = int(Capabilities.CLIENT_COMPRESS)
ZSTD = int(Capabilities.CLIENT_ZSTD_COMPRESSION_ALGORITHM)
SESSION_TRACK = int(Capabilities.CLIENT_SESSION_TRACK)
INTERACTIVE = int(Capabilities.CLIENT_INTERACTIVE)
STATE_CHANGED = int(ServerStatus.SERVER_SESSION_STATE_CHANGED)
MORE_RESULTS = int(ServerStatus.SERVER_MORE_RESULTS_EXISTS)

# CLIENT_LOCAL_FILES is left out on purpose: a server that does not offer it cannot ask a client for a file.
SERVER_CAPABILITIES = int(
    Capabilities.CLIENT_LONG_PASSWORD
    | Capabilities.CLIENT_FOUND_ROWS
    | Capabilities.CLIENT_LONG_FLAG
    | Capabilities.CLIENT_CONNECT_WITH_DB
    | Capabilities.CLIENT_COMPRESS
    | Capabilities.CLIENT_ODBC
    | Capabilities.CLIENT_IGNORE_SPACE
    | Capabilities.CLIENT_PROTOCOL_41
    | Capabilities.CLIENT_INTERACTIVE
    | Capabilities.CLIENT_TRANSACTIONS
    | Capabilities.CLIENT_SECURE_CONNECTION
    | Capabilities.CLIENT_MULTI_STATEMENTS
    | Capabilities.CLIENT_MULTI_RESULTS
    | Capabilities.CLIENT_PLUGIN_AUTH
    | Capabilities.CLIENT_CONNECT_ATTRS
    | Capabilities.CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA
    | Capabilities.CLIENT_SESSION_TRACK
    | Capabilities.CLIENT_DEPRECATE_EOF
    | Capabilities.CLIENT_ZSTD_COMPRESSION_ALGORITHM
    | Capabilities.CLIENT_QUERY_ATTRIBUTES
)

_FIXED_SIZES = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 8: 8, 9: 4, 13: 2, 244: 1}
_TIMED = {7, 10, 11, 12}
_NULL_TYPE = 6


@dataclass(frozen=True)
class SSLRequest:
    """The client goes on in TLS."""

    capabilities: int


@dataclass(frozen=True)
class LoginRequest:
    """Who a client says it is: a handshake response or COM_CHANGE_USER.

    Attributes:
        capabilities: what client and server both know.
        collation: collation id of the client.
        plugin: authentication plugin that made ``auth_response``; empty where the client named none.
        zstd_level: compression level that the client would like; None where it did not say.
    """

    capabilities: int
    collation: int
    user: str
    auth_response: bytes = field(repr=False)
    database: str | None = None
    plugin: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    zstd_level: int | None = None


def handshake(connection_id: int, nonce: bytes, capabilities: int, status: int, plugin: str) -> bytes:
    """The server's greeting (HandshakeV10).

    Args:
        nonce: 20 bytes, none of them NUL.
        plugin: authentication plugin that the nonce is meant for.
    """
    return b"".join(
        (
            b"\x0a",
            SERVER_VERSION.encode("ascii"),
            b"\0",
            struct.pack("<I", connection_id & 0xFFFFFFFF),
            nonce[:8],
            b"\0",
            struct.pack("<HBHH", capabilities & 0xFFFF, UTF8MB4, status, capabilities >> 16),
            bytes((len(nonce) + 1,)),
            bytes(10),
            nonce[8:],
            b"\0",
            plugin.encode("ascii"),
            b"\0",
        )
    )


def parse_handshake_response(payload: bytes, offered: int) -> LoginRequest | SSLRequest:
    """What the client answers to the greeting.

    Args:
        offered: capabilities of the greeting; others that the client sets are ignored.

    Raises:
        SQLError: 1835 where it is no such packet; 1043 for clients older than MySQL 4.1.
    """
    reader = Reader(payload)
    capabilities = reader.uint(4) & offered
    if not capabilities & PROTOCOL_41:
        raise SQLError(1043, "Bad handshake: the client does not speak protocol 4.1", "08S01")
    reader.fixed(4)
    collation = reader.uint(1)
    reader.fixed(23)
    if capabilities & SSL and not reader.left:
        return SSLRequest(capabilities)
    codec = codec_of_collation(collation)
    user = reader.terminated().decode(codec, "replace")
    if capabilities & LENENC_AUTH:
        response = reader.length_encoded()
    elif capabilities & SECURE_CONNECTION:
        response = reader.fixed(reader.uint(1))
    else:
        response = reader.terminated()
    database = plugin = ""
    attributes: dict[str, str] = {}
    if capabilities & CONNECT_WITH_DB and reader.left:
        database = reader.terminated_or_rest().decode(codec, "replace")
    if capabilities & PLUGIN_AUTH and reader.left:
        plugin = reader.terminated_or_rest().decode("ascii", "replace")
    if capabilities & CONNECT_ATTRS and reader.left:
        attributes = _attributes(reader, codec)
    level = reader.uint(1) if capabilities & ZSTD and reader.left else None
    return LoginRequest(capabilities, collation, user, response, database or None, plugin, attributes, level)


def parse_change_user(payload: bytes, capabilities: int, collation: int) -> LoginRequest:
    """COM_CHANGE_USER, command byte included.

    Args:
        capabilities: those of the connection.
        collation: collation id that holds until the packet names another.

    Raises:
        SQLError: 1835 where the packet is too short.
    """
    reader = Reader(payload, 1)
    user = reader.terminated()
    response = reader.fixed(reader.uint(1)) if capabilities & SECURE_CONNECTION else reader.terminated()
    database = reader.terminated_or_rest()
    plugin = ""
    attributes: dict[str, str] = {}
    if reader.left >= 2:
        collation = reader.uint(2)
    codec = codec_of_collation(collation)
    if capabilities & PLUGIN_AUTH and reader.left:
        plugin = reader.terminated_or_rest().decode("ascii", "replace")
    if capabilities & CONNECT_ATTRS and reader.left:
        attributes = _attributes(reader, codec)
    return LoginRequest(
        capabilities,
        collation,
        user.decode(codec, "replace"),
        response,
        database.decode(codec, "replace") or None,
        plugin,
        attributes,
    )


def _attributes(reader: Reader, codec: str) -> dict[str, str]:
    inner = Reader(reader.length_encoded())
    found = {}
    while inner.left:
        name = inner.length_encoded().decode(codec, "replace")
        found[name] = inner.length_encoded().decode(codec, "replace")
    return found


def auth_switch(nonce: bytes, plugin: str) -> bytes:
    """Asks the client to answer again, by ``plugin`` over ``nonce``."""
    return b"\xfe" + plugin.encode("ascii") + b"\0" + nonce + b"\0"


def auth_more(data: bytes) -> bytes:
    """What an authentication plugin has to say further."""
    return b"\x01" + data


def parse_query(payload: bytes, capabilities: int) -> tuple[bytes, dict[str, bytes | None]]:
    """COM_QUERY, command byte included.

    Returns:
        The statement, and the query attributes as the bytes that came.

    Raises:
        SQLError: 1835 where the attributes do not fit the packet.
    """
    if not capabilities & QUERY_ATTRIBUTES:
        return payload[1:], {}
    reader = Reader(payload, 1)
    count = reader.length()
    reader.length()
    if not count:
        return reader.rest(), {}
    nulls = reader.fixed((count + 7) // 8)
    if not reader.uint(1):
        raise malformed("query attributes without their types")
    kinds = []
    for _ in range(count):
        kind = reader.uint(2) & 0xFF
        kinds.append((reader.length_encoded().decode("utf-8", "replace"), kind))
    attributes: dict[str, bytes | None] = {}
    for i, (name, kind) in enumerate(kinds):
        if nulls[i // 8] >> (i % 8) & 1 or kind == _NULL_TYPE:
            attributes[name] = None
        elif kind in _FIXED_SIZES:
            attributes[name] = reader.fixed(_FIXED_SIZES[kind])
        elif kind in _TIMED:
            attributes[name] = reader.fixed(reader.uint(1))
        else:
            attributes[name] = reader.length_encoded()
    return reader.rest(), attributes


def parse_field_list(payload: bytes) -> tuple[bytes, bytes]:
    """Table and wildcard of COM_FIELD_LIST, command byte included."""
    reader = Reader(payload, 1)
    return reader.terminated_or_rest(), reader.rest()


def ok(
    status: int,
    affected_rows: int = 0,
    last_insert_id: int = 0,
    warnings: int = 0,
    info: bytes = b"",
    header: int = 0x00,
    changes: bytes | None = None,
) -> bytes:
    """An OK packet.

    Args:
        header: 0xFE makes it the end of a result set.
        changes: session state information, see `qproxy.wire.tracking`; None for clients that do not track it.
    """
    tail = length_encoded(info) if info or changes is not None else b""
    if changes:
        status |= STATE_CHANGED
        tail += length_encoded(changes)
    return b"".join(
        (
            bytes((header,)),
            length_prefix(affected_rows),
            length_prefix(last_insert_id),
            struct.pack("<HH", status, min(warnings, 0xFFFF)),
            tail,
        )
    )


def eof(status: int, warnings: int = 0) -> bytes:
    """An EOF packet."""
    return b"\xfe" + struct.pack("<HH", min(warnings, 0xFFFF), status)


def end_of_rows(capabilities: int, status: int, warnings: int = 0) -> bytes:
    """What stands behind the last row: EOF, or the OK packet that replaces it."""
    if capabilities & DEPRECATE_EOF:
        return ok(status, warnings=warnings, header=0xFE)
    return eof(status, warnings)


def result_head(capabilities: int, columns: list[bytes], status: int) -> list[bytes]:
    """The payloads that stand before the first row.

    Args:
        columns: payloads of the column definitions.
    """
    head = [length_prefix(len(columns)), *columns]
    if not capabilities & DEPRECATE_EOF:
        head.append(eof(status))
    return head


def field_list_item(definition: bytes) -> bytes:
    """A column definition as COM_FIELD_LIST answers it: with the default behind it, here NULL."""
    return definition + NULL


def error(err: SQLError, encoding: str = "utf-8", *, sqlstate: bool = True) -> bytes:
    """An ERR packet.

    Args:
        sqlstate: False before the client has said that it knows SQLSTATEs.
    """
    state = b"#" + err.sqlstate.encode("ascii") if sqlstate else b""
    return b"\xff" + struct.pack("<H", err.code) + state + err.message.encode(encoding, "replace")
