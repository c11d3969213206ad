"""The command line client ``mariadb``: its tables and types, batch mode, and Ctrl-C."""

from __future__ import annotations

import re
import signal
import subprocess
import time

from work import Account, Answer, main, refused, told

#: Flags of a column depend on how its server makes the rows: with a temporary table or without.
_PLANNED = ("Flags:",)
_CODE = re.compile(r"^ERROR (\d+) ", re.MULTILINE)


class CommandLine:
    #: In batch mode, and the table that a person sees with what is known of its columns.
    ways = ("batch", "table")

    def __init__(self) -> None:
        told_version = subprocess.run(["mariadb", "--version"], capture_output=True, text=True, check=True).stdout
        found = re.search(r"Distrib ([\d.]+)", told_version) or re.search(r"from ([\d.]+)", told_version)
        self.version = found[1] if found else told_version.strip()

    def connect(self, account: Account, tls: bool) -> list[str]:
        words = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{account.port}", f"-u{account.user}"]
        words += [f"-p{account.password}"] if account.password else []
        return [*words, "--ssl" if tls else "--skip-ssl", "--default-character-set=utf8mb4", account.database]

    def ask(self, connection: list[str], sql: str, way: str) -> Answer:
        return self._batch(connection, sql) if way == "batch" else self._table(connection, sql)

    def number(self, connection: list[str]) -> None:
        return None

    def close(self, connection: list[str]) -> None:
        """Each statement has a connection of its own."""

    def cancelled(self, account: Account, slow: str, before_kill: float) -> int | None:
        """Ctrl-C: it asks the server to kill the query, and tells the error that the query ends with."""
        words = [*self.connect(account, False), "-e", slow]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(before_kill)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        code = _CODE.search(errors)
        return int(code[1]) if code else None

    def _batch(self, connection: list[str], sql: str) -> Answer:
        done = self._run([*connection, "--batch", "--quick", "-e", sql])
        if isinstance(done, dict):
            return done
        lines = [line.split("\t") for line in done.splitlines()]
        return told([(name,) for name in lines[0]] if lines else (), lines[1:])

    def _table(self, connection: list[str], sql: str) -> Answer:
        done = self._run([*connection, "--table", "--column-type-info", "-e", sql])
        if isinstance(done, dict):
            return done
        return told([], [(line,) for line in done.splitlines() if not line.startswith(_PLANNED)])

    def _run(self, words: list[str]) -> str | Answer:
        done = subprocess.run(words, capture_output=True, text=True, errors="backslashreplace", timeout=60, check=False)
        code = _CODE.search(done.stderr)
        if done.returncode:
            assert code is not None, done.stderr
            return refused(int(code[1]))
        return done.stdout


main(CommandLine())
