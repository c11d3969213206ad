"""What clients and tools send when they start: each statement is answered, with the columns of a plain MariaDB.

Rows are compared where a statement says so: those that tell of the server itself are the proxy's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import data
from tests.harness.answers import Answer, Refusal, ask, connect
from tests.harness.compare import differences
from tests.harness.files import Striping
from tests.harness.oracle import running_oracle
from tests.harness.systems import clustered

DIRECTORY = Path(__file__).parent / "startup"


@dataclass(frozen=True)
class Sent:
    """A statement.

    Attributes:
        rows: whether its rows must be those of the plain server.
        refused: the error that it must end with; None where it is answered.
        ours: whether MariaDB does not know it, but MySQL does.
    """

    q: str
    rows: bool = False
    refused: int | None = None
    ours: bool = False


def asked(connection: Any, sql: str) -> Answer | Refusal:
    """As `ask`; a statement without rows has no columns."""
    try:
        return ask(connection, sql)
    except AttributeError:
        return Answer((), ())


def recorded(path: Path) -> list[Sent]:
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [Sent(e) if isinstance(e, str) else Sent(**e) for e in entries]


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    catalogue = data.make()
    with running_oracle(catalogue) as oracle, clustered(catalogue, Striping(3, 1)) as port:
        yield oracle.port, port


@pytest.mark.parametrize("path", sorted(DIRECTORY.glob("*.yaml")), ids=lambda path: path.stem)
def test_answered(path: Path, ports: tuple[int, int]) -> None:
    plain, proxy = (connect(port) for port in ports)
    faults = []
    try:
        for sent in recorded(path):
            found = asked(proxy, sent.q)
            if sent.refused is not None:
                if not isinstance(found, Refusal) or found.code != sent.refused:
                    faults.append(f"{sent.q}: {found}, not error {sent.refused}")
                continue
            wanted = found if sent.ours else asked(plain, sent.q)
            if isinstance(found, Refusal):
                faults.append(f"{sent.q}: {found.code} {found.text}")
                continue
            assert isinstance(wanted, Answer), f"the plain server refuses {sent.q}: {wanted}"
            if not sent.rows:
                wanted, found = Answer(wanted.columns, ()), Answer(found.columns, ())
            faults += [f"{sent.q}: {fault}" for fault in differences(wanted, found, types=sent.rows)]
    finally:
        plain.close()
        proxy.close()
    assert not faults, "\n".join(faults)
