"""What a table looks like: from a list of columns or from one CREATE TABLE statement."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from qproxy.catalog.model import Column, Index
from qproxy.ingest.sqltokens import Reader, tokens, unquote
from qproxy.ingest.types import describe_type
from qproxy.ingest.yamlfile import Place

_IDENTIFIER = re.compile(r"[\w$]{1,64}")


@dataclass(frozen=True)
class Key:
    """A key to build.

    Attributes:
        name: ``PRIMARY`` for the primary key.
        columns: names.
        parts: the columns as SQL, with prefix lengths.
        kind: ``PRIMARY KEY``, ``UNIQUE KEY``, ``KEY`` or ``FULLTEXT KEY``.
    """

    name: str
    columns: tuple[str, ...]
    parts: tuple[str, ...]
    kind: str = "KEY"

    @property
    def index(self) -> Index:
        """The key as the catalogue keeps it."""
        return Index(self.name, self.columns, self.kind in ("PRIMARY KEY", "UNIQUE KEY"))


@dataclass(frozen=True)
class TableSchema:
    """Columns and keys of a table, and the charset of its text."""

    columns: tuple[Column, ...]
    keys: tuple[Key, ...] = ()
    charset: str | None = None
    collation: str | None = None
    comment: str = ""


def quote_name(name: str) -> str:
    """A name in backquotes."""
    return "`" + name.replace("`", "``") + "`"


def quote_text(text: str) -> str:
    """A text literal, on one line as SHOW CREATE TABLE prints it."""
    for character, escaped in (("\\", "\\\\"), ("'", "''"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0")):
        text = text.replace(character, escaped)
    return f"'{text}'"


def plain_key(name: str, columns: tuple[str, ...]) -> Key:
    """A key that need not be unique."""
    return Key(name, columns, tuple(quote_name(c) for c in columns))


def _charset_word(parser: Reader) -> bool:
    return parser.accept("CHARACTER", "SET") or parser.accept("CHARSET")


def _column(parser: Reader, name: str) -> tuple[Column, list[Key]]:
    """The column whose type and attributes come next, and the keys that they declare."""
    if not _IDENTIFIER.fullmatch(name):
        parser.fail(f"the column name '{name}' has characters other than letters, digits, _ and $")
    word = parser.take().text
    if word.upper() == "DOUBLE":
        parser.accept("PRECISION")
    if word.upper() in ("CHAR", "CHARACTER") and parser.accept("VARYING"):
        word = "varchar"
    arguments = parser.parenthesised() if parser.peek() == "(" else ""
    unsigned = zerofill = not_null = False
    charset = collation = ""
    default: str | None = None
    rendered_default = comment = on_update = ""
    keys: list[Key] = []
    while not parser.done and parser.peek() not in (",", ")"):
        if parser.accept("UNSIGNED"):
            unsigned = True
        elif parser.accept("SIGNED") or parser.accept("AUTO_INCREMENT"):
            pass
        elif parser.accept("ZEROFILL"):
            zerofill = True
        elif _charset_word(parser):
            charset = parser.take().text
        elif parser.accept("COLLATE"):
            collation = parser.take().text
        elif parser.accept("NOT", "NULL"):
            not_null = True
        elif parser.accept("NULL"):
            not_null = False
        elif parser.accept("DEFAULT"):
            rendered_default, default = _default(parser)
        elif parser.accept("ON", "UPDATE"):
            on_update = f" ON UPDATE {_default(parser)[0]}"
        elif parser.accept("COMMENT"):
            comment = parser.string()
        elif parser.accept("PRIMARY", "KEY") or parser.accept("PRIMARY") or parser.accept("KEY"):
            keys.append(Key("PRIMARY", (name,), (quote_name(name),), "PRIMARY KEY"))
            not_null = True
        elif parser.accept("UNIQUE"):
            parser.accept("KEY")
            keys.append(Key(name, (name,), (quote_name(name),), "UNIQUE KEY"))
        else:
            parser.fail(f"'{parser.peek()}' in the definition of column '{name}' is not supported")
    kind = describe_type(word, arguments, unsigned, zerofill)
    if kind is None:
        parser.fail(f"column '{name}': there is no type '{word}' in MariaDB, or it cannot be ingested")
    kind = str(kind)
    definition = kind
    if charset:
        definition += f" CHARACTER SET {charset}"
    if collation:
        definition += f" COLLATE {collation}"
    definition += " NOT NULL" if not_null else " NULL" if kind.startswith("timestamp") else ""
    if rendered_default:
        definition += f" DEFAULT {rendered_default}"
    elif not not_null and not kind.startswith("timestamp"):
        definition += " DEFAULT NULL"
    definition += on_update
    return Column(name, kind, definition, not not_null, default, description=comment), keys


def _default(parser: Reader) -> tuple[str, str | None]:
    """The default that comes next, as SQL and as text."""
    if parser.peek() == "(":
        text = f"({parser.parenthesised()})"
        return text, text
    token = parser.take()
    if token.kind == "string":
        return token.text, unquote(token.text)
    if token.text in ("+", "-"):
        text = token.text + parser.take().text
        return text, text
    text = token.text
    if parser.peek() == "(":
        text += f"({parser.parenthesised()})"
    return text, None if text.upper() == "NULL" else text


def _key(parser: Reader, kind: str) -> Key:
    """The name and columns of a key that come next."""
    name = ""
    if parser.peek() != "(" and parser.peek() != "USING":
        name = parser.name()
    if parser.accept("USING"):
        parser.take()
    parser.expect("(")
    columns, parts = [], []
    while True:
        column = parser.name()
        part = quote_name(column)
        if parser.peek() == "(":
            part += f"({parser.parenthesised()})"
        if not parser.accept("ASC") and parser.accept("DESC"):
            part += " DESC"
        columns.append(column)
        parts.append(part)
        if parser.accept(")"):
            break
        parser.expect(",")
    while not parser.done and parser.peek() not in (",", ")"):
        parser.take()
    return Key("PRIMARY" if kind == "PRIMARY KEY" else name, tuple(columns), tuple(parts), kind)


def _key_kind(parser: Reader) -> str | None:
    """The kind of key that the coming words declare, or None where a column comes."""
    if parser.tokens[parser.pos].kind != "word":
        return None
    if parser.accept("CONSTRAINT") and parser.peek() not in ("PRIMARY", "UNIQUE", "FOREIGN", "CHECK"):
        parser.take()
    if parser.accept("PRIMARY", "KEY"):
        return "PRIMARY KEY"
    for word, kind in (("UNIQUE", "UNIQUE KEY"), ("FULLTEXT", "FULLTEXT KEY")):
        if parser.accept(word):
            _ = parser.accept("KEY") or parser.accept("INDEX")
            return kind
    if parser.peek() in ("FOREIGN", "CHECK", "SPATIAL", "PERIOD"):
        parser.fail(f"{parser.peek()} is not supported in the schema of an ingested table; leave it out")
    if parser.accept("KEY") or parser.accept("INDEX"):
        return "KEY"
    return None


def _options(parser: Reader, schema: TableSchema) -> TableSchema:
    """The schema with the table options that come next; engine and storage options are not the schema's to choose."""
    while not parser.done and not parser.accept(";"):
        parser.accept(",")
        parser.accept("DEFAULT")
        if _charset_word(parser):
            parser.accept("=")
            schema = replace(schema, charset=parser.take().text)
        elif parser.accept("COLLATE"):
            parser.accept("=")
            schema = replace(schema, collation=parser.take().text)
        elif parser.accept("COMMENT"):
            parser.accept("=")
            schema = replace(schema, comment=parser.string())
        elif parser.accept("PARTITION"):
            parser.fail("PARTITION BY is not supported: chunks take its place; leave it out")
        else:
            parser.name()
            bare = not parser.done and parser.tokens[parser.pos].kind in ("number", "string")
            if parser.accept("=") or bare:
                parser.take()
    if not parser.done:
        parser.fail("only one CREATE TABLE statement is expected")
    return schema


