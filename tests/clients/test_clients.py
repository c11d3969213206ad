"""Real clients say of the proxy what they say of a plain MariaDB with the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.harness import FEATURES, PREPARED, Account, Client, clients, run
from tests.clients.matrix import Results
from tests.harness import data
from tests.harness.files import Striping
from tests.harness.oracle import running_oracle
from tests.harness.systems import clustered

#: The error of a query that somebody killed.
INTERRUPTED = 1317


@pytest.fixture(scope="module")
def accounts() -> Iterator[tuple[Account, Account]]:
    """The plain server, and the proxy."""
    catalogue = data.make()
    with running_oracle(catalogue) as oracle, clustered(catalogue, Striping(6, 3)) as port:
        yield Account(oracle.port), Account(port)


@pytest.fixture(scope="module")
def results() -> Iterator[Results]:
    """What works with whom; written down where all clients ran."""
    found = Results()
    yield found
    found.write()


@pytest.mark.parametrize("client", clients(), ids=lambda client: client.name)
def test_client(client: Client, accounts: tuple[Account, Account], results: Results) -> None:
    plain, proxy = accounts
    wanted = run(client, plain, tls=False)
    got = run(client, proxy, tls=True)
    works = {
        "connect": got["connect"] is True,
        "tls": got["tls"] is True,
        "query": _rows(got["query"]) == _rows(wanted["query"]),
        "prepared": _rows(got["prepared"]) == _rows(wanted["prepared"]),
        "cancel": got["cancel"] == INTERRUPTED,
        "metadata": _rows(got["metadata"]) == _rows(wanted["metadata"]),
    }
    results.add(client.name, got["version"], works)
    for feature in ("query", "prepared", "metadata"):
        for number, (one, other) in enumerate(zip(wanted[feature], got[feature], strict=True)):
            assert _rows([other]) == _rows([one]), f"{feature} {number}: {PREPARED[number]['sql']}"
    assert wanted["cancel"] == got["cancel"] == INTERRUPTED
    assert works == dict.fromkeys(FEATURES, True)
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
