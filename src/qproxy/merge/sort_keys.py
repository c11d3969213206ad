"""Keys of rows as numbers or bytes whose plain order is MariaDB's.

Whole blocks are encoded at once; no Python statement runs for a single row. NULL comes before all other values, and
a descending key is the complement of an ascending one, so that NULL comes last there (MariaDB Knowledge Base,
"ORDER BY").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qproxy.errors import SQLError
from qproxy.merge.rows import Rows
from qproxy.planner.plan import KeyKind, SortKey
from qproxy.wire.rowblock import RowBlock, payloads

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]
_Values = tuple[npt.NDArray[np.uint64] | Bytes, npt.NDArray[np.bool_]]
_TOP_BIT = np.uint64(1 << 63)
_NULL, _TWO_BYTES = 0xFB, 0xFC
#: First byte of the length of a long value, and the bytes of the length behind it.
_LONG = ((_TWO_BYTES, 2), (0xFD, 3), (0xFE, 8))
#: Kinds that leave a number for NULL when written in 64 bits.
_SPARE = frozenset((KeyKind.REAL, KeyKind.INTEGER, KeyKind.DECIMAL))


def keyed_rows(block: RowBlock, keys: Sequence[SortKey]) -> Rows:
    """The rows of a block without their hidden columns, and what they are sorted by.

    Args:
        keys: in their order; see `SortKey.column` for where their values are.

    Raises:
        SQLError: 1105 where a key does not look as its kind does.
    """
    data, begins, ends = _flat(block)
    view = np.frombuffer(data, dtype=np.uint8)
    place = begins + 4
    found: dict[int, _Values] = {}
    for number in (i for i, k in enumerate(keys) if k.column is None):
        found[number], place = _read(view, place, keys[number])
    first = place - 4
    for column in range(max((k.column + 1 for k in keys if k.column is not None), default=0)):
        wanted = [i for i, k in enumerate(keys) if k.column == column]
        for number in wanted:
            found[number], behind = _read(view, place, keys[number])
        place = behind if wanted else _behind(view, place)
    columns = [(key, *found[number]) for number, key in enumerate(keys)]
    return Rows(_together(columns), (data,), np.zeros(len(begins), np.int32), first, ends)


def _read(view: Bytes, place: Offsets, key: SortKey) -> tuple[_Values, Offsets]:
    """The values of a key, encoded, which of them are NULL, and the places behind them."""
    first = view[place]
    null = first == _NULL
    if (first > _TWO_BYTES).any():
        raise _strange(key)
    wide = first == _TWO_BYTES
    if wide.any():
        far = np.minimum(place + 2, len(view) - 1)
        size = np.where(wide, view[far - 1] | view[far].astype(np.int64) << 8, first)
        at = place + np.where(wide, 3, 1)
    else:
        size, at = first.astype(np.int64), place + 1
    size[null] = 0
    return (_encoded(key, view, at, size, null), null), at + size


def _behind(view: Bytes, place: Offsets) -> Offsets:
    """The places behind values that are no keys, however long they are."""
    first = view[place]
    behind = place + 1 + first
    if (first >= _NULL).any():
        behind[first == _NULL] = place[first == _NULL] + 1
        for prefix, width in _LONG:
            at = place[first == prefix]
            size = np.zeros(len(at), np.int64)
            for byte in range(width):
                size |= view[at + 1 + byte].astype(np.int64) << 8 * byte
            behind[first == prefix] = at + 1 + width + size
    return behind


def _flat(block: RowBlock) -> tuple[bytes | bytearray, Offsets, Offsets]:
    """Each row as four bytes of no account and its payload; those of 16 MB and more are put together."""
    if len(block.starts) == block.rows:
        offsets = block.row_offsets()
        return block.data, offsets[:-1], offsets[1:]
    parts = list(payloads(block))
    ends = np.cumsum([len(p) + 4 for p in parts], dtype=np.int64)
    return b"".join(b"\0\0\0\0" + p for p in parts), np.append(0, ends[:-1]), ends


def _encoded(
    key: SortKey, view: Bytes, at: Offsets, size: Offsets, null: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint64] | Bytes:
    """The values of a column: numbers, or rows of as many bytes as the key is wide."""
    if key.kind is KeyKind.TEXT:
        if (size[~null] != key.width).any():
            raise _strange(key)
        characters: Bytes = view[np.minimum(at[:, None] + np.arange(key.width), len(view) - 1)]
        characters[null] = 0
        return characters
    # Wide enough for the zero that stands for NULL, should there be nothing else.
    least = key.width + 2 if key.kind is KeyKind.DECIMAL else 1
    width = max(least, int(size.max(initial=1)))
    text = view[np.maximum((at + size)[:, None] + np.arange(-width, 0), 0)]
    text[np.arange(width) < (width - size)[:, None]] = ord(" ")
    text[null, -1] = ord("0")
    if key.kind is KeyKind.DECIMAL and key.width:
        if width <= key.width or (text[~null, width - 1 - key.width] != ord(".")).any():
            raise _strange(key)
        text = np.delete(text, width - 1 - key.width, axis=1)
    words = np.ascontiguousarray(text).view(f"S{text.shape[1]}").ravel()
    try:
        if key.kind is KeyKind.UNSIGNED:
            return np.asarray(words.astype(np.uint64), np.uint64)
        if key.kind is not KeyKind.REAL:
            return np.asarray(words.astype(np.int64).view(np.uint64) ^ _TOP_BIT, np.uint64)
        # Zero has a sign that does not count.
        bits = (words.astype(np.float64) + 0.0).view(np.int64)
    except (ValueError, OverflowError):
        raise _strange(key) from None
    # Behind their sign, IEEE 754 numbers are ordered as their bits are; negative ones the other way round.
    return np.asarray(bits ^ (bits >> 63 | np.int64(-(1 << 63))), np.int64).view(np.uint64)


def _together(
    columns: Sequence[tuple[SortKey, npt.NDArray[np.uint64] | Bytes, npt.NDArray[np.bool_]]],
) -> npt.NDArray[np.uint64] | npt.NDArray[np.bytes_]:
    """One value a row: a number for a single key, else bytes."""
    parts: list[Bytes] = []
    for key, values, null in columns:
        if key.kind in _SPARE:
            values[null] = 0
            if len(columns) == 1:
                return ~values if key.descending else values  # type: ignore[return-value]
        else:
            flag = (~null).astype(np.uint8)[:, None]
            parts.append(1 - flag if key.descending else flag)
        if key.kind is not KeyKind.TEXT:
            values = values.astype(">u8").view(np.uint8).reshape(-1, 8)
        parts.append(~values if key.descending else values)  # type: ignore[arg-type]
    whole = np.ascontiguousarray(np.concatenate(parts, axis=1))
    return whole.view(f"S{whole.shape[1]}").ravel()


def _strange(key: SortKey) -> SQLError:
    return SQLError(
        1105, f"a worker sent a sort key that is no {key.kind.value} as the catalogue says; load the table again"
    )
