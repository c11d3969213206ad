"""The golden plans: YAML files by topic, written by hand but for what is planned.

A file has ``title``, ``about`` (Markdown, what docs/sql.md says of the topic) and ``entries``. An entry has ``query``,
where wanted ``says`` (a remark for docs/sql.md, where only such entries stand) and ``places`` (chunks of the ids that
are looked up); ``plan`` or ``error`` are made by ``make plans``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.plans.catalogue import PLACES, planned

FOLDER = Path(__file__).parent
#: The files, in the order of docs/sql.md.
TOPICS = (
    "points",
    "areas",
    "rows",
    "aggregates",
    "ordering",
    "joins",
    "matches",
    "near",
    "nested",
    "unions",
    "across",
    "regular",
    "refused",
)


def load(topic: str) -> dict[str, Any]:
    """A file as it is."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{topic}.yaml").read_text())
    return found


def anew(topic: dict[str, Any]) -> dict[str, Any]:
    """A file with every query planned again."""
    entries = []
    for entry in topic["entries"]:
        kept = {key: entry[key] for key in ("query", "says", "places") if key in entry}
        entries.append({**kept, **planned(entry["query"], entry.get("places", PLACES))})
    return {"title": topic["title"], "about": topic["about"], "entries": entries}


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def dump(topic: dict[str, Any]) -> str:
    """The text of a file."""
    return yaml.dump(topic, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=116)
