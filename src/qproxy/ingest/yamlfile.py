"""YAML mappings that remember where each key stands, so that every complaint names file, line and key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import yaml

from qproxy.errors import ConfigError


@dataclass(frozen=True)
class Place:
    """A key of a file.

    Attributes:
        file: path of the file.
        line: counted from 1.
        key: dotted path, e.g. ``tables.Object.lon``; empty for the file as a whole.
    """

    file: Path
    line: int
    key: str = ""

    def fail(self, message: str) -> NoReturn:
        """Complain about this key.

        Raises:
            ConfigError: always.
        """
        where = f"{self.file}, line {self.line}"
        raise ConfigError(f"{where}, key '{self.key}': {message}" if self.key else f"{where}: {message}")


@dataclass(frozen=True)
class Item:
    """A value of the file and its place."""

    place: Place
    node: yaml.Node

    @property
    def given(self) -> bool:
        """Whether anything but a bare null is written."""
        return self.node.tag != "tag:yaml.org,2002:null"

    def text(self) -> str:
        """A scalar, letter for letter as written."""
        if not isinstance(self.node, yaml.ScalarNode) or not self.given:
            self.place.fail("a text is expected here")
        return str(self.node.value)

    def boolean(self) -> bool:
        """true or false."""
        words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        value = self.text().lower()
        if value not in words:
            self.place.fail(f"true or false is expected here, not '{self.text()}'")
        return words[value]

    def number(self) -> float:
        """A finite number."""
        try:
            value = float(self.text())
        except ValueError:
            self.place.fail(f"a number is expected here, not '{self.text()}'")
        if value != value or value in (float("inf"), float("-inf")):
            self.place.fail("a finite number is expected here")
        return value

    def integer(self) -> int:
        """A whole number."""
        try:
            return int(self.text())
        except ValueError:
            self.place.fail(f"a whole number is expected here, not '{self.text()}'")

    def items(self) -> list[Item]:
        """The members of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.place.fail("a list, [a, b], is expected here")
        return [
            Item(Place(self.place.file, n.start_mark.line + 1, f"{self.place.key}[{i}]"), n)
            for i, n in enumerate(self.node.value)
        ]

    def texts(self) -> tuple[str, ...]:
        """The members of a list of texts."""
        return tuple(i.text() for i in self.items())

    def pair(self) -> tuple[str, str]:
        """A list of exactly two texts."""
        found = self.texts()
        if len(found) != 2:
            self.place.fail(f"exactly two are expected here, not {len(found)}")
        return found[0], found[1]

    def mapping(self) -> Mapping[str, Item]:
        """The members of a mapping by key, in the order of the file."""
        if not isinstance(self.node, yaml.MappingNode):
            self.place.fail("a mapping, {key: value}, is expected here")
        found: dict[str, Item] = {}
        for key_node, value in self.node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                Place(self.place.file, line, self.place.key).fail("a key must be a plain word")
            key = str(key_node.value)
            path = f"{self.place.key}.{key}" if self.place.key else key
            place = Place(self.place.file, line, path)
            if key in found:
                place.fail("given twice")
            found[key] = Item(place, value)
        return found

    def record(self, required: Iterable[str], optional: Iterable[str]) -> Mapping[str, Item]:
        """A mapping with known keys only; keys with a bare null count as not given.

        Raises:
            ConfigError: a key is unknown or a required one is missing.
        """
        must, may = tuple(required), tuple(optional)
        found = self.mapping()
        for key, item in found.items():
            if key not in must and key not in may:
                item.place.fail(f"unknown key; known here: {', '.join((*must, *may))}")
        given = {k: v for k, v in found.items() if v.given}
        for key in must:
            if key not in given:
                self.place.fail(f"the key '{key}' is missing")
        return given


def read_yaml(path: Path) -> Item:
    """The whole file as one item.

    Raises:
        ConfigError: the file cannot be read, is no YAML, or is empty.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start + 1}); save it as UTF-8") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        Place(path, mark.line + 1 if mark else 1).fail(f"is no valid YAML: {error.problem}")
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is no valid YAML: {error}") from error
    if node is None:
        Place(path, 1).fail("the file is empty")
    return Item(Place(path, node.start_mark.line + 1), node)
