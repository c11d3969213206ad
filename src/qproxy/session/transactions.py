"""Transactions, which have nothing to keep or undo where nothing is written, but a state that clients are told of."""

from __future__ import annotations

from dataclasses import dataclass, field

from qproxy.errors import SQLError
from qproxy.session.reader import Reader

#: Server status flags of the protocol (MariaDB Knowledge Base, "OK_Packet", server status).
IN_TRANSACTION = 0x0001
READ_ONLY = 0x2000

#: Statements that are read here.
VERBS = frozenset(("BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"))


@dataclass
class Transaction:
    """Where a session stands.

    Attributes:
        open: whether a transaction was begun and has not ended.
        read_only: whether it was begun READ ONLY.
        savepoints: their names in lower case.
    """

    open: bool = False
    read_only: bool = False
    savepoints: set[str] = field(default_factory=set)

    @property
    def status(self) -> int:
        """Server status flags."""
        return (IN_TRANSACTION | (READ_ONLY if self.read_only else 0)) if self.open else 0

    def end(self) -> None:
        """No transaction is open any more."""
        self.open = self.read_only = False
        self.savepoints.clear()

    def apply(self, sql: str, autocommit: bool) -> None:
        """Take a statement that begins with one of `VERBS`.

        Args:
            autocommit: as the session has it: with it, a savepoint outside of a transaction is gone at once.

        Raises:
            SQLError: 1064 for what is no such statement; 1305 for a savepoint that there is not.
        """
        reader = Reader(sql)
        verb = reader.accept_any(*VERBS)
        if verb == "BEGIN":
            reader.accept_any("WORK")
            self._begin()
        elif verb == "START":
            reader.expect("TRANSACTION")
            self._begin()
            self._characteristics(reader)
        elif verb == "SAVEPOINT":
            name = reader.name().lower()
            if self.open or not autocommit:
                self.savepoints.add(name)
        elif verb == "RELEASE":
            reader.expect("SAVEPOINT")
            self.savepoints.discard(self._known(reader.name()))
        else:
            reader.accept_any("WORK")
            if verb == "ROLLBACK" and reader.accept_any("TO"):
                reader.accept_any("SAVEPOINT")
                self._known(reader.name())
            else:
                self._finish(reader)
        reader.end()

    def _begin(self) -> None:
        self.end()
        self.open = True

    def _characteristics(self, reader: Reader) -> None:
        while not reader.done:
            if reader.accept("WITH", "CONSISTENT", "SNAPSHOT") or reader.accept("READ", "WRITE"):
                pass
            elif reader.accept("READ", "ONLY"):
                self.read_only = True
            else:
                raise reader.error()
            if not reader.accept(","):
                break

    def _finish(self, reader: Reader) -> None:
        chained = False
        if reader.accept("AND"):
            chained = not reader.accept_any("NO")
            reader.expect("CHAIN")
        reader.accept_any("NO")
        reader.accept_any("RELEASE")
        was_open, read_only = self.open, self.read_only
        self.end()
        if chained and was_open:
            self.open, self.read_only = True, read_only

    def _known(self, name: str) -> str:
        if name.lower() not in self.savepoints:
            raise SQLError(1305, f"SAVEPOINT {name} does not exist")
        return name.lower()
