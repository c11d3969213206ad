"""DuckDB's errors as errors that a MySQL client knows."""

from __future__ import annotations

import re

from qproxy.errors import SQLError


def sql_error(error: Exception) -> SQLError:
    """The error to send for what DuckDB raised: its first line, without positions and stack."""
    name = type(error).__name__
    text = str(error).strip()
    first = re.sub(r"^[A-Za-z /]+Error: ", "", text.splitlines()[0] if text else name)
    if name == "InterruptException":
        return SQLError(1317, "Query execution was interrupted")
    if name == "CatalogException" and "Table" in first:
        return SQLError(1146, f"the embedded engine does not have the table: {first}")
    if name == "BinderException" and "column" in first:
        return SQLError(1054, f"the embedded engine: {first}")
    if name == "ParserException":
        return SQLError(1064, f"the embedded engine: {first}")
    if name in ("OutOfRangeException", "ConversionException"):
        return SQLError(1690, f"value is out of range: {first}")
    if name == "ConstraintException":
        return SQLError(1048, f"the embedded engine: {first}")
    if "More than one row returned by a subquery" in first:
        return SQLError(1242, "Subquery returns more than 1 row")
    if "cannot contain window functions" in first:
        return SQLError(4015, "Window function is allowed only in SELECT list and ORDER BY clause")
    return SQLError(1105, f"the embedded engine: {first}")
