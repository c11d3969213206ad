"""The tables of information_schema: names, engines and columns, as MariaDB 10.11 defines them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from qproxy.catalog.model import Column, Table, TableKind

#: The database, as MariaDB writes its name.
NAME = "information_schema"
_UTF8 = "DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci"


@dataclass(frozen=True)
class Definition:
    """One table.

    Attributes:
        name: as MariaDB lists it.
        engine: of the temporary table that MariaDB fills for it.
        columns: in their order.
    """

    name: str
    engine: str
    columns: tuple[Column, ...]

    @property
    def body(self) -> str:
        """The columns as CREATE TABLE declares them."""
        return ",\n".join(f"  `{column.name}` {column.definition}" for column in self.columns)

    @property
    def table(self) -> Table:
        """The table as SHOW and DESCRIBE want it."""
        options = " PAGE_CHECKSUM=0" if self.engine == "Aria" else ""
        create = f"CREATE TEMPORARY TABLE `{self.name}` (\n{self.body}\n) ENGINE={self.engine} {_UTF8}{options}"
        return Table(NAME, self.name, TableKind.REGULAR, self.columns, create_sql=create)


@cache
def definitions() -> Mapping[str, Definition]:
    """All tables, by upper-case name, sorted."""
    found: dict[str, Definition] = {}
    lines: list[str] = []
    for line in reversed(_data("information_schema.txt")):
        if line.startswith("  "):
            lines.append(line.strip())
        else:
            name, engine = line.split()
            found[name.upper()] = Definition(name, engine, tuple(map(_column, reversed(lines))))
            lines.clear()
    return MappingProxyType(dict(sorted(found.items())))


def keywords() -> Sequence[str]:
    """The words of KEYWORDS, in MariaDB's order."""
    return _data("keywords.txt")


def sql_functions() -> Sequence[str]:
    """The names of SQL_FUNCTIONS, in MariaDB's order."""
    return _data("sql_functions.txt")


@cache
def _data(name: str) -> tuple[str, ...]:
    text = (files("qproxy") / "data" / name).read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("# "))


def _column(line: str) -> Column:
    """A column from its line in CREATE TABLE."""
    name, definition = line.removeprefix("`").split("` ", 1)
    kind = definition.removesuffix(" NOT NULL")
    return Column(name, kind, definition, nullable=kind == definition)