def _named(keys: list[Key]) -> tuple[Key, ...]:
    """The keys, those without a name named as MariaDB would."""
    taken = {k.name.lower() for k in keys if k.name}
    found = []
    for key in keys:
        if not key.name:
            name, number = key.columns[0], 1
            while name.lower() in taken:
                number += 1
                name = f"{key.columns[0]}_{number}"
            taken.add(name.lower())
            key = replace(key, name=name)
        found.append(key)
    return tuple(sorted(found, key=lambda k: k.kind != "PRIMARY KEY"))


def parse_create_table(text: str, path: Path) -> TableSchema:
    """Columns, keys and charset of one CREATE TABLE statement.

    Args:
        text: the statement; engine and storage options in it are ignored.
        path: where it stands, for complaints.

    Raises:
        ConfigError: it is no CREATE TABLE statement or has parts that cannot be kept; names file and line.
    """
    parser = Reader(tokens(text, 1), Place(path, 1))
    if not parser.accept("CREATE"):
        parser.fail("one CREATE TABLE statement is expected")
    parser.accept("OR", "REPLACE")
    parser.accept("TEMPORARY")
    parser.expect("TABLE")
    parser.accept("IF", "NOT", "EXISTS")
    parser.name()
    if parser.accept("."):
        parser.name()
    parser.expect("(")
    columns: list[Column] = []
    keys: list[Key] = []
    while True:
        if parser.done:
            parser.fail("the statement ends too early")
        kind = _key_kind(parser)
        if kind:
            keys.append(_key(parser, kind))
        else:
            column, own = _column(parser, parser.name())
            columns.append(column)
            keys += own
        if parser.accept(")"):
            break
        parser.expect(",")
    schema = _options(parser, TableSchema(tuple(columns)))
    by_name = {c.name.lower(): c for c in columns}
    for key in keys:
        for name in key.columns:
            if name.lower() not in by_name:
                Place(path, 1).fail(f"the key '{key.name or key.kind}' names the column '{name}', which there is not")
    primary = {n.lower() for k in keys if k.kind == "PRIMARY KEY" for n in k.columns}
    fixed = tuple(_not_null(c) if c.name.lower() in primary else c for c in columns)
    return replace(schema, columns=fixed, keys=_named(keys))


def _not_null(column: Column) -> Column:
    """The column as part of a primary key, which allows no NULL."""
    if not column.nullable:
        return column
    definition = column.definition.removesuffix(" DEFAULT NULL") + " NOT NULL"
    return replace(column, definition=definition, nullable=False)


def column_from_type(name: str, text: str, place: Place, unit: str, ucd: str, description: str) -> Column:
    """A column of a ``columns:`` list.

    Args:
        name: of the column.
        text: type and attributes, e.g. ``BIGINT NOT NULL``.
        place: of the text, for complaints.
        unit, ucd, description: for astronomers.

    Raises:
        ConfigError: the type is unknown or an attribute is not supported.
    """
    parser = Reader(tokens(text, place.line), place)
    column, keys = _column(parser, name)
    if keys or not parser.done:
        place.fail(f"'{text}' must be a type with its attributes; keys belong under 'indexes'")
    return replace(column, unit=unit, ucd=ucd, description=description or column.description)
