"""What a CREATE TABLE statement tells beyond the catalogue's model: engine, charset, comments, parts of keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot.tokenizer_core import TokenType

from qproxy.catalog.model import Column
from qproxy.errors import SQLError
from qproxy.session import collations
from qproxy.session.reader import Reader

TEXT_TYPES = frozenset(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"))
_DEFAULT_COLLATION = "utf8mb4_general_ci"


@dataclass(frozen=True)
class KeyPart:
    """A column of a key.

    Attributes:
        length: characters of the column that count; None for all.
    """

    column: str
    length: int | None = None
    descending: bool = False


@dataclass(frozen=True)
class Key:
    """A key as it is declared.

    Attributes:
        kind: ``PRIMARY``, ``UNIQUE``, ``FULLTEXT`` or empty.
    """

    name: str
    kind: str
    parts: tuple[KeyPart, ...]
    comment: str = ""


@dataclass(frozen=True)
class Declared:
    """What a statement declares.

    Attributes:
        comments: of columns, by name.
    """

    engine: str = "Aria"
    collation: str = _DEFAULT_COLLATION
    comment: str = ""
    comments: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[Key, ...] = ()


def declared(create_sql: str) -> Declared:
    """Read a statement as SHOW CREATE TABLE prints it; one that is not of that form declares nothing.

    Args:
        create_sql: the statement.
    """
    try:
        return _read(Reader(create_sql))
    except SQLError:
        return Declared()


def _read(reader: Reader) -> Declared:
    while not reader.accept("("):
        reader.take()
    comments: dict[str, str] = {}
    keys = []
    while True:
        kind = reader.accept_any("PRIMARY", "UNIQUE", "FULLTEXT")
        if kind or reader.word() in ("KEY", "INDEX"):
            keys.append(_key(reader, kind))
        else:
            name = reader.name()
            comments[name] = _comment(reader)
        if not reader.accept(","):
            break
    reader.expect(")")
    engine, charset, collation, comment = "Aria", "", "", ""
    while not reader.done:
        word = reader.take().text.upper()
        reader.accept("SET")
        if not reader.accept("="):
            continue
        if word == "COMMENT":
            comment = reader.text()
        elif word == "ENGINE":
            engine = reader.name()
        elif word in ("CHARSET", "SET", "CHARACTER"):
            charset = reader.name()
        elif word == "COLLATE":
            collation = reader.name()
    return Declared(engine, _collation(charset, collation, _DEFAULT_COLLATION), comment, comments, tuple(keys))


def _comment(reader: Reader) -> str:
    """The comment of the column whose definition comes next, which is then behind us."""
    depth = 0
    comment = ""
    while depth or reader.word() not in (",", ")"):
        if not depth and reader.accept("COMMENT"):
            comment = reader.text()
            continue
        word = reader.word()
        depth += (word == "(") - (word == ")")
        reader.take()
    return comment


def _key(reader: Reader, kind: str) -> Key:
    reader.accept_any("KEY", "INDEX")
    name = "PRIMARY" if kind == "PRIMARY" else reader.name()
    reader.expect("(")
    parts = []
    while True:
        column = reader.name()
        length = None
        if reader.accept("("):
            length = int(reader.number())
            reader.expect(")")
        direction = reader.accept_any("ASC", "DESC")
        parts.append(KeyPart(column, length, direction == "DESC"))
        if not reader.accept(","):
            break
    reader.expect(")")
    return Key(name, kind, tuple(parts), _comment(reader))


def _collation(charset: str, collation: str, otherwise: str) -> str:
    if collation:
        return collations.collation(collation, collations.charset(charset).name if charset else None).name
    return collations.charset(charset).default if charset else otherwise


def column_collation(column: Column, table: Declared) -> str | None:
    """Collation of a column's text; None where it holds none."""
    if column.base_type not in TEXT_TYPES:
        return None
    try:
        reader = Reader(column.definition)
        charset = collation = ""
        while not reader.done:
            if reader.kind() is not TokenType.STRING and reader.accept_any("CHARSET", "CHARACTER"):
                reader.accept("SET")
                charset = reader.name()
            elif reader.accept("COLLATE"):
                collation = reader.name()
            else:
                reader.take()
        return _collation(charset, collation, table.collation)
    except SQLError:
        return table.collation


def extra(column: Column) -> str:
    """What DESCRIBE shows under Extra."""
    written = column.definition.upper()
    if "AUTO_INCREMENT" not in written and "UPDATE" not in written:
        return ""
    try:
        reader = Reader(column.definition)
        while not reader.done:
            if reader.accept("AUTO_INCREMENT"):
                return "auto_increment"
            if reader.accept("ON", "UPDATE"):
                return f"on update {timestamp(column.definition[_start(reader) :])}"
            reader.take()
    except SQLError:
        pass
    return ""


def _start(reader: Reader) -> int:
    token = reader.token()
    return token.start if token else len(reader.sql)


def timestamp(text: str) -> str:
    """A call for the current time as MariaDB writes it; any other text as it is."""
    word, _, behind = text.partition("(")
    if word.strip().upper() not in ("CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP"):
        return text
    digits = behind.partition(")")[0].strip()
    return f"current_timestamp({digits})"
