"""The header with which a load balancer says whom it connects: versions 1 and 2 of the PROXY protocol.

Layout: "The PROXY protocol", HAProxy 2.x documentation, sections 2.1 and 2.2. Plain functions on bytes; which
senders are believed is the server's to know.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from qproxy.errors import ConfigError
from qproxy.wire.reader import malformed

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED = 16
_LONGEST_V1 = 107
_LONGEST_V2 = 4096
#: The address of a client that a load balancer does not name. It is not this machine.
UNNAMED = "unknown"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks of an allow-list, e.g. ``10.0.0.0/8, ::1``.

    Raises:
        ConfigError: one of them is no address or network.
    """
    try:
        return tuple(ipaddress.ip_network(word, strict=False) for word in text.replace(",", " ").split())
    except ValueError as error:
        raise ConfigError(f"server.proxy_protocol_from: {error}") from None


def is_allowed(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed.version == network.version and parsed in network for network in networks)


def missing(header: bytes) -> int:
    """How many more bytes surely belong to a header that begins so; 0 where it is whole.

    Reading no more than this leaves everything behind the header where it is.

    Raises:
        SQLError: 1835 for what is no header, or one too long.
    """
    if len(header) < len(_SIGNATURE):
        return len(_SIGNATURE) - len(header)
    if header.startswith(_SIGNATURE):
        if len(header) < _FIXED:
            return _FIXED - len(header)
        size = int.from_bytes(header[14:16], "big")
        if size > _LONGEST_V2:
            raise malformed("a PROXY header that is too long")
        return _FIXED + size - len(header)
    if not header.startswith(b"PROXY "):
        raise malformed("a PROXY header was expected from this address")
    if header.endswith(b"\r\n"):
        return 0
    if len(header) >= _LONGEST_V1:
        raise malformed("a PROXY header that is too long")
    return 1


def client_address(header: bytes, sender: str) -> str:
    """The address of the client that a whole header names.

    Args:
        sender: address of the load balancer, which speaks for itself where it only looks whether we live.

    Raises:
        SQLError: 1835 where the header is malformed.
    """
    return _version_2(header, sender) if header.startswith(_SIGNATURE) else _version_1(header)


def _version_1(header: bytes) -> str:
    words = header[:-2].decode("ascii", "replace").split(" ")
    if words[1] == "UNKNOWN":
        return UNNAMED
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise malformed("a PROXY header without its addresses")
    address = _parsed(words[2])
    if address.version != (4 if words[1] == "TCP4" else 6):
        raise malformed("a PROXY header with an address of another family")
    return str(address)


def _version_2(header: bytes, sender: str) -> str:
    version, command, family = header[12] >> 4, header[12] & 0x0F, header[13] >> 4
    if version != 2 or command > 1:
        raise malformed("a PROXY header of an unknown version or command")
    if command == 0:
        return sender
    size = {1: 4, 2: 16}.get(family)
    if size is None:
        return UNNAMED
    body = header[_FIXED:]
    if len(body) < 2 * size + 4:
        raise malformed("a PROXY header without its addresses")
    return str(ipaddress.ip_address(body[:size]))


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise malformed("a PROXY header with an address that is none") from None
