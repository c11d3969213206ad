"""What tables the embedded engine holds, with the types that their CREATE TABLE statements declared."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qproxy.backends.duckdb.chunks import chunks_named, stand_in, stood_in_for
from qproxy.backends.duckdb.types import MType, declared
from qproxy.errors import SQLError

#: A placeholder for a chunk table in a statement's template: number and logical table.
MARKER = re.compile(r"§\d+§(.+)§")

_CREATE = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?TABLE\s+(IF\s+NOT\s+EXISTS\s+)?"
    r"(?:(`(?:[^`]|``)+`|\w+)\s*\.\s*)?(`(?:[^`]|``)+`|[\w$]+)\s*",
    re.I,
)
_LIKE = re.compile(r"\(?\s*LIKE\s+(?:(`(?:[^`]|``)+`|\w+)\s*\.\s*)?(`(?:[^`]|``)+`|[\w$]+)\s*\)?\s*;?\s*$", re.I)
_COLUMN = re.compile(r"\s*(`(?:[^`]|``)+`|[\w$]+)\s+(.*)", re.S)
_KEY = re.compile(r"\s*(PRIMARY|UNIQUE|KEY|INDEX|FULLTEXT|SPATIAL|CONSTRAINT|FOREIGN|CHECK)\b(?!\s*`?\s*$)", re.I)


@dataclass(frozen=True)
class TableShape:
    """A table's columns, in order."""

    columns: Mapping[str, MType]
    not_null: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Head:
    """The beginning of a CREATE TABLE statement, and the rest of its text behind the name."""

    database: str | None
    table: str
    if_not_exists: bool
    rest: str


@dataclass(frozen=True)
class Creation(Head):
    """A CREATE TABLE statement, read."""

    shape: TableShape | None
    like: tuple[str | None, str] | None


