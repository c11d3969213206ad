"""The plan: coverage, fragment template and merge, immutable and printable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count

from qproxy.catalog.model import ChunkIds, Family, Table
from qproxy.catalog.naming import overlap_name
from qproxy.sky.coverage import Coverage

#: The identifier that stands for the scratch table in a merge statement.
SCRATCH = "§merge§"
#: The number that stands for a list of sub-chunks; none of them has it.
SUB_CHUNK_LIST = "909192939495"


@dataclass(frozen=True)
class IdRange:
    """Integer ids from ``low`` to ``high``, both included; None for no bound."""

    low: int | None
    high: int | None

    @property
    def empty(self) -> bool:
        """Whether no id is in it."""
        return self.low is not None and self.high is not None and self.low > self.high

    def holds(self, value: int) -> bool:
        """Whether an id is in it."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)


@dataclass(frozen=True)
class Lookup:
    """Ids whose places the director index has to tell.

    Attributes:
        director: (database, table) whose index it is.
        ids: integers, or strings where the id column is no integer; or a range of integers.
        child: (database, table) of the child that was asked, where some of its rows lie by their own position.
    """

    director: tuple[str, str]
    ids: frozenset[int] | frozenset[str] | IdRange
    child: tuple[str, str] | None = None


@dataclass(frozen=True)
class Slot:
    """A table reference of a fragment that takes another chunk table in every chunk.

    Attributes:
        marker: the identifier that stands for it in the statement.
        physical: the database on the worker.
        required: whether a chunk where the table has no rows can give no row.
        overlap: whether it takes the chunk's overlap table.
    """

    marker: str
    physical: str
    table: Table
    required: bool = True
    overlap: bool = False

    @property
    def name(self) -> str:
        """What its chunk tables are called, without the chunk."""
        return overlap_name(self.table.name) if self.overlap else self.table.name

    @property
    def chunks(self) -> ChunkIds:
        """Sorted ids of the chunks in which it has a table."""
        rows = self.table.chunk_rows
        return rows.chunks[rows.has_overlap] if self.overlap else rows.chunks

    def optional(self) -> Slot:
        """The same slot where chunks without such rows count as well."""
        return replace(self, required=False)


@dataclass(frozen=True)
class Relay:
    """No merge: rows pass through as fragments complete.

    Attributes:
        limit, offset: of all rows together.
    """

    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True)
class Final:
    """Partial rows go into a scratch table on an engine, where the merge statement runs.

    Attributes:
        columns: statement whose columns are the scratch table's, markers included.
        statement: reads the scratch table, written `SCRATCH`, and gives the query's rows.
        bounded: False where rows are gathered unaggregated, within the byte limit of a gather.
        grouped: whether partial rows are groups: there may be nearly as many of them as of stored rows.
        uncounted: whether an engine must not take the scratch table for constants where it has but one row: MariaDB
            10.11 then forgets in HAVING that subtotals have NULL for a key.
    """

    columns: str
    statement: str
    bounded: bool = True
    grouped: bool = False
    uncounted: bool = False


class KeyKind(StrEnum):
    """How the values of a sort key are compared."""

    REAL = "real number"
    INTEGER = "integer below 64 bits"
    BIGINT = "integer"
    UNSIGNED = "unsigned integer"
    DECIMAL = "decimal"
    TEXT = "text of that width"


@dataclass(frozen=True)
class SortKey:
    """A column by which the proxy puts rows in order.

    Attributes:
        width: bytes of a text, all of which are as long and compared byte by byte; decimals behind the point.
        column: index of the column among those of the answer; None for a hidden one. Hidden ones lead the rows, in the
            order of their keys.
    """

    kind: KeyKind
    descending: bool
    width: int = 0
    column: int | None = None


@dataclass(frozen=True)
class Ordered:
    """The proxy puts the rows in order by some of their columns, and takes off those that are hidden.

    Attributes:
        keys: of these columns, the first one the weightiest.
        limit, offset: of all rows together.
    """

    keys: tuple[SortKey, ...]
    limit: int | None = None
    offset: int = 0


