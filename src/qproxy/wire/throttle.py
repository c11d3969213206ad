"""Who guesses passwords waits: failed logins of an address make its next ones slow, then refused for a while."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from qproxy.errors import SQLError
from qproxy.wire.limits import Limits

#: The longest time that one failure adds, however many there were. Seconds.
_LONGEST_STEP = 4.0
_FIRST_STEP = 0.25


@dataclass
class _Record:
    """Failures of an address, fewer as time goes by, and when its next password may be looked at."""

    failures: float
    counted_at: float
    free_at: float


class Throttle:
    """Failed logins by address. It is no secret who is slowed, and a right password waits as long as a wrong one.

    Args:
        limits: how many failures are free, how fast they are forgotten, how many addresses are kept; whoever would
            have to wait for longer than a login may take is refused.
        clock: seconds.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def __len__(self) -> int:
        """Addresses that are kept."""
        return len(self._records)

    def wait(self, address: str) -> float:
        """Seconds until the password of a new login may be looked at; those of one address are looked at in turn.

        Raises:
            SQLError: 1129, it would take too long.
        """
        record = self._records.get(_key(address))
        if record is None:
            return 0.0
        now = self._clock()
        over = self._decayed(record, now) - self._limits.free_login_failures
        if over <= 0:
            return 0.0
        ready = max(now, record.free_at) + min(_FIRST_STEP * math.pow(2.0, min(over, 16.0)), _LONGEST_STEP)
        if ready - now > self._limits.handshake_timeout:
            seconds = math.ceil(ready - now)
            raise SQLError(
                1129, f"Host '{address}' is blocked because of many failed logins; try again in {seconds} seconds"
            )
        record.free_at = ready
        return ready - now

    def failed(self, address: str) -> None:
        """A login from there failed."""
        now, key = self._clock(), _key(address)
        record = self._records.setdefault(key, _Record(0.0, now, now))
        record.failures, record.counted_at = self._decayed(record, now) + 1, now
        self._records.move_to_end(key)
        if len(self._records) > self._limits.throttled_addresses:
            self._records.popitem(last=False)

    def _decayed(self, record: _Record, now: float) -> float:
        return max(0.0, record.failures - (now - record.counted_at) / self._limits.forget_failure_after)


def _key(address: str) -> str:
    """What an attacker cannot change at will: of an IPv6 address, its network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
