"""Random queries with a fixed seed: whatever is answered must be the answer of the plain server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz import catalogue
from tests.fuzz.generator import make
from tests.fuzz.nodes import Node, node
from tests.fuzz.pool import run
from tests.fuzz.ports import Ports
from tests.fuzz.query import Compound, Item, Join, Key, Query, Ref, Select, With
from tests.fuzz.shrink import shrink
from tests.fuzz.systems import systems
from tests.fuzz.tables import Schema, schema_of
from tests.fuzz.tally import Outcome, Tally, reason_class
from tests.harness.files import Striping

SEED = 7
NUMBER = 2000
SECONDS = 150.0


@pytest.fixture(scope="module")
def schema() -> Schema:
    return schema_of(catalogue.make())


@pytest.fixture(scope="module")
def ports() -> Iterator[Ports]:
    with systems(catalogue.make(), Striping(6, 2)) as found:
        yield found


def _told(tally: Tally) -> str:
    lines = [*tally.lines(), tally.summary(1)]
    for outcome in tally.different:
        lines += [f"python -m tests.fuzz.run --seed {SEED} --number 1 --first {outcome.number}", outcome.sql]
        lines += outcome.faults[:3]
    return "\n".join(lines)


def test_random_queries_are_answered_as_by_a_plain_server(ports: Ports, schema: Schema) -> None:
    tally = run(ports, schema, SEED, range(NUMBER), SECONDS)
    print(_told(tally))
    assert not tally.different, _told(tally)
    # So that a run that mostly tests refusals, or errors, is noticed.
    assert tally.share("alike") > 0.4, _told(tally)
    assert tally.share("failed") < 0.06, _told(tally)
    assert tally.share("open") + tally.share("slow") < 0.01, _told(tally)
    assert tally.empty < tally.kinds["alike"] / 2, _told(tally)
    assert tally.asked > NUMBER // 3, _told(tally)


def test_equal_numbers_give_equal_queries(schema: Schema) -> None:
    def texts(numbers: range) -> list[str]:
        return [make(3, n, schema).query.sql() for n in numbers]

    assert texts(range(100)) == texts(range(100))
    assert texts(range(50, 60)) == texts(range(100))[50:60]
    assert texts(range(10)) != [make(4, n, schema).query.sql() for n in range(10)]


def test_every_kind_of_query_comes_up(schema: Schema) -> None:
    found = {feature for n in range(1500) for feature in make(1, n, schema).features}
    wanted = (
        "cte,recursive cte,UNION,EXCEPT,INTERSECT,EXISTS,IN subquery,ANY or ALL subquery,correlated subquery,window"
    )
    wanted += ",scalar subquery,derived table,ROLLUP,HAVING,NATURAL,RIGHT JOIN,USING of several,areaspec"
    wanted += ",DISTINCT,near neighbours"
    assert set(wanted.split(",")) <= found


def _select(*items: Node, **parts: object) -> Select:
    return Select(tuple(Item(i) for i in items), Ref("Object", "t"), **parts)  # type: ignore[arg-type]


def test_shrinking_keeps_what_is_faulty() -> None:
    wrong = node("ROUND({}, 2)", Node("t.mag"))
    query = Select(
        (Item(Node("t.nObs"), "a"), Item(node("({} + {})", wrong, Node("1")))),
        Ref("Object", "t"),
        where=(Node("t.isStar = 1"),),
        orders=(Key(wrong),),
        total=True,
        limit=5,
    )
    less = shrink(query, lambda made: isinstance(made, Select) and any("ROUND(" in str(i.node) for i in made.items))
    assert less.sql() == "SELECT ROUND(t.mag, 2) FROM Object t"


def test_shrinking_reaches_into_subqueries_joins_and_arms() -> None:
    inner = _select(Node("t.a"), Node("t.b"), where=(Node("t.a = 1"), Node("t.b = 2")))
    exists = node("EXISTS ({})", inner)
    joined = Join(Ref("Source", "s"), Ref(inner, "d"), " JOIN ", Node("s.a = d.a"))
    arm = Select((Item(Node("1")), Item(Node("2"))), joined, (exists, Node("s.c = 3")), groups=(Key(Node("s.a")),))
    query = With((("w", inner),), Compound((("", arm, False), ("UNION ALL", inner, True)), orders=(1,)))
    less = shrink(query, lambda made: "EXISTS" in made.sql() and "t.b = 2" in made.sql(), tries=2000)
    assert less.sql() == "SELECT 2 FROM Source s WHERE EXISTS (SELECT t.b FROM Object t WHERE t.b = 2)"


def test_areas_have_their_own_words_for_the_plain_server() -> None:
    area = Node("qserv_areaspec_box(1, 2, 3, 4)", plain="scisql_s2PtInBox(t.ra, t.decl, 1, 2, 3, 4) = 1")
    query: Query = _select(Node("1"), where=(node("EXISTS ({})", _select(Node("2"), where=(area,))),))
    assert query.sql().endswith("WHERE EXISTS (SELECT 2 FROM Object t WHERE qserv_areaspec_box(1, 2, 3, 4))")
    assert query.sql(oracle=True).endswith("t WHERE scisql_s2PtInBox(t.ra, t.decl, 1, 2, 3, 4) = 1)")


def test_refusals_are_counted_by_class() -> None:
    one, other = "the join of 't0' and 'Object' (12 rows)", "the join of 't1' and 'Source' (7 rows)"
    assert reason_class(one) == reason_class(other)
    tally = Tally()
    tally.add(Outcome(n, "refused", frozenset({"join"}), reason) for n, reason in enumerate((one, other)))
    tally.add([Outcome(2, "alike", frozenset({"join"}), rows=3)])
    assert tally.reasons.most_common() == [(reason_class(one), 2)]
    assert "3 queries, 3/s: 1 answered alike (0 without rows), 2 refused (66.7%)" in tally.summary(1)
    assert any("join" in line and "66.7%" in line for line in tally.lines())
