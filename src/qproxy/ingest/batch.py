"""What readers hand on: rows as Arrow columns, and where in their file they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qproxy.errors import QproxyError

#: An Arrow array of one column (pyarrow gives no types to check against).
ArrowArray = Any
Mask = npt.NDArray[np.bool_]
#: Which values of a column are wrong, and why.
Fault = tuple[Mask, str]


class InputError(QproxyError):
    """A data file as a whole cannot be used; the message names it."""


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be ingested.

    Attributes:
        file: in which it stands.
        line: number of the line, or of the row where the file has no lines, from 1.
        unit: ``line`` or ``row``.
        reason: what is wrong, naming the column.
    """

    file: Path
    line: int
    unit: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, {self.unit} {self.line}: {self.reason}"


@dataclass(frozen=True)
class Batch:
    """Some rows of a file.

    Attributes:
        file: where they come from.
        columns: one Arrow array for each column of the table, in its order.
        lines: line number, or row number, of each row.
        unit: ``line`` or ``row``.
        escaped: binary columns already hold the text of a chunk file, with its escapes.
        rejected: rows that the reader could not take apart.
        consumed: bytes of the file that are done with these rows, counted from its start.
    """

    file: Path
    columns: tuple[ArrowArray, ...]
    lines: npt.NDArray[np.int64]
    unit: str
    escaped: bool
    rejected: tuple[BadRow, ...] = field(default=())
    consumed: int = 0

    @property
    def rows(self) -> int:
        """Rows taken apart."""
        return len(self.lines)

    def keep(self, mask: npt.NDArray[np.bool_]) -> Batch:
        """The rows where ``mask`` is true."""
        import pyarrow as pa

        chosen = pa.array(mask)
        columns = tuple(c.filter(chosen) for c in self.columns)
        return Batch(self.file, columns, self.lines[mask], self.unit, self.escaped, self.rejected, self.consumed)

    def bad(self, row: int, reason: str) -> BadRow:
        """The complaint about one of the rows."""
        return BadRow(self.file, int(self.lines[row]), self.unit, reason)


def mask_of(values: ArrowArray) -> Mask:
    """Arrow booleans as a mask, NULL as false."""
    import pyarrow.compute as pc

    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=bool)


def is_text(values: ArrowArray) -> bool:
    """Whether the values are texts or bytes."""
    import pyarrow as pa

    kind = values.type
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_large_binary(kind)
    )
