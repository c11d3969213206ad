"""Runs SQLAlchemy's dialect compliance suite against the proxy: ``python -m tests.clients.sqlalchemy_suite.run``.

What the suite writes goes to a plain MariaDB, and is loaded by qproxy's ingest before the next statement that reads:
the proxy itself writes nothing. What is read, described and reflected is the proxy's answer.
"""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.clients.sqlalchemy_suite.loading import DATABASES, USER, WRITES, Loader, loader

DIRECTORY = Path(__file__).parent
#: Tests that no requirement of the suite covers, as patterns of class::test, and why they are closed.
CLOSED = {
    "ReturningGuardsTest*::*": "INSERT and DELETE write",
    "QuotedNameArgumentTest*quote ' one*": "names in a description are letters, digits, _ and $",
    'QuotedNameArgumentTest*quote " two*': "names in a description are letters, digits, _ and $",
    "ComponentReflectionTest*::test_get_multi_columns*": "ingest leaves AUTO_INCREMENT out: nothing is inserted",
    "ComponentReflectionTest*::test_autoincrement_col": "ingest leaves AUTO_INCREMENT out: nothing is inserted",
    "ComponentReflectionTest*::test_get_view_names*": "CREATE VIEW writes",
    "TableViaSelectTest*": "CREATE TABLE ... AS and CREATE VIEW write",
    "ServerSideCursorsTest*for_update*": "nothing here can be locked",
    "HasIndexTest*::test_has_index[[]*": "a table of this test has a name that stands for chunk 2 of another",
    "EnumTest*executemany_returning": "INSERT writes",
}


class Closing:
    """Skips what is closed."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            name = item.nodeid.rpartition("suite.py::")[2]
            for pattern, reason in CLOSED.items():
                if fnmatchcase(name, pattern):
                    item.add_marker(pytest.mark.skip(reason=reason))


def divert(target: Loader) -> None:
    """Send what writes to the plain server, and load it before anything is read."""

    def divert_one(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        if context is None or context.dialect.name == "sqlite":
            # The catalogue store of the proxy itself.
            return False
        if not WRITES.match(statement):
            if target.dirty:
                target.settle()
            return False
        database = cursor.connection.db
        name = database.decode() if isinstance(database, bytes) else database
        cursor.rowcount, cursor.lastrowid = target.write(name or DATABASES[0], statement, parameters)
        cursor.description = None
        return True

    @event.listens_for(Engine, "do_execute")
    def execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        return divert_one(cursor, statement, parameters, context)

    @event.listens_for(Engine, "do_execute_no_params")
    def execute_plain(cursor: Any, statement: str, context: Any) -> bool:
        return divert_one(cursor, statement, None, context)

    @event.listens_for(Engine, "do_executemany")
    def execute_many(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        return divert_one(cursor, statement, list(parameters), context)


def main(arguments: list[str]) -> int:
    """Run the suite.

    Args:
        arguments: further ones for pytest.

    Returns:
        Pytest's exit code.
    """
    with loader() as target:
        target.settle()
        divert(target)
        uri = f"mariadb+pymysql://{USER}@127.0.0.1:{target.port}/{DATABASES[0]}?charset=utf8mb4"
        return int(
            pytest.main(
                [
                    str(DIRECTORY / "suite.py"),
                    f"--rootdir={DIRECTORY}",
                    f"-c{DIRECTORY / 'setup.cfg'}",
                    "-psqlalchemy.testing.plugin.pytestplugin",
                    "-pno:asyncio",
                    "-pno:cacheprovider",
                    "-q",
                    f"--dburi={uri}",
                    *arguments,
                ],
                plugins=[Closing()],
            )
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
