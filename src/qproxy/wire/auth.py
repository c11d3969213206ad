"""Who a client is: the exchange of a login, whichever of the two plugins it uses.

An unknown user, a wrong password and a wrong place get the same questions, the same answer and the same time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from qproxy.errors import SQLError
from qproxy.wire import native_password, packets, sha2_password
from qproxy.wire.accounts import ANY_CERTIFICATE, Sha2Secret, UserRecord, Users, made_up
from qproxy.wire.packets import LoginRequest
from qproxy.wire.rsa_key import RsaKey
from qproxy.wire.sha2_password import StampCache
from qproxy.wire.stream import PacketStream
from qproxy.wire.throttle import Throttle

NONCE_SIZE = 20
#: What clients of caching_sha2_password send for an empty password.
_EMPTY = (b"", b"\0")
#: How clients without TLS and without plugins answer, if at all.
_FIRST_PLUGIN = native_password.PLUGIN


@dataclass(frozen=True)
class Peer:
    """Where a client comes from.

    Attributes:
        address: without its port; ``localhost`` on a Unix socket.
        local: whether it came by a Unix socket.
    """

    address: str
    local: bool = False


class Gate:
    """What all connections of a server share to let users in.

    Args:
        users: where they are looked up.
        throttle: slows those who guess.
        rsa_key: the key for clients without TLS.
        plugin: the plugin of the greeting.
        require_tls: whether nobody comes in without TLS, but by a Unix socket.
    """

    def __init__(
        self,
        users: Users,
        throttle: Throttle,
        rsa_key: Callable[[], Awaitable[RsaKey]],
        plugin: str = _FIRST_PLUGIN,
        require_tls: bool = False,
    ) -> None:
        self.plugin = plugin
        self._require_tls = require_tls
        self._users = users
        self._throttle = throttle
        self._rsa_key = rsa_key
        self._stamps = StampCache()
        self._key = secrets.token_bytes(32)
        # Each takes a processor for some 50 ms; others are served meanwhile.
        self._full_logins = asyncio.Semaphore(2)

    async def authenticate(
        self, stream: PacketStream, request: LoginRequest, nonce: bytes | None, peer: Peer
    ) -> UserRecord:
        """Check who a client says it is.

        Args:
            nonce: of the greeting, which ``auth_response`` answers; None asks the client again with a new one.

        Raises:
            SQLError: 1045, 1129 for an address that guesses, 3159 where TLS is missing; not yet told to the client.
            ConnectionLost: the client is gone.
        """
        if self._require_tls and not (peer.local or stream.encrypted):
            raise SQLError(3159, "Connections using insecure transport are prohibited; connect with TLS")
        if wait := self._throttle.wait(peer.address):
            await asyncio.sleep(wait)
        user = await self._users.find(request.user)
        response = request.auth_response
        switches = bool(request.capabilities & packets.PLUGIN_AUTH)
        wish = request.plugin or self.plugin
        plugin = _choose(user, wish) if switches else _FIRST_PLUGIN
        if nonce is None or (switches and not plugin == wish == self.plugin):
            nonce = make_nonce()
            stream.put(packets.auth_switch(nonce, plugin))
            response = await stream.read(None)
        if plugin == native_password.PLUGIN:
            proven = native_password.proves(user.native_hash, response, nonce)
        else:
            proven = await self._sha2(stream, user, response, nonce, peer)
        if not user.has_password:
            proven = response in _EMPTY
        if not (proven and user.known and _may_come(user, peer, stream)):
            self._throttle.failed(peer.address)
            raise access_denied(request.user, peer.address, response not in _EMPTY)
        return user

    async def _sha2(self, stream: PacketStream, user: UserRecord, response: bytes, nonce: bytes, peer: Peer) -> bool:
        if response in _EMPTY:
            return False
        # A user without password is asked as if there were one.
        secret = user.sha2 or made_up(user.name, self._key).sha2
        assert secret is not None
        known = self._stamps.get(user.name, secret)
        if known is not None and sha2_password.answers(known, response, nonce):
            stream.put(packets.auth_more(sha2_password.FAST_LOGIN))
            return True
        stream.put(packets.auth_more(sha2_password.FULL_LOGIN))
        sent = await stream.read(None)
        password = sent if peer.local or stream.encrypted else await self._decrypted(stream, sent, nonce)
        if password is None or not password.endswith(b"\0"):
            password = b"\0"
        return await self._full(user, secret, password[:-1])

    async def _decrypted(self, stream: PacketStream, sent: bytes, nonce: bytes) -> bytes | None:
        """The password that a client without TLS sent encrypted, the NUL behind it included."""
        key = await self._rsa_key()
        if sent == sha2_password.KEY_WANTED:
            stream.put(packets.auth_more(key.public_pem))
            sent = await stream.read(None)
        if len(sent) != key.size:
            return None
        opened = await asyncio.to_thread(key.decrypt, sent)
        return None if opened is None else sha2_password.masked(opened, nonce)

    async def _full(self, user: UserRecord, secret: Sha2Secret, password: bytes) -> bool:
        async with self._full_logins:
            proven = await asyncio.to_thread(sha2_password.opens, secret, password)
        if proven and user.known and user.sha2 is not None:
            self._stamps.put(user.name, secret, sha2_password.stamp(password))
        return proven


def _choose(user: UserRecord, wish: str) -> str:
    """The plugin for a user: the one that the client wishes, where there is a hash for it."""
    if not user.has_password:
        return wish if wish in (native_password.PLUGIN, sha2_password.PLUGIN) else _FIRST_PLUGIN
    if user.sha2 is None or (wish != sha2_password.PLUGIN and user.native_hash is not None):
        return native_password.PLUGIN
    return sha2_password.PLUGIN


def _may_come(user: UserRecord, peer: Peer, stream: PacketStream) -> bool:
    """Whether a user may come from there, in this way."""
    if user.loopback_only and not peer.local and not is_loopback(peer.address):
        return False
    if user.certificate:
        subject = stream.certificate_subject
        return bool(subject) and user.certificate in (ANY_CERTIFICATE, subject)
    return not user.require_tls or peer.local or stream.encrypted


def make_nonce() -> bytes:
    """20 random bytes from 1 to 127: clients read the nonce as a string that ends with NUL."""
    return bytes(1 + secrets.randbelow(127) for _ in range(NONCE_SIZE))


def access_denied(user: str, address: str, with_password: bool) -> SQLError:
    """Error 1045, the same for an unknown user, a wrong password and a wrong place."""
    given = "YES" if with_password else "NO"
    return SQLError(1045, f"Access denied for user '{user}'@'{address}' (using password: {given})")


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return parsed.is_loopback
