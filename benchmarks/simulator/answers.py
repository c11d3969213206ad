"""What a simulated worker answers: rows that tell how many chunks a statement asked for. Pure.

Every chunk holds one row that any condition finds, and every value of it is 1. So a statement over k chunks gives k
rows, one that reduces its chunks gives one row with k in it, and a merge of such rows gives their sum: whoever asks for
``COUNT(*)`` learns how many chunks were asked, each as often as it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from qproxy.wire.columns import ColumnDef, ColumnType
from qproxy.wire.packets import eof, ok
from qproxy.wire.rowblock import frame, length_encoded, length_prefix

_AUTOCOMMIT = 2
_CHUNK = re.compile(rb"\bObject_\d+\b")
_INSERT = re.compile(rb"INSERT INTO (\S+) VALUES ")
_FIRST_VALUE = re.compile(rb"\((-?\d+)")
_MERGE = re.compile(rb"qproxy_merge_\w+")
OK = frame(ok(_AUTOCOMMIT), 1)


@dataclass
class Answers:
    """The answers on one connection.

    Attributes:
        merged: by scratch table, the sum of the first values that were inserted.
        made: columns of the scratch table made last.
        heads: definitions of columns, by their number.
    """

    merged: dict[bytes, int] = field(default_factory=dict)
    made: int = 0
    heads: dict[int, bytes] = field(default_factory=dict)

    def of(self, statement: bytes) -> bytes:
        """The packets that answer a statement."""
        if not statement.lstrip(b"(").startswith(b"SELECT"):
            insert = _INSERT.search(statement)
            if insert is not None:
                values = _FIRST_VALUE.findall(statement, insert.end())
                self.merged[insert[1]] = self.merged.get(insert[1], 0) + sum(map(int, values))
            elif b" TEMPORARY TABLE " in statement and b" SELECT " in statement:
                self.made = items(statement)
            return OK
        columns = self.made if statement.startswith(b"SELECT * FROM qproxy_merge_") else items(statement)
        if statement.endswith(b"LIMIT 0"):
            return self._result(columns, 0, 0)
        merge = _MERGE.search(statement)
        if merge is not None:
            return self._result(columns, 1, self.merged.pop(merge[0], 0))
        chunks = len(set(_CHUNK.findall(statement)))
        if re.search(rb"\bFROM \((?:\(|SELECT)", statement):
            return self._result(columns, 1, chunks)
        return self._result(columns, chunks, 1)

    def _result(self, columns: int, rows: int, value: int) -> bytes:
        head = self.heads.get(columns)
        if head is None:
            parts = [length_prefix(columns)]
            parts += [ColumnDef(f"c{i}", ColumnType.LONGLONG, length=20).payload() for i in range(columns)]
            parts.append(eof(_AUTOCOMMIT))
            head = self.heads[columns] = b"".join(frame(p, i + 1) for i, p in enumerate(parts))
        row = frame(length_encoded(b"%d" % value) + b"\x011" * (columns - 1), 0)
        # Sequence numbers of rows mean nothing to a reader that counts packets by their sizes.
        return head + row * rows + frame(eof(_AUTOCOMMIT), 0)


def items(statement: bytes) -> int:
    """How many columns the first SELECT of a statement gives."""
    depth, count = 0, 1
    for word in re.finditer(rb"[(),]|'[^']*'|`[^`]*`|\bFROM\b", statement[statement.index(b"SELECT") :]):
        text = word[0]
        if text == b"(":
            depth += 1
        elif text == b")":
            depth -= 1
        elif text == b"," and depth == 0:
            count += 1
        elif text == b"FROM" and depth == 0:
            break
    return count
