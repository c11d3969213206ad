"""Runs one case on one system and says what is wrong with the answer."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymysql

from tests.harness.answers import Answer, Refusal, ask
from tests.harness.compare import RELATIVE, differences, surplus_rows
from tests.harness.corpus import Case, ExpectedError

Ask = Callable[[str, str], Answer | Refusal]


class Verdicts:
    """Judges answers by those of the oracle, each of which is asked for once.

    Args:
        oracle: asks the oracle: a statement, and the default database.
        shared: a directory where the processes of one run keep answers for each other; None for a process alone.
    """

    def __init__(self, oracle: Ask, shared: Path | None = None) -> None:
        self._oracle = oracle
        self._shared = shared
        self._known: dict[tuple[str, str], Answer] = {}

    def wanted(self, sql: str, database: str) -> Answer:
        """The oracle's answer.

        Raises:
            AssertionError: the oracle refuses the statement.
        """
        key = (sql, database)
        if key not in self._known:
            self._known[key] = self._asked(sql, database) if self._shared is None else self._told(sql, database)
        return self._known[key]

    def _asked(self, sql: str, database: str) -> Answer:
        answer = self._oracle(sql, database)
        assert isinstance(answer, Answer), f"the oracle refuses {sql}: {answer}"
        return answer

    def _told(self, sql: str, database: str) -> Answer:
        """The answer that another process had, or now has of this one."""
        assert self._shared is not None
        file = self._shared / hashlib.sha256(f"{database}\0{sql}".encode()).hexdigest()
        with suppress(FileNotFoundError):
            known: Answer = pickle.loads(file.read_bytes())
            return known
        answer = self._asked(sql, database)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_bytes(pickle.dumps(answer))
        part.replace(file)
        return answer

    def faults(self, case: Case, got: Answer | Refusal) -> list[str]:
        """What is wrong with an answer; empty where nothing is."""
        if case.error is not None:
            return _error_faults(case.error, got)
        if isinstance(got, Refusal):
            return [f"refused with {got.code}: {got.text}"]
        wanted = self.wanted(case.oracle, case.database)
        relative = case.loose or RELATIVE
        if case.limited is None:
            return differences(wanted, got, order=case.ordered, relative=relative)
        pool = self.wanted(case.limited, case.database)
        found = differences(Answer(wanted.columns, ()), Answer(got.columns, ()))
        if len(got.rows) != len(wanted.rows):
            found.append(f"{len(got.rows)} rows, not {len(wanted.rows)}")
        return found + surplus_rows(pool, got, relative)


class Connections:
    """One connection a database to one system, opened anew where it was lost.

    Args:
        connect: opens a connection with the given default database.
    """

    def __init__(self, connect: Callable[[str], pymysql.Connection[Any]]) -> None:
        self._connect = connect
        self._open: dict[str, pymysql.Connection[Any]] = {}

    def ask(self, sql: str, database: str) -> Answer | Refusal:
        """Run a statement; a lost connection counts as a refusal with its code, and does not harm the next case."""
        try:
            if database not in self._open:
                self._open[database] = self._connect(database)
            return ask(self._open[database], sql)
        except (pymysql.err.Error, OSError) as error:
            self.drop(database)
            code = error.args[0] if error.args and isinstance(error.args[0], int) else 2013
            return Refusal(code, f"connection lost: {error}")

    def drop(self, database: str) -> None:
        """Close the connection of a database, as a client does that hangs up."""
        connection = self._open.pop(database, None)
        if connection is not None and connection.open:
            connection._force_close()  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close all connections."""
        for database in list(self._open):
            self.drop(database)


def _error_faults(wanted: ExpectedError, got: Answer | Refusal) -> list[str]:
    if isinstance(got, Answer):
        return [f"{len(got.rows)} rows instead of error {wanted.code}"]
    found = [] if got.code == wanted.code else [f"error {got.code}, not {wanted.code}: {got.text}"]
    if wanted.text.lower() not in got.text.lower():
        found.append(f"the error does not say {wanted.text!r}: {got.text}")
    return found
