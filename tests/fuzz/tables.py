"""A catalogue as the generator sees it: columns by kind, literals worth comparing them with, and what ties tables."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tests.harness.data import Catalogue, Value
from tests.harness.schema import TableSpec

#: Kinds of which equal values are the same bytes.
EXACT = frozenset(("int", "big", "dec", "word", "enum", "date", "time", "bool", "year"))

_KINDS = {
    "BIGINT": "big",
    "DOUBLE": "dbl",
    "FLOAT": "float",
    "DECIMAL": "dec",
    "DATE": "date",
    "DATETIME": "time",
    "TIME": "clock",
    "YEAR": "year",
    "BLOB": "bytes",
    "BIT": "bit",
    "ENUM": "enum",
    "SET": "enum",
    "CHAR": "text",
    "VARCHAR": "text",
    "TEXT": "text",
}

#: No fractions for integers: MariaDB finds 13 for ``= 12.5`` where the column has a key, and nothing where it has none.
_MORE = {
    "int": ("0", "1", "12.0", "'7'", "-5"),
    "big": ("-1", "9223372036854775807", "433000051.0", "'433000034'"),
    "dbl": ("0", "10.5", "-5.25", "1e2", "17.5"),
    "float": ("0", "0.5", "12.0"),
    "dec": ("0", "1.5", "'3.5'", "20.0001"),
    "date": ("'2010-06-30'", "20150101"),
    "time": ("'2020-06-01'", "'2021-01-01 12:00:00'"),
    "clock": ("'10:00:00'", "'-00:30:00'"),
    "year": ("2000", "2015", "99"),
    "text": ("'vega'", "'a'", "'x_y'", "''"),
    "word": ("'G'", "'STAR'", "''"),
    "enum": ("'STAR'", "'bright'", "1"),
    "bytes": ("''", "x'00'", "x'ff'", "'a'"),
    "bit": ("0", "255", "b'1010'", "7"),
}


@dataclass(frozen=True)
class Column:
    """A column as the generator sees it.

    Attributes:
        kind: int, big (integers beyond 32 bits), dbl, float, dec, date, time (with date), clock (TIME), year, text
            (equal strings may differ in their bytes), word (they may not), enum (ENUM and SET), bytes, bit, bool.
        values: literals worth comparing with.
        messy: whether sums of it depend on the order in their last digits.
    """

    name: str
    kind: str
    values: tuple[str, ...] = ()
    messy: bool = False


@dataclass(frozen=True)
class Table:
    """A table, or whatever stands in FROM like one.

    Attributes:
        name: qualified.
        ids: columns that together tell its rows apart; empty where none do.
        ties: director, and the column that holds its id.
        kind: director, child, match, regular, derived.
        rows: how many there are, about.
    """

    name: str
    columns: tuple[Column, ...]
    ids: tuple[str, ...] = ()
    position: tuple[str, str] | None = None
    ties: tuple[tuple[str, str], ...] = ()
    kind: str = "derived"
    rows: int = 0

    @property
    def size(self) -> int:
        """Rows, at least one."""
        return max(self.rows, 1)

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(c for c in self.columns if c.name == name)


@dataclass(frozen=True)
class Schema:
    """All tables of a catalogue.

    Attributes:
        database: the default one.
    """

    tables: tuple[Table, ...]
    database: str
    directors: tuple[Table, ...] = field(init=False)
    regular: tuple[Table, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "directors", tuple(t for t in self.tables if t.kind == "director"))
        object.__setattr__(self, "regular", tuple(t for t in self.tables if t.kind == "regular"))


def schema_of(catalogue: Catalogue) -> Schema:
    """The tables of a catalogue, with literals out of its rows."""
    tables = [_table(spec, catalogue) for spec in catalogue.specs]
    return Schema(tuple(tables), catalogue.databases[0])


def _table(spec: TableSpec, catalogue: Catalogue) -> Table:
    rows = catalogue.tables[(spec.database, spec.name)]
    rng = random.Random(f"{catalogue.seed} {spec.name}")
    columns = []
    for at, (name, declared) in enumerate(spec.columns):
        values = [row[at] for row in rows if row[at] is not None]
        columns.append(_column(name, declared, values, rng))
    layout = spec.layout
    position = (layout["lon"], layout["lat"]) if "lon" in layout else None
    return Table(
        f"{spec.database}.{spec.name}",
        tuple(columns),
        _ids(spec, [c.name for c in columns], rows),
        position,
        _ties(spec),
        layout["kind"],
        len(rows),
    )


def _column(name: str, declared: str, values: Sequence[Value], rng: random.Random) -> Column:
    kind = _KINDS.get(declared.split("(")[0].split()[0], "int")
    distinct = sorted({_literal(v, kind) for v in rng.sample(values, min(len(values), 60))})
    if kind == "text" and ("_bin" in declared or len({_plain(v) for v in values}) == len(set(values))):
        kind = "word"
    chosen = distinct[:: max(len(distinct) // 6, 1)][:7]
    messy = kind in ("dbl", "float") and not all(isinstance(v, float) and (v * 1024).is_integer() for v in values)
    return Column(name, kind, (*chosen, *_MORE.get(kind, ("1",))), messy)


def _plain(value: Value) -> object:
    """What a collation may take a text for."""
    return value.casefold().rstrip() if isinstance(value, str) else value


def _literal(value: Value, kind: str) -> str:
    if kind == "bit" and isinstance(value, bytes):
        return str(int.from_bytes(value, "big"))
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, (int, float, Decimal)):
        return repr(value) if isinstance(value, float) else str(value)
    if isinstance(value, dt.datetime):
        return f"'{value.isoformat(' ')}'"
    escaped = str(value).replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\t", "\\t")
    return f"'{escaped}'".replace("{", "").replace("}", "")


def _ids(spec: TableSpec, names: Sequence[str], rows: Sequence[Sequence[Value]]) -> tuple[str, ...]:
    """The fewest leading or declared columns that tell all rows apart."""
    wanted = spec.layout.get("director_ids") or [spec.layout.get("id", names[0])]
    for chosen in (wanted, [*wanted, *(n for n in names if n not in wanted)][: len(wanted) + 1]):
        at = [names.index(n) for n in chosen]
        if len({tuple(row[n] for n in at) for row in rows}) == len(rows):
            return tuple(chosen)
    return ()


def _ties(spec: TableSpec) -> tuple[tuple[str, str], ...]:
    def qualified(director: str) -> str:
        return director if "." in director else f"{spec.database}.{director}"

    layout = spec.layout
    if layout["kind"] == "director":
        return ((f"{spec.database}.{spec.name}", layout["id"]),)
    if layout["kind"] == "child":
        return ((qualified(layout["director"]), layout["director_id"]),)
    if layout["kind"] == "match":
        return tuple((qualified(d), i) for d, i in zip(layout["directors"], layout["director_ids"], strict=True))
    return ()
