r"""Rows of the text protocol as lines of text for LOAD DATA, a whole block at once.

A value's length becomes the tab in front of it, or the newline that ends the row before: but for NULL, which is
written ``\N``, nothing is added, so that bytes are only left out.
"""

from __future__ import annotations

import re

import numpy as np

from qproxy.wire.rowblock import RowBlock

_TAB, _NEWLINE = ord("\t"), ord("\n")
_NULL, _TWO_BYTES, _MORE = 0xFB, 0xFC, 0xFD
#: A negative zero as a whole value.
_SIGNED_ZERO = re.compile(rb"(^|[\t\n])-(0(?:\.0*)?)(?=[\t\n])")


def tab_separated(block: RowBlock, columns: int, texts: bool) -> bytes | None:
    r"""The rows as lines.

    Args:
        columns: how many values a row has.
        texts: whether any of them may hold a tab, a newline or a backslash.

    Returns:
        None where a value needs an escape, is longer than 64 KB, or may be a negative zero.
    """
    if len(block.starts) != block.rows:
        return None
    data = np.frombuffer(block.data, dtype=np.uint8).copy()
    kept = np.ones(len(data), dtype=np.bool_)
    place = block.starts + 4
    for byte in range(4):
        kept[block.starts + byte] = False
    nulls = []
    for column in range(columns):
        first = data[place]
        if (first >= _MORE).any():
            return None
        size = first.astype(np.int64)
        null = first == _NULL
        size[null] = 0
        wide = np.flatnonzero(first == _TWO_BYTES)
        behind = place + 1
        if len(wide):
            at = place[wide]
            size[wide] = data[at + 1] | data[at + 2].astype(np.int64) << 8
            kept[at + 1] = kept[at + 2] = False
            behind[wide] += 2
        if null.any():
            nulls.append(place[null])
        data[place] = _TAB if column else _NEWLINE
        place = behind + size
    lines = data[kept]
    written = lines.tobytes()[1:] + b"\n"
    if texts and (
        b"\\" in written or written.count(b"\t") != block.rows * (columns - 1) or written.count(b"\n") != block.rows
    ):
        return None
    if b"-0" in written and _SIGNED_ZERO.search(written):
        # A literal has no such sign; a DECIMAL that is loaded keeps it, and is a group of its own.
        return None if texts or nulls else _SIGNED_ZERO.sub(rb"\1\2", written)
    if not nulls:
        return written
    at = np.cumsum(kept)[np.sort(np.concatenate(nulls))]
    marked = np.insert(lines, np.repeat(at, 2), np.tile(np.frombuffer(b"\\N", np.uint8), len(at)))
    return marked.tobytes()[1:] + b"\n"
