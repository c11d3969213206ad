"""The description of a database to be ingested: YAML into frozen values, checked as a whole."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qproxy.catalog.model import Family, TableKind
from qproxy.catalog.naming import CELL_COLUMN, CHUNK_COLUMN, NEIGHBOUR_COLUMN, RESERVED, SUB_CHUNK_COLUMN
from qproxy.ingest.formats import Format, read_format
from qproxy.ingest.schema import Key, TableSchema, column_from_type, parse_create_table, plain_key
from qproxy.ingest.types import IDENTIFIER_TYPES, NUMERIC_TYPES
from qproxy.ingest.yamlfile import Item, Place, read_yaml

_NAME = re.compile(r"[A-Za-z0-9_$]{1,50}")
_SYSTEM_DATABASES = frozenset(("information_schema", "performance_schema", "mysql", "sys", "qproxy_scratch"))
_COMMON = ("kind", "files", "format")
_EXTRA: Mapping[TableKind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    TableKind.DIRECTOR: (("id", "lon", "lat"), ("unique_id",)),
    TableKind.CHILD: (("director", "director_id"), ("id", "lon", "lat", "unique_id")),
    TableKind.MATCH: (("directors", "director_ids"), ("id", "flags", "separation")),
    TableKind.REGULAR: ((), ("id",)),
}


@dataclass(frozen=True)
class TableSpec:
    """One table of the description; attributes as in `qproxy.catalog.model.Table`.

    Attributes:
        place: of the table in the file.
        keys: to build, those of the schema and those of the description.
        files: at least one.
    """

    place: Place
    name: str
    kind: TableKind
    schema: TableSchema
    keys: tuple[Key, ...]
    files: tuple[Path, ...]
    format: Format
    id: str | None = None
    lon: str | None = None
    lat: str | None = None
    unique_id: bool = False
    director: tuple[str, str] | None = None
    director_id: str | None = None
    directors: tuple[tuple[str, str], tuple[str, str]] | None = None
    director_ids: tuple[str, str] | None = None
    flags: str | None = None
    separation: float | None = None

    @property
    def parents(self) -> tuple[tuple[str, str], ...]:
        """The directors that must be loaded before this table."""
        return self.directors or ((self.director,) if self.director else ())


@dataclass(frozen=True)
class Description:
    """A database to be ingested, its tables in the order in which they can be loaded."""

    place: Place
    database: str
    family: Family
    family_place: Place
    tables: tuple[TableSpec, ...]


def _database(item: Item) -> str:
    name = item.text()
    if not re.fullmatch(r"[A-Za-z0-9_$]{1,50}", name) or re.search(r"__g\d+$", name):
        item.place.fail("a database name has 1 to 50 letters, digits, _ or $, and no __g<number> at its end")
    if name.lower() in _SYSTEM_DATABASES:
        item.place.fail(f"the name '{name}' is MariaDB's or qproxy's own; choose another")
    return name


def _family(item: Item) -> Family:
    keys = item.record(("stripes", "sub_stripes", "overlap"), ())
    stripes, sub = keys["stripes"].integer(), keys["sub_stripes"].integer()
    overlap = keys["overlap"].number()
    if stripes < 1:
        keys["stripes"].place.fail("at least 1 is needed")
    if sub < 1:
        keys["sub_stripes"].place.fail("at least 1 is needed")
    if not 0 <= overlap <= 10:
        keys["overlap"].place.fail("must lie between 0 and 10 degrees")
    return Family(stripes, sub, overlap)


def _schema(item: Item, table: Mapping[str, Item]) -> TableSchema:
    if ("columns" in table) == ("schema" in table):
        item.place.fail("exactly one of 'columns' and 'schema' is needed")
    if "schema" in table:
        place = table["schema"].place
        path = place.file.parent / table["schema"].text()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            place.fail(f"the file {path} cannot be read: {reason}")
        return parse_create_table(text, path)
    columns = []
    for entry in table["columns"].items():
        keys = entry.record(("name", "type"), ("unit", "ucd", "description"))
        words = {k: keys[k].text() if k in keys else "" for k in ("unit", "ucd", "description")}
        columns.append(column_from_type(keys["name"].text(), keys["type"].text(), keys["type"].place, **words))
    if not columns:
        table["columns"].place.fail("at least one column is needed")
    return TableSchema(tuple(columns))


def _files(item: Item) -> tuple[Path, ...]:
    base = item.place.file.parent
    found: dict[Path, None] = {}
    for entry in item.items():
        pattern = entry.text()
        # A file may have brackets in its name: the plain name counts first.
        plain = base / pattern
        if "\0" in pattern:
            entry.place.fail("a file name cannot hold a NUL character")
        names = [str(plain)] if plain.is_file() else sorted(glob.glob(str(plain), recursive=True))
        paths = [Path(n) for n in names if Path(n).is_file()]
        if not paths:
            entry.place.fail(f"there is no file '{pattern}' in {base}")
        for path in paths:
            try:
                path.open("rb").close()
            except OSError as error:
                entry.place.fail(f"the file {path} cannot be read: {error.strerror}")
        found |= dict.fromkeys(paths)
    if not found:
        item.place.fail("at least one file is needed")
    return tuple(found)


class _Columns:
    """Looks up columns that other keys name."""

    def __init__(self, schema: TableSchema, place: Place) -> None:
        self.by_name = {c.name.lower(): c for c in schema.columns}
        self.collation = schema.collation
        seen: set[str] = set()
        for column in schema.columns:
            if column.name.lower() in seen:
                place.fail(f"two columns have the name '{column.name}' (case does not tell them apart)")
            seen.add(column.name.lower())
        for internal in (CHUNK_COLUMN, SUB_CHUNK_COLUMN, NEIGHBOUR_COLUMN, CELL_COLUMN):
            if internal.lower() in self.by_name:
                place.fail(f"a column must not be called {internal}: qproxy adds one of that name")

    def find(self, item: Item, name: str) -> str:
        column = self.by_name.get(name.lower())
        if column is None:
            item.place.fail(f"the table has no column '{name}'")
        return column.name

    def identifier(self, item: Item, name: str) -> str:
        found = self.find(item, name)
        kind = self.by_name[found.lower()].base_type
        if kind not in IDENTIFIER_TYPES:
            item.place.fail(f"'{found}' is of type {kind}; an id must be a whole number or a short text")
        return found

    def tie(self, item: Item, name: str) -> str:
        """A column of directors' ids: rows with one id must meet in one chunk, which is found by the id's bytes."""
        found = self.identifier(item, name)
        column = self.by_name[found.lower()]
        if column.base_type not in ("char", "varchar"):
            return found
        own = re.search(r"COLLATE (\w+)", column.definition, re.IGNORECASE)
        collation = own[1] if own else "" if "CHARACTER SET" in column.definition.upper() else self.collation or ""
        if not collation.lower().endswith("_bin"):
            item.place.fail(
                f"'{found}' is text in a collation in which different bytes may be one id (abc and ABC); declare it "
                "with COLLATE utf8mb4_bin or another that ends with _bin, or as VARBINARY"
            )
        return found

    def position(self, item: Item) -> str:
        found = self.find(item, item.text())
        kind = self.by_name[found.lower()].base_type
        if kind not in NUMERIC_TYPES:
            item.place.fail(f"'{found}' is of type {kind}; a position must be a number of degrees")
        return found


def _director(item: Item, text: str, database: str) -> tuple[str, str]:
    parts = text.split(".")
    if len(parts) > 2 or not all(parts):
        item.place.fail(f"'{text}' is no table; write Table or database.Table")
    return (parts[0], parts[1]) if len(parts) == 2 else (database, text)


def _keys(schema: TableSchema, item: Item | None, columns: _Columns) -> tuple[Key, ...]:
    found = list(schema.keys)
    for entry in item.items() if item else []:
        names = tuple(columns.find(entry, n) for n in entry.texts())
        if not names:
            entry.place.fail("an index needs at least one column")
        if len(set(names)) != len(names):
            entry.place.fail("a column stands twice in the same index")
        taken = {i.name.lower() for i in found}
        name, number = names[0], 1
        while name.lower() in taken:
            number += 1
            name = f"{names[0]}_{number}"
        found.append(plain_key(name, names))
    return tuple(found)


def _table(name: str, item: Item, database: str, family: Family) -> TableSpec:
    kind_item = item.mapping().get("kind")
    if kind_item is None:
        item.place.fail("the key 'kind' is missing")
    try:
        kind = TableKind(kind_item.text())
    except ValueError:
        kind_item.place.fail(f"unknown kind '{kind_item.text()}'; known: {', '.join(TableKind)}")
    if not _NAME.fullmatch(name):
        item.place.fail("a table name has 1 to 50 letters, digits, _ or $")
    if RESERVED.search(name) or name.endswith("FullOverlap"):
        item.place.fail(f"the name '{name}' is reserved for chunk and index tables; choose another")
    must, may = _EXTRA[kind]
    keys = item.record((*_COMMON, *must), ("columns", "schema", "indexes", *may))
    schema = _schema(item, keys)
    columns = _Columns(schema, item.place)
    ids = {k: columns.tie(keys[k], keys[k].text()) for k in ("director_id",) if k in keys}
    if "id" in keys:
        named = columns.tie if kind is TableKind.DIRECTOR else columns.identifier
        ids["id"] = named(keys["id"], keys["id"].text())
    if ("lon" in keys) != ("lat" in keys):
        item.place.fail("'lon' and 'lat' belong together: give both or none")
    position = {k: columns.position(keys[k]) for k in ("lon", "lat") if k in keys}
    directors = director_ids = None
    flags = separation = None
    if kind is TableKind.MATCH:
        first, second = keys["directors"].pair()
        directors = (
            _director(keys["directors"], first, database),
            _director(keys["directors"], second, database),
        )
        first, second = keys["director_ids"].pair()
        director_ids = (
            columns.tie(keys["director_ids"], first),
            columns.tie(keys["director_ids"], second),
        )
        if director_ids[0] == director_ids[1]:
            keys["director_ids"].place.fail(f"'{first}' is named twice; each partner needs a column of its own")
        flags = keys["flags"].text() if "flags" in keys else "flags"
        if flags.lower() in columns.by_name or flags in (CHUNK_COLUMN, SUB_CHUNK_COLUMN):
            keys.get("flags", item).place.fail(
                f"the column '{flags}' is added by ingest; the table must not have one of that name"
            )
        if not _NAME.fullmatch(flags):
            keys["flags"].place.fail("a column name has 1 to 50 letters, digits, _ or $")
        if "separation" in keys:
            separation = keys["separation"].number()
            if not 0 <= separation <= family.overlap:
                keys["separation"].place.fail(
                    f"{separation} deg must lie between 0 and the family's overlap, {family.overlap} deg"
                )
    return TableSpec(
        place=item.place,
        name=name,
        kind=kind,
        schema=schema,
        keys=_keys(schema, keys.get("indexes"), columns),
        files=_files(keys["files"]),
        format=read_format(keys["format"]),
        id=ids.get("id"),
        lon=position.get("lon"),
        lat=position.get("lat"),
        unique_id=keys["unique_id"].boolean() if "unique_id" in keys else kind is TableKind.DIRECTOR,
        director=_director(keys["director"], keys["director"].text(), database) if "director" in keys else None,
        director_id=ids.get("director_id"),
        directors=directors,
        director_ids=director_ids,
        flags=flags,
        separation=separation,
    )


def _check_directors(tables: tuple[TableSpec, ...], database: str) -> None:
    by_name = {t.name: t for t in tables}
    for table in tables:
        for parent_database, parent in table.parents:
            if parent_database != database:
                continue
            found = by_name.get(parent)
            if found is None:
                table.place.fail(f"its director '{parent}' is not among the tables of this description")
            if found.kind is not TableKind.DIRECTOR:
                table.place.fail(f"its director '{parent}' is of kind {found.kind}, not director")
    names = [t.name for t in tables]
    for table in tables:
        if f"{table.name}FullOverlap" in names:
            table.place.fail(f"the name '{table.name}FullOverlap' is needed for its overlap; rename that table")


def read_description(path: Path) -> Description:
    """Read and check a description, and the schema files that it names.

    Args:
        path: of the YAML file; the files it names are relative to its folder.

    Returns:
        The description, directors before the tables that follow them.

    Raises:
        ConfigError: something is wrong; the message names file, line and key.
    """
    item = read_yaml(path)
    keys = item.record(("database", "family", "tables"), ())
    database = _database(keys["database"])
    family = _family(keys["family"])
    tables = tuple(_table(n, i, database, family) for n, i in keys["tables"].mapping().items())
    if not tables:
        keys["tables"].place.fail("at least one table is needed")
    _check_directors(tables, database)
    order = (TableKind.DIRECTOR, TableKind.REGULAR, TableKind.CHILD, TableKind.MATCH)
    return Description(
        item.place, database, family, keys["family"].place, tuple(sorted(tables, key=lambda t: order.index(t.kind)))
    )
