"""The astronomer's page of functions says what the table of functions holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qproxy.sky import htm
from qproxy.sky.functions import AGGREGATES, FUNCTIONS, SCISQL_VERSION

PAGE = (Path(__file__).parent.parent.parent / "docs" / "functions.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `scisql_(\w+)\((.*?)\)` \| (.+) \|$", PAGE, re.MULTILINE)
#: Rows whose last two arguments may be repeated.
REPEATED = ", ..."


def counts_of(name: str) -> set[int]:
    function = FUNCTIONS.get(name.lower())
    return set(function.counts) if function else {AGGREGATES[name.lower()]}


def test_every_function_has_its_rows_and_no_other_has() -> None:
    written = {name for name, _, _ in ROWS}
    assert written == {f.name for f in FUNCTIONS.values()} | set(AGGREGATES)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in ROWS}))
def test_numbers_of_arguments(name: str) -> None:
    wanted = counts_of(name)
    found = set()
    for other, arguments, _ in ROWS:
        if other != name:
            continue
        fixed = len([a for a in arguments.removesuffix(REPEATED).split(", ") if a])
        found |= set(range(fixed, max(wanted) + 1, 2)) if arguments.endswith(REPEATED) else {fixed}
    assert found == wanted


def test_limits_are_those_of_the_code() -> None:
    assert f"level outside 0 to {htm.MAX_LEVEL}" in PAGE
    assert f"More than {htm.MAX_RANGES} ranges" in PAGE
    assert f"'{SCISQL_VERSION}'" in PAGE