def carriers(keys: Sequence[SortKey]) -> list[str]:
    """What the columns of sort keys are called in the statements of chunks."""
    hidden = count()
    return [f"k{next(hidden)}" if k.column is None else f"p{k.column}" for k in keys]


@dataclass(frozen=True, eq=False)
class Plan:
    """How a query is answered.

    Attributes:
        names: what the result's columns are called.
        shape: statement on the public tables whose column definitions are the result's.
        slots: the chunk tables of a fragment.
        family: None where no table is partitioned: one statement on any worker.
        coverage: places that can hold an answer, by sky and ids.
        chunks: sorted ids of the chunks to read: those of the coverage in which there are rows.
        partial: statement for one chunk, with markers.
        combined: a statement that holds ``partial`` once, letter for letter, and reduces its rows; chunks of one
            worker are combined by it. None where rows are only put one behind the other.
        narrowed: ``partial`` that reads but the sub-chunks `SUB_CHUNK_LIST` of a chunk; for those chunks that the
            coverage cuts down to sub-chunks. None where nothing is gained.
        together: whether chunks may be put into one statement by UNION ALL: see `qproxy.planner.unions`.
        form: the plan that differs from this one in integers, coverage and chunks alone; None where none is known.
        integers: text that stands in the statements of ``form``, and the integers in its place.
        limit: rows after which more are of no use, for rows that are only put one behind the other.
    """

    names: tuple[str, ...]
    shape: str
    slots: tuple[Slot, ...]
    family: Family | None
    coverage: Coverage
    chunks: ChunkIds
    partial: str
    combined: str | None
    together: bool
    merge: Relay | Ordered | Final
    narrowed: str | None = None
    form: Plan | None = None
    integers: tuple[tuple[str, str], ...] = ()

    @property
    def limit(self) -> int | None:
        """Rows after which fragments still to come are of no use; None where all are needed."""
        if isinstance(self.merge, Relay) and self.merge.limit is not None:
            return self.merge.limit + self.merge.offset
        return None


@dataclass(frozen=True)
class Template:
    """A statement cut at its markers, so that a chunk's statement costs a join of strings.

    Attributes:
        pieces: text between the markers.
        slots: index of the slot behind each piece but the last.
    """

    pieces: tuple[str, ...]
    slots: tuple[int, ...]

    @classmethod
    def cut(cls, sql: str, slots: Sequence[Slot]) -> Template:
        """Cut a statement at the markers of its slots."""
        return cls.cut_at(sql, [s.marker for s in slots])

    @classmethod
    def cut_at(cls, sql: str, markers: Sequence[str]) -> Template:
        """Cut a statement wherever one of some markers stands."""
        pieces: list[str] = []
        order: list[int] = []
        rest = sql
        while True:
            found = [(rest.find(m), i) for i, m in enumerate(markers)]
            hits = [(at, i) for at, i in found if at >= 0]
            if not hits:
                return cls((*pieces, rest), tuple(order))
            at, index = min(hits)
            pieces.append(rest[:at])
            order.append(index)
            rest = rest[at + len(markers[index]) :]

    @property
    def size(self) -> int:
        """Characters without the names."""
        return sum(map(len, self.pieces))

    def fill(self, names: Sequence[str]) -> str:
        """The statement with a table name for each slot."""
        parts = [self.pieces[0]]
        for slot, piece in zip(self.slots, self.pieces[1:], strict=True):
            parts.append(names[slot])
            parts.append(piece)
        return "".join(parts)


def with_integers(statement: str, integers: Sequence[tuple[str, str]]) -> str:
    """A statement of a plan's form with the integers of the plan: see `Plan.integers`."""
    for stand_in, integer in integers:
        statement = statement.replace(stand_in, integer)
    return statement
