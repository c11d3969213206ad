"""mycli: its command line for statements, and what it asks behind an interactive session."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mycli.packages.execution.sql_execute import SQLExecute
from work import Account, Answer, main, refused, told

PROGRAM = Path(sys.executable).with_name("mycli")
_CODE = re.compile(r"\((\d{4}), ")


class Mycli:
    version = version("mycli")
    ways = ("whole",)

    def connect(self, account: Account, tls: bool) -> tuple[Account, bool]:
        return account, tls

    def ask(self, connection: tuple[Account, bool], sql: str, way: str) -> Answer:
        account, tls = connection
        words = [
            *(str(PROGRAM), "--csv", "--no-warn", "--host=127.0.0.1", f"--port={account.port}"),
            *(f"--user={account.user}", f"--password={account.password}", f"--ssl-mode={'on' if tls else 'off'}"),
            *(f"--database={account.database}", "--use-keyring=false", "--myclirc=/dev/null", "--execute", sql),
        ]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            code = _CODE.search(done.stdout + done.stderr)
            assert code is not None, done.stdout + done.stderr
            return refused(int(code[1]))
        lines = list(csv.reader(io.StringIO(done.stdout)))
        return told([(name,) for name in lines[0]] if lines else (), lines[1:])

    def metadata(self, connection: tuple[Account, bool]) -> list[Answer]:
        """What it completes words from."""
        account, _ = connection
        session = SQLExecute(
            account.database, account.user, account.password, "127.0.0.1", account.port, None, "utf8mb4", False, None
        )
        asked: list[Any] = [session.tables, session.table_columns, session.indexed_columns, session.enum_values]
        asked += [session.character_sets, session.collations]
        answers = [told([[ask.__name__]], sorted(map(tuple, ask()))) for ask in asked]
        session.close()
        return answers

    def number(self, connection: tuple[Account, bool]) -> None:
        return None

    def close(self, connection: tuple[Account, bool]) -> None:
        """Each statement has a connection of its own."""


main(Mycli())
