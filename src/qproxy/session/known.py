"""What statements are known to mean, and what columns they have: a statement that comes again is not read again.

Everything depends on the text, the current database, the databases that the user may see, sql_select_limit and the
catalogue; columns, as a worker gave them, on the session's settings too. All but the catalogue is part of the key, and
with the next catalogue everything is forgotten. A statement that the session's functions and variables go into, or that
others are answered before, is read each time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from qproxy.backends.base import SessionSettings
from qproxy.catalog.model import Catalog
from qproxy.errors import SQLError
from qproxy.planner.constants import SessionValues
from qproxy.planner.patterns import Cut, Pattern, cut, free, pattern
from qproxy.planner.planner import Analysis, analyze, arranged, understood
from qproxy.planner.recipes import Recipe, recipe
from qproxy.wire.columns import Columns

#: Longer statements are not remembered. Characters.
LONGEST = 4_000
#: Bytes that all that is remembered may take, as `_weight` and `_COLUMN` estimate them, for each of the two kinds.
MOST_BYTES = 32 << 20
#: Bytes of an entry, of a character of its statement, of an item of its select list, and of a column's definition:
#: upper bounds of what was measured.
_ENTRY, _CHARACTER, _ITEM, _COLUMN = 2_000, 300, 1_000, 1_000

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True)
class _Form:
    """Statements that differ in their integers alone.

    Attributes:
        places: of the integers that a pattern leaves open.
    """

    places: tuple[int, ...]


class _Unfit:
    """What has to be read each time."""


_SEEN = _Form(())
_UNFIT = _Unfit()


class Recent(Generic[Key, Value]):
    """A mapping that forgets what was not used for long.

    Args:
        most: sum of the weights of all values.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._found: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: Key) -> Value | None:
        """The value of a key; None where it is not known."""
        found = self._found.get(key)
        if found is None:
            return None
        self._found.move_to_end(key)
        return found[0]

    def put(self, key: Key, value: Value, weight: int) -> None:
        """Remember a value, in place of an earlier one of that key."""
        before = self._found.pop(key, None)
        self._weight += weight - (before[1] if before else 0)
        self._found[key] = (value, weight)
        while self._weight > self._most:
            _, (_, least) = self._found.popitem(last=False)
            self._weight -= least

    def clear(self) -> None:
        """Forget everything."""
        self._found.clear()
        self._weight = 0


class Known:
    """What the statements of all sessions are known to mean.

    Args:
        current: the catalogue that new queries use; nothing is remembered of another one.
        most: see `MOST_BYTES`.
    """

    def __init__(self, current: Callable[[], Catalog], most: int = MOST_BYTES) -> None:
        self._current = current
        self._forms: Recent[Hashable, _Form] = Recent(most)
        self._meanings: Recent[Hashable, Recipe | Pattern | Analysis | _Unfit] = Recent(most)
        self._columns: Recent[Hashable, Columns] = Recent(most)

    def forget(self) -> None:
        """Forget everything: another catalogue comes, and what is here would keep the last one."""
        for remembered in (self._forms, self._meanings, self._columns):
            remembered.clear()

    def analysis(self, sql: str, catalog: Catalog, values: SessionValues) -> Analysis:
        """A query understood, as `qproxy.planner.planner.analyze` would.

        Args:
            catalog: what the user may see.

        Raises:
            SQLError: as `analyze`.
        """
        if len(sql) > LONGEST or not self._is_current(catalog):
            return analyze(sql, catalog, values)
        parts = cut(sql)
        visible = None if catalog.whole is None else tuple(catalog.databases)
        key = (parts.pieces, values.database, values.select_limit, visible)
        form = self._forms.get(key)
        if form is None:
            # Most statements that came once come never again.
            self._forms.put(key, _SEEN, _ENTRY + len(sql))
            return analyze(sql, catalog, values)
        meaning = self._meanings.get((key, parts.others(form.places))) if form is not _SEEN else None
        if isinstance(meaning, Recipe):
            return meaning.filled(parts.chosen(form.places))
        if isinstance(meaning, Analysis):
            return meaning
        if isinstance(meaning, Pattern):
            return arranged(meaning.filled(parts.chosen(form.places)), values)
        known = understood(sql, catalog, values)
        analysis = arranged(known, values)
        if meaning is None:
            places = free(sql, parts, known.query)
            weight = _ENTRY + _CHARACTER * len(sql) + _ITEM * len(known.query.items)
            learned: Recipe | Pattern | Analysis | None = analysis if analysis.constant else None
            if places:
                learned = _learned(parts, places, analysis, catalog, values)
            self._forms.put(key, _Form(places), _ENTRY + len(sql))
            self._meanings.put((key, parts.others(places)), learned or _UNFIT, weight if learned else _ENTRY + len(sql))
        return analysis

    def columns(self, analysis: Analysis, settings: SessionSettings) -> Columns | None:
        """The columns of a query's rows, where they are known."""
        if not self._remembers(analysis):
            return None
        return self._columns.get((analysis.shape, analysis.names, settings))

    def keep_columns(self, analysis: Analysis, settings: SessionSettings, columns: Columns) -> None:
        """Remember what a worker said of a query's columns."""
        if self._remembers(analysis):
            weight = _ENTRY + 2 * len(analysis.shape) + _COLUMN * len(columns)
            self._columns.put((analysis.shape, analysis.names, settings), columns, weight)

    def _remembers(self, analysis: Analysis) -> bool:
        return analysis.constant and len(analysis.shape) <= 2 * LONGEST and self._is_current(analysis.query.catalog)

    def _is_current(self, catalog: Catalog) -> bool:
        return (catalog.whole or catalog) is self._current()


def _learned(
    parts: Cut, places: Sequence[int], analysis: Analysis, catalog: Catalog, values: SessionValues
) -> Recipe | Pattern | None:
    """What a statement tells of those that differ in the integers at some places; None for nothing."""
    try:
        found = pattern(parts, places, catalog, values)
        if found is None:
            return None
        standing = arranged(found.known, values)
    except SQLError:
        return None
    return recipe(found, analysis, parts.chosen(places), standing) or found
