"""docs/sql.md: what the golden plans say, for those who write queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qproxy.planner.explain import Step
from qproxy.planner.explain_text import rows

_DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = _DOCS / "sql.md"
#: Shows a plan as an example.
EXPLAIN_PAGE = _DOCS / "explain.md"
EXAMPLE = "SELECT flux FROM Source WHERE starId IN (SELECT starId FROM Star WHERE mag < 3) LIMIT 100"
_PREFIX = "qproxy does not support "
_HEAD = """\
# SQL: what is answered, what is refused

The rule: a query is answered exactly as one MariaDB that holds all rows would answer it, or it is refused with an
error that names what, why and what to write instead. [EXPLAIN](explain.md) in front of a query tells how it is
answered.

The queries of this page are planned by the tests, and the page is made of them: `make plans` writes it. Their tables:
`Star` and `Ref` are directors, `Source` and `Visit` children of `Star`, `StarRef` is a match table of `Star` and `Ref`,
`Band` a regular table; `deep.Galaxy` is a director of another database of the family, `radio.Beam` one of another
family.

One difference is known: `ROUND` and `TRUNCATE` of a `DOUBLE` of 10^17 or more. MariaDB declares the result as too
narrow for such numbers and cuts them to 10^17 wherever it stores them, for example in a UNION; here it stores them
where a single server would not.

`tests/corpus/` holds what proves the rule: each case runs on a plain MariaDB, on a cluster and on the embedded engine.
"""


def page(topics: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of the page.

    Args:
        topics: the files of the golden plans, in order.
    """
    parts = [_HEAD.strip(), *(_section(topic) for topic in topics.values())]
    return "\n\n".join(parts) + "\n"


def example(step: Step) -> str:
    """A plan as the page of EXPLAIN shows it."""
    return "\n".join(f"{name} | {what} | {detail}".replace("\n", " ") for name, what, detail in rows(step))


def _section(topic: Mapping[str, Any]) -> str:
    return f"## {topic['title']}\n\n{topic['about'].strip()}\n" + "".join(_tables(topic["entries"]))


def _tables(entries: list[dict[str, Any]]) -> Iterator[str]:
    answered = [(_code(e["query"]), _cell(e["says"])) for e in entries if "says" in e and "plan" in e]
    if answered:
        yield _table(("query", "how it is answered"), answered)
    refused = [(_code(e["query"]), _told(e["error"])) for e in entries if "says" in e and "error" in e]
    if refused:
        yield _table(("refused", "what the client is told"), refused)


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {left} | {right} |" for left, right in (head, ("---", "---"), *rows)]
    return "\n" + "\n".join(lines)


def _told(error: Mapping[str, Any]) -> str:
    text = str(error["text"])
    return f"{error['code']}: {_cell(('... ' + text.removeprefix(_PREFIX)) if text.startswith(_PREFIX) else text)}"


def _code(sql: str) -> str:
    fence = "``" if "`" in sql else "`"
    return f"{fence}{' '.join(_cell(sql).split())}{fence}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
