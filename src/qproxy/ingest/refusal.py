"""What a worker refused, in a sentence that says which table or row it was."""

from __future__ import annotations

import re
from pathlib import Path

from qproxy.errors import QproxyError, SQLError

#: Most of a row that is shown.
SHOWN_BYTES = 200
_CHUNK = re.compile(r"((FullOverlap)?_\d+|__(id|orphans)_\d+)$")
_ROW = re.compile(r" at row (\d+)")


def refused_table(error: SQLError, table: str) -> QproxyError:
    """The complaint about a CREATE statement.

    Args:
        error: the worker's.
        table: as the description calls it.
    """
    return QproxyError(
        f"table '{table}': its columns or keys are refused by MariaDB: {error.message} (error {error.code}); "
        "correct them in the description or its schema file"
    )


def refused_row(error: SQLError, table: str, path: Path) -> QproxyError:
    """The complaint about a chunk file.

    Args:
        error: the worker's.
        table: its physical name.
        path: of the chunk file, whose row the error may number.
    """
    reason = re.sub(r"^`?\w+`?\.`?\w+`?: ", "", _ROW.sub("", error.message))
    found = _ROW.search(error.message)
    row = _line(path, int(found[1])) if found else ""
    shown = f"; the row begins: {row}" if row else ""
    return QproxyError(
        f"table '{_CHUNK.sub('', table)}': MariaDB refuses a row: {reason} (error {error.code}){shown}\n"
        "correct it in the data files and run again; --max-bad-rows does not help here"
    )


def _line(path: Path, number: int) -> str:
    """The start of a row of a chunk file, its columns parted by spaces."""
    try:
        with path.open("rb") as file:
            for at, line in enumerate(file, 1):
                if at == number:
                    return line[:SHOWN_BYTES].rstrip(b"\n").replace(b"\t", b"  ").decode("utf-8", "backslashreplace")
    except OSError:
        return ""
    return ""
