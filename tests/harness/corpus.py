"""Reads the SQL corpus: one YAML file a topic, each a mapping of case names to cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

#: Tolerance of a case that says ``loose: true``.
LOOSE = 1e-9

DIRECTORY = Path(__file__).parent.parent / "corpus"


class CorpusError(Exception):
    """A case cannot be read; the message names file and case."""


@dataclass(frozen=True)
class ExpectedError:
    """The error a query must end with: its code and a fragment of its text, whatever the case of the letters."""

    code: int
    text: str


@dataclass(frozen=True)
class Case:
    """One query and how its answer is judged.

    Attributes:
        id: ``topic.name``.
        q: the query as a client sends it.
        oracle: what the plain server is asked instead, where it differs.
        ordered: True where rows must come in the oracle's order; column numbers from 1 where only the order of those
            columns is fixed (ties may come in any order).
        error: the error it must end with; such a case is not sent to the oracle.
        limited: for LIMIT without a total order: the same query without LIMIT. Then as many rows must come as from the
            oracle, each of them out of that answer.
        embedded: why DuckDB answers differently by nature; empty where it does not.
        loose: relative tolerance of DOUBLE values, None for the usual one.
        database: the default database of the connection.
        empty: whether the answer has no rows, on purpose.
    """

    id: str
    q: str
    oracle: str
    ordered: bool | tuple[int, ...] = False
    error: ExpectedError | None = None
    limited: str | None = None
    embedded: str = ""
    loose: float | None = None
    database: str = "sky"
    empty: bool = False


_KEYS = {field.name for field in fields(Case)} - {"id"}


def read_corpus(directory: Path = DIRECTORY) -> list[Case]:
    """All cases of all topics, by topic and in the order of the file.

    Raises:
        CorpusError: a case has no query, an unknown key, or a value of the wrong kind.
    """
    return [case for path in sorted(directory.glob("*.yaml")) for case in read_topic(path)]


def read_topic(path: Path) -> list[Case]:
    """The cases of one file.

    Raises:
        CorpusError: as in `read_corpus`.
    """
    loaded = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeyLoader)
    if not isinstance(loaded, dict):
        raise CorpusError(f"{path.name}: expected a mapping of names to cases")
    return [_case(f"{path.stem}.{name}", entry) for name, entry in loaded.items()]


class _UniqueKeyLoader(yaml.SafeLoader):
    """A second case of the same name is an error: it would hide the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise CorpusError(f"{node.start_mark}: more than once: {sorted(map(str, twice))}")
        return super().construct_mapping(node, deep)


def _case(name: str, entry: object) -> Case:
    if isinstance(entry, str):
        return Case(name, entry.strip(), entry.strip())
    if not isinstance(entry, Mapping) or not isinstance(entry.get("q"), str):
        raise CorpusError(f"{name}: expected a query, or a mapping with the key q")
    if unknown := sorted(set(entry) - _KEYS):
        raise CorpusError(f"{name}: unknown key {unknown[0]}; known are {', '.join(sorted(_KEYS))}")
    values: dict[str, Any] = dict(entry)
    query = values.pop("q").strip()
    if "error" in values:
        values["error"] = _error(name, values["error"])
    if isinstance(values.get("ordered"), list):
        values["ordered"] = tuple(values["ordered"])
    if values.get("loose") is True:
        values["loose"] = LOOSE
    return Case(name, query, values.pop("oracle", query).strip(), **values)


def _error(name: str, entry: object) -> ExpectedError:
    if not isinstance(entry, Mapping) or set(entry) != {"code", "text"}:
        raise CorpusError(f"{name}: error needs a code and a text")
    return ExpectedError(int(entry["code"]), str(entry["text"]))
