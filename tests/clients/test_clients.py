"""Real clients say of the proxy what they say of a plain MariaDB with the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.harness import FEATURES, PREPARED, QUERIES, Account, Client, clients, run
from tests.clients.matrix import Results
from tests.harness import data
from tests.harness.files import Striping
from tests.harness.oracle import running_oracle
from tests.harness.systems import clustered

#: The error of a query that somebody killed.
INTERRUPTED = 1317
#: What the plain server answers as the proxy must.
COMPARED = ("query", "prepared", "metadata")


#: Plain server, proxy, and the proxy for a user of MySQL's newer authentication.
Accounts = tuple[Account, Account, Account]


@pytest.fixture(scope="module")
def accounts() -> Iterator[Accounts]:
    """The plain server, and the proxy."""
    catalogue = data.make()
    user, password = "modern", "b1g s'ecret"
    with running_oracle(catalogue) as oracle, clustered(catalogue, Striping(6, 3), {user: password}) as port:
        yield Account(oracle.port), Account(port), Account(port, user, password)


@pytest.fixture(scope="module")
def results() -> Iterator[Results]:
    """What works with whom; written down where all clients ran."""
    found = Results()
    yield found
    found.write()


@pytest.mark.parametrize("client", clients(), ids=lambda client: client.name)
def test_client(client: Client, accounts: Accounts, results: Results) -> None:
    plain, proxy, modern = accounts
    wanted = run(client, plain)
    got = run(client, proxy, modern)
    works = {feature: got.get(feature) is True for feature in ("connect", "tls", "caching_sha2")}
    works |= {feature: _rows(got[feature]) == _rows(wanted[feature]) for feature in COMPARED}
    works["cancel"] = got["cancel"] == INTERRUPTED
    results.add(client.name, got["version"], {f: works[f] for f in FEATURES if f not in client.lacks})
    for feature in COMPARED:
        for number, (one, other) in enumerate(zip(wanted[feature] or (), got[feature] or (), strict=True)):
            assert _rows([other]) == _rows([one]), f"{feature} {number}"
    assert wanted["cancel"] == got["cancel"] == INTERRUPTED
    assert {f for f in FEATURES if not works[f]} <= client.lacks - {"prepared"}
    assert sum("rows" in answer for answer in wanted["query"]) >= len(QUERIES) - 1
    if "prepared" in client.lacks:
        assert wanted["prepared"] is None
    else:
        assert sum("rows" in e for case in wanted["prepared"] for e in case) > len(PREPARED)


def _rows(results: list[Any]) -> list[Any]:
    """Results, real numbers rounded: sums are added up in another order."""
    if isinstance(results, list):
        return [_rows(r) for r in results]
    if isinstance(results, dict):
        return {key: _rows(value) for key, value in results.items()}  # type: ignore[return-value]
    if isinstance(results, str) and "." in results:
        try:
            return f"{float(results):.12g}"  # type: ignore[return-value]
        except ValueError:
            return results  # type: ignore[return-value]
    return results
