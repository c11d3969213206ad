"""Coverage: the chunks, and where known the sub-chunks, that a query can touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Int32s = npt.NDArray[np.int32]

_NO_DETAIL: Mapping[int, frozenset[int]] = MappingProxyType({})


class Coverage:
    """An immutable set of places: all chunks, or some chunks each whole or cut down to sub-chunks.

    Chunks are one sorted array, so that a coverage of every chunk of a fine family stays cheap; only
    chunks of which not all sub-chunks count have an entry of their own. Made by :meth:`of_chunks`,
    :meth:`of_places`, ``EVERYTHING`` and ``NOTHING``, and combined by ``|`` and ``&``.
    """

    __slots__ = ("_chunks", "_detail")

    def __init__(self, chunks: Int32s | None, detail: Mapping[int, frozenset[int]] = _NO_DETAIL) -> None:
        """Take sorted distinct chunks (None: all there are) and the sub-chunks of those not whole."""
        if chunks is not None:
            chunks = chunks.view()
            chunks.flags.writeable = False
        self._chunks = chunks
        self._detail = detail

    @classmethod
    def of_chunks(cls, chunks: Iterable[int]) -> Coverage:
        """The coverage of whole chunks, given in any order."""
        found = _as_array(chunks)
        return cls(np.unique(found) if len(found) > 1 else found)

    @classmethod
    def of_places(cls, places: Iterable[tuple[int, int]]) -> Coverage:
        """The coverage of (chunk, sub-chunk) pairs, given in any order."""
        found: dict[int, set[int]] = {}
        for chunk, sub_chunk in places:
            found.setdefault(int(chunk), set()).add(int(sub_chunk))
        return cls.of_sub_chunks(found)

    @classmethod
    def of_sub_chunks(cls, sub_chunks: Mapping[int, Iterable[int]]) -> Coverage:
        """The coverage of the given sub-chunks of each chunk."""
        return cls.of_parts((), sub_chunks)

    @classmethod
    def of_parts(cls, whole: Iterable[int], sub_chunks: Mapping[int, Iterable[int]]) -> Coverage:
        """The coverage of some whole chunks, and of the given sub-chunks of others."""
        chunks = np.array(sorted((*whole, *sub_chunks)), np.int32)
        return cls(chunks, {chunk: frozenset(subs) for chunk, subs in sub_chunks.items()})

    @classmethod
    def united(cls, coverages: Iterable[Coverage]) -> Coverage:
        """What is in any of some coverages; in one pass, where ``|`` one by one would copy ever more."""
        parts = list(coverages)
        if len(parts) == 1:
            return parts[0]
        if any(part._chunks is None for part in parts):
            return EVERYTHING
        arrays = [part._chunks for part in parts if part._chunks is not None]
        if not arrays:
            return NOTHING
        chunks = np.unique(np.concatenate(arrays))
        in_part: dict[int, set[int]] = {}
        for part in parts:
            for chunk, subs in part._detail.items():
                in_part.setdefault(chunk, set()).update(subs)
        if not in_part:
            return cls(chunks)
        detailed = np.array(sorted(in_part), np.int32)
        for part, array in zip(parts, arrays, strict=True):
            for chunk in _common(array, detailed).tolist():
                if chunk not in part._detail:
                    in_part.pop(chunk, None)
        return cls(chunks, {chunk: frozenset(subs) for chunk, subs in in_part.items()})

    @property
    def whole(self) -> Coverage:
        """The same chunks, each whole."""
        return Coverage(self._chunks) if self._detail else self

    @property
    def is_everything(self) -> bool:
        """Whether it leaves nothing out."""
        return self._chunks is None

    @property
    def is_nothing(self) -> bool:
        """Whether no row can be in it."""
        return self._chunks is not None and len(self._chunks) == 0

    @property
    def has_sub_chunks(self) -> bool:
        """Whether some chunk is cut down to sub-chunks."""
        return bool(self._detail)

    def chunks(self, available: Int32s) -> Int32s:
        """The chunks in it among those that exist.

        Args:
            available: sorted distinct chunk ids.

        Returns:
            Sorted chunk ids.
        """
        if self._chunks is None:
            return available
        return _common(self._chunks, available)

    def sub_chunks(self, chunk: int) -> frozenset[int] | None:
        """The sub-chunks of a chunk that are in it; None for the whole chunk, empty for one outside."""
        if chunk in self._detail:
            return self._detail[chunk]
        return None if self._has(chunk) else frozenset()

    def __or__(self, other: Coverage) -> Coverage:
        if self._chunks is None or other._chunks is None:
            return EVERYTHING
        detail = {}
        for chunk in self._detail.keys() | other._detail.keys():
            mine, theirs = self.sub_chunks(chunk), other.sub_chunks(chunk)
            if mine is not None and theirs is not None:
                detail[chunk] = mine | theirs
        return Coverage(np.union1d(self._chunks, other._chunks), detail)

    def __and__(self, other: Coverage) -> Coverage:
        if self._chunks is None:
            return other
        if other._chunks is None:
            return self
        common = _common(self._chunks, other._chunks)
        if not self._detail and not other._detail:
            return Coverage(common)
        detail, apart = {}, []
        for chunk in self._detail.keys() | other._detail.keys():
            mine, theirs = self.sub_chunks(chunk), other.sub_chunks(chunk)
            both = theirs if mine is None else mine if theirs is None else mine & theirs
            if both:
                detail[chunk] = both
            elif both is not None:
                apart.append(chunk)
        if apart:
            common = np.setdiff1d(common, np.array(apart, np.int32), assume_unique=True)
        return Coverage(common, detail)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Coverage):
            return NotImplemented
        if self._chunks is None or other._chunks is None:
            return self._chunks is other._chunks
        return np.array_equal(self._chunks, other._chunks) and dict(self._detail) == dict(other._detail)

    def __hash__(self) -> int:
        chunks = None if self._chunks is None else self._chunks.tobytes()
        return hash((chunks, frozenset(self._detail.items())))

    def __repr__(self) -> str:
        if self._chunks is None:
            return "Coverage(everything)"
        if len(self._chunks) > 8:
            return f"Coverage({len(self._chunks)} chunks, {len(self._detail)} of them in part)"
        parts = (f"{c}: {sorted(self._detail[c])}" if c in self._detail else str(c) for c in self._chunks.tolist())
        return f"Coverage({', '.join(parts)})"

    def _has(self, chunk: int) -> bool:
        if self._chunks is None:
            return True
        at = int(np.searchsorted(self._chunks, chunk))
        return at < len(self._chunks) and int(self._chunks[at]) == chunk


def _as_array(chunks: Iterable[int]) -> Int32s:
    if isinstance(chunks, np.ndarray):
        return chunks.astype(np.int32)
    return np.fromiter(chunks, np.int32)


def _common(a: Int32s, b: Int32s) -> Int32s:
    """What two sorted arrays of distinct values share."""
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    if len(small) < 2:
        if len(small) and int(large[min(int(large.searchsorted(small[0])), len(large) - 1)]) != int(small[0]):
            return small[:0]
        return small
    at = np.searchsorted(large, small)
    found: Int32s = small[large.take(at, mode="clip") == small]
    return found


EVERYTHING = Coverage(None)
NOTHING = Coverage(np.empty(0, np.int32))
