"""String literals: from the text of a statement to their content and back.

Escapes as in the MariaDB Knowledge Base, "String Literals": a backslash before ``%`` or ``_`` stays, so that LIKE
sees it; before any other letter without a meaning it is dropped.
"""

from __future__ import annotations

import re

_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def content(written: str) -> str:
    """What a literal holds.

    Args:
        written: with its quotes, single or double.
    """
    quote = written[0]
    inner = written[1:-1]
    if "\\" not in inner:
        return inner.replace(quote * 2, quote)
    # A doubled quote and an escaped one must not be mistaken for one another: cut at the escapes first.
    parts: list[str] = []
    at = 0
    for found in _ESCAPE.finditer(inner):
        parts.append(inner[at : found.start()].replace(quote * 2, quote))
        parts.append(_ESCAPES.get(found[1], found[1]))
        at = found.end()
    parts.append(inner[at:].replace(quote * 2, quote))
    return "".join(parts)


def quoted(text: str) -> str:
    """A literal, in single quotes, that holds the text."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0") + "'"
