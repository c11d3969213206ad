"""Codecs against bytes laid out by hand from the protocol's description."""

from __future__ import annotations

import struct

import pytest

from qproxy.errors import SQLError
from qproxy.wire import packets
from qproxy.wire.columns import ColumnDef

ALL = packets.SERVER_CAPABILITIES | packets.SSL
PLAIN = packets.PROTOCOL_41 | packets.SECURE_CONNECTION
HEAD = struct.Struct("<IIB23x")


def test_handshake_layout() -> None:
    nonce = bytes(range(1, 21))
    payload = packets.handshake(7, nonce, ALL, 2, "mysql_native_password")
    version = packets.SERVER_VERSION.encode()
    assert payload.startswith(b"\x0a" + version + b"\0" + b"\x07\0\0\0" + nonce[:8] + b"\0")
    rest = payload[1 + len(version) + 1 + 4 + 9 :]
    low, charset, status, high, size = struct.unpack_from("<HBHHB", rest)
    assert (low | high << 16, charset, status, size) == (ALL, 45, 2, 21)
    assert rest[8:] == bytes(10) + nonce[8:] + b"\0" + b"mysql_native_password\0"


def test_handshake_response_with_everything() -> None:
    payload = (
        HEAD.pack(ALL & ~packets.SSL, 1 << 24, 45)
        + b"anna\0"
        + b"\x02ab"
        + b"sky\0"
        + b"caching_sha2_password\0"
        + b"\x0b\x01k\x01v\x02kk\x03vvv"
    )
    request = packets.parse_handshake_response(payload, ALL)
    assert isinstance(request, packets.LoginRequest)
    assert (request.user, request.auth_response, request.database) == ("anna", b"ab", "sky")
    assert request.plugin == "caching_sha2_password"
    assert request.attributes == {"k": "v", "kk": "vvv"}
    assert not request.capabilities & packets.SSL


def test_handshake_response_of_an_old_client() -> None:
    request = packets.parse_handshake_response(HEAD.pack(PLAIN, 1, 8) + b"j\xfcrgen\0\0", ALL)
    assert isinstance(request, packets.LoginRequest)
    assert (request.user, request.auth_response, request.database, request.plugin) == ("jürgen", b"", None, "")


def test_last_terminator_may_be_missing() -> None:
    capabilities = PLAIN | packets.CONNECT_WITH_DB
    request = packets.parse_handshake_response(HEAD.pack(capabilities, 1, 45) + b"a\0\0sky", ALL)
    assert isinstance(request, packets.LoginRequest) and request.database == "sky"


def test_ssl_request() -> None:
    payload = HEAD.pack(packets.PROTOCOL_41 | packets.SSL, 1, 45)
    assert isinstance(packets.parse_handshake_response(payload, ALL), packets.SSLRequest)
    with pytest.raises(SQLError):
        packets.parse_handshake_response(payload, packets.SERVER_CAPABILITIES)


def test_client_before_4_1_is_refused() -> None:
    with pytest.raises(SQLError) as caught:
        packets.parse_handshake_response(bytes(40), ALL)
    assert caught.value.code == 1043


def test_no_cut_of_a_login_does_more_than_raise() -> None:
    payload = HEAD.pack(ALL & ~packets.SSL, 1, 45) + b"anna\0\xfe\xff\xff\xff\xff\xff\xff\xff\xffx"
    whole = HEAD.pack(ALL & ~packets.SSL, 1, 45) + b"anna\0\x02absky\0p\0\x05\x01k\x01"
    for data in [*(payload[:i] for i in range(len(payload) + 1)), whole]:
        with pytest.raises(SQLError) as caught:
            packets.parse_handshake_response(data, ALL)
        assert caught.value.code in (1043, 1835)


def test_change_user() -> None:
    payload = b"\x11anna\0\x02absky\0\x08\x00mysql_native_password\0\x04\x01k\x01v"
    request = packets.parse_change_user(payload, ALL, 45)
    assert (request.user, request.auth_response, request.database) == ("anna", b"ab", "sky")
    assert (request.collation, request.plugin, request.attributes) == (8, "mysql_native_password", {"k": "v"})
    short = packets.parse_change_user(b"\x11anna\0\0\0", ALL, 45)
    assert (short.database, short.collation, short.plugin) == (None, 45, "")


def test_query_attributes() -> None:
    names = b"\xfd\x00\x01a" + b"\x03\x00\x01b" + b"\x06\x00\x01c" + b"\x0c\x00\x01d" + b"\xfe\x00\x01e"
    values = b"\x03one" + b"\x02\0\0\0" + b"\x04\xe8\x07\x01\x02"
    payload = b"\x03\x05\x01" + b"\x10" + b"\x01" + names + values + b"SELECT 1"
    sql, attributes = packets.parse_query(payload, packets.QUERY_ATTRIBUTES)
    assert sql == b"SELECT 1"
    assert attributes == {"a": b"one", "b": b"\x02\0\0\0", "c": None, "d": b"\xe8\x07\x01\x02", "e": None}


def test_query_without_attributes() -> None:
    assert packets.parse_query(b"\x03\x00\x01SELECT 1", packets.QUERY_ATTRIBUTES) == (b"SELECT 1", {})
    assert packets.parse_query(b"\x03SELECT 1", 0) == (b"SELECT 1", {})


@pytest.mark.parametrize(
    "payload", [b"\x03", b"\x03\x01", b"\x03\xfe", b"\x03\xfd\xff\xff\xff\x01\x00\x01", b"\x03\xfb\x01"]
)
def test_query_attributes_that_lie(payload: bytes) -> None:
    with pytest.raises(SQLError) as caught:
        packets.parse_query(payload, packets.QUERY_ATTRIBUTES)
    assert caught.value.code == 1835


def test_ok_eof_and_error() -> None:
    assert packets.ok(2) == b"\0\0\0\x02\0\0\0"
    assert packets.ok(2, 300, 70000, 1, b"hi") == b"\0\xfc\x2c\x01\xfd\x70\x11\x01\x02\0\x01\0\x02hi"
    assert packets.ok(2, 1 << 32, warnings=1 << 20)[-2:] == b"\xff\xff"
    assert packets.eof(0x22, 3) == b"\xfe\x03\0\x22\0"
    assert packets.end_of_rows(0, 2, 1) == b"\xfe\x01\0\x02\0"
    assert packets.end_of_rows(packets.DEPRECATE_EOF, 2, 1) == b"\xfe\0\0\x02\0\x01\0"
    err = SQLError(1146, "Table 'ü' doesn't exist")
    assert packets.error(err) == b"\xff\x7a\x04#42S02" + "Table 'ü' doesn't exist".encode()
    assert packets.error(err, "cp1252", sqlstate=False) == b"\xff\x7a\x04Table '\xfc' doesn't exist"


def test_result_head() -> None:
    column = ColumnDef("a", 3).payload()
    assert packets.result_head(0, [column], 2) == [b"\x01", column, b"\xfe\0\0\x02\0"]
    assert packets.result_head(packets.DEPRECATE_EOF, [column] * 300, 2)[0] == b"\xfc\x2c\x01"
    assert packets.field_list_item(column) == column + b"\xfb"


def test_local_files_are_never_offered() -> None:
    assert not packets.SERVER_CAPABILITIES & 0x80
