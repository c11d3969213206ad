"""What a run did, and the rows that it could not take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qproxy.catalog.model import TableKind
from qproxy.errors import QproxyError
from qproxy.ingest.batch import BadRow

#: Bad rows that are named one by one.
SHOWN = 10


@dataclass(frozen=True)
class TableReport:
    """What became of the rows of one table.

    Attributes:
        rows_in: rows in its files, bad ones included.
        rows_stored: rows as queries count them.
        overlap_rows: copies in overlap tables, replicas not counted.
        bad_rows: rows left out.
        orphans: rows of a child that lie by their own position because they have no director.
        chunks: chunk tables.
        seconds: from the first row read to the last one counted.
    """

    name: str
    kind: TableKind
    rows_in: int
    rows_stored: int
    overlap_rows: int
    bad_rows: int
    orphans: int
    chunks: int
    seconds: float


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        database: logical name.
        tables: in the order in which they were loaded.
        bad: the first of the bad rows.
        seconds: of the whole run.
    """

    database: str
    tables: tuple[TableReport, ...]
    bad: tuple[BadRow, ...]
    seconds: float


class BadRows:
    """Counts bad rows and ends the run when there are too many.

    Args:
        limit: how many may be left out.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.count = 0
        self.first: list[BadRow] = []

    def add(self, rows: Iterable[BadRow]) -> int:
        """Count rows.

        Returns:
            How many.

        Raises:
            QproxyError: there are more than allowed; names the first of them.
        """
        found = sorted(rows, key=lambda b: (str(b.file), b.line))
        self.count += len(found)
        self.first += found[: max(0, SHOWN - len(self.first))]
        if self.count > self._limit:
            lines = "\n  ".join(str(b) for b in self.first)
            more = f"\n  ... and {self.count - len(self.first)} more so far" if self.count > len(self.first) else ""
            raise QproxyError(
                f"{self.count} bad row{'s' if self.count > 1 else ''}, {self._limit} allowed; "
                f"correct them or raise --max-bad-rows:\n  {lines}{more}"
            )
        return len(found)
