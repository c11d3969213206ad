"""Users of the catalogue store, as the wire asks for them."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterable

from qproxy.catalog.users import User, parse_salted
from qproxy.service.watch import CatalogWatch
from qproxy.wire.accounts import Sha2Secret, UserRecord, made_up

log = logging.getLogger(__name__)


class StoredUsers:
    """Looks users up in the watched catalogue.

    Whoever there is or not, the same is done.
    """

    def __init__(self, watch: CatalogWatch) -> None:
        self._watch = watch
        self._key = secrets.token_bytes(32)

    def find(self, name: str) -> UserRecord:
        """The user of that name; a made-up one of the same kind as a real one where there is none."""
        users = self._watch.current().users
        user = users.get(name)
        return made_up(name, self._key, self._seems_native(name, users.values())) if user is None else as_record(user)

    async def latest(self, name: str) -> UserRecord:
        """The same, of the store as it is now."""
        try:
            await self._watch.refresh()
        except Exception:
            log.exception("the catalogue store cannot be read; users are those of the last catalogue")
        return self.find(name)

    def _seems_native(self, name: str, users: Iterable[User]) -> bool:
        """Whether a made-up user takes mysql_native_password: as a user does who is picked by the name alone."""
        kinds = [user.native_hash is not None for user in users if user.sha2 is not None]
        if not kinds:
            return True
        digest = hmac.digest(self._key, name.encode(), hashlib.sha256)
        return kinds[int.from_bytes(digest[:8], "big") % len(kinds)]


def as_record(user: User) -> UserRecord:
    """What the wire needs to know of a user."""
    return UserRecord(
        user.name,
        user.native_hash,
        user.loopback_only,
        None if user.sha2 is None else Sha2Secret(*parse_salted(user.sha2)),
        user.require_tls,
        user.certificate,
        user.max_connections,
    )
