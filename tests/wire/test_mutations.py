"""A small run of mutated packets; ``make mutate`` is the large one."""

from __future__ import annotations

from qproxy.wire.limits import Limits
from tests.wire.conftest import new_loop
from tests.wire.made import Served, until
from tests.wire.mutations import INTERNAL, Mutator


def test_mutated_packets_neither_enter_nor_break_anything(kind: str, certificate: str) -> None:
    from qproxy.wire.tls import make_context

    limits = Limits(free_login_failures=10**9)
    with Served(loop=new_loop(kind), limits=limits, tls=make_context(str(certificate), "")) as served:
        mutator = Mutator(served.port, "anna", "secret", seed=20)
        while mutator.told.sent < 500:
            mutator.before_login()
        assert not mutator.told.entered and not served.record.clients
        while mutator.told.sent < 1000:
            mutator.after_login()
        mutator.close()
        until(lambda: not served.server.connections)
        told = mutator.told
        assert not told.codes[INTERNAL]
        # It is no test if everything is refused for one reason.
        assert {1045, 1047, 1835} <= set(told.codes), told
