"""Random queries with a fixed seed: whatever is answered must be the answer of the plain server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.generator import make
from tests.fuzz.nodes import Node, node
from tests.fuzz.query import Item, Key, Made
from tests.fuzz.run import Comparison, oracle_connection, run
from tests.fuzz.shrink import shrink
from tests.harness import data
from tests.harness.answers import connect
from tests.harness.files import Striping
from tests.harness.judge import Connections
from tests.harness.oracle import running_oracle
from tests.harness.systems import clustered

SEED = 7_000_000
NUMBER = 300
SECONDS = 60.0


@pytest.fixture(scope="module")
def comparison() -> Iterator[Comparison]:
    catalogue = data.make()
    with running_oracle(catalogue) as server, clustered(catalogue, Striping(3, 1)) as port:
        oracle = Connections(lambda database: oracle_connection(server.port, database))
        proxy = Connections(lambda database: connect(port, database))
        yield Comparison(oracle, proxy)
        oracle.close()
        proxy.close()


def test_random_queries_are_answered_as_by_a_plain_server(comparison: Comparison) -> None:
    tally = run(comparison, range(SEED, SEED + NUMBER), SECONDS)
    print(f"seed {SEED}: {tally}")
    assert not tally.faults, str(tally)
    assert tally.share_refused < 0.2, str(tally)
    assert tally.asked > NUMBER // 3, str(tally)


def test_equal_seeds_give_equal_queries() -> None:
    assert [make(n).sql() for n in range(50)] == [make(n).sql() for n in range(50)]


def test_shrinking_keeps_what_is_faulty() -> None:
    wrong = node("ROUND({}, 2)", Node("t.mag"))
    query = Made(
        (Item(Node("t.nObs"), "a"), Item(node("({} + {})", wrong, Node("1")))),
        "Object t",
        where=(Node("t.isStar = 1"),),
        orders=(Key(wrong),),
        total=True,
        limit=5,
    )
    less = shrink(query, lambda made: "ROUND(t.mag, 2)" in ", ".join(str(i) for i in made.items))
    assert less.sql() == "SELECT ROUND(t.mag, 2) FROM Object t"
