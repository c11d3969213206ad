"""Failed logins make the next ones of their address slow."""

from __future__ import annotations

import pytest

from qproxy.errors import SQLError
from qproxy.wire.limits import Limits
from qproxy.wire.throttle import Throttle


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def after(failures: int, address: str = "192.0.2.1", **limits: float) -> tuple[Throttle, Clock]:
    clock = Clock()
    throttle = Throttle(Limits(**limits), clock)
    for _ in range(failures):
        throttle.failed(address)
    return throttle, clock


def test_some_failures_are_free() -> None:
    throttle, _ = after(5)
    assert [throttle.wait("192.0.2.1") for _ in range(3)] == [0.0] * 3


def test_each_further_failure_costs_more_and_others_pay_nothing() -> None:
    waits = [after(n)[0].wait("192.0.2.1") for n in (6, 7, 8, 9, 50)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert after(50)[0].wait("192.0.2.2") == 0.0


def test_logins_at_the_same_time_wait_in_turn_and_are_refused_in_the_end() -> None:
    throttle, clock = after(9)
    assert [throttle.wait("192.0.2.1") for _ in range(2)] == [4.0, 8.0]
    with pytest.raises(SQLError, match=r"Host '192\.0\.2\.1' is blocked .* try again in 12 seconds") as caught:
        throttle.wait("192.0.2.1")
    assert caught.value.code == 1129
    clock.now += 8.0
    assert throttle.wait("192.0.2.1") < 5.0


def test_failures_are_forgotten() -> None:
    throttle, clock = after(7)
    clock.now += 20.0
    assert throttle.wait("192.0.2.1") == 0.0
    throttle.failed("192.0.2.1")
    assert throttle.wait("192.0.2.1") == 0.5


def test_an_attacker_cannot_choose_another_address() -> None:
    throttle, _ = after(9, "2001:db8::1")
    assert throttle.wait("2001:db8::ffff:1") == 4.0
    assert throttle.wait("2001:db8:0:1::1") == 0.0
    throttle, _ = after(9, "::ffff:192.0.2.1")
    assert throttle.wait("192.0.2.1") == 4.0


def test_memory_is_bounded() -> None:
    throttle, _ = after(0, throttled_addresses=100)
    for i in range(1000):
        throttle.failed(f"10.0.{i // 256}.{i % 256}")
    assert len(throttle) == 100
