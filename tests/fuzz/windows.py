"""Random window functions whose values do not depend on the order of rows that are equal."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.fuzz.expressions import Expressions
from tests.fuzz.nodes import Node, node


def windows(rng: random.Random, e: Expressions, ids: Sequence[str] | None, aliases: Sequence[Node] = ()) -> list[Node]:
    """One or two calls.

    Args:
        ids: columns that tell all rows apart; None where there are none.
        aliases: of other columns of the select list.
    """
    if aliases and rng.random() < 0.5:
        alias = rng.choice(aliases)
        return [node("RANK() OVER (PARTITION BY {} ORDER BY {} DESC)", e.column("int", "date"), alias, kind="int")]
    part = f"PARTITION BY {_plain_key(e)} " if rng.random() < 0.5 else ""
    part = part.replace("{", "{{").replace("}", "}}")
    calls = [
        node(f"RANK() OVER ({part}ORDER BY {{}})", e.column(), kind="int"),
        node(f"DENSE_RANK() OVER ({part}ORDER BY {{}} DESC)", e.column(), kind="int"),
        node(f"COUNT(*) OVER ({part.strip()})", kind="int"),
        node(f"SUM({{}}) OVER ({part.strip()})", e.of("int", 1), kind="dec"),
        node(f"COUNT({{}}) OVER ({part}ORDER BY {{}})", e.column(), e.column("int", "date"), kind="int"),
        node(f"MAX({{}}) OVER ({part.strip()})", e.column("int", "dec", "date")),
        node(f"CUME_DIST() OVER ({part}ORDER BY {{}})", e.column("int", "date", "dec"), kind="dbl"),
    ]
    if ids:
        over = f"OVER ({part}ORDER BY {', '.join(i + rng.choice(('', ' DESC')) for i in ids)}"
        frame = rng.choice(
            (" ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "")
        )
        calls += [
            node(f"ROW_NUMBER() {over})", kind="int"),
            node(f"LAG({{}}) {over})", e.any(1)),
            node(f"LEAD({{}}, 2) {over})", e.any(1)),
            node(f"FIRST_VALUE({{}}) {over})", e.column()),
            node(f"SUM({{}}) {over}{frame})", e.of("int", 1), kind="dec"),
            node(f"COUNT({{}}) {over}{frame})", e.any(1), kind="int"),
            node(f"MAX({{}}) {over})", e.column("int", "dec", "date")),
            node(f"NTILE(3) {over})", kind="int"),
        ]
    return rng.sample(calls, rng.randint(1, 2))


def _plain_key(e: Expressions) -> Node:
    """A key as text: without queries in it, which the plain server is asked in other words."""
    while "SELECT" in str(found := e.key()):
        pass
    return found
