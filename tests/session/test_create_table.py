"""SHOW CREATE TABLE, letter for letter: what a plain MariaDB prints of the table that the statement makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import data
from tests.harness.answers import Answer, ask, connect
from tests.harness.files import Striping
from tests.harness.oracle import running_oracle
from tests.harness.schema import TABLES, TableSpec
from tests.harness.systems import clustered

Connections = tuple[Any, Any]
#: What the corpus describes otherwise to the proxy: comments, names of keys; and the engine.
_OWN = re.compile(
    r" COMMENT '[^']*'|(?<=KEY )`\w+`(?= \()|ENGINE=\w+|(?<=utf8mb4_general_ci) PAGE_CHECKSUM=1 TRANSACTIONAL=0"
)


@pytest.fixture(scope="module")
def connections() -> Iterator[Connections]:
    catalogue = data.make()
    with running_oracle(catalogue) as oracle, clustered(catalogue, Striping(3, 1)) as port:
        plain, proxy = connect(oracle.port), connect(port)
        with plain.cursor() as cursor:
            cursor.execute("CREATE DATABASE again CHARACTER SET utf8mb4")
        yield plain, proxy
        plain.close()
        proxy.close()


def statement(connection: Any, table: str) -> str:
    found = ask(connection, f"SHOW CREATE TABLE {table}")
    assert isinstance(found, Answer), found
    text = found.rows[0][1]
    return text.decode() if isinstance(text, bytes) else str(text)


@pytest.mark.parametrize("spec", TABLES, ids=lambda spec: spec.name)
def test_letter_for_letter(spec: TableSpec, connections: Connections) -> None:
    plain, proxy = connections
    name = f"{spec.database}.{spec.name}"
    text = statement(proxy, name)
    with plain.cursor() as cursor:
        cursor.execute("USE again")
        cursor.execute(text)
    assert statement(plain, f"again.{spec.name}") == text
    assert _OWN.sub("", text) == _OWN.sub("", statement(plain, name))
