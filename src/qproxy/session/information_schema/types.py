"""What COLUMNS says of a column's type: lengths, digits, character set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from qproxy.session import collations

_TYPE = re.compile(r"(\w+)(?:\((.*)\))?(.*)", re.DOTALL)
_MEMBER = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
#: Digits of whole numbers, signed and unsigned (MariaDB 10.11, COLUMNS.NUMERIC_PRECISION).
_DIGITS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"tinyint": (3, 3), "smallint": (5, 5), "mediumint": (7, 8), "int": (10, 10), "bigint": (19, 20)}
)
_BYTES: Mapping[str, int] = MappingProxyType(
    {"tiny": (1 << 8) - 1, "": (1 << 16) - 1, "medium": (1 << 24) - 1, "long": (1 << 32) - 1}
)
_FLOATING: Mapping[str, int] = MappingProxyType({"float": 12, "double": 22})


@dataclass(frozen=True)
class TypeFacts:
    """The columns of COLUMNS that follow from a type."""

    data_type: str
    characters: int | None = None
    octets: int | None = None
    precision: int | None = None
    scale: int | None = None
    fraction: int | None = None
    charset: str | None = None
    collation: str | None = None

    @property
    def cells(self) -> tuple[str | int | None, ...]:
        """All but the first, in their order in COLUMNS."""
        lengths = (self.characters, self.octets, self.precision, self.scale, self.fraction)
        return (*lengths, self.charset, self.collation)


@lru_cache(maxsize=1024)
def type_facts(written: str, collation: str | None) -> TypeFacts:
    """What COLUMNS says of a type.

    Args:
        written: as DESCRIBE prints it, ``decimal(10,2) unsigned``.
        collation: of its text; None where it holds none.
    """
    found = _TYPE.match(written.strip())
    if found is None:
        return TypeFacts(written)
    word, inside, behind = found[1].lower(), found[2], found[3].lower()
    if collation is not None:
        return _text(word, inside, collation)
    numbers = [int(n) for n in (inside or "").split(",") if n.strip().isdigit()]
    if word in _DIGITS:
        return TypeFacts(word, precision=_DIGITS[word]["unsigned" in behind], scale=0)
    if word == "decimal":
        digits, scale = (*numbers, 0, 0)[:2] if numbers else (10, 0)
        return TypeFacts(word, precision=digits, scale=scale)
    if word in _FLOATING:
        digits, places = numbers if len(numbers) == 2 else (_FLOATING[word], None)
        return TypeFacts(word, precision=digits, scale=places)
    if word == "bit":
        return TypeFacts(word, precision=numbers[0] if numbers else 1)
    if word in ("datetime", "timestamp", "time"):
        return TypeFacts(word, fraction=numbers[0] if numbers else 0)
    if word in ("binary", "varbinary"):
        size = numbers[0] if numbers else 1
        return TypeFacts(word, size, size)
    if word.endswith("blob"):
        size = _BYTES[word.removesuffix("blob")]
        return TypeFacts(word, size, size)
    return TypeFacts(word)


def _text(word: str, inside: str | None, collation: str) -> TypeFacts:
    charset = collations.charset(collations.collation(collation).charset)
    if word.endswith("text"):
        size = _BYTES[word.removesuffix("text")]
        return TypeFacts(word, size, size, charset=charset.name, collation=collation)
    if word in ("enum", "set"):
        lengths = [len(member.replace("''", "'")) for member in _MEMBER.findall(inside or "")] or [0]
        size = max(lengths) if word == "enum" else sum(lengths) + len(lengths) - 1
    else:
        size = int(inside) if inside and inside.isdigit() else 1
    return TypeFacts(word, size, size * charset.max_length, charset=charset.name, collation=collation)