def unquote(name: str) -> str:
    """An identifier without its backticks."""
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def quote(name: str) -> str:
    """An identifier for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def _end_of_quoted(text: str, start: int) -> int:
    """The place of the quote that closes the one at a place; the end of the text where none does."""
    quote = text[start]
    pos = start + 1
    while pos < len(text) and text[pos] != quote:
        pos += 2 if text[pos] == "\\" and quote != "`" else 1
    return pos


def split_top(text: str) -> list[str]:
    """The parts of ``text`` between commas that stand outside parentheses, quotes and backticks."""
    parts: list[str] = []
    depth = 0
    start = 0
    pos = 0
    while pos < len(text):
        char = text[pos]
        if char in "'\"`":
            pos = _end_of_quoted(text, pos)
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:pos])
            start = pos + 1
        pos += 1
    parts.append(text[start:])
    return parts


def _body(text: str) -> str:
    """What stands between the first parenthesis of ``text`` and its partner."""
    depth = 0
    pos = 0
    while pos < len(text):
        char = text[pos]
        if char in "'\"`":
            pos = _end_of_quoted(text, pos)
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                return text[1:pos]
        pos += 1
    raise SQLError(1064, "CREATE TABLE: the parenthesis of the column list is not closed")


def read_head(sql: str) -> Head | None:
    """The beginning of a CREATE TABLE statement, or None where ``sql`` is something else."""
    head = _CREATE.match(sql)
    if head is None:
        return None
    return Head(unquote(head[2]) if head[2] else None, unquote(head[3]), bool(head[1]), sql[head.end() :])


def read_create(sql: str) -> Creation | None:
    """A CREATE TABLE statement of MariaDB, or None where ``sql`` is something else.

    Raises:
        SQLError: 1064 where it cannot be read, 1235 for a column type without an equal.
    """
    head = read_head(sql)
    if head is None:
        return None
    given = (head.database, head.table, head.if_not_exists, head.rest)
    like = _LIKE.match(head.rest)
    if like:
        source = (unquote(like[1]) if like[1] else None, unquote(like[2]))
        return Creation(*given, None, source)
    if not head.rest.startswith("("):
        raise SQLError(1064, f"CREATE TABLE {head.table}: a list of columns in parentheses is missing")
    columns: dict[str, MType] = {}
    not_null: set[str] = set()
    for part in split_top(_body(head.rest)):
        if _KEY.match(part):
            continue
        found = _COLUMN.match(part)
        if found is None:
            raise SQLError(1064, f"CREATE TABLE {head.table}: the column {part.strip()!r} has no type")
        name = unquote(found[1])
        columns[name] = declared(found[2])
        if re.search(r"\bNOT\s+NULL\b|\bPRIMARY\s+KEY\b", found[2], re.I):
            not_null.add(name)
    return Creation(*given, TableShape(columns, frozenset(not_null)), None)


class Registry:
    """Shapes of all tables, by database and name; a database of None holds scratch tables.

    A table ``T_empty`` makes ``T`` a chunked table: its chunk tables are members of it, without shapes of their own.
    """

    def __init__(self) -> None:
        self._tables: dict[tuple[str | None, str], TableShape] = {}
        self._members: dict[tuple[str | None, str], list[int]] = {}
        self._texts: dict[tuple[str | None, str], str] = {}

    def add(self, database: str | None, table: str, shape: TableShape, text: str = "") -> None:
        """Remember a table; ``text`` is its CREATE statement behind the name."""
        self._tables[database, table] = shape
        if (logical := stood_in_for(table)) is not None:
            self._members[database, logical] = []
            self._texts[database, logical] = text

    def add_like_stand_in(self, database: str, table: str, text: str) -> bool:
        """Remember a chunk table that is not known yet, where its CREATE statement is that of its stand-in."""
        named = chunks_named(table)
        if named is None or len(named[1]) != 1 or not text or self._texts.get((database, named[0])) != text:
            return False
        insort(self._members[database, named[0]], named[1][0])
        return True

    def add_member(self, database: str, table: str, shape: TableShape) -> bool:
        """Remember a chunk table as a member of its chunked table.

        Returns:
            False where there is no chunked table of its shape for it: it is a table of its own then.
        """
        named = chunks_named(table)
        members = self._members.get((database, named[0])) if named else None
        if named is None or members is None or len(named[1]) != 1:
            return False
        common = self._tables[database, stand_in(named[0])]
        if shape is not common and (list(shape.columns.items()), shape.not_null) != (
            list(common.columns.items()),
            common.not_null,
        ):
            return False
        insort(members, named[1][0])
        return True

    def drop(self, database: str | None, table: str) -> None:
        """Forget a table."""
        if self._tables.pop((database, table), None) is None and (member := self.member(database, table)):
            self._members[database, member[0]].remove(member[1])
        if (logical := stood_in_for(table)) is not None:
            self._members.pop((database, logical), None)
            self._texts.pop((database, logical), None)

    def drop_database(self, database: str) -> None:
        """Forget all tables of a database."""
        for key in [k for k in self._tables if k[0] == database]:
            del self._tables[key]
        for key in [k for k in self._members if k[0] == database]:
            del self._members[key], self._texts[key]

    def get(self, database: str | None, table: str) -> TableShape | None:
        """The table's shape, or None."""
        shape = self._tables.get((database, table))
        if shape is None and (member := self.member(database, table)):
            shape = self._tables[database, stand_in(member[0])]
        return shape

    def members(self, database: str | None, table: str) -> Sequence[int] | None:
        """Chunks of a chunked table, sorted; None where ``table`` is not one."""
        return self._members.get((database, table))

    def member(self, database: str | None, table: str) -> tuple[str, int] | None:
        """The chunked table and the chunk of a chunk table that is a member; None for all other tables."""
        named = chunks_named(table)
        if named is None or len(named[1]) != 1 or (database, table) in self._tables:
            return None
        members, chunk = self._members.get((database, named[0]), []), named[1][0]
        at = bisect_left(members, chunk)
        return (named[0], chunk) if at < len(members) and members[at] == chunk else None

    def with_table(self, table: str, shape: TableShape) -> Registry:
        """A view of these tables with one scratch table more."""
        more = Registry()
        more._tables = {**self._tables, (None, table): shape}
        more._members = self._members
        return more

    def chunked(self, database: str | None, table: str) -> bool:
        """Whether a name is the placeholder of a chunked table's chunk tables."""
        marker = MARKER.fullmatch(table)
        return marker is not None and (database, marker[1]) in self._members

    def resolve(self, database: str | None, table: str) -> TableShape:
        """The shape of a table or of a chunk table's placeholder.

        Raises:
            SQLError: 1146 where there is no such table, 1046 where no database is named.
        """
        marker = MARKER.fullmatch(table)
        if marker is None:
            shape = self.get(database, table)
        else:
            shape = self.get(database, stand_in(marker[1]))
            if shape is None and (public := self.get(database, marker[1])):
                internal = {"chunkId": declared("INT"), "subChunkId": declared("INT")}
                shape = TableShape({**public.columns, **internal}, public.not_null)
        if shape is None:
            if database is None:
                raise SQLError(1146, f"Table '{table}' doesn't exist")
            raise SQLError(1146, f"Table '{database}.{marker[1] if marker else table}' doesn't exist")
        return shape
