"""How many connections each user has."""

from __future__ import annotations

from collections import Counter

from qproxy.errors import SQLError
from qproxy.wire.accounts import UserRecord


class Seats:
    """Counts connections by user.

    Args:
        most: of one user at once, where the user has no bound of its own; 0 for no bound.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    def take(self, user: UserRecord) -> None:
        """Count one more connection.

        Raises:
            SQLError: 1226, the user's own bound is reached; 1203, that of all users.
        """
        taken = self._taken[user.name]
        if user.max_connections and taken >= user.max_connections:
            raise SQLError(
                1226,
                f"User '{user.name}' has exceeded the 'max_user_connections' resource "
                f"(current value: {user.max_connections})",
            )
        if not user.max_connections and self._most and taken >= self._most:
            raise SQLError(
                1203, f"User {user.name} already has more than 'max_user_connections' active connections ({self._most})"
            )
        self._taken[user.name] += 1

    def give_back(self, name: str) -> None:
        """Count one connection less."""
        self._taken[name] -= 1
        if self._taken[name] <= 0:
            del self._taken[name]
